// Whether an integration is due, and when to look at it again.
#include "host/schedule/scheduler.hpp"

#include <algorithm>

namespace berth::schedule {

namespace {

/// What a person asked for and could not begin is tried once more at least so often: the cause may be mended any time.
constexpr std::chrono::minutes kAskedRetryMax{1};
/// Nobody is left alone for longer, whatever was thought when it was looked at last.
constexpr std::chrono::hours kLookAtLeast{24};
/// What this host cannot run, because it is not in its configuration or its plugin is not opened here, is another host's.
constexpr std::chrono::minutes kNotHere{1};
/// While another process runs it. Its end, which is noted, wakes the integration earlier.
constexpr std::chrono::minutes kElsewhere{1};

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

}  // namespace

Scheduler::Failing Scheduler::failing_of(const std::string& integration, Instant now) const {
  const std::scoped_lock lock(mutex_);
  const auto found = failing_.find(integration);
  if (found == failing_.end() || found->second.since > now) return {};   // the clock was set back
  return found->second;
}

Result<Decision> Scheduler::decide(const std::string& id, Instant of_machine) {
  Facts facts;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    facts = BERTH_TRY(facts_of(connection, id, of_machine, dependencies_.is_dead_owner));
    return success();
  }));
  const Instant now = facts.now;
  const auto not_before = [&](Instant moment) { return Decision{std::nullopt, std::min(moment, now + kLookAtLeast)}; };
  const Standstill stands = standstill_of(facts);
  if (stands.needs_person()) return not_before(now + kLookAtLeast);
  if (!dependencies_.registry.has(*facts.row) || dependencies_.registry.disabled_plugin(facts.row->plugin)) return not_before(now + kNotHere);

  Failing failing = failing_of(id, of_machine);
  failing.since = failing.since + (now - of_machine);   // what this process remembers is told by its own clock
  failing.not_before = failing.not_before + (now - of_machine);
  const auto sync = std::find_if(facts.asked.begin(), facts.asked.end(), [](const storage::Command& c) { return c.kind == "sync"; });
  if (sync != facts.asked.end()) {
    // A command that did not begin stays queued and is tried again, less and less often; one that is given after that at once.
    const bool has_new = std::any_of(facts.asked.begin(), facts.asked.end(), [&](const storage::Command& c) { return c.kind == "sync" && c.created > failing.since; });
    const Instant again = std::min(failing.not_before, failing.since + kAskedRetryMax);
    if (failing.times > 0 && !has_new && again > now) return not_before(again);
    return Decision{asked_for(id, *sync), {}};
  }
  // Only a person is answered before the wait is over.
  const Instant wait = stands.why == Standstill::Why::kWaits ? stands.until : now;
  if (const Instant until = failing.times > 0 ? std::max(wait, failing.not_before) : wait; until > now) return not_before(until);
  // When a run that somebody else has begun must have shown that it lives.
  if (facts.leased_until.unix_ms > 0) return not_before(std::min(facts.leased_until + std::chrono::seconds(1), now + kElsewhere));
  const auto unit = dependencies_.registry.find_unit(id);
  DueRun run{id, {}};
  run.request.trigger = "schedule";
  if (unit == nullptr) {
    run.is_new = true;
    return Decision{std::move(run), {}};
  }

  Instant next = now + kLookAtLeast;
  const Plan plan = plan_of(facts, *unit->declared, unit->setup.phases, options_.jitter_percent);
  for (const PhasePlan& phase : plan.phases) {
    if (phase.due <= now) run.request.phases.push_back(phase.phase);
    next = std::min(next, phase.due);
  }
  for (const ComparisonPlan& comparison : plan.comparisons) {
    if (!comparison.due) continue;   // the end of the run that reads its list whole looks again
    if (*comparison.due <= now) run.request.sweep.push_back(comparison.phase);
    next = std::min(next, *comparison.due);
  }
  if (run.request.phases.empty() && run.request.sweep.empty()) return not_before(next);
  run.request.only_sweep = run.request.phases.empty();
  return Decision{std::move(run), {}};
}

}  // namespace berth::schedule
