#include "host/runs/report.hpp"

#include <fmt/format.h>

#include <cstring>

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

namespace {

json::Value calls_json(const CallCounts& calls) {
  return json::Value::object(
      {{"list", calls.list}, {"detail", calls.detail}, {"file", calls.file}, {"other", calls.other}, {"total", calls.total()}});
}

}  // namespace

json::Value crash_json(const plugins::Crash& crash) {
  json::Value value = json::Value::object({{"signal", crash.signal},
                                           {"signal_name", crash.signal == 0 ? "" : strsignal(crash.signal)},
                                           {"exit_code", crash.exit_code},
                                           {"phase", crash.phase},
                                           {"last_request", crash.last_request},
                                           {"stderr_tail", crash.stderr_tail},
                                           {"cpu_ms", crash.cpu_ms}});
  if (crash.memory_limit > 0) {
    value.set("memory_bytes", static_cast<std::int64_t>(crash.memory));
    value.set("memory_limit_bytes", static_cast<std::int64_t>(crash.memory_limit));
  }
  return value;
}

std::string crash_text(const json::Value& crash) {
  const auto number = [&](const char* name) { return crash.find(name) == nullptr ? 0 : crash.find(name)->integer().value_or(0); };
  std::string text = number("signal") != 0 ? fmt::format("signal {} ({})", number("signal"), crash.text_of("signal_name"))
                                           : fmt::format("exit code {}", number("exit_code"));
  if (!crash.text_of("phase").empty()) text += fmt::format(" in phase {}", crash.text_of("phase"));
  if (!crash.text_of("last_request").empty()) text += fmt::format(", last request {}", crash.text_of("last_request"));
  text += fmt::format(", {} ms of processor time", number("cpu_ms"));
  if (number("memory_limit_bytes") > 0) text += fmt::format(", {} of {} MiB of memory in use", number("memory_bytes") >> 20, number("memory_limit_bytes") >> 20);
  return text;
}

json::Value RunReport::to_json() const {
  json::Value phase_rows = json::Value::array();
  for (const PhaseReport& phase : phases) {
    json::Value notes = json::Value::array();
    for (const PhaseNote& note : phase.notes) {
      notes.push_back(json::Value::object({{"reason", note.reason}, {"message", note.message}, {"about", note.about}, {"times", note.times}}));
    }
    json::Value sweep;
    if (!phase.sweep.outcome.empty()) {
      sweep = json::Value::object({{"outcome", phase.sweep.outcome}, {"listed", phase.sweep.listed}, {"list_calls", phase.sweep.list_calls},
                                   {"missing", phase.sweep.missing}, {"confirming_calls", phase.sweep.confirming_calls}});
    }
    json::Value reduced;
    if (!phase.reduced.missing.empty()) {
      json::Value missing = json::Value::array();
      for (const std::string& one : phase.reduced.missing) missing.push_back(one);
      reduced = json::Value::object({{"missing", std::move(missing)}, {"documents", phase.reduced.documents}});
    }
    phase_rows.push_back(json::Value::object({
        {"sweep", std::move(sweep)},
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
        {"gone", phase.gone},
        {"posted", phase.posted},
        {"parked", phase.parked},
        {"skipped", phase.skipped},
        {"failed", phase.failed},
        {"ignored", phase.ignored},
        {"calls", calls_json(phase.calls)},
        {"lower_bound", phase.fewest.total()},
        {"lower_bound_by_kind", calls_json(phase.fewest)},
        {"wall_ms", phase.wall_ms},
        {"notes", std::move(notes)},
        {"reduced", std::move(reduced)},
    }));
  }
  json::Value budget_rows = json::Value::array();
  for (const http::BudgetUse& use : budgets) {
    budget_rows.push_back(json::Value::object({{"cost", use.cost},
                                               {"spent", use.spent},
                                               {"limit", use.limit ? json::Value(*use.limit) : json::Value()},
                                               {"is_share", use.is_share},
                                               {"lifted", use.is_lifted},
                                               {"refused", use.refused}}));
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
      {"budgets", std::move(budget_rows)},
      {"remote_errors", std::move(error_rows)},
      {"last_request", last_request},
  });
  if (!forecast.is_null()) value.set("forecast", forecast);
  if (is_history_done) value.set("backfill", "done");   // said by the run that brought the last of it, and by no other
  if (is_crash_loop) value.set("paused", "plugin.crash_loop");
  if (crash) value.set("crash", crash_json(*crash));
  if (!system_call_filter.empty()) value.set("system_call_filter", system_call_filter);
  if (next_attempt.unix_ms > 0) value.set("next_attempt", berth::to_string(next_attempt));
  return value;
}

}  // namespace berth::runs
