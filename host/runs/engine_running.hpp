#pragma once
// A run under way, as the parts of the engine see it: engine.cpp begins it and takes its phases in order, engine_phase.cpp
// runs one phase in slices, engine_end.cpp closes it. Private to them; one thread, the one that called Engine::run().
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/runs/engine.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::runs {

inline constexpr std::string_view kQueueOnly = "queue";   // mode of run_phase(): no list is read

struct Engine::Running {
  const Setup& setup;
  const RemoteAccess& access;
  const RunRequest& request;
  std::stop_token stop;
  const OnProgress& on_progress;
  HeldLease lease;
  LeaseKeeper* keeper;
  storage::Integration integration;
  RunReport report;
  telemetry::Log log;
  std::unique_ptr<http::ApiClient> api;
  http::Budgets budgets;
  ApplyResult applied;
  bool wants_fetch = false;
  std::map<std::string, storage::detail_queue::HandedOut> refused{};   // by phase: not asked for again in this run
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

/// How a phase that returned this error is told in the report. A plugin that had to be ended because it did not heed a
/// person's stop is no crash.
[[nodiscard]] std::string_view phase_outcome(const Error& error, bool is_stopped);
/// That, with reason and message, into its row.
void tell_end(PhaseReport& report, const Error& error, bool is_stopped);

}  // namespace berth::runs
