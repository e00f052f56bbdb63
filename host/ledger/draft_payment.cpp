// Customer payments: docs/accounting.md, "Payments". One event for the cash, one for every allocation, one for every
// refund.
#include <map>
#include <set>

#include "host/ledger/drafting.hpp"
#include "host/ledger/fx.hpp"
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

/// What falls to one company: what is credited to the customer there, in both currencies, and its part of the charges.
struct Share {
  const Company* company = nullptr;
  Money amount, base, charge;
};
/// The companies whose invoices the payment pays; what is unused or waits belongs to the payment's own.
struct Shares {
  std::map<std::string, Share> by_company;
  bool is_between = false;  // the cash is in the payment's own company, the others are owed their part (due_to_from)
};

std::optional<Refusal> find_shares(const CustomerPayment& payment, const Company& own, Money base, const Books& books,
                                   std::string_view what, Shares& shares) {
  std::map<std::string, Money> amounts;
  Money rest = payment.amount;
  for (const documents::Allocation& row : payment.allocations) {
    const ReferredDocument* invoice = posted_referred(books, row.invoice);
    if (invoice == nullptr || invoice->company == payment.company) continue;
    rest -= row.amount;
    auto [share, is_new] = amounts.emplace(invoice->company, row.amount);
    if (!is_new) share->second += row.amount;
  }
  shares.is_between = !amounts.empty() && own.policies.intercompany == kDueToFrom;
  if (!rest.is_zero() || amounts.empty() || shares.is_between) amounts.emplace(payment.company, rest);
  const auto charges = spread(payment.bank_charges, amounts, payment.amount);
  Money done = Money::zero(payment.currency);
  Money base_done = Money::zero(base.currency());
  for (const auto& [id, amount] : amounts) {
    const auto found = posting_company(books, id, what);
    if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
    const Company& company = *std::get<const Company*>(found);
    if (company.base_currency != own.base_currency) {
      return failed("ledger.base_currency_mismatch",
                    fmt::format("{}: {} keeps its books in {}, {} in {}", what, own.id, own.base_currency.code(), id,
                                company.base_currency.code()));
    }
    // Of the whole base as much as of the whole amount, so that the last company takes exactly what is left.
    done += amount;
    const Money until = portion(base, done, payment.amount);
    shares.by_company[id] = Share{&company, amount, until - base_done, charges.at(id)};
    base_done = until;
  }
  return std::nullopt;
}

// E6, E11: the cash of a company's share. Where another company of the group has the bank, that company owes the share.
std::optional<Refusal> draft_cash(const CustomerPayment& payment, const Shares& shares, Conversion& convert,
                                  std::string_view what, AccountResolver& accounts, Draft& draft) {
  for (const auto& [id, share] : shares.by_company) {
    // The share of the payment's own company is the event `cash`; each other company has its own key, so that a change
    // of one company's share leaves the others alone.
    const bool is_own = id == payment.company;
    DraftEvent event{entry_of(payment, *share.company, is_own ? "cash" : "cash:" + id, payment.date), {}};
    Entry& entry = event.entry;
    const auto add = [&](std::string account, Money amount) {
      return add_line(entry, std::move(account), amount, convert(amount));
    };
    json::Value due = json::Value::array();
    std::string account;
    if (!shares.is_between || is_own) {
      const Money cash = shares.is_between ? payment.amount - payment.bank_charges : share.amount - share.charge;
      if (!cash.is_zero() || !share.amount.is_zero()) account = accounts.payment_mode(id, payment.payment_mode);
      add(account, cash);
    } else if (EntryLine* line = add(accounts.role(id, role::kDueFrom), share.amount - share.charge)) {
      line->description = payment.company;
      due.push_back(payment.company);
    }
    if (!share.charge.is_zero()) add(accounts.role(id, role::kBankFees), share.charge);
    if (shares.is_between && is_own) {
      for (const auto& [other, part] : shares.by_company) {
        if (other == id || part.amount == part.charge) continue;
        add(accounts.role(id, role::kDueTo), (part.amount - part.charge).negated())->description = other;
        due.push_back(other + " " + (part.amount - part.charge).to_string());
      }
    }
    if (!share.amount.is_zero()) {
      add_line(entry, accounts.role(id, role::kCredits), share.amount.negated(), share.base.negated(),
               Control::kCredits, payment.customer);
    }
    if (auto refusal = convert.refusal(what)) return refusal;
    if (convert.is_foreign()) {
      if (auto refusal = close_with_rounding(entry, what, [&] { return accounts.role(id, role::kRounding); }))
        return refusal;
    }
    event.matches.push_back(opening_match(entry, payment.source, payment.customer, Control::kCredits,
                                          share.amount.negated(), share.base.negated()));
    json::Value content = json::Value::object({{"event", "payment.cash"},
                                               {"date", to_string(payment.date)},
                                               {"customer", payment.customer},
                                               {"currency", payment.currency.code()},
                                               {"company", id},
                                               {"share", share.amount.to_string()},
                                               {"bank_charges", share.charge.to_string()},
                                               {"account", account}});
    if (!due.items().empty()) content.set("due", std::move(due));
    if (convert.is_foreign()) {
      content.set("rate", convert.rate()->to_plain());
      content.set("base", share.base.to_string());
    }
    entry.rate = convert.rate();
    entry.fingerprint = fingerprint_of(content);
    draft.events.push_back(std::move(event));
  }
  return std::nullopt;
}

// E6 to E10: the invoice leaves at what it is carried at, the customer's credit at what it came in with; tax withheld on
// top is an asset at the rate of the payment.
DraftEvent draft_allocation(const CustomerPayment& payment, const documents::Allocation& row,
                            const ReferredDocument& invoice, const Company& company, const Shares& shares,
                            Conversion& convert, AccountResolver& accounts) {
  DraftEvent event{entry_of(payment, company, "allocation:" + row.id, row.applied_on.value_or(payment.date)), {}};
  if (!row.amount.is_zero()) {
    add_relief(event, {payment.source, "", payment.customer, Control::kCredits}, row.amount,
               accounts.role(company.id, role::kCredits));
  }
  if (!row.withheld.is_zero())
    add_line(event.entry, accounts.role(company.id, role::kTaxWithheld), row.withheld, convert(row.withheld));
  add_relief(event, {invoice.source, row.invoice.id, invoice.customer, Control::kReceivable},
             (row.amount + row.withheld).negated(), accounts.role(company.id, role::kReceivable));
  json::Value content = json::Value::object({{"event", "payment.allocation"},
                                             {"invoice", invoice.source.remote_id},
                                             {"amount", row.amount.to_string()},
                                             {"withheld", row.withheld.to_string()},
                                             {"applied_on", to_string(event.entry.date)},
                                             {"currency", payment.currency.code()},
                                             {"customer", payment.customer},
                                             {"company", company.id},
                                             {"invoice_customer", invoice.customer}});
  // Total and carrying base of both sides belong here only in foreign currency, where they decide what is relieved. In
  // one currency an edited invoice leaves its allocations alone (docs/decisions/0011).
  if (!convert.is_foreign()) {
    event.entry.fingerprint = fingerprint_of(content);
    return event;
  }
  const auto share = shares.by_company.find(company.id);
  content.set("rate", convert.rate()->to_plain());
  if (share != shares.by_company.end()) {
    content.set("share", share->second.amount.to_string());
    content.set("share_base", share->second.base.to_string());
  }
  event.entry.rate = convert.rate();
  event.entry.fingerprint = fingerprint_of(content) + carried_suffix(invoice.total, invoice.base_total);
  event.exchange_account = accounts.role(company.id, role::kExchangeRealised);
  return event;
}

std::optional<Refusal> draft_allocations(const CustomerPayment& payment, const Shares& shares, const Books& books,
                                         std::string_view what, Excess excess, Conversion& convert,
                                         AccountResolver& accounts, Draft& draft) {
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
      // The invoice here may be an older version than the one that is paid.
      return disagreement("ledger.currency_mismatch",
                          fmt::format("{}: it is in {}, invoice {} in {}", what, payment.currency.code(),
                                      invoice->number, invoice->currency.code()),
                          {awaited_document(invoice->source)}, payment.source, books, Consequence::kFailed);
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
    const auto share = shares.by_company.find(invoice->company);
    // A row of nothing but withheld tax gives its company no share of the cash.
    const auto found = share != shares.by_company.end() ? std::variant<const Company*, Refusal>(share->second.company)
                                                        : posting_company(books, invoice->company, what);
    if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
    const Company& company = *std::get<const Company*>(found);
    draft.events.push_back(draft_allocation(payment, row, *invoice, company, shares, convert, accounts));
  }
  return convert.refusal(what);
}

}  // namespace

Drafted draft_payment(CustomerPayment payment, const Books& books, Excess excess) {
  const std::string what = title_of(payment.source, payment.number);
  const auto found = posting_company(books, payment.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return *refusal;
  const Company& company = *std::get<const Company*>(found);
  auto conversion = conversion_of(company, payment.currency, payment.rate, what);
  if (auto* refusal = std::get_if<Refusal>(&conversion)) return std::move(*refusal);
  auto& convert = std::get<Conversion>(conversion);
  if (auto refusal = normalise_amounts(amounts_of(payment), payment.currency,
                                       payment.allocations.size() + payment.refunds.size(), what)) {
    return *refusal;
  }
  if (payment.customer.empty()) return failed("ledger.customer_missing", fmt::format("{}: it names no customer", what));
  if (auto refusal = check_payment(payment, what)) return *refusal;
  auto base = base_total_of(payment.amount, payment.base_amount, convert, what);
  if (auto* refusal = std::get_if<Refusal>(&base)) return std::move(*refusal);
  if (auto refusal = convert.refusal(what)) return *refusal;

  Draft draft;
  AccountResolver accounts(books);
  Shares shares;
  if (auto refusal = find_shares(payment, company, std::get<Money>(base), books, what, shares)) return *refusal;
  if (auto refusal = draft_cash(payment, shares, convert, what, accounts, draft)) return *refusal;
  if (auto refusal = draft_allocations(payment, shares, books, what, excess, convert, accounts, draft)) return *refusal;
  const auto own = shares.by_company.find(payment.company);
  const Share nothing{&company, Money::zero(payment.currency), Money::zero(company.base_currency), {}};
  const Share& own_share = own == shares.by_company.end() ? nothing : own->second;
  if (auto refusal = draft_refunds(
          payment.refunds,
          {"payment.refund", role::kCredits, {payment.source, "", payment.customer, Control::kCredits}, payment.rate,
           own_share.amount, own_share.base},
          company, [&](std::string event, Date date) { return entry_of(payment, company, std::move(event), date); },
          what, accounts, draft)) {
    return *refusal;
  }
  if (auto refusal = accounts.refusal()) return *refusal;
  return draft;
}

}  // namespace berth::ledger
