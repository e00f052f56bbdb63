#include "host/runs/report.hpp"

#include <algorithm>

namespace berth::runs {

std::string_view to_string(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::kSucceeded: return "succeeded";
    case RunOutcome::kNothingChanged: return "nothing_changed";
    case RunOutcome::kIncomplete: return "incomplete";
    case RunOutcome::kRateLimited: return "rate_limited";
    case RunOutcome::kFailed: return "failed";
    case RunOutcome::kCrashed: return "crashed";
    case RunOutcome::kCancelled: return "cancelled";
  }
  return "failed";
}

std::int64_t calls_lower_bound(std::int64_t listed, std::int64_t page_size, std::int64_t details, std::int64_t files) {
  const std::int64_t pages = std::max<std::int64_t>(1, (listed + page_size - 1) / std::max<std::int64_t>(1, page_size));
  return pages + details + files;
}

json::Value RunReport::to_json() const {
  json::Value phase_rows = json::Value::array();
  for (const PhaseReport& phase : phases) {
    phase_rows.push_back(json::Value::object({
        {"phase", phase.phase},
        {"entity", phase.entity},
        {"outcome", phase.outcome},
        {"reason", phase.reason},
        {"message", phase.message},
        {"listed", phase.listed},
        {"fetched", phase.fetched},
        {"parts", phase.parts},
        {"files", phase.files},
        {"unchanged", phase.unchanged},
        {"posted", phase.posted},
        {"parked", phase.parked},
        {"skipped", phase.skipped},
        {"failed", phase.failed},
        {"ignored", phase.ignored},
        {"calls", json::Value::object({{"list", phase.calls.list},
                                       {"detail", phase.calls.detail},
                                       {"file", phase.calls.file},
                                       {"other", phase.calls.other},
                                       {"total", phase.calls.total()}})},
        {"lower_bound", phase.lower_bound},
        {"wall_ms", phase.wall_ms},
    }));
  }
  json::Value error_rows = json::Value::array();
  for (const http::RemoteError& error : errors) {
    error_rows.push_back(json::Value::object({{"at", berth::to_string(error.at)},
                                              {"request", error.request},
                                              {"status", error.status},
                                              {"code", error.code},
                                              {"message", error.message},
                                              {"rule", error.rule},
                                              {"reason", error.reason},
                                              {"action", error.action}}));
  }
  json::Value value = json::Value::object({
      {"run", run},
      {"integration", integration},
      {"trigger", trigger},
      {"outcome", to_string(outcome)},
      {"reason", reason},
      {"message", message},
      {"started", berth::to_string(started)},
      {"ended", berth::to_string(ended)},
      {"phases", std::move(phase_rows)},
      {"remote_errors", std::move(error_rows)},
      {"last_request", last_request},
  });
  if (next_attempt.unix_ms > 0) value.set("next_attempt", berth::to_string(next_attempt));
  return value;
}

}  // namespace berth::runs
