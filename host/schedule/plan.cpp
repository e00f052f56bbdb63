#include "host/schedule/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "berth/json.hpp"
#include "host/core/hash.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/looks.hpp"
#include "host/storage/runs.hpp"

namespace berth::schedule {

std::chrono::milliseconds jitter_of(std::string_view integration, std::string_view phase, Instant last, std::chrono::milliseconds wait, int percent,
                                    bool is_by_clock) {
  constexpr std::chrono::milliseconds kByClockMax{60'000};
  const std::string hash = sha256_hex(fmt::format("{}/{}/{}", integration, phase, last.unix_ms));
  const std::int64_t share = std::stoll(hash.substr(0, 8), nullptr, 16) % 1000;   // thousandths of the jitter
  const std::chrono::milliseconds most = wait * percent / 100;
  return (is_by_clock ? std::min(most, kByClockMax) : most) * share / 1000;
}

Instant next_due(const config::Integration& declared, std::string_view phase, Instant last, std::string_view zone, int jitter_percent) {
  const Instant due = runs::next_due(declared, phase, last, zone);
  const auto timing = declared.schedule.find(phase);
  const bool is_by_clock = timing != declared.schedule.end() && timing->second.cron;
  return due + jitter_of(declared.id, phase, last, due - last, jitter_percent, is_by_clock);
}

namespace {

/// No run waits longer than until the day has turned, or an hour after a failure. A time further ahead was stored while
/// the clock was wrong.
constexpr std::chrono::hours kAheadMax{26};
/// Newest first, to find the one that tells what is left over.
constexpr std::size_t kRunsLookedAt = 8;
/// A comparison of all ids that was cut goes on after that, within a run that is due or in one of its own.
constexpr std::chrono::minutes kSweepRest{10};

/// Written while a clock was ahead: it says nothing about what is due now.
bool is_ahead(const Facts& facts, Instant written) { return written > facts.now + storage::looks::kClocksDifferMax; }

/// The one that goes on, else the one that ended last. One that began while a clock was ahead would be the newest for as long, and
/// what it left undone would be asked for again after every success; when its phases began is ahead as well, so they are due.
const storage::Run* newest_of(const Facts& facts, const std::vector<storage::Run>& runs) {
  const storage::Run* newest = nullptr;
  for (const storage::Run& run : runs) {
    if (is_ahead(facts, run.started) || is_ahead(facts, run.ended)) continue;
    if (run.outcome == "running") return &run;
    if (newest == nullptr || run.ended > newest->ended) newest = &run;
  }
  return newest;
}

/// What follows from the newest run: phases that it left undone for a reason that passes. A spent budget is none: it is meant to
/// spread the work over the intervals.
void note_left_over(Facts& facts, const storage::Run& run) {
  const bool is_dead = run.outcome == "running" && facts.leased_until.unix_ms == 0;
  // What a person stopped stays stopped; what the end of this process stopped goes on.
  const bool is_stopped = run.outcome == "cancelled" && run.trigger != "command";
  if (!is_dead && !is_stopped && run.outcome != "failed" && run.outcome != "crashed" && run.outcome != "rate_limited") return;
  const json::Parsed report = json::parse(run.report_json);
  const json::Value* told = report.ok() ? report.value.find("phases") : nullptr;
  if (told != nullptr) {
    std::set<std::string> whole;
    for (const json::Value& phase : told->items()) {
      const std::string_view outcome = phase.text_of("outcome");
      const json::Value* comparison = phase.find("sweep");
      if (outcome == "not_begun" && comparison != nullptr && comparison->is_object()) continue;   // only its ids were compared, which goes on by itself
      if (outcome != "succeeded" && outcome != "derived" && outcome != "incomplete") facts.left_over.emplace(phase.text_of("phase"));
      if (outcome == "succeeded") whole.emplace(phase.text_of("phase"));
    }
    // Its phases were whole and what follows them was not: the records are not applied, or its end is not written.
    if (facts.left_over.empty() && run.outcome != "rate_limited") facts.left_over = std::move(whole);
    return;
  }
  const json::Parsed asked = json::parse(run.phases_json);
  if (!asked.ok() || !asked.value.is_array()) return;
  for (const json::Value& phase : asked.value.items()) facts.left_over.emplace(phase.text());
}

/// When the ids of a phase are compared next; a comparison that was cut goes on soon.
ComparisonPlan comparison_of(const Facts& facts, const config::Integration& declared, const std::string& phase, std::string_view zone, int jitter_percent) {
  ComparisonPlan plan{.phase = phase, .is_under_way = false, .last_started = {}, .last_complete = {}, .due = std::nullopt};
  const auto cursor = std::find_if(facts.cursors.begin(), facts.cursors.end(), [&](const storage::PhaseCursor& one) { return one.phase == phase && one.mode == "sweep"; });
  if (cursor != facts.cursors.end()) {
    plan.is_under_way = cursor->under_way;
    plan.last_started = cursor->last_started;
    plan.last_complete = cursor->last_complete;
  }
  const bool is_there = std::any_of(facts.cursors.begin(), facts.cursors.end(), [&](const storage::PhaseCursor& one) { return one.phase == phase && one.passes_complete > 0; });
  if (!is_there) return plan;
  // The first one an interval after the connection: the first pass has seen everything.
  if (cursor == facts.cursors.end()) {
    plan.due = next_due(declared, runs::kArchiving, facts.row->connected, zone, jitter_percent);
  } else if (is_ahead(facts, cursor->last_started)) {
    plan.due = facts.now;
  } else if (cursor->under_way) {
    plan.due = cursor->last_started + kSweepRest;
  } else {
    plan.due = next_due(declared, runs::kArchiving, cursor->last_started, zone, jitter_percent);
  }
  return plan;
}

}  // namespace

Result<Facts> facts_of(storage::Connection& connection, const std::string& integration, Instant of_machine, const IsDeadOwner& is_dead_owner) {
  Facts facts;
  facts.now = connection.shared_now(of_machine);
  facts.row = BERTH_TRY(storage::integrations::find(connection, integration));
  facts.asked = BERTH_TRY(storage::commands::list(connection, integration));
  facts.cursors = BERTH_TRY(storage::cursors::list(connection, integration));
  if (const auto lease = BERTH_TRY(storage::leases::find(connection, integration, facts.now))) {
    if (!is_dead_owner || !is_dead_owner(lease->owner)) facts.leased_until = lease->expires;
  }
  const auto runs = BERTH_TRY(storage::runs::list(connection, integration, {.after = {}, .limit = kRunsLookedAt}));
  for (const storage::Run& run : runs.items) facts.has_run_ahead = facts.has_run_ahead || is_ahead(facts, run.ended);
  if (const storage::Run* newest = newest_of(facts, runs.items)) note_left_over(facts, *newest);
  return facts;
}

Standstill standstill_of(const Facts& facts) {
  using Why = Standstill::Why;
  if (!facts.row) return {Why::kUnknown, {}};
  const storage::Integration& row = *facts.row;
  if (row.desired == "paused") return {Why::kPaused, {}};
  if (row.desired != "enabled") return {Why::kDisabled, {}};
  if (row.connected.unix_ms == 0) return {Why::kNotConnected, {}};
  if (row.actual == "needs_reauth") return {Why::kNeedsReauth, {}};
  const bool is_credible = row.next_attempt <= facts.now + kAheadMax && !facts.has_run_ahead;
  if (is_credible && row.next_attempt > facts.now) return {Why::kWaits, row.next_attempt};
  return {};
}

Plan plan_of(const Facts& facts, const config::Integration& declared, const std::vector<runs::Phase>& phases, int jitter_percent) {
  Plan plan;
  if (!facts.row) return plan;
  const std::string zone = runs::zone_of(declared, *facts.row);
  const bool compares = declared.schedule.contains(runs::kArchiving);
  for (const runs::Phase& phase : phases) {
    if (!phase.enabled) continue;
    Instant last{0};
    for (const storage::PhaseCursor& cursor : facts.cursors) {
      if (cursor.phase == phase.id && (cursor.mode == "changes" || cursor.mode == "full")) last = std::max(last, cursor.last_started);
    }
    const bool is_asked_again = last.unix_ms == 0 || is_ahead(facts, last) || facts.left_over.contains(phase.id);
    plan.phases.push_back({phase.id, last, is_asked_again ? facts.now : next_due(declared, phase.id, last, zone, jitter_percent)});
    if (compares && phase.is_swept) plan.comparisons.push_back(comparison_of(facts, declared, phase.id, zone, jitter_percent));
  }
  return plan;
}

}  // namespace berth::schedule
