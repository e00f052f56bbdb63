#include "host/admin/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "host/runs/offline_setup.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/looks.hpp"

namespace berth::admin {

namespace {

json::Value time_or_null(Instant instant) { return instant.unix_ms == 0 ? json::Value() : json::Value(to_string(instant)); }

json::Value nothing_runs_view(const schedule::Standstill& stands, const std::string& id) {
  using Why = schedule::Standstill::Why;
  const auto view = [&](std::string_view why, const std::string& message) {
    return json::Value::object({{"why", why}, {"message", message}, {"until", time_or_null(stands.until)}});
  };
  switch (stands.why) {
    case Why::kPaused: return view("paused", fmt::format("{0} is paused: nothing runs until `berth resume {0}`", id));
    case Why::kDisabled: return view("disabled", fmt::format("{0} is disabled: nothing runs until `berth enable {0}`", id));
    case Why::kNotConnected: return view("not_connected", fmt::format("{0} is not connected: nothing runs until `berth connect {0}`", id));
    case Why::kNeedsReauth: return view("needs_reauth", fmt::format("{0} lost its access to the remote: nothing runs until `berth connect {0}`", id));
    case Why::kWaits: return view("waits", fmt::format("{0} waits because of what happened last: `berth status {0}` says what", id));
    case Why::kUnknown:
    case Why::kNone: break;
  }
  return {};
}

/// Where no file tells the phases, those that the schedule names and those that ran.
void add_known(std::vector<runs::Phase>& phases, const config::Integration& declared, const schedule::Facts& facts) {
  const auto add = [&](const std::string& id) {
    const bool is_there = std::any_of(phases.begin(), phases.end(), [&](const runs::Phase& phase) { return phase.id == id; });
    if (is_there || id == runs::kArchiving || id == "deposits") return;
    phases.emplace_back();
    phases.back().id = id;
  };
  for (const auto& [phase, timing] : declared.schedule) add(phase);
  for (const storage::PhaseCursor& cursor : facts.cursors) add(cursor.phase);
}

}  // namespace

Result<json::Value> schedule_view(storage::Connection& connection, const config::Integration& declared, const std::vector<plugins::Discovered>& discovered,
                                  const std::string& id, Instant now, const schedule::IsDeadOwner& is_dead_owner) {
  schedule::Facts facts = BERTH_TRY(schedule::facts_of(connection, id, now, is_dead_owner));
  if (!facts.row) facts.row.emplace();   // declared, and no host has begun with that file yet
  std::vector<runs::Phase> known = BERTH_TRY(runs::offline_phases(declared, discovered));
  if (known.empty()) add_known(known, declared, facts);
  const schedule::Plan plan = schedule::plan_of(facts, declared, known, schedule::kJitterPercent);
  const schedule::Standstill stands = schedule::standstill_of(facts);
  // What is due while nothing runs begins when that is over.
  const Instant earliest = std::max(facts.now, stands.until);
  const auto next_due = [&](Instant due) { return stands.needs_person() ? json::Value() : json::Value(to_string(std::max(due, earliest))); };
  const auto is_due = [&](Instant due) { return stands.why == schedule::Standstill::Why::kNone && due <= facts.now; };
  const auto timing_of = [&](const std::string& phase) {
    const auto found = declared.schedule.find(phase);
    return found == declared.schedule.end() ? config::Timing{runs::kDefaultInterval, std::nullopt} : found->second;
  };
  json::Value phases = json::Value::array();
  for (const schedule::PhasePlan& phase : plan.phases) {
    const config::Timing timing = timing_of(phase.phase);
    phases.push_back(json::Value::object({{"phase", phase.phase},
                                          {"timing", config::to_string(timing)},
                                          {"is_cron", timing.cron.has_value()},
                                          {"last_started", time_or_null(phase.last_started)},
                                          {"next_due", next_due(phase.due)},
                                          {"is_due", is_due(phase.due)}}));
  }
  json::Value comparisons = json::Value::array();
  for (const schedule::ComparisonPlan& one : plan.comparisons) {
    comparisons.push_back(json::Value::object({{"phase", one.phase},
                                               {"under_way", one.is_under_way},
                                               {"last_started", time_or_null(one.last_started)},
                                               {"last_complete", time_or_null(one.last_complete)},
                                               {"next_due", one.due ? next_due(*one.due) : json::Value()},
                                               {"is_due", one.due && is_due(*one.due)}}));
  }
  const std::string zone = runs::zone_of(declared, *facts.row);
  const Instant look = BERTH_TRY(storage::looks::next(connection, id));
  const bool is_asked_for = std::any_of(facts.asked.begin(), facts.asked.end(), [](const storage::Command& one) { return one.kind == "sync"; });
  const bool compares = declared.schedule.contains(runs::kArchiving);
  return json::Value::object({{"id", id},
                              {"zone", zone.empty() ? "UTC" : zone},
                              {"archiving", compares ? json::Value(config::to_string(timing_of(std::string(runs::kArchiving)))) : json::Value()},
                              {"nothing_runs", nothing_runs_view(stands, id)},
                              {"is_running", facts.leased_until.unix_ms > 0},
                              {"sync_asked_for", is_asked_for},
                              {"looked_at_next", look.unix_ms == std::numeric_limits<std::int64_t>::max() ? json::Value() : json::Value(to_string(std::max(look, facts.now)))},
                              {"phases", std::move(phases)},
                              {"comparisons", std::move(comparisons)}});
}

}  // namespace berth::admin
