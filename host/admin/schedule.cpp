#include "host/admin/schedule.hpp"

#include <map>

#include "host/runs/setup.hpp"
#include "host/runs/timing.hpp"
#include "host/schedule/scheduler.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/looks.hpp"

namespace berth::admin {

namespace {

json::Value time_or_null(Instant instant) { return instant.unix_ms == 0 ? json::Value() : json::Value(to_string(instant)); }

}  // namespace

Result<json::Value> schedule_view(storage::Connection& connection, const config::Integration& declared, const storage::Integration& row, Instant now) {
  const std::string zone = runs::zone_of(declared, row);
  const int jitter = schedule::Options{}.jitter_percent;
  const auto timing_of = [&](const std::string& phase) {
    const auto found = declared.schedule.find(phase);
    return found == declared.schedule.end() ? config::Timing{runs::kDefaultInterval, std::nullopt} : found->second;
  };
  std::map<std::string, Instant> last_started;
  json::Value comparisons = json::Value::array();
  const bool compares = declared.schedule.contains(runs::kArchiving);
  for (const storage::PhaseCursor& cursor : BERTH_TRY(storage::cursors::list(connection, row.id))) {
    if (cursor.mode == "changes" || cursor.mode == "full") {
      Instant& last = last_started[cursor.phase];
      last = std::max(last, cursor.last_started);
    }
    if (cursor.mode != "sweep") continue;
    const Instant due = cursor.under_way ? now : schedule::next_due(declared, runs::kArchiving, cursor.last_started, zone, jitter);
    comparisons.push_back(json::Value::object({{"phase", cursor.phase},
                                               {"under_way", cursor.under_way},
                                               {"last_started", time_or_null(cursor.last_started)},
                                               {"last_complete", time_or_null(cursor.last_complete)},
                                               {"next_due", compares ? time_or_null(due) : json::Value()}}));
  }
  for (const auto& [phase, timing] : declared.schedule) {
    if (phase != runs::kArchiving && phase != "deposits") last_started.emplace(phase, Instant{});
  }
  json::Value phases = json::Value::array();
  for (const auto& [phase, last] : last_started) {
    const Instant due = last.unix_ms == 0 ? Instant{} : schedule::next_due(declared, phase, last, zone, jitter);
    phases.push_back(json::Value::object(
        {{"phase", phase}, {"timing", config::to_string(timing_of(phase))}, {"last_started", time_or_null(last)}, {"next_due", time_or_null(due)}}));
  }
  const Instant look = BERTH_TRY(storage::looks::next(connection, row.id));
  return json::Value::object({{"id", row.id},
                              {"zone", zone.empty() ? "UTC" : zone},
                              {"archiving", compares ? json::Value(config::to_string(timing_of(std::string(runs::kArchiving)))) : json::Value()},
                              {"looked_at_next", look <= now ? json::Value(to_string(now)) : time_or_null(look)},
                              {"waits_until", row.next_attempt > now ? time_or_null(row.next_attempt) : json::Value()},
                              {"phases", std::move(phases)},
                              {"comparisons", std::move(comparisons)}});
}

}  // namespace berth::admin
