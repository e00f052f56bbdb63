// What credit notes are applied to and refunded: docs/accounting.md, "Credit notes".
#include "host/ledger/draft_invoice.hpp"
#include "host/ledger/fx.hpp"
#include "host/ledger/plan.hpp"

namespace berth::ledger {
namespace {

using documents::Application;
using documents::Invoice;

/// What every application of one credit note needs.
struct Note {
  const Invoice& document;
  const Company& company;
  Money base_total;
  const Books& books;
  std::string_view what;
  [[nodiscard]] bool is_foreign() const { return document.currency != company.base_currency; }
  [[nodiscard]] Relieved item() const { return {document.source, "", document.customer, Control::kReceivable}; }
};

// T14: what is applied and refunded is at most the credit note.
std::optional<Refusal> check_applications(const Note& note) {
  Money used = Money::zero(note.document.currency);
  std::vector<std::string> invoices;
  for (const Application& row : note.document.applications) {
    if (row.amount.is_negative())
      return failed("ledger.credit_over_applied", fmt::format("{}: application {} is negative", note.what, row.id));
    used += row.amount;
    invoices.push_back(awaited_of(note.books, row.invoice));
  }
  for (const documents::Refund& row : note.document.refunds) {
    if (row.amount.is_negative())
      return failed("ledger.credit_over_applied", fmt::format("{}: refund {} is negative", note.what, row.id));
    used += row.amount;
  }
  if (used <= note.document.total) return std::nullopt;
  return disagreement("ledger.credit_over_applied",
                      fmt::format("{}: {} of it are applied or refunded, its total is {}", note.what, used.to_string(),
                                  note.document.total.to_string()),
                      std::move(invoices), note.document.source, note.books);
}

std::string fingerprint_of_application(const Note& note, const Application& row, const ReferredDocument& invoice,
                                       const Entry& entry, std::string_view leg) {
  json::Value content = json::Value::object({{"event", "credit_application"},
                                             {"invoice", invoice.source.remote_id},
                                             {"amount", row.amount.to_string()},
                                             {"applied_on", to_string(entry.date)},
                                             {"company", entry.company},
                                             {"customer", note.document.customer},
                                             {"currency", note.document.currency.code()}});
  if (!leg.empty()) content.set("leg", leg);
  // Total and base of both sides belong here only where rates can differ, that is in foreign currency.
  if (note.is_foreign()) {
    content.set("note_total", note.document.total.to_string());
    content.set("note_base", note.base_total.to_string());
  }
  std::string fingerprint = fingerprint_of(content);
  if (note.is_foreign()) fingerprint += carried_suffix(invoice.total, invoice.base_total);
  return fingerprint;
}

// E14, E15: within one company it is matching only; a difference of what both are carried at is realised.
void draft_application(const Note& note, const Application& row, const ReferredDocument& invoice,
                       AccountResolver& accounts, Draft& draft) {
  DraftEvent event{invoice_entry(note.document, note.company, "credit_application:" + row.id,
                                 row.applied_on.value_or(note.document.date)),
                   {}};
  add_relief(event, note.item(), row.amount, std::nullopt);
  add_relief(event, {invoice.source, row.invoice.id, invoice.customer, Control::kReceivable}, row.amount.negated(),
             std::nullopt);
  if (note.is_foreign()) event.exchange_account = accounts.role(note.company.id, role::kExchangeRealised);
  event.entry.fingerprint = fingerprint_of_application(note, row, invoice, event.entry, "");
  draft.events.push_back(std::move(event));
}

// The credit of one company settles the invoice of another one: the first owes the second (docs/decisions/0010).
std::optional<Refusal> draft_between(const Note& note, const Application& row, const ReferredDocument& invoice,
                                     AccountResolver& accounts, Draft& draft) {
  const auto found = posting_company(note.books, invoice.company, note.what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const Company& other = *std::get<const Company*>(found);
  auto conversion = conversion_of(note.company, note.document.currency, note.document.rate, note.what);
  if (auto* refusal = std::get_if<Refusal>(&conversion)) return std::move(*refusal);
  auto& convert = std::get<Conversion>(conversion);
  if (other.base_currency != note.company.base_currency) {
    return failed("ledger.base_currency_mismatch",
                  fmt::format("{}: {} keeps its books in {}, {} in {}", note.what, note.company.id,
                              note.company.base_currency.code(), other.id, other.base_currency.code()));
  }
  const Money base = convert(row.amount);
  if (auto refusal = convert.refusal(note.what)) return refusal;
  const Date date = row.applied_on.value_or(note.document.date);
  const std::string key = "credit_application:" + row.id;

  DraftEvent giving{invoice_entry(note.document, note.company, key, date), {}};
  add_relief(giving, note.item(), row.amount, accounts.role(note.company.id, role::kReceivable));
  if (EntryLine* due = add_line(giving.entry, accounts.role(note.company.id, role::kDueTo), row.amount.negated(), base.negated()))
    due->description = other.id;
  DraftEvent taking{invoice_entry(note.document, other, key + ":" + other.id, date), {}};
  if (EntryLine* due = add_line(taking.entry, accounts.role(other.id, role::kDueFrom), row.amount, base))
    due->description = note.company.id;
  add_relief(taking, {invoice.source, row.invoice.id, invoice.customer, Control::kReceivable}, row.amount.negated(),
             accounts.role(other.id, role::kReceivable));
  for (DraftEvent* event : {&giving, &taking}) {
    event->entry.rate = convert.rate();
    if (note.is_foreign()) event->exchange_account = accounts.role(event->entry.company, role::kExchangeRealised);
    event->entry.fingerprint = fingerprint_of_application(note, row, invoice, event->entry, "between");
    draft.events.push_back(std::move(*event));
  }
  return std::nullopt;
}

std::optional<Refusal> draft_applications(const Note& note, Excess excess, AccountResolver& accounts, Draft& draft) {
  std::map<std::string, Money> needed;
  for (const Application& row : note.document.applications) {
    if (row.amount.is_zero()) continue;
    const ReferredDocument* invoice = posted_referred(note.books, row.invoice);
    if (invoice == nullptr) {
      draft.pending.push_back({row.id, awaited_of(note.books, row.invoice), row.amount});
      continue;
    }
    if (invoice->currency != note.document.currency) {
      // The invoice here may be an older version than the one that the credit is applied to; so below.
      return disagreement("ledger.currency_mismatch",
                          fmt::format("{}: it is in {}, invoice {} in {}", note.what, note.document.currency.code(),
                                      invoice->number, invoice->currency.code()),
                          {awaited_document(invoice->source)}, note.document.source, note.books, Consequence::kFailed);
    }
    if (invoice->customer != note.document.customer) {
      return disagreement("ledger.customer_mismatch",
                          fmt::format("{}: it is of customer {}, invoice {} of {}", note.what, note.document.customer,
                                      invoice->number, invoice->customer),
                          {awaited_document(invoice->source)}, note.document.source, note.books, Consequence::kFailed);
    }
    const bool is_between = invoice->company != note.company.id;
    if (is_between && note.company.policies.intercompany != kDueToFrom) {
      return parked("ledger.intercompany_unsupported",
                    fmt::format("{}: it belongs to {}, invoice {} to {}, and {} has no entries between companies "
                                "(policies.intercompany)",
                                note.what, note.company.id, invoice->number, invoice->company, note.company.id),
                    {std::string(kAwaitsIntercompany), awaited_document(invoice->source)});
    }
    auto [sum, is_new] = needed.emplace(row.invoice.id, row.amount);
    if (!is_new) sum->second += row.amount;
    if (sum->second > invoice->open + invoice->own_relief) {
      if (excess == Excess::kWait) {
        sum->second -= row.amount;
        draft.pending.push_back({row.id, awaited_document(invoice->source), row.amount});
        continue;
      }
      return disagreement(
          "ledger.over_application",
          fmt::format("{}: {} are applied to invoice {}, which has {} open", note.what, sum->second.to_string(),
                      invoice->number, (invoice->open + invoice->own_relief).to_string()),
          {awaited_document(invoice->source)}, note.document.source, note.books);
    }
    if (!is_between) {
      draft_application(note, row, *invoice, accounts, draft);
    } else if (auto refusal = draft_between(note, row, *invoice, accounts, draft)) {
      return refusal;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> draft_credit(const Invoice& document, const Company& company, Money base_total,
                                    const Books& books, std::string_view what, Excess excess,
                                    AccountResolver& accounts, Draft& draft) {
  const Note note{document, company, base_total, books, what};
  if (auto refusal = check_applications(note)) return refusal;
  if (auto refusal = draft_applications(note, excess, accounts, draft)) return refusal;
  return draft_refunds(
      document.refunds,
      {"credit_note.refund", role::kReceivable, note.item(), document.rate, document.total, base_total}, company,
      [&](std::string event, Date date) { return invoice_entry(document, company, std::move(event), date); }, what,
      accounts, draft);
}

}  // namespace berth::ledger
