// The comparison of all ids (`archiving` in a schedule): what the remote has no more is found by reading its lists whole.
//
// It comes after what changed, within a run that is due or in one of its own, and reads a few pages only: the rest of the list
// is for the next runs, because the changes of an integration wait while it runs. A page brings the ids of 200 documents.
// What a list that was read to its end has not shown is asked for by its id, and is gone where the remote says so.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/runs/deletions.hpp"
#include "host/runs/engine_running.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::runs {

namespace {

/// Pages in one run, where the budget `archiving` says nothing else: half a minute of a remote that allows a hundred calls a minute.
constexpr std::int64_t kSweepPagesMax = 40;
/// And no more than this part of what is left of the day: changes of the day that are still to come are worth more.
constexpr std::int64_t kSweepPartOfDay = 10;

using Deletions = storage::detail_queue::Filter::Deletions;

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
  return success();
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
  return success();
}

// Once in a run, behind all that it fetched but the history: only then is it known how many seem to be gone. Where they are too many,
// none of them is asked for again, but those that a person has asked for.
Status Engine::confirm_gone(Running& running) {
  Status first_failure = success();
  std::int64_t found = 0;
  for (const Phase& phase : running.setup.phases) {
    if (!phase.enabled || !phase.has_detail) continue;
    Suspects suspects;
    BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
      suspects = BERTH_TRY(suspects_of(connection, running.setup.id, phase));
      return success();
    }));
    if (suspects.waiting.in_all == 0) continue;
    PhaseReport& report = running.report_of(phase);
    running.deletions = suspects.are_too_many() ? Deletions::kOnlyAsked : Deletions::kOnly;
    if (suspects.are_too_many()) {
      running.log.warning("the deletion brake holds", {{"phase", phase.id}, {"missing", suspects.count}});
      if (report.reason.empty()) {
        report.reason = "berth.deletion_brake";
        report.message = fmt::format("{} of {} records of {} seem to be gone, more than {}; nothing was archived", suspects.count, suspects.of, phase.entity,
                                     suspects.let_through);
      }
      if (suspects.waiting.asked == 0) continue;
    }
    const std::int64_t before = report.gone + report.fetched;
    const Status ended = confirm_gone_of(running, phase);
    found += report.gone + report.fetched - before;
    if (ended.ok() || is_cut(ended.error())) continue;   // the queue keeps them
    tell_end(report, ended.error(), running.stop.stop_requested());
    if (ends_run(ended.error()) && !std::exchange(running.is_put_off, false)) return ended;
    if (first_failure.ok()) first_failure = ended;
  }
  if (found == 0) return first_failure;
  BERTH_CHECK(apply_slice(running));
  const Status followed = follow_up(running);
  return first_failure.ok() ? followed : first_failure;
}

Status Engine::confirm_gone_of(Running& running, const Phase& phase) {
  PhaseReport& report = running.report_of(phase);
  const PhaseReport before = report;
  const Status ended = run_phase(running, phase, report, std::string(kConfirming), {});
  report.sweep.confirming_calls += report.calls.detail - before.calls.detail;
  // That a document is gone takes one call to know, too.
  report.fewest.detail += report.gone - before.gone;
  return ended;
}

}  // namespace berth::runs
