// Invoices and credit notes: docs/accounting.md, "Invoices" and "Credit notes".
#include "host/ledger/drafting.hpp"
#include "host/ledger/gates.hpp"
#include "host/ledger/plan.hpp"

namespace berth::ledger {
namespace {

using documents::Invoice;

std::vector<Money*> amounts_of(Invoice& invoice) {
  std::vector<Money*> amounts{&invoice.discount,        &invoice.shipping,  &invoice.shipping_with_tax,
                              &invoice.adjustment,      &invoice.round_off, &invoice.sub_total,
                              &invoice.tax_total,       &invoice.total,     &invoice.payments_applied,
                              &invoice.credits_applied, &invoice.withheld,  &invoice.written_off};
  if (invoice.balance) amounts.push_back(&*invoice.balance);
  for (documents::Line& line : invoice.lines) {
    amounts.push_back(&line.discount);
    amounts.push_back(&line.amount);
    for (documents::LineTax& tax : line.taxes) amounts.push_back(&tax.amount);
  }
  for (documents::HeaderTax& tax : invoice.taxes) amounts.push_back(&tax.amount);
  for (documents::Application& row : invoice.applications) amounts.push_back(&row.amount);
  for (documents::Refund& row : invoice.refunds) amounts.push_back(&row.amount);
  return amounts;
}

Entry entry_of(const Invoice& invoice, const Company& company, std::string event, Date date) {
  Entry entry;
  entry.event = std::move(event);
  entry.company = company.id;
  entry.date = entry.document_date = date;
  entry.currency = invoice.currency;
  entry.base_currency = company.base_currency;
  entry.description = invoice.number;
  return entry;
}

// A credit note is an invoice with its sides exchanged, and income taken back goes to its own account (E14).
DraftEvent draft_post(const Invoice& invoice, const Company& company, const InvoiceTotals& totals,
                      AccountResolver& accounts) {
  DraftEvent event{entry_of(invoice, company, "post", invoice.date), {}};
  Entry& entry = event.entry;
  const auto debit = [&](Money amount) { return invoice.is_credit_note ? amount.negated() : amount; };
  const auto credit = [&](Money amount) { return debit(amount).negated(); };
  const bool is_gross = company.policies.presentation == Presentation::kGross && totals.document_discount.is_zero() &&
                        accounts.has_role(company.id, role::kDiscount);
  const bool posts = !invoice.total.is_zero();  // L2: a total of zero is recorded without lines

  json::Value lines = json::Value::array();
  std::vector<std::string> line_texts;  // in an order that does not depend on the remote's
  Money shown_discount = totals.document_discount;
  std::vector<std::pair<std::string, const documents::Line*>> income;
  for (const documents::Line& line : invoice.lines) {
    if (line.amount.is_zero() && !(is_gross && !line.discount.is_zero())) continue;
    std::string account = !posts                   ? std::string()
                          : invoice.is_credit_note ? accounts.role(company.id, role::kReturns)
                                                   : accounts.income(company.id, line);
    json::Value shown = json::Value::object({{"account", account}, {"amount", line.amount.to_string()}});
    if (is_gross) {
      shown.set("discount", line.discount.to_string());
      shown_discount += line.discount;
    }
    line_texts.push_back(json::canonical(shown));
    income.emplace_back(std::move(account), &line);
  }
  std::sort(line_texts.begin(), line_texts.end());
  for (std::string& text : line_texts) lines.push_back(std::move(text));

  if (posts) {
    add_line(entry, accounts.role(company.id, role::kReceivable), debit(invoice.total), Control::kReceivable,
             invoice.customer);
    if (!shown_discount.is_zero()) add_line(entry, accounts.role(company.id, role::kDiscount), debit(shown_discount));
    for (const auto& [account, line] : income) {
      EntryLine* added = add_line(entry, account, credit(is_gross ? line->amount + line->discount : line->amount));
      if (added != nullptr) added->description = line->description;
    }
    if (!invoice.shipping.is_zero())
      add_line(entry, accounts.role(company.id, role::kShipping), credit(invoice.shipping));
    for (const ResolvedTax& tax : totals.taxes) add_line(entry, accounts.tax(company.id, tax.tax), credit(tax.amount));
    if (!invoice.adjustment.is_zero())
      add_line(entry, accounts.role(company.id, role::kOtherIncome), credit(invoice.adjustment));
    if (!invoice.round_off.is_zero())
      add_line(entry, accounts.role(company.id, role::kRounding), credit(invoice.round_off));
    for (EntryLine& line : entry.lines) {
      line.location = invoice.location;
      line.service_type = invoice.service_type;
    }
  }
  event.matches.push_back(
      make_match(entry, invoice.source, "", invoice.customer, Control::kReceivable, true, debit(invoice.total)));

  json::Value taxes = json::Value::array();
  for (const ResolvedTax& tax : totals.taxes) {
    taxes.push_back(json::Value::object({{"tax", tax.tax}, {"amount", tax.amount.to_string()}}));
  }
  // Number, reference, due date, balance and version are left out on purpose: what changes only them posts nothing.
  entry.fingerprint =
      fingerprint_of(json::Value::object({{"event", invoice.is_credit_note ? "credit_note.post" : "invoice.post"},
                                          {"date", to_string(invoice.date)},
                                          {"company", company.id},
                                          {"customer", invoice.customer},
                                          {"currency", invoice.currency.code()},
                                          {"location", invoice.location},
                                          {"service_type", invoice.service_type},
                                          {"lines", std::move(lines)},
                                          {"taxes", std::move(taxes)},
                                          {"discount", totals.document_discount.to_string()},
                                          {"shipping", invoice.shipping.to_string()},
                                          {"adjustment", invoice.adjustment.to_string()},
                                          {"round_off", invoice.round_off.to_string()},
                                          {"total", invoice.total.to_string()}}));
  return event;
}

// An edit must not leave an invoice below what live payments and credits take from it. Those of another company or
// customer are taken back by this plan, so they do not count.
std::optional<Refusal> check_relief(const Invoice& invoice, const Books& books, std::string_view what) {
  Money relieved = Money::zero(invoice.currency);
  std::vector<std::string> documents;
  for (const IncomingRelief& relief : books.incoming) {
    if (relief.company != invoice.company || relief.customer != invoice.customer ||
        relief.amount.currency() != invoice.currency)
      continue;
    relieved += relief.amount;
    documents.push_back(awaited_document(relief.entry.source));
  }
  if (documents.empty() || relieved <= invoice.total) return std::nullopt;
  return disagreement("ledger.over_application",
                      fmt::format("{}: payments and credits of {} are applied to it, its total is now {}", what,
                                  relieved.to_string(), invoice.total.to_string()),
                      std::move(documents), invoice.source, books);
}

// T14: what is applied and refunded is at most the credit note.
std::optional<Refusal> check_applications(const Invoice& note, const Books& books, std::string_view what) {
  Money used = Money::zero(note.currency);
  std::vector<std::string> invoices;
  for (const documents::Application& row : note.applications) {
    if (row.amount.is_negative())
      return failed("ledger.credit_over_applied", fmt::format("{}: application {} is negative", what, row.id));
    used += row.amount;
    invoices.push_back(awaited_of(books, row.invoice));
  }
  for (const documents::Refund& row : note.refunds) {
    if (row.amount.is_negative())
      return failed("ledger.credit_over_applied", fmt::format("{}: refund {} is negative", what, row.id));
    used += row.amount;
  }
  if (used <= note.total) return std::nullopt;
  return disagreement("ledger.credit_over_applied",
                      fmt::format("{}: {} of it are applied or refunded, its total is {}", what, used.to_string(),
                                  note.total.to_string()),
                      std::move(invoices), note.source, books);
}

std::optional<Refusal> draft_applications(const Invoice& note, const Company& company, const Books& books,
                                          std::string_view what, Excess excess, Draft& draft) {
  std::map<std::string, Money> needed;
  for (const documents::Application& row : note.applications) {
    if (row.amount.is_zero()) continue;
    const ReferredDocument* invoice = posted_referred(books, row.invoice);
    if (invoice == nullptr) {
      draft.pending.push_back({row.id, awaited_of(books, row.invoice), row.amount});
      continue;
    }
    if (invoice->currency != note.currency) {
      return failed("ledger.currency_mismatch",
                    fmt::format("{}: it is in {}, invoice {} in {}", what, note.currency.code(), invoice->number,
                                invoice->currency.code()));
    }
    // Matching moves nothing in the books, so both sides must be the same receivable.
    if (invoice->company != company.id) {
      return parked(
          "ledger.intercompany_unsupported",
          fmt::format("{}: it belongs to {}, invoice {} to {}", what, company.id, invoice->number, invoice->company),
          {std::string(kAwaitsIntercompany)});
    }
    if (invoice->customer != note.customer) {
      return failed("ledger.customer_mismatch", fmt::format("{}: it is of customer {}, invoice {} of {}", what,
                                                            note.customer, invoice->number, invoice->customer));
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
          fmt::format("{}: {} are applied to invoice {}, which has {} open", what, sum->second.to_string(),
                      invoice->number, (invoice->open + invoice->own_relief).to_string()),
          {awaited_document(invoice->source)}, note.source, books);
    }
    DraftEvent event{entry_of(note, company, "credit_application:" + row.id, row.applied_on.value_or(note.date)), {}};
    event.matches.push_back(
        make_match(event.entry, note.source, "", note.customer, Control::kReceivable, false, row.amount));
    event.matches.push_back(make_match(event.entry, invoice->source, row.invoice.id, invoice->customer,
                                       Control::kReceivable, false, row.amount.negated()));
    // Totals and bases of both sides belong here only where rates can differ, that is in foreign currency.
    event.entry.fingerprint = fingerprint_of(json::Value::object({{"event", "credit_application"},
                                                                  {"invoice", invoice->source.remote_id},
                                                                  {"amount", row.amount.to_string()},
                                                                  {"applied_on", to_string(event.entry.date)},
                                                                  {"company", company.id},
                                                                  {"customer", note.customer},
                                                                  {"currency", note.currency.code()}}));
    draft.events.push_back(std::move(event));
  }
  return std::nullopt;
}

}  // namespace

Drafted draft_invoice(Invoice invoice, const Books& books, Excess excess) {
  const std::string what = title_of(invoice.source, invoice.number);
  const auto found = posting_company(books, invoice.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const Company& company = *std::get<const Company*>(found);
  if (auto refusal = check_currency(company, invoice.currency, invoice.rate, what)) return *refusal;
  const std::size_t rows = invoice.lines.size() + invoice.taxes.size() + invoice.applications.size() +
                           invoice.refunds.size() + books.incoming.size();
  if (auto refusal = normalise_amounts(amounts_of(invoice), invoice.currency, rows, what)) return *refusal;
  if (invoice.customer.empty()) return failed("ledger.customer_missing", fmt::format("{}: it names no customer", what));
  if (!invoice.written_off.is_zero()) {
    return parked("ledger.write_off_unsupported",
                  fmt::format("{}: {} of it are written off; write-offs are not posted yet", what,
                              invoice.written_off.to_string()),
                  {std::string(kAwaitsWriteOff)});
  }
  InvoiceTotals totals;
  if (auto refusal = check_invoice(invoice, what, totals)) return *refusal;

  Draft draft;
  draft.flags = totals.flags;
  AccountResolver accounts(books);
  draft.events.push_back(draft_post(invoice, company, totals, accounts));
  if (invoice.is_credit_note) {
    if (auto refusal = check_applications(invoice, books, what)) return *refusal;
    if (auto refusal = draft_applications(invoice, company, books, what, excess, draft)) return *refusal;
    draft_refunds(invoice.refunds, {"credit_note.refund", role::kReceivable, Control::kReceivable, invoice.source, invoice.customer, invoice.currency},
                  company, [&](std::string event, Date date) { return entry_of(invoice, company, std::move(event), date); }, accounts, draft);
  } else if (auto refusal = check_relief(invoice, books, what)) {
    return *refusal;
  }
  if (auto refusal = accounts.refusal()) return *refusal;
  return draft;
}

}  // namespace berth::ledger
