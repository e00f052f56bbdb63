// Write-offs: docs/accounting.md, E16.
#include "host/ledger/draft_invoice.hpp"

namespace berth::ledger {
namespace {

using documents::Invoice;

/// The remote gives no date of a write-off: it is the day of the first version that shows the amount, at the organisation's
/// clock, which is the one that the time is written in.
Date day_of(const Invoice& invoice, const Books& books) {
  if (books.written_off && *books.written_off == invoice.written_off) return books.live.at("writeoff").document_date;
  if (invoice.modified.size() < 10) return invoice.date;
  const auto date = parse_date(std::string_view(invoice.modified).substr(0, 10));
  return date ? *date : invoice.date;
}

}  // namespace

std::optional<Refusal> draft_write_off(const Invoice& invoice, const Company& company, const InvoiceTotals& totals,
                                       const Opened& opened, const Books& books, std::string_view what,
                                       AccountResolver& accounts, Draft& draft) {
  const Money amount = invoice.written_off;
  if (amount.is_zero()) return std::nullopt;
  if (amount.is_negative() || amount > opened.total) {
    return failed("ledger.write_off", fmt::format("{}: {} of a total of {} are written off", what, amount.to_string(),
                                                  opened.total.to_string()));
  }
  if (invoice.is_total_only && company.policies.bad_debt_relief) {
    Refusal refusal = parked("ledger.relief_unknown",
                             fmt::format("{}: {} are written off, and only its total is known, so nobody knows what of it is tax; it is fetched whole", what, amount.to_string()),
                             {awaited_document(invoice.source)});
    refusal.forced_fetch = {awaited_document(invoice.source)};
    return refusal;
  }
  draft.flags.emplace_back("ledger.write_off_date");
  DraftEvent event{invoice_entry(invoice, company, "writeoff", day_of(invoice, books)), {}};
  Entry& entry = event.entry;
  // The tax that was owed on what is never paid comes back only where the company asks its authority for it.
  json::Value taxes = json::Value::array();
  std::vector<std::pair<std::string, Money>> relieved_taxes;
  Money cost = amount;
  for (const ResolvedTax& tax : totals.taxes) {
    if (!company.policies.bad_debt_relief) break;
    const Money part = portion(tax.amount, amount, invoice.total);
    if (part.is_zero()) continue;
    cost -= part;
    taxes.push_back(json::Value::object({{"tax", tax.tax}, {"amount", part.to_string()}}));
    relieved_taxes.emplace_back(accounts.tax(company.id, tax.tax), part);
  }
  // The base of these lines is their share of what the invoice is carried at (Closing::kShares).
  const auto base = [&](Money part) {
    return entry.currency == entry.base_currency ? part : Money::zero(entry.base_currency);
  };
  add_line(entry, accounts.role(company.id, role::kBadDebt), cost, base(cost));
  for (const auto& [account, part] : relieved_taxes) add_line(entry, account, part, base(part));
  add_relief(event, {invoice.source, "", invoice.customer, Control::kReceivable}, amount.negated(),
             accounts.role(company.id, role::kReceivable));
  event.closing = Closing::kShares;
  for (EntryLine& line : entry.lines) {
    line.location = invoice.location;
    line.service_type = invoice.service_type;
  }
  // Its date is derived from the version, so it is no part of what it is.
  entry.fingerprint = fingerprint_of(json::Value::object({{"event", "invoice.writeoff"},
                                                          {"company", company.id},
                                                          {"customer", invoice.customer},
                                                          {"currency", invoice.currency.code()},
                                                          {"written_off", amount.to_string()},
                                                          {"location", invoice.location},
                                                          {"service_type", invoice.service_type},
                                                          {"taxes", std::move(taxes)}}));
  if (entry.currency != entry.base_currency) entry.fingerprint += carried_suffix(opened.total, opened.base);
  draft.events.push_back(std::move(event));
  return std::nullopt;
}

}  // namespace berth::ledger
