#pragma once
// A run under way, as the parts of the engine see it: engine.cpp begins it and takes its phases in order, engine_phase.cpp
// runs one phase in slices, engine_end.cpp closes it. Private to them; one thread, the one that called Engine::run().
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/runs/backfill.hpp"
#include "host/runs/day_calls.hpp"
#include "host/runs/engine.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::runs {

/// Modes of run_phase() beside those of plans.
inline constexpr std::string_view kQueueOnly = "queue";           // no list is read
inline constexpr std::string_view kCount = "count";               // the history is counted, and no row taken
inline constexpr std::string_view kWindow = "window";             // a window of the history is listed, and nothing fetched
inline constexpr std::string_view kHistoryQueue = "history";      // what the history asked for is fetched
inline constexpr std::string_view kConfirming = "confirming";     // what seems to be gone is asked for once more, and nothing else
/// What the pull engine ends a window with whose days the remote did not mind.
inline constexpr std::string_view kWindowIgnored = "berth.window_ignored";

struct Engine::Running {
  const Setup& setup;
  const RemoteAccess& access;
  const RunRequest& request;
  std::stop_token stop;
  const OnProgress& on_progress;
  HeldLease lease;
  LeaseKeeper* keeper;
  http::Transport& transport;   // for as long as the lease is good
  storage::Integration integration;
  RunReport report;
  telemetry::Log log;
  std::unique_ptr<http::ApiClient> api;
  http::Budgets budgets;
  ApplyResult applied;
  bool wants_fetch = false;
  std::map<std::string, storage::detail_queue::HandedOut> refused{};   // by phase: not asked for again in this run
  std::set<std::string, std::less<>> wanted{};       // phases whose changes the run is to fetch
  std::set<std::string, std::less<>> windowless{};   // phases whose history is read whole, because the remote minds no days
  storage::detail_queue::Filter::Deletions deletions = storage::detail_queue::Filter::Deletions::kOnly;   // that kConfirming asks for
  std::optional<Window> window{};        // of the history that is listed; nothing: the whole list
  std::int64_t history_priority = 0;     // what is fetched of the history has this one at least
  bool is_history_fetched = false;       // what was listed of it; the end of the run looks whether that is all
  Instant yield_at{};                    // the history goes on in another run then
  Instant foretold{};                    // when the forecast was last computed
  DayCalls day{};                        // calls of the day that the integration has made
  std::int64_t kept_for_others = 0;      // of the day, for integrations that share its quota
  std::int64_t own_part = 0;             // of the day, where something is kept for others, without what earlier runs used
  bool is_put_off = false;   // the phase failed at single documents, which go behind the others: the next one has a chance

  /// The row of that phase, made where the run did not ask for it.
  PhaseReport& report_of(const Phase& phase) {
    for (PhaseReport& row : report.phases) {
      if (row.phase == phase.id) return row;
    }
    PhaseReport row;
    row.phase = phase.id;
    row.entity = phase.entity;
    report.phases.push_back(std::move(row));
    return report.phases.back();
  }
};

/// After such an error no other phase has a chance.
[[nodiscard]] bool ends_run(const Error& error);
/// How a phase that returned this error is told in the report. A plugin that had to be ended because it did not heed a
/// person's stop is no crash.
[[nodiscard]] std::string_view phase_outcome(const Error& error, bool is_stopped);
/// That, with reason and message, into its row.
void tell_end(PhaseReport& report, const Error& error, bool is_stopped);

}  // namespace berth::runs
