// Whether an integration is due, and when to look at it again.
#include "host/schedule/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/core/hash.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/leases.hpp"
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

/// What a person asked for and could not begin is tried once more at least so often: the cause may be mended any time.
constexpr std::chrono::minutes kAskedRetryMax{1};
/// No run waits longer than until the day has turned, or an hour after a failure. A time further ahead was stored while
/// the clock was wrong.
constexpr std::chrono::hours kAheadMax{26};
/// Nobody is left alone for longer, whatever was thought when it was looked at last.
constexpr std::chrono::hours kLookAtLeast{24};
/// What this host cannot run, because it is not in its configuration or its plugin is not opened here, is another host's.
constexpr std::chrono::minutes kNotHere{1};
/// A comparison of all ids that was cut goes on after that, within a run that is due or in one of its own.
constexpr std::chrono::minutes kSweepRest{10};

struct LeftOver {
  std::set<std::string> phases;
  Instant leased_until;   // 0: nobody runs it
};

/// Phases of the newest run that did not end well for a reason that passes. A spent budget is none: it is meant to spread
/// the work over the intervals.
Result<LeftOver> left_over(storage::Connection& connection, const std::string& integration, Instant now) {
  LeftOver left;
  const auto newest = BERTH_TRY(storage::runs::list(connection, integration, {.after = {}, .limit = 1}));
  if (newest.items.empty()) return left;
  const storage::Run& run = newest.items.front();
  if (const auto lease = BERTH_TRY(storage::leases::find(connection, integration, now))) left.leased_until = lease->expires;
  const bool is_dead = run.outcome == "running" && left.leased_until.unix_ms == 0;
  // What a person stopped stays stopped; what the end of this process stopped goes on.
  const bool is_stopped = run.outcome == "cancelled" && run.trigger != "command";
  if (!is_dead && !is_stopped && run.outcome != "failed" && run.outcome != "crashed" && run.outcome != "rate_limited") return left;
  const json::Parsed report = json::parse(run.report_json);
  const json::Value* told = report.ok() ? report.value.find("phases") : nullptr;
  if (told != nullptr) {
    for (const json::Value& phase : told->items()) {
      const std::string_view outcome = phase.text_of("outcome");
      if (outcome != "succeeded" && outcome != "derived" && outcome != "incomplete") left.phases.emplace(phase.text_of("phase"));
    }
    return left;
  }
  const json::Parsed asked = json::parse(run.phases_json);
  if (asked.ok() && asked.value.is_array()) {
    for (const json::Value& phase : asked.value.items()) left.phases.emplace(phase.text());
  }
  return left;
}

/// What storage holds about one integration.
struct Facts {
  std::optional<storage::Integration> row;
  std::vector<storage::Command> asked;
  std::vector<storage::PhaseCursor> cursors;
  LeftOver left;
};

Result<Facts> facts_of(storage::Database& database, const std::string& id, Instant now) {
  Facts facts;
  BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
    facts.row = BERTH_TRY(storage::integrations::find(connection, id));
    facts.asked = BERTH_TRY(storage::commands::list(connection, id));
    facts.left = BERTH_TRY(left_over(connection, id, now));
    facts.cursors = BERTH_TRY(storage::cursors::list(connection, id));
    return success();
  }));
  return facts;
}

DueRun asked_for(const std::string& id, const storage::Command& sync) {
  // It stays queued until its run has begun: what is refused because somebody runs the integration now is tried again.
  DueRun run{id, {}};
  run.request.commands = {sync.id};
  const json::Parsed argument = json::parse(sync.argument_json);
  run.request.trigger = argument.value.text_of("trigger").empty() ? "command" : std::string(argument.value.text_of("trigger"));
  if (const json::Value* full = argument.value.find("full")) run.request.full = full->boolean();
  if (const json::Value* phases = argument.value.find("phases")) {
    for (const json::Value& phase : phases->items()) run.request.phases.emplace_back(phase.text());
  }
  return run;
}

/// When the ids of a phase are compared next; a comparison that was cut goes on soon.
Instant sweep_due(const Facts& facts, const config::Integration& declared, const std::string& phase, std::string_view zone, int jitter_percent, Instant now) {
  const auto cursor = std::find_if(facts.cursors.begin(), facts.cursors.end(), [&](const storage::PhaseCursor& one) { return one.phase == phase && one.mode == "sweep"; });
  const bool is_there = std::any_of(facts.cursors.begin(), facts.cursors.end(), [&](const storage::PhaseCursor& one) { return one.phase == phase && one.passes_complete > 0; });
  if (!is_there) return now + kLookAtLeast;   // its rows were never listed whole; the end of that run looks again
  // The first one an interval after the connection: the first pass has seen everything.
  if (cursor == facts.cursors.end()) return next_due(declared, runs::kArchiving, facts.row->connected, zone, jitter_percent);
  if (cursor->last_started > now) return now;
  if (cursor->under_way) return cursor->last_started + kSweepRest;
  return next_due(declared, runs::kArchiving, cursor->last_started, zone, jitter_percent);
}

}  // namespace

Scheduler::Failing Scheduler::failing_of(const std::string& integration, Instant now) const {
  const std::scoped_lock lock(mutex_);
  const auto found = failing_.find(integration);
  if (found == failing_.end() || found->second.since > now) return {};   // the clock was set back
  return found->second;
}

Result<Decision> Scheduler::decide(const std::string& id, Instant now) {
  const Facts facts = BERTH_TRY(facts_of(dependencies_.database, id, now));
  const auto& row = facts.row;
  const auto not_before = [&](Instant moment) { return Decision{std::nullopt, std::min(moment, now + kLookAtLeast)}; };
  if (!row || row->desired != "enabled" || row->connected.unix_ms == 0 || row->actual == "needs_reauth") return not_before(now + kLookAtLeast);
  if (!dependencies_.registry.has(*row) || dependencies_.registry.disabled_plugin(row->plugin)) return not_before(now + kNotHere);

  const Failing failing = failing_of(id, now);
  const auto sync = std::find_if(facts.asked.begin(), facts.asked.end(), [](const storage::Command& c) { return c.kind == "sync"; });
  if (sync != facts.asked.end()) {
    // A command that did not begin stays queued and is tried again, less and less often; one that is given after that at once.
    const bool has_new = std::any_of(facts.asked.begin(), facts.asked.end(), [&](const storage::Command& c) { return c.kind == "sync" && c.created > failing.since; });
    const Instant again = std::min(failing.not_before, failing.since + kAskedRetryMax);
    if (failing.times > 0 && !has_new && again > now) return not_before(again);
    return Decision{asked_for(id, *sync), {}};
  }
  // Only a person is answered before the wait is over.
  const Instant wait = row->next_attempt <= now + kAheadMax ? row->next_attempt : now;
  if (const Instant until = failing.times > 0 ? std::max(wait, failing.not_before) : wait; until > now) return not_before(until);
  const runs::IntegrationUnit* unit = dependencies_.registry.find_unit(id);
  DueRun run{id, {}};
  run.request.trigger = "schedule";
  if (unit == nullptr) {
    run.is_new = true;
    return Decision{std::move(run), {}};
  }

  const std::string zone = runs::zone_of(*unit->declared, *row);
  // When a run that somebody else has begun must have shown that it lives.
  Instant next = facts.left.leased_until.unix_ms > 0 ? facts.left.leased_until + std::chrono::seconds(1) : now + kLookAtLeast;
  for (const runs::Phase& phase : unit->setup.phases) {
    if (!phase.enabled) continue;
    Instant last{0};
    for (const storage::PhaseCursor& cursor : facts.cursors) {
      if (cursor.phase == phase.id && (cursor.mode == "changes" || cursor.mode == "full")) last = std::max(last, cursor.last_started);
    }
    const bool is_asked_again = last.unix_ms == 0 || last > now || facts.left.phases.contains(phase.id);
    const Instant due = is_asked_again ? now : next_due(*unit->declared, phase.id, last, zone, options_.jitter_percent);
    if (due <= now) run.request.phases.push_back(phase.id);
    next = std::min(next, due);
    if (!phase.is_swept || !unit->declared->schedule.contains(runs::kArchiving)) continue;
    const Instant swept = sweep_due(facts, *unit->declared, phase.id, zone, options_.jitter_percent, now);
    if (swept <= now) run.request.sweep.push_back(phase.id);
    next = std::min(next, swept);
  }
  if (run.request.phases.empty() && run.request.sweep.empty()) return not_before(next);
  run.request.only_sweep = run.request.phases.empty();
  return Decision{std::move(run), {}};
}

}  // namespace berth::schedule
