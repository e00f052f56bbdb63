// Invoices that were open before these books: docs/accounting.md, "Opening receivables".
#include "host/ledger/draft_invoice.hpp"

namespace berth::ledger {
namespace {

using documents::Invoice;

std::string total_fingerprint(const Invoice& invoice) {
  return fingerprint_of(json::Value::object({{"event", "invoice.opening_total"},
                                             {"currency", invoice.currency.code()},
                                             {"total", invoice.total.to_string()}}));
}

/// Another total, or another currency, belongs to lines that were never posted here, so nobody knows its other side.
std::optional<Refusal> check_unchanged(const Invoice& invoice, const Company& company, const Books& books, std::string_view what) {
  const OpeningReceivable& opening = *books.opening;
  const auto changed = [&](std::string message) {
    return failed("ledger.opening_changed", fmt::format("{}: {} {} of it were open before these books, {}", what, opening.open.to_string(),
                                                        opening.open.currency().code(), message));
  };
  if (invoice.currency != opening.open.currency()) return changed(fmt::format("and now it is in {}", invoice.currency.code()));
  if (company.base_currency != opening.base.currency())
    return changed(fmt::format("and now it belongs to {}, which keeps its books in {}", company.id, company.base_currency.code()));
  if (invoice.total < opening.open) return changed(fmt::format("which is more than its total of {}", invoice.total.to_string()));
  if (!books.opening_total.empty() && books.opening_total != total_fingerprint(invoice))
    return changed(fmt::format("and its total is {} now, which it was not when it was first seen", invoice.total.to_string()));
  return std::nullopt;
}

}  // namespace

DraftEvent draft_opening(const OpeningReceivable& opening, const documents::Source& source, const Company& company,
                         AccountResolver& accounts) {
  DraftEvent event;
  Entry& entry = event.entry;
  entry.event = kOpeningEvent;
  entry.company = company.id;
  entry.date = entry.document_date = opening.date;
  entry.currency = opening.open.currency();
  entry.base_currency = company.base_currency;
  entry.description = opening.number;
  add_line(entry, accounts.role(company.id, role::kReceivable), opening.open, opening.base, Control::kReceivable,
           opening.customer);
  add_line(entry, accounts.role(company.id, role::kOpeningBalance), opening.open.negated(), opening.base.negated());
  event.matches.push_back(
      opening_match(entry, source, opening.customer, Control::kReceivable, opening.open, opening.base));
  entry.fingerprint = fingerprint_of(json::Value::object({{"event", "invoice.opening"},
                                                          {"date", to_string(opening.date)},
                                                          {"company", company.id},
                                                          {"customer", opening.customer},
                                                          {"currency", entry.currency.code()},
                                                          {"open", opening.open.to_string()},
                                                          {"base", opening.base.to_string()}}));
  return event;
}

Drafted draft_opened(Invoice invoice, const Books& books) {
  const std::string what = title_of(invoice.source, invoice.number);
  const auto found = posting_company(books, invoice.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const Company& company = *std::get<const Company*>(found);
  if (auto refusal = normalise_invoice(invoice, books, what)) return *refusal;
  if (invoice.customer.empty()) return failed("ledger.customer_missing", fmt::format("{}: it names no customer", what));
  if (auto refusal = check_unchanged(invoice, company, books, what)) return *refusal;

  const OpeningReceivable& before = *books.opening;
  Draft draft;
  draft.flags.emplace_back("ledger.opening");
  if (invoice.balance && *invoice.balance + invoice.written_off > before.open) draft.flags.emplace_back("ledger.opening_balance");
  AccountResolver accounts(books);
  // Of the invoice now: it may have another customer or company than it was entered with (C2).
  OpeningReceivable opening = before;
  opening.customer = invoice.customer;
  draft.events.push_back(draft_opening(opening, invoice.source, company, accounts));
  DraftEvent seen{invoice_entry(invoice, company, std::string(kOpeningTotalEvent), before.date), {}};
  seen.entry.fingerprint = total_fingerprint(invoice);
  draft.events.push_back(std::move(seen));
  InvoiceTotals totals;
  // Its content belongs to the books before these; only the tax of what is written off now is asked for.
  if (!invoice.written_off.is_zero() && company.policies.bad_debt_relief) {
    if (auto refusal = check_invoice(invoice, what, totals)) return *refusal;
  }
  if (auto refusal = check_relief(invoice, before.open, books, what)) return *refusal;
  if (auto refusal = draft_write_off(invoice, company, totals, {before.open, before.base}, books, what, accounts, draft))
    return *refusal;
  if (auto refusal = accounts.refusal()) return *refusal;
  return draft;
}

}  // namespace berth::ledger
