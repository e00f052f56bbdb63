// Invoices and credit notes: docs/accounting.md, "Invoices" and "Credit notes". What a credit note is applied to stands in
// draft_credit.cpp, what is written off in draft_write_off.cpp.
#include "host/ledger/draft_invoice.hpp"
#include "host/ledger/fx.hpp"
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

// A credit note is an invoice with its sides exchanged, and income taken back goes to its own account (E14).
DraftEvent draft_post(const Invoice& invoice, const Company& company, const InvoiceTotals& totals, Money base_total,
                      Conversion& convert, AccountResolver& accounts) {
  DraftEvent event{invoice_entry(invoice, company, "post", invoice.date), {}};
  Entry& entry = event.entry;
  const auto debit = [&](Money amount) { return invoice.is_credit_note ? amount.negated() : amount; };
  const auto credit = [&](Money amount) { return debit(amount).negated(); };
  const auto add = [&](std::string account, Money signed_amount) {
    return add_line(entry, std::move(account), signed_amount, convert(signed_amount));
  };
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
    json::Value shown = json::Value::object({{"amount", line.amount.to_string()}});
    // Roles and taxes are in no fingerprint: mapped anew, they move what posts from then on (docs/accounting.md).
    if (!invoice.is_credit_note) shown.set("account", account);
    if (is_gross) {
      shown.set("discount", line.discount.to_string());
      shown_discount += line.discount;
    }
    line_texts.push_back(json::canonical(shown));
    income.emplace_back(std::move(account), &line);
  }
  std::string total_account;
  if (invoice.is_total_only && posts) {
    total_account = accounts.reduced_total(company.id);
    line_texts.push_back(json::canonical(json::Value::object({{"reduced_total", total_account}, {"amount", invoice.total.to_string()}})));
  }
  std::sort(line_texts.begin(), line_texts.end());
  for (std::string& text : line_texts) lines.push_back(std::move(text));

  if (posts) {
    add_line(entry, accounts.role(company.id, role::kReceivable), debit(invoice.total), debit(base_total),
             Control::kReceivable, invoice.customer);
    if (invoice.is_total_only) add(total_account, credit(invoice.total));
    if (!shown_discount.is_zero()) add(accounts.role(company.id, role::kDiscount), debit(shown_discount));
    for (const auto& [account, line] : income) {
      EntryLine* added = add(account, credit(is_gross ? line->amount + line->discount : line->amount));
      if (added != nullptr) added->description = line->description;
    }
    if (!invoice.shipping.is_zero()) add(accounts.role(company.id, role::kShipping), credit(invoice.shipping));
    for (const ResolvedTax& tax : totals.taxes) add(accounts.tax(company.id, tax.tax), credit(tax.amount));
    if (!invoice.adjustment.is_zero()) add(accounts.role(company.id, role::kOtherIncome), credit(invoice.adjustment));
    if (!invoice.round_off.is_zero()) add(accounts.role(company.id, role::kRounding), credit(invoice.round_off));
  }
  event.matches.push_back(opening_match(entry, invoice.source, invoice.customer, Control::kReceivable,
                                        debit(invoice.total), debit(base_total)));

  json::Value taxes = json::Value::array();
  for (const ResolvedTax& tax : totals.taxes) {
    taxes.push_back(json::Value::object({{"tax", tax.tax}, {"amount", tax.amount.to_string()}}));
  }
  // Number, reference, due date, balance and version are left out on purpose: what changes only them posts nothing.
  json::Value content = json::Value::object({{"event", invoice.is_credit_note ? "credit_note.post" : "invoice.post"},
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
                                             {"total", invoice.total.to_string()}});
  if (convert.is_foreign()) {
    content.set("rate", convert.rate()->to_plain());
    content.set("base_total", base_total.to_string());
  }
  entry.rate = convert.rate();
  entry.fingerprint = fingerprint_of(content);
  return event;
}

void set_dimensions(const Invoice& invoice, Entry& entry) {
  for (EntryLine& line : entry.lines) {
    line.location = invoice.location;
    line.service_type = invoice.service_type;
  }
}

}  // namespace

std::optional<Refusal> check_relief(const Invoice& invoice, Money total, const Books& books, std::string_view what) {
  Money relieved = invoice.written_off;
  std::vector<std::string> documents;
  for (const IncomingRelief& relief : books.incoming) {
    if (relief.company != invoice.company || relief.customer != invoice.customer ||
        relief.amount.currency() != invoice.currency)
      continue;
    relieved += relief.amount;
    documents.push_back(awaited_document(relief.entry.source));
  }
  if (documents.empty() || relieved <= total) return std::nullopt;
  return disagreement("ledger.over_application",
                      fmt::format("{}: {} of it are paid, credited or written off, its total is now {}", what,
                                  relieved.to_string(), total.to_string()),
                      std::move(documents), invoice.source, books);
}

std::optional<Refusal> normalise_invoice(Invoice& invoice, const Books& books, std::string_view what) {
  const std::size_t rows = invoice.lines.size() + invoice.taxes.size() + invoice.applications.size() +
                           invoice.refunds.size() + books.incoming.size();
  return normalise_amounts(amounts_of(invoice), invoice.currency, rows, what);
}

Entry invoice_entry(const Invoice& invoice, const Company& company, std::string event, Date date) {
  Entry entry;
  entry.event = std::move(event);
  entry.company = company.id;
  entry.date = entry.document_date = date;
  entry.currency = invoice.currency;
  entry.base_currency = company.base_currency;
  entry.description = invoice.number;
  return entry;
}

Drafted draft_invoice(Invoice invoice, const Books& books, Excess excess) {
  const std::string what = title_of(invoice.source, invoice.number);
  const auto found = posting_company(books, invoice.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const Company& company = *std::get<const Company*>(found);
  auto conversion = conversion_of(company, invoice.currency, invoice.rate, what);
  if (auto* refusal = std::get_if<Refusal>(&conversion)) return std::move(*refusal);
  auto& convert = std::get<Conversion>(conversion);
  if (auto refusal = normalise_invoice(invoice, books, what)) return *refusal;
  if (invoice.customer.empty()) return failed("ledger.customer_missing", fmt::format("{}: it names no customer", what));
  InvoiceTotals totals;
  if (auto refusal = check_invoice(invoice, what, totals)) return *refusal;
  auto base = base_total_of(invoice.total, invoice.base_total, convert, what);
  if (auto* refusal = std::get_if<Refusal>(&base)) return std::move(*refusal);
  const Money base_total = std::get<Money>(base);

  Draft draft;
  draft.flags = totals.flags;
  AccountResolver accounts(books);
  draft.events.push_back(draft_post(invoice, company, totals, base_total, convert, accounts));
  if (auto refusal = convert.refusal(what)) return *refusal;
  Entry& post = draft.events.front().entry;
  if (convert.is_foreign()) {
    if (auto refusal = close_with_rounding(post, what, [&] { return accounts.role(company.id, role::kRounding); }))
      return *refusal;
  }
  set_dimensions(invoice, post);
  if (invoice.is_credit_note) {
    if (auto refusal = draft_credit(invoice, company, base_total, books, what, excess, accounts, draft)) return *refusal;
  } else {
    if (auto refusal = check_relief(invoice, invoice.total, books, what)) return *refusal;
    if (auto refusal = draft_write_off(invoice, company, totals, {invoice.total, base_total}, books, what, accounts, draft))
      return *refusal;
  }
  if (auto refusal = accounts.refusal()) return *refusal;
  return draft;
}

}  // namespace berth::ledger
