#pragma once
// How many calls an integration still needs to have everything, and when it will have it: what waits in the detail queue,
// lists that are still to be read, documents that the remote said it has and that are not listed yet; over what a minute and a
// day allow, less the reserve, less what other programs take of the day and less what the changes need meanwhile.
//
//   const Forecast ahead = foretell_calls({.now = now, .calls_left = 93'000, .per_minute = 100, .day_left = 4'000, ...});
//
// The engine computes it at checkpoints, once a minute at most, and at the end of a run, and stores it (storage/backfills.hpp),
// so that it is right again a minute after another program has eaten calls. Reads the database; asks nobody. Errors: storage's.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "berth/json.hpp"
#include "host/core/time.hpp"
#include "host/http/call_report.hpp"
#include "host/http/quota_gate.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::runs {

struct CallsAhead {
  std::int64_t lists = 0, details = 0, files = 0;
  bool is_at_least = false;         // a list was never read whole, and nobody said how long it is
  [[nodiscard]] std::int64_t total() const { return lists + details + files; }
};

/// A list under way: what it has shown and what the remote says it has; total -1: it says nothing.
struct ListUnderWay {
  std::string phase;
  std::int64_t listed = 0, total = -1;
};

/// What is still to be called, from what is stored.
Result<CallsAhead> calls_ahead(storage::Connection& connection, const Setup& setup, const std::optional<ListUnderWay>& under_way);

struct ForecastInput {
  Instant now;
  std::int64_t calls_left = 0;
  int per_minute = 0;                        // 0: no limit
  std::optional<std::int64_t> day_left;      // after the reserve; nothing: no limit is known
  std::int64_t per_day = 0;                  // after the reserve
  Instant day_resets_at;
  std::int64_t others_a_day = 0;             // calls of other programs
  std::int64_t changes_today = 0;            // calls that new changes will need until the day turns
  std::int64_t changes_a_day = 0;
};
struct Forecast {
  std::optional<Instant> done;               // nothing: never, at this rate
  std::int64_t usable_a_day = 0;             // for what is left; 0: no limit is known
};
[[nodiscard]] Forecast foretell_calls(const ForecastInput& input);

/// Calls that lists alone make by the schedule within that time: one for each time that a phase is due, and as many again for
/// what they bring; never more than a tenth of the day.
[[nodiscard]] std::int64_t calls_of_changes(const Setup& setup, std::string_view zone, Instant now, std::chrono::milliseconds within, std::int64_t per_day);

struct ToForetell {
  http::QuotaSnapshot quota{};
  std::optional<ListUnderWay> under_way{};
  std::int64_t used_today = 0;   // by this integration
  Instant now{};
};
/// All of it, stored, as {"at","calls_left",...,"done"}. What other programs took of the day before is remembered in it.
Status tell_forecast(storage::Connection& connection, const Setup& setup, const ToForetell& told);
/// Calls in all that were made.
[[nodiscard]] std::int64_t calls_made(const http::CallReport& report);
/// Calls of this day that the integration has made, as its forecast says.
Result<std::int64_t> used_today(storage::Connection& connection, std::string_view integration, Instant day_resets_at);
/// Calls of the day that are kept for other integrations on the same quota: as far as each of them has not had an equal part of
/// it and needs it. One that never ran may need all of its part; for one that has not run for a day and a half nothing is kept.
Result<std::int64_t> kept_for(storage::Connection& connection, const std::vector<std::string>& others, const http::QuotaSnapshot& quota, Instant now);
/// What an integration may use of what is left of the day: all but what is kept for others, and in any case its share of it by
/// the same measure. What is left may be less than all their parts: other programs draw on it, and other hosts have claimed
/// calls ahead. `own`: what is left of its own part.
[[nodiscard]] std::int64_t usable_of_day(std::int64_t left, std::int64_t own, std::int64_t kept);
/// As stored; null where nothing was foretold yet. Members `backfill`: null, or its state and progress.
Result<json::Value> forecast_view(storage::Connection& connection, std::string_view integration);

}  // namespace berth::runs
