#include "host/runs/retry.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/hash.hpp"
#include "host/storage/runs.hpp"

namespace berth::runs {

namespace {

constexpr std::string_view kCrashLoop = "plugin.crash_loop";
constexpr std::string_view kCrashes[] = {"plugin.crashed", "plugin.out_of_memory", "plugin.cpu_limit", "plugin.hang",
                                         "plugin.deadline", "plugin.flood", "plugin.protocol", "sdk.out_of_memory"};
constexpr std::size_t kRunsLookedAt = 50;

/// How many runs in a row ended like that, this one included, newest first. Those that prove nothing are passed over.
struct InARow {
  int crashed = 0;    // without one that failed in another way between
  int not_well = 0;   // crashed or failed
};

Result<InARow> in_a_row(storage::Connection& connection, const storage::Integration& integration, const RunReport& report) {
  InARow count;
  bool only_crashes = report.outcome == RunOutcome::kCrashed;
  count.not_well = 1;
  count.crashed = only_crashes ? 1 : 0;
  for (const storage::Run& run : BERTH_TRY(storage::runs::list(connection, integration.id, {.after = {}, .limit = kRunsLookedAt})).items) {
    if (run.id == report.run || run.outcome == "running" || run.outcome == "cancelled" || run.reason == "berth.run_abandoned") continue;
    const bool has_crashed = run.outcome == "crashed";
    if ((!has_crashed && run.outcome != "failed") || run.started <= integration.resumed) break;
    only_crashes = only_crashes && has_crashed;
    if (only_crashes) ++count.crashed;
    ++count.not_well;
  }
  return count;
}

/// Documents, files and decisions; a page of a list that is read again is none.
bool has_brought_anything(const json::Value& report) {
  const json::Value* phases = report.find("phases");
  if (phases == nullptr) return false;
  for (const json::Value& phase : phases->items()) {
    for (const char* key : {"fetched", "parts", "files", "posted", "parked", "skipped", "failed", "ignored"}) {
      const json::Value* count = phase.text_of("outcome") == "derived" ? nullptr : phase.find(key);
      if (count != nullptr && count->integer().value_or(0) > 0) return true;
    }
  }
  return false;
}

/// How many runs in a row the limits ended that brought nothing, this one included.
Result<int> idle_in_a_row(storage::Connection& connection, const RunReport& report) {
  if (has_brought_anything(report.to_json())) return 0;
  int count = 1;
  for (const storage::Run& run : BERTH_TRY(storage::runs::list(connection, report.integration, {.after = {}, .limit = kRunsLookedAt})).items) {
    if (run.id == report.run || run.outcome == "running") continue;
    const json::Parsed earlier = json::parse(run.report_json);
    if (run.outcome != to_string(RunOutcome::kRateLimited) || !earlier.ok() || has_brought_anything(earlier.value)) break;
    ++count;
  }
  return count;
}

/// The wait and a share of the jitter; the same for the same run, so that computing it twice gives one answer.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds wait, int percent, std::string_view run) {
  const std::int64_t share = std::stoll(sha256_hex(run).substr(0, 8), nullptr, 16) % 1001;   // thousandths
  return wait + wait * percent * share / 100'000;
}

}  // namespace

bool is_plugin_crash(std::string_view reason) { return std::find(std::begin(kCrashes), std::end(kCrashes), reason) != std::end(kCrashes); }

Result<NextAttempt> next_attempt(storage::Connection& connection, const RetryPolicy& policy, const storage::Integration& integration,
                                 const RunReport& report) {
  NextAttempt next;
  if (report.outcome == RunOutcome::kRateLimited) {
    const int idle = BERTH_TRY(idle_in_a_row(connection, report));
    next.at = report.ended + std::min<std::chrono::milliseconds>(policy.after_limit * (1LL << std::clamp(idle - 1, 0, 10)), policy.after_limit_max);
    return next;
  }
  const bool has_crashed = report.outcome == RunOutcome::kCrashed;
  if (!has_crashed && report.outcome != RunOutcome::kFailed) return next;
  if (has_crashed) {
    const Instant since = std::max(integration.resumed, report.ended - policy.crash_window);
    const std::int64_t before = BERTH_TRY(storage::runs::count_crashed(connection, integration.id, since));
    if (before + 1 >= policy.crashes_max) {
      next.must_pause = true;
      return next;
    }
  }
  const InARow row = BERTH_TRY(in_a_row(connection, integration, report));
  std::chrono::milliseconds wait = policy.after_failure_max;
  if (has_crashed) {
    wait = policy.after_crash[std::min<std::size_t>(static_cast<std::size_t>(row.crashed), policy.after_crash.size()) - 1];
  } else {
    wait = std::min<std::chrono::milliseconds>(policy.after_failure * (1LL << std::min(row.not_well - 1, 10)), policy.after_failure_max);
  }
  next.at = report.ended + with_jitter(wait, policy.jitter_percent, report.run);
  return next;
}

std::string crash_loop_message(const RetryPolicy& policy, std::string_view integration, const RunReport& report) {
  return fmt::format(
      "{0} is paused: its plugin crashed {1} times within {2} h. Look at the last crash (berth run show {3}), give it to the plugin's author, "
      "install a version that does not crash, then `berth resume {0}`. The last crash was {4}: {5}",
      integration, policy.crashes_max, std::chrono::duration_cast<std::chrono::hours>(policy.crash_window).count(), report.run, report.reason,
      report.message);
}

Error not_enabled(const storage::Integration& integration) {
  const bool is_paused = integration.desired == "paused";
  if (is_paused && integration.reason == kCrashLoop) return make_error(Code::kConflict, std::string(kCrashLoop), integration.message);
  return make_error(Code::kConflict, is_paused ? "runs.paused" : "runs.disabled",
                    fmt::format("{0} is {1}; `berth {2} {0}` first", integration.id, integration.desired, is_paused ? "resume" : "enable"));
}

Status set_desired(storage::Connection& connection, std::string_view integration, std::string_view desired, Instant now) {
  if (desired != "enabled") return storage::integrations::set_desired(connection, integration, desired);
  BERTH_CHECK(storage::integrations::resume(connection, integration, now));
  const auto row = BERTH_TRY(storage::integrations::find(connection, integration));
  if (!row || row->reason != kCrashLoop) return success();
  // Not green before a run has ended well, and not blamed for what a person has answered for.
  return storage::integrations::set_status(connection, integration,
                                           {.actual = row->last_sync.unix_ms > 0 ? "degraded" : "initial_sync",
                                            .reason = {},
                                            .message = "resumed after a crash loop; the next run will show whether the plugin works",
                                            .who_acts = "nobody",
                                            .next_attempt = {}},
                                           now);
}

}  // namespace berth::runs
