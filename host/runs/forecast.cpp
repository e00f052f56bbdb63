#include "host/runs/forecast.hpp"

#include <algorithm>
#include <cstdlib>

#include "host/runs/extent.hpp"
#include "host/runs/lower_bound.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/backfills.hpp"
#include "host/storage/changes.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/reduced.hpp"

namespace berth::runs {

namespace {

constexpr std::chrono::milliseconds kDay{24 * 3'600'000};
constexpr std::chrono::milliseconds kMinute{60'000};
/// Further ahead than this nobody is told a day.
constexpr std::int64_t kDaysMax = 3'650;
/// Of the day, at most so much is kept for changes that are still to come.
constexpr std::int64_t kChangesShare = 10;

/// Calls for one document that is not listed yet: its detail and its files. Parts are few documents' own.
std::int64_t calls_of_one(const Setup& setup, const Phase& phase, bool with_files) {
  if (!phase.has_detail) return 0;
  std::int64_t calls = 1;
  for (const Phase::File& file : phase.files) {
    const auto budget = setup.declared->budgets.find(file.cost);
    const bool is_off = budget != setup.declared->budgets.end() && !budget->second.is_share && budget->second.value == 0;
    if (with_files && !is_off) ++calls;
  }
  return calls;
}

void add_documents(CallsAhead& ahead, const Setup& setup, const Phase& phase, std::int64_t documents) {
  if (!phase.has_detail) return;
  ahead.details += documents;
  ahead.files += documents * (calls_of_one(setup, phase, true) - 1);
}

/// Documents that a list has still to show. Where rows are enough they ask for nothing more, but for files that were given calls.
void add_listed(CallsAhead& ahead, const Setup& setup, const Phase& phase, std::int64_t documents) {
  if (phase.reduced() == nullptr) return add_documents(ahead, setup, phase, documents);
  if (wants_files_of_rows(setup, phase)) ahead.files += documents * (calls_of_one(setup, phase, true) - 1);
}

Result<std::int64_t> stored_rows(storage::Connection& connection, const Setup& setup, const Phase& phase) {
  const auto count = BERTH_TRY(storage::one_integer(
      connection, "SELECT COUNT(*) FROM record WHERE integration = ? AND entity = ? AND remote_state <> 'deleted' AND row_fetched_ms > 0", {setup.id, phase.entity}));
  return count.value_or(0);
}

/// Rows of a list that nobody has listed yet.
Status add_unlisted(storage::Connection& connection, const Setup& setup, const Phase& phase, const std::optional<ListUnderWay>& under_way, bool has_history,
                    const std::optional<storage::BackfillList>& history, CallsAhead& ahead) {
  const bool was_listed = BERTH_TRY(storage::cursors::passes_complete(connection, setup.id, phase.id)) > 0;
  const bool is_listing = under_way && under_way->phase == phase.id;
  std::int64_t unlisted = 0;
  if (has_history && phase.has_floor && (!history || history->done.unix_ms == 0)) {
    if (history && history->expected >= 0) {
      unlisted = std::max<std::int64_t>(0, history->expected - BERTH_TRY(stored_rows(connection, setup, phase)));
    } else {
      ahead.is_at_least = true;
      ++ahead.lists;
    }
  } else if (!was_listed && is_listing && under_way->total >= 0) {
    unlisted = std::max<std::int64_t>(0, under_way->total - under_way->listed);
  } else if (!was_listed) {
    ahead.is_at_least = true;
    ++ahead.lists;
  }
  if (unlisted == 0) return success();
  ahead.lists += whole_pages(unlisted, phase.page_size);
  add_listed(ahead, setup, phase, unlisted);
  return success();
}

std::int64_t number(const json::Value& value, std::string_view key) {
  const json::Value* found = value.find(key);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

/// An object without members where nothing was foretold.
Result<json::Value> stored_json(storage::Connection& connection, std::string_view integration) {
  const auto stored = BERTH_TRY(storage::forecasts::find(connection, integration));
  if (!stored) return json::Value::object();
  json::Parsed parsed = json::parse(stored->json);
  return parsed.ok() && parsed.value.is_object() ? std::move(parsed.value) : json::Value::object();
}

/// Whether it was told on the day that turns then. Answers differ by seconds about that.
bool is_of_day(const json::Value& stored, Instant day_resets_at) {
  const auto turns = parse_instant(stored.text_of("day_resets_at"));
  return turns.ok() && std::abs((*turns - day_resets_at).count()) < kDay.count() / 2;
}

}  // namespace

Result<CallsAhead> calls_ahead(storage::Connection& connection, const Setup& setup, const std::optional<ListUnderWay>& under_way) {
  CallsAhead ahead;
  const auto backfill = BERTH_TRY(storage::backfills::find(connection, setup.id));
  const bool has_history = backfill && backfill->done.unix_ms == 0;
  const auto queue = BERTH_TRY(storage::detail_queue::counts(connection, setup.id));
  for (const Phase& phase : setup.phases) {
    if (!phase.enabled) continue;
    for (const storage::QueueCount& waiting : queue) {
      if (waiting.entity != phase.entity) continue;
      if (waiting.want != storage::kWantAttachments) {
        add_documents(ahead, setup, phase, waiting.count);
      } else if (calls_of_one(setup, phase, true) > 1) {
        ahead.files += waiting.count;
      }
    }
    if (phase.reducible && !phase.is_reduced)
      add_documents(ahead, setup, phase, BERTH_TRY(storage::reduced::count_not_asked_for(connection, setup.id, phase.entity)));
    const auto history = BERTH_TRY(storage::backfills::find_list(connection, setup.id, phase.id));
    BERTH_CHECK(add_unlisted(connection, setup, phase, under_way, has_history, history, ahead));
  }
  return ahead;
}

Forecast foretell_calls(const ForecastInput& input) {
  Forecast ahead;
  const auto takes = [&](std::int64_t calls) {
    return input.per_minute <= 0 ? std::chrono::milliseconds{0} : std::chrono::milliseconds(calls * kMinute.count() / input.per_minute);
  };
  ahead.usable_a_day = input.day_left ? std::max<std::int64_t>(0, input.per_day - input.others_a_day - input.changes_a_day) : 0;
  if (!input.day_left) {
    ahead.done = input.now + takes(input.calls_left);
    return ahead;
  }
  const std::int64_t today = std::max<std::int64_t>(0, *input.day_left - input.changes_today);
  // What the minute allows until the day turns may be less.
  const auto until_turn = std::max(std::chrono::milliseconds{0}, input.day_resets_at - input.now);
  const std::int64_t by_minute = input.per_minute <= 0 ? today : std::min(today, input.per_minute * (until_turn / kMinute));
  std::int64_t left = input.calls_left - by_minute;
  if (left <= 0) {
    ahead.done = input.now + takes(input.calls_left);
    return ahead;
  }
  std::int64_t a_day = ahead.usable_a_day;
  if (input.per_minute > 0) a_day = std::min(a_day, input.per_minute * (kDay / kMinute));
  if (a_day <= 0) return ahead;
  const std::int64_t whole_days = (left - 1) / a_day;
  if (whole_days > kDaysMax) return ahead;
  left -= whole_days * a_day;
  ahead.done = std::max(input.now, input.day_resets_at) + kDay * whole_days + takes(left);
  return ahead;
}

std::int64_t calls_of_changes(const Setup& setup, std::string_view zone, Instant now, std::chrono::milliseconds within, std::int64_t per_day) {
  std::int64_t lists = 0;
  for (const Phase& phase : setup.phases) {
    if (!phase.enabled || within.count() <= 0) continue;
    const auto interval = std::max(kMinute, next_due(*setup.declared, phase.id, now, zone) - now);
    lists += within / interval;
  }
  const std::int64_t calls = 2 * lists;
  return per_day > 0 ? std::min(calls, per_day / kChangesShare) : calls;
}

std::int64_t calls_made(const http::CallReport& report) {
  std::int64_t sum = 0;
  for (const std::int64_t calls : report.calls) sum += calls;
  return sum;
}

Status tell_forecast(storage::Connection& connection, const Setup& setup, const ToForetell& told) {
  const http::QuotaSnapshot& quota = told.quota;
  const Instant now = told.now;
  const auto row = BERTH_TRY(storage::integrations::find(connection, setup.id));
  if (!row) return success();
  const std::string zone = zone_of(*setup.declared, *row);
  const CallsAhead ahead = BERTH_TRY(calls_ahead(connection, setup, told.under_way));
  // Other programs are taken to use on the days to come what they used on the day before, or today if that is more already.
  const json::Value before = BERTH_TRY(stored_json(connection, setup.id));
  const std::int64_t others_before = number(before, is_of_day(before, quota.day_resets_at) ? "others_day_before" : "others_today");
  ForecastInput input;
  input.now = now;
  input.calls_left = ahead.total();
  input.per_minute = quota.per_minute;
  input.day_left = quota.day_left;
  input.day_resets_at = quota.day_resets_at;
  input.per_day = quota.day_limit ? *quota.day_limit - quota.day_reserve : 0;
  input.others_a_day = std::max(others_before, quota.used_by_others);
  const auto until_turn = std::max(std::chrono::milliseconds{0}, std::min<std::chrono::milliseconds>(quota.day_resets_at - now, kDay));
  input.changes_today = calls_of_changes(setup, zone, now, until_turn, input.per_day);
  input.changes_a_day = calls_of_changes(setup, zone, now, kDay, input.per_day);
  const Forecast forecast = foretell_calls(input);
  const auto or_null = [](std::optional<std::int64_t> value) { return value ? json::Value(*value) : json::Value(); };
  const json::Value out = json::Value::object({{"at", berth::to_string(now)},
                                               {"calls_left", ahead.total()},
                                               {"lists_left", ahead.lists},
                                               {"details_left", ahead.details},
                                               {"files_left", ahead.files},
                                               {"at_least", ahead.is_at_least},
                                               {"used_today", told.used_today},
                                               {"day_left", or_null(quota.day_left)},
                                               {"day_resets_at", berth::to_string(quota.day_resets_at)},
                                               {"others_today", quota.used_by_others},
                                               {"others_day_before", others_before},
                                               {"changes_today", input.changes_today},
                                               {"usable_a_day", quota.day_left ? json::Value(forecast.usable_a_day) : json::Value()},
                                               {"done", forecast.done ? json::Value(berth::to_string(*forecast.done)) : json::Value()}});
  return storage::forecasts::save(connection, setup.id, json::dump(out), now);
}

Result<std::int64_t> used_today(storage::Connection& connection, std::string_view integration, Instant day_resets_at) {
  const json::Value stored = BERTH_TRY(stored_json(connection, integration));
  return is_of_day(stored, day_resets_at) ? number(stored, "used_today") : 0;
}

Result<std::int64_t> kept_for(storage::Connection& connection, const std::vector<std::string>& others, const http::QuotaSnapshot& quota, Instant now) {
  if (others.empty() || !quota.day_left || !quota.day_limit) return 0;
  const std::int64_t part = (*quota.day_limit - quota.day_reserve) / static_cast<std::int64_t>(others.size() + 1);
  std::int64_t kept = 0;
  for (const std::string& other : others) {
    const json::Value stored = BERTH_TRY(stored_json(connection, other));
    const auto row = BERTH_TRY(storage::integrations::find(connection, other));
    const auto told = parse_instant(stored.text_of("at"));
    const Instant active = told.ok() ? *told : row ? row->connected : Instant{};
    if (now - active > kDay * 3 / 2) continue;   // what is kept for one that does not run is lost
    const std::int64_t needs = stored.find("calls_left") == nullptr ? part : number(stored, "calls_left") + number(stored, "changes_today");
    const std::int64_t used = is_of_day(stored, quota.day_resets_at) ? number(stored, "used_today") : 0;
    kept += std::clamp<std::int64_t>(part - used, 0, needs);
  }
  return kept;
}

std::int64_t usable_of_day(std::int64_t left, std::int64_t own, std::int64_t kept) {
  const std::int64_t share = own <= 0 ? 0 : left * own / (own + kept);   // calls of a day: millions at most
  return std::clamp<std::int64_t>(std::max(left - kept, share), 0, std::max<std::int64_t>(left, 0));
}

Result<json::Value> forecast_view(storage::Connection& connection, std::string_view integration) {
  const auto stored = BERTH_TRY(storage::forecasts::find(connection, integration));
  const auto backfill = BERTH_TRY(storage::backfills::find(connection, integration));
  json::Value view = stored ? json::parse(stored->json).value : json::Value::object();
  if (!backfill) {
    if (!stored) return json::Value();
    view.set("backfill", json::Value());
    return view;
  }
  std::int64_t expected = 0, listed = 0, listed_of_expected = 0;
  bool is_listed = true, is_counted = false;
  for (const storage::BackfillList& list : BERTH_TRY(storage::backfills::lists(connection, integration))) {
    listed += list.listed;
    is_listed = is_listed && list.done.unix_ms > 0;
    if (list.expected < 0) continue;
    // More may be there by now than when they were counted.
    expected += std::max(list.expected, list.listed);
    listed_of_expected += list.listed;
    is_counted = true;
  }
  const auto waiting = BERTH_TRY(storage::one_integer(connection, "SELECT COUNT(*) FROM detail_queue WHERE integration = ? AND cause = ? AND want = ?",
                                                      {integration, storage::kBackfillCause, storage::kWantDetail}));
  json::Value told = json::Value::object({{"state", backfill->done.unix_ms > 0 ? "done" : backfill->began.unix_ms > 0 ? "under_way" : "not_begun"},
                                          {"began", backfill->began.unix_ms > 0 ? json::Value(berth::to_string(backfill->began)) : json::Value()},
                                          {"done", backfill->done.unix_ms > 0 ? json::Value(berth::to_string(backfill->done)) : json::Value()},
                                          {"listed", listed},
                                          {"lists_read", backfill->began.unix_ms > 0 && is_listed},
                                          {"documents", is_counted ? json::Value(expected) : json::Value()},
                                          {"listed_of_documents", is_counted ? json::Value(listed_of_expected) : json::Value()},
                                          {"details_waiting", waiting.value_or(0)}});
  view.set("backfill", std::move(told));
  return view;
}

}  // namespace berth::runs
