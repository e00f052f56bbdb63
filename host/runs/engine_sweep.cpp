// The comparison of all ids (`archiving` in a schedule): what the remote has no more is found by reading its lists whole.
//
// It comes after what changed, within a run that is due or in one of its own, and reads a few pages only: the rest of the list
// is for the next runs, because the changes of an integration wait while it runs. A page brings the ids of 200 documents.
// What a list that was read to its end has not shown is asked for by its id, and is gone where the remote says so.
#include <algorithm>
#include <set>

#include "host/runs/engine_running.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/brakes.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::runs {

namespace {

/// Pages in one run, where the budget `archiving` says nothing else: half a minute of a remote that allows a hundred calls a minute.
constexpr std::int64_t kSweepPagesMax = 40;
/// And no more than this part of what is left of the day: changes of the day that are still to come are worth more.
constexpr std::int64_t kSweepPartOfDay = 10;
constexpr std::size_t kConfirmAtOnce = 200;

/// Its budget, or the cap of the run, is spent: the next run goes on.
bool is_cut(const Error& error) { return error.reason == "berth.budget" || error.reason == "berth.run_cap"; }

}  // namespace

Status Engine::run_sweeps(Running& running) {
  if (!running.setup.declared->budgets.contains(kArchiving)) {
    std::int64_t pages = kSweepPagesMax;
    if (const auto left = running.access.gate->day_left()) pages = std::min(pages, std::max<std::int64_t>(1, *left / kSweepPartOfDay));
    BERTH_CHECK(running.budgets.add(json::Value::object({{std::string(kArchiving), json::Value(pages)}}), kArchiving));
  }
  for (const std::string& id : running.request.sweep) {
    const Phase* phase = running.setup.find_phase(id);
    if (phase != nullptr && phase->enabled && phase->is_swept) BERTH_CHECK(sweep_phase(running, *phase));
  }
  BERTH_CHECK(apply_slice(running));
  return follow_up(running);
}

Status Engine::sweep_phase(Running& running, const Phase& phase) {
  PhaseReport& report = running.report_of(phase);
  const PhaseReport before = report;
  const Status listed = run_phase(running, phase, report, "sweep", {});
  // Rows that were only compared are told apart from those that the changes listed.
  report.sweep.listed += report.listed - before.listed;
  report.sweep.list_calls += report.calls.list - before.calls.list;
  report.listed = before.listed;
  report.unchanged = before.unchanged;
  if (!listed.ok() && listed.error().reason == "berth.deletion_brake") {
    running.log.warning("the deletion brake holds", {{"phase", phase.id}, {"missing", report.sweep.missing}});
    report.sweep.outcome = "braked";
    return success();
  }
  if (!listed.ok() && (is_cut(listed.error()) || listed.error().reason == "berth.list_unsteady")) {
    report.sweep.outcome = "incomplete";
    return success();
  }
  if (!listed.ok()) {
    report.sweep.outcome = "incomplete";
    return listed;
  }
  report.sweep.outcome = "complete";
  return confirm_gone(running, phase);
}

Status Engine::confirm_gone(Running& running, const Phase& phase) {
  PhaseReport& report = running.report_of(phase);
  std::set<std::string> asked;   // once each
  while (true) {
    std::vector<std::string> ids;
    BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
      for (std::string& id : BERTH_TRY(storage::detail_queue::to_confirm(connection, running.setup.id, phase.entity, asked.size() + kConfirmAtOnce))) {
        if (ids.size() < kConfirmAtOnce && asked.insert(id).second) ids.push_back(std::move(id));
      }
      return success();
    }));
    if (ids.empty()) return success();
    const PhaseReport before = report;
    const Status ended = run_phase(running, phase, report, "ids", ids);
    report.sweep.confirming_calls += report.calls.detail - before.calls.detail;
    // That a document is gone takes one call to know, too.
    report.fewest.detail += report.gone - before.gone;
    if (!ended.ok() && is_cut(ended.error())) return success();   // the queue keeps them
    BERTH_CHECK(ended);
  }
}

}  // namespace berth::runs
