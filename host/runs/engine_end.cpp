// How a run ends: what it was, its report, when the next one is tried, and the pause after a crash loop. Also of a run
// that could not begin.
#include <algorithm>

#include "host/runs/deletions.hpp"
#include "host/runs/deletions.hpp"
#include "host/runs/engine_running.hpp"
#include "host/runs/forecast.hpp"
#include "host/runs/quota_board.hpp"
#include "host/runs/run_metrics.hpp"
#include "host/runs/status.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/reduced.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/runs.hpp"

namespace berth::runs {

namespace {

/// A run ends as the phase that ended it.
RunOutcome run_outcome(std::string_view phase) {
  if (phase == "incomplete") return RunOutcome::kIncomplete;
  if (phase == "rate_limited") return RunOutcome::kRateLimited;
  if (phase == "cancelled") return RunOutcome::kCancelled;
  if (phase == "crashed") return RunOutcome::kCrashed;
  return RunOutcome::kFailed;
}

/// When the first of its phases is due again by the schedule.
Instant next_scheduled(const Setup& setup, const storage::Integration& integration, const RunReport& report) {
  Instant first = report.started + kDefaultInterval;
  for (const PhaseReport& phase : report.phases) first = std::min(first, next_due(*setup.declared, phase.phase, report.started, zone_of(*setup.declared, integration)));
  return std::max(first, report.ended);
}

Status close_row(storage::Connection& connection, const RunReport& report) {
  return storage::runs::finish(connection, report.run,
                               {.outcome = std::string(to_string(report.outcome)),
                                .reason = report.reason,
                                .message = report.message,
                                .report_json = json::dump(report.to_json()),
                                .ended = report.ended});
}

}  // namespace

std::string_view phase_outcome(const Error& error, bool is_stopped) {
  // Work is left that the next run takes up: nobody and nothing has failed.
  if (error.reason == "berth.budget" || error.reason == "berth.list_unsteady") return "incomplete";
  if (error.code == Code::kQuotaExhausted) return "rate_limited";
  if (error.code == Code::kCancelled || (is_stopped && error.reason == "plugin.hang")) return "cancelled";
  if (is_plugin_crash(error.reason)) return "crashed";
  return "failed";
}

void tell_end(PhaseReport& report, const Error& error, bool is_stopped) {
  report.outcome = phase_outcome(error, is_stopped);
  report.reason = error.reason;
  report.message = error.message;
}

/// What became of the records into the rows of the phases; whether there was anything to do at all.
bool Engine::count_records(Running& running, bool is_whole) {
  bool anything = false;
  std::map<std::string, ApplyCounts> applied = running.applied.by_entity();
  for (PhaseReport& phase : running.report.phases) {
    if (phase.outcome.empty()) phase.outcome = is_whole ? "succeeded" : "not_begun";
    const ApplyCounts& counts = applied[phase.entity];
    phase.posted = counts.posted;
    phase.parked = counts.parked;
    phase.skipped = counts.skipped;
    phase.failed = counts.failed;
    phase.ignored = counts.ignored;
    // A row older than the floor is listed and neither kept nor known: it is no change.
    anything = anything || phase.fetched > 0 || phase.files > 0 || counts.total() > 0;
  }
  // Counts name no archived records, which a deletion leaves.
  return anything || running.applied.has_outcome();
}

/// What is missing of the documents that are known by their list rows alone.
Status Engine::count_reduced(Running& running) {
  return dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (PhaseReport& report : running.report.phases) {
      const Phase* phase = running.setup.find_phase(report.phase);
      if (phase == nullptr || !phase->reducible) continue;
      report.reduced.documents = BERTH_TRY(storage::reduced::count(connection, running.setup.id, phase->entity));
      if (phase->is_reduced || report.reduced.documents > 0) report.reduced.missing = phase->reducible->missing;
    }
    return success();
  });
}

/// Rows that the rules made beside the documents, as phases of their own.
Status Engine::count_derived(Running& running) {
  if (!running.setup.rules) return success();
  return dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const mapping::Rules::Derived& declared : running.setup.rules->derived()) {
      PhaseReport phase;
      phase.phase = declared.name;
      phase.entity = declared.kind;
      phase.outcome = "derived";
      phase.posted = BERTH_TRY(storage::rows::count(connection, declared.kind, declared.scope));
      running.report.phases.push_back(std::move(phase));
    }
    return success();
  });
}

Status Engine::finish(Running& running, const Status& ended) {
  RunReport& report = running.report;
  report.ended = dependencies_.clock.now();
  if (running.api) {
    const http::CallReport calls = running.api->report();
    report.errors = calls.errors;
    report.last_request = calls.last_request;
  }
  report.budgets = running.budgets.use();
  const bool anything = count_records(running, ended.ok());
  if (const Status counted = count_reduced(running); !counted.ok()) running.log.error("documents known by their rows alone could not be counted", counted.error());
  if (const Status counted = count_derived(running); !counted.ok()) running.log.error("derived rows could not be counted", counted.error());
  if (ended.ok()) {
    report.outcome = anything ? RunOutcome::kSucceeded : RunOutcome::kNothingChanged;
  } else {
    const Error& error = ended.error();
    report.reason = error.reason;
    report.message = error.message;
    if (error.code == Code::kUnauthenticated && !running.access.data_center_mismatch.empty()) {
      report.message += ". " + running.access.data_center_mismatch;
    }
    report.outcome = run_outcome(phase_outcome(error, running.stop.stop_requested()));
    if (error.retry_after_ms >= 0) report.next_attempt = report.ended + std::chrono::milliseconds(error.retry_after_ms);
    if (report.outcome == RunOutcome::kRateLimited && report.next_attempt.unix_ms == 0) {
      // A cap spreads the work over the intervals; a spent day waits for the next one.
      report.next_attempt = error.reason == "berth.run_cap" ? next_scheduled(running.setup, running.integration, report) : running.access.gate->resets_at();
    }
    if (report.outcome == RunOutcome::kRateLimited && running.access.gate->day_left() == 0) {
      // The refusal said when the day turns; answers that were still on their way may have told a later second.
      report.next_attempt = std::max(report.next_attempt, running.access.gate->resets_at());
    }
  }
  const Error* error = ended.ok() ? nullptr : &ended.error();
  const std::int64_t calls_today =
      running.api ? running.day.see(report.ended, running.access.gate->snapshot().day_resets_at, calls_made(running.api->report())) : 0;
  bool is_held = false;
  Status saved = dependencies_.database.write("run.end", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, running.lease, dependencies_.clock.now()));
    // As it is now: a person may have paused or resumed it meanwhile.
    BERTH_CHECK(decide_next(connection, BERTH_TRY(storage::integrations::find(connection, running.setup.id)).value_or(running.integration), error, report));
    if (!running.access.quota_key.empty()) BERTH_CHECK(tell_quota(connection, running.access.quota_key, *running.access.gate, report.ended));
    BERTH_CHECK(end_history(connection, running));
    for (const Phase& phase : running.setup.phases) {
      if (phase.enabled && phase.has_detail) BERTH_CHECK(see_brake(connection, running.setup.id, phase, report.ended));
    }
    if (running.api) {
      BERTH_CHECK(tell_forecast(connection, running.setup,
                                {.quota = running.access.gate->snapshot(), .under_way = {}, .used_today = calls_today, .now = report.ended}));
    }
    report.forecast = BERTH_TRY(forecast_view(connection, running.setup.id));
    BERTH_CHECK(close_row(connection, report));
    BERTH_CHECK(mark_run_ended(connection, running.setup, report, error, report.ended));
    is_held = !BERTH_TRY(held_by_brake(connection, running.setup.id)).empty();
    return mark_crash_loop(connection, report);
  });
  if (dependencies_.metrics != nullptr) count_run(*dependencies_.metrics, report);
  if (report.is_history_done && saved.ok()) running.log.info("the history is complete");
  // Nothing went wrong in a run in which deletions are held back, and all the same a person has to look.
  const std::string reason = report.reason.empty() && is_held ? "berth.deletion_brake" : report.reason;
  const telemetry::Log ended_log = reason.empty() ? running.log : running.log.with({{"reason", reason}});
  ended_log.info("run ended", {{"outcome", to_string(report.outcome)}});
  if (!saved.ok()) return saved;
  if (!BERTH_TRY(take_queued_work(running.lease))) return success();
  // The run has its end already; what a stop leaves of this is pending.
  if (Status applied = apply_slice(running); !applied.ok() && applied.error().code != Code::kCancelled) return applied;
  return dependencies_.database.write("run.setup_state", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, running.lease, dependencies_.clock.now()));
    return refresh_setup_state(connection, running.setup, dependencies_.clock.now());
  });
}

/// When it goes on: the remote's advice, else the waits after failures and crashes.
Status Engine::decide_next(storage::Connection& connection, const storage::Integration& integration, const Error* error, RunReport& report) {
  if (error != nullptr && needs_consent(*error, report)) return success();
  const NextAttempt next = BERTH_TRY(next_attempt(connection, dependencies_.retry, integration, report));
  report.is_crash_loop = next.must_pause && integration.desired == "enabled";
  report.next_attempt = std::max(report.next_attempt, next.at);
  if (report.is_crash_loop) report.next_attempt = {};
  return success();
}

Status Engine::mark_crash_loop(storage::Connection& connection, const RunReport& report) {
  if (!report.is_crash_loop) return success();
  dependencies_.log.error("paused: the plugin crashed too often", {{"integration", report.integration}, {"reason", report.reason}});
  BERTH_CHECK(storage::integrations::set_desired(connection, report.integration, "paused"));
  const auto row = BERTH_TRY(storage::integrations::find(connection, report.integration));
  return storage::integrations::set_status(connection, report.integration,
                                           {.actual = row && row->last_sync.unix_ms > 0 ? "degraded" : "error",
                                            .reason = "plugin.crash_loop",
                                            .message = crash_loop_message(dependencies_.retry, report.integration, report),
                                            .who_acts = "operator",
                                            .next_attempt = {}},
                                           report.ended);
}

Status Engine::note_not_begun(std::string_view integration, const RunRequest& request, const Error& error,
                              const std::optional<plugins::Crash>& crash) {
  RunReport report;
  report.run = new_id("run", dependencies_.clock, dependencies_.random);
  report.integration = integration;
  report.trigger = request.trigger;
  report.started = report.ended = dependencies_.clock.now();
  report.outcome = is_plugin_crash(error.reason) ? RunOutcome::kCrashed : RunOutcome::kFailed;
  report.reason = error.reason;
  report.message = error.message;
  report.crash = crash;
  bool is_noted = false;
  BERTH_CHECK(dependencies_.database.write("run.not_begun", [&](storage::Connection& connection) -> Status {
    const auto row = BERTH_TRY(storage::integrations::find(connection, integration));
    if (!row || row->desired != "enabled") return success();
    // Under the lease like whatever else is written of a run: who holds it runs the integration, and knows better.
    const std::string owner = new_owner();
    const auto fencing = BERTH_TRY(storage::leases::acquire(connection, integration, owner, dependencies_.lease_ttl, report.ended));
    if (!fencing) return success();
    const bool has_crashed = report.outcome == RunOutcome::kCrashed;
    if (!has_crashed && !request.commands.empty()) {
      // What was asked for is tried every minute: that it still cannot begin, for the same reason, is no news.
      const auto newest = BERTH_TRY(storage::runs::list(connection, integration, {.after = {}, .limit = 1}));
      if (!newest.items.empty() && newest.items.front().reason == report.reason && newest.items.front().phases_json == "[]")
        return storage::leases::release(connection, integration, owner, *fencing);
    }
    BERTH_CHECK(storage::runs::open(connection, {.id = report.run, .integration = report.integration, .trigger = report.trigger, .started = report.started}));
    BERTH_CHECK(decide_next(connection, *row, &error, report));
    BERTH_CHECK(close_row(connection, report));
    if (has_crashed) BERTH_CHECK(storage::commands::erase(connection, request.commands));
    BERTH_CHECK(mark_run_failed(connection, integration, report, &error, report.ended));
    is_noted = true;
    BERTH_CHECK(mark_crash_loop(connection, report));
    return storage::leases::release(connection, integration, owner, *fencing);
  }));
  if (is_noted && dependencies_.metrics != nullptr) count_run(*dependencies_.metrics, report);
  return success();
}

}  // namespace berth::runs
