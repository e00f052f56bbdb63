// What follows from how a run ended: when the next one is tried, and the pause after a crash loop.
#include <algorithm>

#include "host/runs/engine.hpp"
#include "host/runs/run_metrics.hpp"
#include "host/runs/status.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/runs.hpp"

namespace berth::runs {

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
  BERTH_CHECK(dependencies_.database.write([&](storage::Connection& connection) -> Status {
    const auto row = BERTH_TRY(storage::integrations::find(connection, integration));
    if (!row || row->desired != "enabled" || BERTH_TRY(storage::leases::find(connection, integration, report.ended))) return success();
    const bool has_crashed = report.outcome == RunOutcome::kCrashed;
    if (!has_crashed && !request.commands.empty()) {
      // What was asked for is tried every minute: that it still cannot begin, for the same reason, is no news.
      const auto newest = BERTH_TRY(storage::runs::list(connection, integration, {.after = {}, .limit = 1}));
      if (!newest.items.empty() && newest.items.front().reason == report.reason && newest.items.front().phases_json == "[]") return success();
    }
    BERTH_CHECK(storage::runs::open(connection, {.id = report.run, .integration = report.integration, .trigger = report.trigger, .started = report.started}));
    BERTH_CHECK(decide_next(connection, *row, &error, report));
    BERTH_CHECK(storage::runs::finish(connection, report.run,
                                      {.outcome = std::string(to_string(report.outcome)),
                                       .reason = report.reason,
                                       .message = report.message,
                                       .report_json = json::dump(report.to_json()),
                                       .ended = report.ended}));
    if (has_crashed) BERTH_CHECK(storage::commands::erase(connection, request.commands));
    BERTH_CHECK(mark_run_failed(connection, integration, report, &error, report.ended));
    is_noted = true;
    return mark_crash_loop(connection, report);
  }));
  if (is_noted && dependencies_.metrics != nullptr) count_run(*dependencies_.metrics, report);
  return success();
}

}  // namespace berth::runs
