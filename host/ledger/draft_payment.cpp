// Customer payments: docs/accounting.md, "Payments". One event for the cash, one for every allocation, one for every
// refund.
#include <map>
#include <set>

#include "host/ledger/drafting.hpp"
#include "host/ledger/gates.hpp"
#include "host/ledger/plan.hpp"

namespace berth::ledger {
namespace {

using documents::CustomerPayment;

std::vector<Money*> amounts_of(CustomerPayment& payment) {
  std::vector<Money*> amounts{&payment.amount, &payment.bank_charges, &payment.unused};
  for (documents::Allocation& row : payment.allocations) {
    amounts.push_back(&row.amount);
    amounts.push_back(&row.withheld);
  }
  for (documents::Refund& row : payment.refunds) amounts.push_back(&row.amount);
  return amounts;
}

Entry entry_of(const CustomerPayment& payment, const Company& company, std::string event, Date date) {
  Entry entry;
  entry.event = std::move(event);
  entry.company = company.id;
  entry.date = entry.document_date = date;
  entry.currency = payment.currency;
  entry.base_currency = company.base_currency;
  entry.description = payment.number;
  return entry;
}

/// Splits `charges` over the companies in proportion to their shares, to the cent: whole parts first, then one unit
/// each to the largest remainders (E11).
std::map<std::string, Money> spread(Money charges, const std::map<std::string, Money>& shares, Money amount) {
  std::map<std::string, Money> parts;
  std::vector<std::pair<Int128, std::string>> remainders;
  Money left = charges;
  for (const auto& [company, share] : shares) {
    const Int128 product = static_cast<Int128>(charges.minor()) * share.minor();
    const Int128 whole = amount.is_zero() ? Int128{0} : product / amount.minor();
    const Int128 remainder = amount.is_zero() ? Int128{0} : product % amount.minor();
    parts[company] = Money(static_cast<std::int64_t>(whole), charges.currency());
    left -= parts[company];
    remainders.emplace_back(-remainder, company);  // largest first, then by name
  }
  std::sort(remainders.begin(), remainders.end());
  const Money unit(1, charges.currency());
  for (std::size_t i = 0; !left.is_zero() && i < remainders.size(); ++i, left -= unit)
    parts[remainders[i].second] += unit;
  return parts;
}

/// The companies whose invoices the payment pays, with their shares; what is unused or waits belongs to the payment's
/// own.
struct Shares {
  std::map<std::string, Money> by_company;
  std::map<std::string, const Company*> companies;
};

std::optional<Refusal> find_shares(const CustomerPayment& payment, const Books& books, std::string_view what,
                                   Shares& shares) {
  Money own = payment.amount;
  for (const documents::Allocation& row : payment.allocations) {
    const ReferredDocument* invoice = posted_referred(books, row.invoice);
    if (invoice == nullptr || invoice->company == payment.company) continue;
    own -= row.amount;
    auto [share, is_new] = shares.by_company.emplace(invoice->company, row.amount);
    if (!is_new) share->second += row.amount;
  }
  if (!own.is_zero() || shares.by_company.empty()) shares.by_company.emplace(payment.company, own);
  for (const auto& [id, share] : shares.by_company) {
    const auto found = posting_company(books, id, what);
    if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
    const Company& company = *std::get<const Company*>(found);
    if (auto refusal = check_currency(company, payment.currency, payment.rate, what)) return refusal;
    const std::string& policy = company.policies.intercompany;
    if (shares.by_company.size() > 1 && !policy.empty() && policy != "none") {
      return parked("ledger.intercompany_unsupported",
                    fmt::format("{}: it pays invoices of several companies, and {} asks for \"{}\" between them", what,
                                id, policy),
                    {std::string(kAwaitsIntercompany)});
    }
    shares.companies.emplace(id, &company);
  }
  return std::nullopt;
}

void draft_cash(const CustomerPayment& payment, const Shares& shares, AccountResolver& accounts, Draft& draft) {
  const auto charges = spread(payment.bank_charges, shares.by_company, payment.amount);
  for (const auto& [id, share] : shares.by_company) {
    // The share of the payment's own company is the event `cash`; each other company has its own key, so that a change
    // of one company's share leaves the others alone.
    DraftEvent event{
        entry_of(payment, *shares.companies.at(id), id == payment.company ? "cash" : "cash:" + id, payment.date), {}};
    const Money charge = charges.at(id);
    std::string account;
    if (!share.is_zero()) {
      account = accounts.payment_mode(id, payment.payment_mode);
      add_line(event.entry, account, share - charge);
      if (!charge.is_zero()) add_line(event.entry, accounts.role(id, role::kBankFees), charge);
      add_line(event.entry, accounts.role(id, role::kCredits), share.negated(), Control::kCredits, payment.customer);
    }
    event.matches.push_back(
        make_match(event.entry, payment.source, "", payment.customer, Control::kCredits, true, share.negated()));
    event.entry.fingerprint = fingerprint_of(json::Value::object({{"event", "payment.cash"},
                                                                  {"date", to_string(payment.date)},
                                                                  {"customer", payment.customer},
                                                                  {"currency", payment.currency.code()},
                                                                  {"company", id},
                                                                  {"share", share.to_string()},
                                                                  {"bank_charges", charge.to_string()},
                                                                  {"account", account}}));
    draft.events.push_back(std::move(event));
  }
}

std::optional<Refusal> draft_allocations(const CustomerPayment& payment, const Shares& shares, const Books& books,
                                         std::string_view what, Excess excess, AccountResolver& accounts,
                                         Draft& draft) {
  std::map<std::string, Money> needed;
  for (const documents::Allocation& row : payment.allocations) {
    const Money relief = row.amount + row.withheld;
    if (relief.is_zero()) continue;
    const ReferredDocument* invoice = posted_referred(books, row.invoice);
    if (invoice == nullptr) {
      draft.pending.push_back({row.id, awaited_of(books, row.invoice), row.amount});
      continue;
    }
    if (invoice->currency != payment.currency) {
      return failed("ledger.currency_mismatch",
                    fmt::format("{}: it is in {}, invoice {} in {}", what, payment.currency.code(), invoice->number,
                                invoice->currency.code()));
    }
    auto [sum, is_new] = needed.emplace(row.invoice.id, relief);
    if (!is_new) sum->second += relief;
    if (sum->second > invoice->open + invoice->own_relief) {
      if (excess == Excess::kWait) {
        sum->second -= relief;
        draft.pending.push_back({row.id, awaited_document(invoice->source), row.amount});
        continue;
      }
      return disagreement(
          "ledger.over_application",
          fmt::format("{}: {} are applied to invoice {}, which has {} open", what, sum->second.to_string(),
                      invoice->number, (invoice->open + invoice->own_relief).to_string()),
          {awaited_document(invoice->source)}, payment.source, books);
    }
    const auto own_company = shares.companies.find(invoice->company);
    // A row of nothing but withheld tax gives its company no share of the cash.
    const auto found = own_company != shares.companies.end()
                           ? std::variant<const Company*, Refusal>(own_company->second)
                           : posting_company(books, invoice->company, what);
    if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
    const Company& company = *std::get<const Company*>(found);
    DraftEvent event{entry_of(payment, company, "allocation:" + row.id, row.applied_on.value_or(payment.date)), {}};
    if (!row.amount.is_zero()) {
      add_line(event.entry, accounts.role(company.id, role::kCredits), row.amount, Control::kCredits, payment.customer);
      event.matches.push_back(
          make_match(event.entry, payment.source, "", payment.customer, Control::kCredits, false, row.amount));
    }
    if (!row.withheld.is_zero()) add_line(event.entry, accounts.role(company.id, role::kTaxWithheld), row.withheld);
    add_line(event.entry, accounts.role(company.id, role::kReceivable), relief.negated(), Control::kReceivable,
             invoice->customer);
    event.matches.push_back(make_match(event.entry, invoice->source, row.invoice.id, invoice->customer,
                                       Control::kReceivable, false, relief.negated()));
    // Total and carrying base of the invoice belong here only in foreign currency, where they decide what is relieved.
    // In one currency an edited invoice leaves its allocations alone.
    event.entry.fingerprint = fingerprint_of(json::Value::object({{"event", "payment.allocation"},
                                                                  {"invoice", invoice->source.remote_id},
                                                                  {"amount", row.amount.to_string()},
                                                                  {"withheld", row.withheld.to_string()},
                                                                  {"applied_on", to_string(event.entry.date)},
                                                                  {"currency", payment.currency.code()},
                                                                  {"customer", payment.customer},
                                                                  {"company", company.id},
                                                                  {"invoice_customer", invoice->customer}}));
    draft.events.push_back(std::move(event));
  }
  return std::nullopt;
}

}  // namespace

Drafted draft_payment(CustomerPayment payment, const Books& books, Excess excess) {
  const std::string what = title_of(payment.source, payment.number);
  const auto found = posting_company(books, payment.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const Company& company = *std::get<const Company*>(found);
  if (auto refusal = check_currency(company, payment.currency, payment.rate, what)) return *refusal;
  if (auto refusal = normalise_amounts(amounts_of(payment), payment.currency,
                                       payment.allocations.size() + payment.refunds.size(), what)) {
    return *refusal;
  }
  if (payment.customer.empty()) return failed("ledger.customer_missing", fmt::format("{}: it names no customer", what));
  if (auto refusal = check_payment(payment, what)) return *refusal;

  Draft draft;
  AccountResolver accounts(books);
  Shares shares;
  if (auto refusal = find_shares(payment, books, what, shares)) return *refusal;
  draft_cash(payment, shares, accounts, draft);
  if (auto refusal = draft_allocations(payment, shares, books, what, excess, accounts, draft)) return *refusal;
  draft_refunds(payment.refunds, {"payment.refund", role::kCredits, Control::kCredits, payment.source, payment.customer, payment.currency}, company,
                [&](std::string event, Date date) { return entry_of(payment, company, std::move(event), date); }, accounts, draft);
  if (auto refusal = accounts.refusal()) return *refusal;
  return draft;
}

}  // namespace berth::ledger
