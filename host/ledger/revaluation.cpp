#include "host/ledger/revaluation.hpp"

#include "host/ledger/drafting.hpp"
#include "host/ledger/fx.hpp"
#include "host/ledger/plan.hpp"

namespace berth::ledger {
namespace {

constexpr std::string_view kEvent = "revaluation";

documents::Source source_of(const Revaluation& revaluation) {
  return {revaluation.integration, std::string(kEvent),
          fmt::format("{}/{}/{}", revaluation.company, revaluation.currency.code(), to_string(revaluation.period_end)),
          revaluation.rate.to_plain()};
}

/// C3: the day after, or the first open one. Where the policy does not move dates, what could not be taken back does not post.
Result<Date> taken_back_on(const Entry& entry, const Books& books) {
  const Date day = entry.date.plus_days(1);
  const auto closed = books.closed.find(entry.company);
  if (closed == books.closed.end() || !closed->second.contains(Month::of(day))) return day;
  if (books.companies.at(entry.company).policies.periods == PeriodPolicy::kRedate)
    return first_open_day(day, closed->second);
  return make_error(Code::kInvalidArgument, "ledger.period_locked",
                    fmt::format("{}: it would be taken back in {}, which is closed", entry.description,
                                awaited_period(entry.company, Month::of(day))));
}

std::string title_of(const Revaluation& revaluation) {
  return fmt::format("revaluation of {} {} at {}", revaluation.company, revaluation.currency.code(), to_string(revaluation.period_end));
}

Planned draft_revaluation(const Revaluation& revaluation, const Books& books) {
  const std::string what = title_of(revaluation);
  const auto found = posting_company(books, revaluation.company, what);
  if (const auto* refusal = std::get_if<Refusal>(&found)) return {std::nullopt, *refusal};
  const Company& company = *std::get<const Company*>(found);
  auto conversion = conversion_of(company, revaluation.currency, revaluation.rate, what);
  if (auto* refusal = std::get_if<Refusal>(&conversion)) return {std::nullopt, std::move(*refusal)};
  auto& convert = std::get<Conversion>(conversion);
  if (!convert.is_foreign() || (revaluation.open.empty() && revaluation.posted.is_zero())) return {Plan{}, std::nullopt};

  Money open = Money::zero(revaluation.currency);
  Money carried = Money::zero(company.base_currency);
  json::Value items = json::Value::array();
  for (const OpenAmount& item : revaluation.open) {
    open += item.open;
    carried += item.base;
    items.push_back(item.document + " " + item.open.to_string() + " " + item.base.to_string());
  }
  const Money posted = revaluation.posted.is_zero() ? Money::zero(company.base_currency) : revaluation.posted;
  const Money difference = convert(open) - carried - posted;
  if (auto refusal = convert.refusal(what)) return {std::nullopt, std::move(refusal)};
  if (difference.is_zero()) return {Plan{}, std::nullopt};

  DraftEvent event;
  Entry& entry = event.entry;
  entry.event = kEvent;
  entry.company = company.id;
  entry.date = entry.document_date = revaluation.period_end;
  entry.currency = revaluation.currency;
  entry.base_currency = company.base_currency;
  entry.rate = convert.rate();
  entry.description = what;
  AccountResolver accounts(books);
  // On the receivable account, but no open item: what a customer owes does not change.
  add_line(entry, accounts.role(company.id, role::kReceivable), Money::zero(revaluation.currency), difference);
  add_line(entry, accounts.role(company.id, role::kExchangeUnrealised), Money::zero(revaluation.currency), difference.negated());
  if (auto refusal = accounts.refusal()) return {std::nullopt, std::move(refusal)};
  entry.fingerprint = fingerprint_of(json::Value::object({{"event", kEvent},
                                                          {"company", company.id},
                                                          {"period_end", to_string(revaluation.period_end)},
                                                          {"currency", revaluation.currency.code()},
                                                          {"rate", revaluation.rate.to_plain()},
                                                          {"posted", posted.to_string()},
                                                          {"open", std::move(items)}}));
  Draft draft;
  draft.events.push_back(std::move(event));
  return plan_draft(std::move(draft), books, what);
}

}  // namespace

Result<Revaluation> load_revaluation(storage::Connection& connection, std::string_view integration,
                                     std::string_view company, Currency currency, const Decimal& rate, Date period_end) {
  Revaluation loaded{std::string(integration), std::string(company), currency, rate, period_end, {}, {}};
  // As of that day: what was posted after it neither counts nor hides what was open then.
  for (const storage::Row& row : BERTH_TRY(connection.query(
           "SELECT m.entity, m.remote_id, e.base_currency, SUM(m.document_minor), SUM(m.base_minor) FROM open_item_match AS m "
           "JOIN entry AS e ON e.id = m.entry WHERE m.integration = ? AND m.company = ? AND m.currency = ? AND m.control = 'ar' AND e.date <= ? "
           "GROUP BY m.entity, m.remote_id, e.base_currency HAVING SUM(m.document_minor) <> 0 ORDER BY m.entity, m.remote_id",
           {integration, company, currency.code(), to_string(period_end)}))) {
    const Currency base = BERTH_TRY(Currency::of(row.text(2)));
    loaded.open.push_back({row.text(0) + "/" + row.text(1), Money(row.integer(3), currency), Money(row.integer(4), base)});
  }
  const documents::Source source = source_of(loaded);
  const auto before = BERTH_TRY(connection.first(
      "SELECT COALESCE(SUM(l.base_minor), 0), COALESCE(MAX(e.base_currency), '') FROM entry AS e JOIN entry_line AS l ON l.entry = e.id AND l.position = 0 "
      "WHERE e.integration = ? AND e.entity = ? AND e.remote_id = ? AND e.reverses IS NULL",
      {source.integration, source.entity, source.remote_id}));
  if (!before->text(1).empty()) loaded.posted = Money(before->integer(0), BERTH_TRY(Currency::of(before->text(1))));
  return loaded;
}

Planned plan_revaluation(const Revaluation& revaluation, const Books& books) {
  return within_limits(title_of(revaluation), [&] { return draft_revaluation(revaluation, books); });
}

Result<Committed> post_revaluation(storage::Connection& connection, const Revaluation& revaluation,
                                   const BooksContext& context, Instant now) {
  documents::Invoice stand_in;  // a snapshot is loaded for a document; this one only has the source
  stand_in.source = source_of(revaluation);
  stand_in.company = revaluation.company;
  const Books books = BERTH_TRY(load_books(connection, documents::Document(stand_in), context));
  const Planned planned = plan_revaluation(revaluation, books);
  if (planned.refusal) return make_error(Code::kInvalidArgument, planned.refusal->reason, planned.refusal->message);
  const CommitContext commit_context{.integration = revaluation.integration,
                                     .source = stand_in.source,
                                     .local_id = stand_in.source.remote_id,
                                     .number = "",
                                     .rules_revision = "",
                                     .now = now};
  if (planned.plan->entries.empty()) return Committed{};
  const Entry& entry = planned.plan->entries.front();
  const Date back_on = BERTH_TRY(taken_back_on(entry, books));
  Committed committed = BERTH_TRY(commit(connection, *planned.plan, commit_context));
  if (committed.entries.empty()) return committed;
  Plan back;
  back.reversals.push_back({committed.entries.front(), std::string(kEvent), entry.sequence + 1, back_on});
  const Committed reversed = BERTH_TRY(commit(connection, back, commit_context));
  committed.entries.insert(committed.entries.end(), reversed.entries.begin(), reversed.entries.end());
  return committed;
}

}  // namespace berth::ledger
