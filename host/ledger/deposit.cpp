#include "host/ledger/deposit.hpp"

#include <algorithm>
#include <utility>

#include "host/core/text.hpp"
#include "host/ledger/drafting.hpp"
#include "host/ledger/plan.hpp"

namespace berth::ledger {
namespace {

using documents::Deposit;

std::vector<Money*> amounts_of(Deposit& deposit) {
  std::vector<Money*> amounts{&deposit.fees, &deposit.net};
  for (documents::DepositPart& part : deposit.payments) amounts.push_back(&part.amount);
  for (documents::DepositPart& part : deposit.refunds) amounts.push_back(&part.amount);
  return amounts;
}

Money sum_of(const std::vector<documents::DepositPart>& parts, Currency currency) {
  Money sum = Money::zero(currency);
  for (const documents::DepositPart& part : parts) sum += part.amount;
  return sum;
}

std::string part_of(bool is_payment, const documents::DepositPart& part) {
  return (is_payment ? "payment/" : "refund/") + part.reference;
}

/// Each payment came into undeposited funds, and each refund left them, with as much, and is in no other payout.
std::optional<Refusal> check_parts(const Deposit& deposit, const Books& books, std::string_view what) {
  std::set<std::string> seen;
  for (const auto* parts : {&deposit.payments, &deposit.refunds}) {
    const bool is_payment = parts == &deposit.payments;
    const std::string_view kind = is_payment ? "payment" : "refund";
    for (const documents::DepositPart& part : *parts) {
      const std::string key = part_of(is_payment, part);
      if (!seen.insert(key).second)
        return failed("ledger.deposit_part", fmt::format("{}: {} {} stands twice", what, kind, part.reference));
      const auto there = books.undeposited.find(key);
      const Money left = there == books.undeposited.end() ? Money::zero(deposit.currency) : there->second;
      if (!part.amount.is_negative() && part.amount <= left) continue;
      return failed("ledger.deposit_part",
                    fmt::format("{}: {} of {} {} are {}, {} of it {} and are in no other payout", what, part.amount.to_string(), kind,
                                part.reference, is_payment ? "paid out" : "taken off", left.to_string(),
                                is_payment ? "are undeposited" : "left undeposited funds"));
    }
  }
  return std::nullopt;
}

}  // namespace

Planned plan_deposit(const Deposit& given, const Books& books) {
  const std::string what = title_of(given.source, given.reference);
  if (given.state != documents::State::kOpen) return plan_draft({}, books, what);
  Deposit deposit = given;
  const auto found = posting_company(books, deposit.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return {std::nullopt, *refusal};
  const Company& company = *std::get<const Company*>(found);
  if (deposit.currency != company.base_currency) {
    return {std::nullopt, failed("ledger.deposit_currency", fmt::format("{}: payouts in {} are not posted, {} keeps its books in {}",
                                                                        what, deposit.currency.code(), company.id,
                                                                        company.base_currency.code()))};
  }
  if (auto refusal = normalise_amounts(amounts_of(deposit), deposit.currency,
                                       deposit.payments.size() + deposit.refunds.size(), what)) {
    return {std::nullopt, std::move(refusal)};
  }
  const Money payments = sum_of(deposit.payments, deposit.currency);
  const Money refunds = sum_of(deposit.refunds, deposit.currency);
  if (deposit.fees.is_negative() || deposit.net + deposit.fees + refunds != payments) {
    return {std::nullopt,
            failed("ledger.deposit_totals",
                   fmt::format("{}: net {} + fees {} + refunds {} is not the payments {}", what, deposit.net.to_string(),
                               deposit.fees.to_string(), refunds.to_string(), payments.to_string()))};
  }
  if (auto refusal = check_parts(deposit, books, what)) return {std::nullopt, std::move(refusal)};

  AccountResolver accounts(books);
  DraftEvent event;
  Entry& entry = event.entry;
  entry.event = "post";
  entry.company = company.id;
  entry.date = entry.document_date = deposit.date;
  entry.currency = entry.base_currency = company.base_currency;
  entry.description = deposit.reference;
  const std::string undeposited = accounts.role(company.id, role::kUndeposited);
  const std::string fees = !deposit.fees_account.empty() || deposit.fees.is_zero()
                               ? deposit.fees_account
                               : accounts.role(company.id, role::kProcessorFees);
  add_line(entry, deposit.bank_account, deposit.net, deposit.net);
  add_line(entry, fees, deposit.fees, deposit.fees);
  add_line(entry, undeposited, (payments - refunds).negated(), (payments - refunds).negated());
  if (auto refusal = accounts.refusal()) return {std::nullopt, std::move(refusal)};

  Draft draft;
  json::Value parts = json::Value::array();
  for (const auto* list : {&deposit.payments, &deposit.refunds}) {
    const bool is_payment = list == &deposit.payments;
    for (const documents::DepositPart& part : *list) {
      parts.push_back(part_of(is_payment, part) + " " + part.amount.to_string());
      draft.payout_parts.push_back({part_of(is_payment, part), company.id, undeposited,
                                    is_payment ? part.amount : part.amount.negated()});
    }
  }
  entry.fingerprint = fingerprint_of(json::Value::object({{"event", "deposit.post"},
                                                          {"date", to_string(deposit.date)},
                                                          {"company", company.id},
                                                          {"bank_account", deposit.bank_account},
                                                          {"fees_account", deposit.fees_account},
                                                          {"parts", std::move(parts)},
                                                          {"fees", deposit.fees.to_string()},
                                                          {"net", deposit.net.to_string()}}));
  draft.events.push_back(std::move(event));
  return plan_draft(std::move(draft), books, what);
}

Status load_deposit(storage::Connection& connection, const Deposit& deposit, Books& books) {
  AccountResolver accounts(books);
  const std::string account = accounts.role(deposit.company, role::kUndeposited);
  // Reversed entries and their reversals cancel, so the sums over all are those of the live ones.
  const auto without_others = [&](const std::string& key, std::int64_t there) -> Result<Money> {
    const auto others = BERTH_TRY(connection.first(
        "SELECT COALESCE(SUM(ABS(amount_minor)), 0) FROM payout_part WHERE part = ? AND company = ? AND account = ? "
        "AND NOT (integration = ? AND remote_id = ?)",
        {key, deposit.company, account, deposit.source.integration, deposit.source.remote_id}));
    return Money(there - others->integer(0), deposit.currency);
  };
  for (const documents::DepositPart& part : deposit.payments) {
    const auto cash = BERTH_TRY(connection.first(
        // CROSS JOIN: the entries first. SQLite would begin with the lines of the account, which are those of all payments.
        "SELECT COALESCE(SUM(l.base_minor), 0) FROM entry AS e CROSS JOIN entry_line AS l WHERE e.local_id = ? "
        "AND l.entry = e.id AND e.company = ? AND l.account = ? AND e.event LIKE 'cash%'",
        {part.reference, deposit.company, account}));
    const std::string key = part_of(true, part);
    books.undeposited[key] = BERTH_TRY(without_others(key, cash->integer(0)));
  }
  for (const documents::DepositPart& part : deposit.refunds) {
    // Of a payment or of a credit note: its id is the remote's.
    const auto refund = BERTH_TRY(connection.first(
        "SELECT COALESCE(-SUM(l.base_minor), 0) FROM entry AS e JOIN entry_line AS l ON l.entry = e.id WHERE e.integration = ? "
        "AND e.entity IN ('customer_payment', 'credit_note') AND e.event = ? AND e.company = ? AND l.account = ?",
        {deposit.source.integration, "refund:" + part.reference, deposit.company, account}));
    const std::string key = part_of(false, part);
    books.undeposited[key] = BERTH_TRY(without_others(key, refund->integer(0)));
  }
  return success();
}

namespace {

constexpr std::string_view kCash = "cash";  // cash, cash:COMPANY
constexpr std::string_view kRefund = "refund:";

bool is_of(const PaidOut& paid, std::string_view event, std::string_view company) {
  return company == paid.company && (paid.event == kCash ? event.starts_with(kCash) : event == paid.event);
}

Status load_part(storage::Connection& connection, const documents::Source& source, const std::string& part, const std::string& event,
                 Books& books) {
  const auto rows = BERTH_TRY(connection.query(
      "SELECT remote_id, company, account, amount_minor FROM payout_part WHERE part = ? AND integration = ? ORDER BY remote_id",
      {part, source.integration}));
  for (const storage::Row& row : rows) {
    const auto company = books.companies.find(row.text(1));
    if (company == books.companies.end()) continue;
    const Currency base = company->second.base_currency;
    auto paid = std::find_if(books.paid_out.begin(), books.paid_out.end(), [&](const PaidOut& one) {
      return one.event == event && one.company == row.text(1) && one.account == row.text(2);
    });
    if (paid == books.paid_out.end()) {
      paid = books.paid_out.insert(paid, {event, row.text(1), row.text(2), Money::zero(base), {}, {}});
      for (const auto& [key, live] : books.live) {
        if (!is_of(*paid, key, live.company)) continue;
        const auto moved = BERTH_TRY(connection.first("SELECT COALESCE(SUM(base_minor), 0) FROM entry_line WHERE entry = ? AND account = ?",
                                                      {live.id, paid->account}));
        const Money into(moved->integer(0), base);
        paid->moved.emplace(live.id, event == kCash ? into : into.negated());
      }
    }
    paid->amount += Money(row.integer(3), base).absolute();
    paid->payouts.push_back("deposit/" + row.text(0));
  }
  return success();
}

}  // namespace

Status load_paid_out(storage::Connection& connection, const documents::Source& source, Books& books) {
  bool has_cash = false;
  for (const auto& [event, live] : books.live) {
    if (event.starts_with(kRefund)) BERTH_CHECK(load_part(connection, source, "refund/" + event.substr(kRefund.size()), event, books));
    if (!event.starts_with(kCash) || std::exchange(has_cash, true)) continue;
    const auto row = BERTH_TRY(connection.first("SELECT local_id FROM entry WHERE id = ?", {live.id}));
    if (row) BERTH_CHECK(load_part(connection, source, "payment/" + row->text(0), std::string(kCash), books));
  }
  return success();
}

std::optional<Refusal> check_paid_out(const Plan& plan, const Books& books, std::string_view what) {
  for (const PaidOut& paid : books.paid_out) {
    Money before = Money::zero(paid.amount.currency());
    for (const auto& [entry, moved] : paid.moved) before += moved;
    Money after = before;
    for (const Reversal& reversal : plan.reversals) {
      if (const auto moved = paid.moved.find(reversal.entry); moved != paid.moved.end()) after -= moved->second;
    }
    for (const Entry& entry : plan.entries) {
      if (!is_of(paid, entry.event, entry.company) || entry.base_currency != after.currency()) continue;
      for (const EntryLine& line : entry.lines) {
        if (line.account == paid.account) after += (line.side == Side::kDebit) == (paid.event == kCash) ? line.base : line.base.negated();
      }
    }
    if (after >= paid.amount || after >= before) continue;
    const std::string part = paid.event == kCash ? std::string("it") : fmt::format("refund {}", paid.event.substr(kRefund.size()));
    return parked("ledger.paid_out",
                  fmt::format("{}: {} of {} are in {}, and {} would be left; change or void the payout first", what, paid.amount.to_string(),
                              part, join(paid.payouts, ", "), after.to_string()),
                  paid.payouts);
  }
  return std::nullopt;
}

}  // namespace berth::ledger
