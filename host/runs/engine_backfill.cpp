// The history of an integration, behind its changes (docs/decisions/0018). After the changes of a run are in, the lists of the
// history are read, window by window; then what they ask for is fetched, what is open and new first, the kinds of documents side
// by side, until a phase is due again. Everything stands in the database, so a run that is killed anywhere goes on there.
#include <algorithm>
#include <limits>

#include "host/runs/backfill.hpp"
#include "host/runs/engine_running.hpp"
#include "host/runs/forecast.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/backfills.hpp"
#include "host/storage/cursors.hpp"

namespace berth::runs {

namespace {

/// A run gets so far with the history, also where its changes took until a phase is due again.
constexpr std::chrono::milliseconds kPieceMin = kSliceMax;
/// So many steps of priority (months, as a rule) are fetched in one turn over the phases.
constexpr std::int64_t kStepsInTurn = 2;
/// Places of missing files lie below 0, those that confirm deletions far below.
constexpr std::int64_t kFilesToo = -1'000;

bool has_history(const Phase& phase) { return phase.enabled && phase.has_floor; }

/// Contacts, whose details other documents may make unnecessary, are listed first and fetched last.
std::vector<const Phase*> in_order_of_lists(const Setup& setup) {
  std::vector<const Phase*> order;
  for (const bool is_first : {true, false}) {
    for (const Phase& phase : setup.phases) {
      if (has_history(phase) && phase.detail_unless_offered.empty() != is_first) order.push_back(&phase);
    }
  }
  return order;
}

}  // namespace

bool Engine::is_history_asked_for(const Running& running) {
  const RunRequest& request = running.request;
  const bool is_for_some = !request.phases.empty() && request.trigger != "schedule";   // a person wants these and nothing else
  return !is_for_some && !request.full && !request.only_sweep && request.since.empty();
}

// Before the first changes: how many documents there are, with one call, and the rows of contacts, at 200 a call. They are read
// for the history anyway, and without them each contact that an invoice of the first part names would be a call.
Status Engine::begin_history(Running& running) {
  if (!is_history_asked_for(running)) return success();
  bool is_wanted = false;
  std::set<std::string> begun;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    const auto backfill = BERTH_TRY(storage::backfills::find(connection, running.setup.id));
    is_wanted = backfill && backfill->done.unix_ms == 0;
    // Asked once: there is a row also where the remote tells no count.
    for (const storage::BackfillList& list : BERTH_TRY(storage::backfills::lists(connection, running.setup.id))) begun.insert(list.phase);
    return success();
  }));
  if (!is_wanted) return success();
  running.yield_at = Instant{std::numeric_limits<std::int64_t>::max()};
  for (const Phase& phase : running.setup.phases) {
    if (!has_history(phase)) continue;
    Status ended = success();
    if (!phase.detail_unless_offered.empty()) {
      ended = list_history_of(running, phase);
    } else if (phase.has_window && phase.is_counted && !begun.contains(phase.id)) {
      ended = run_phase(running, phase, running.report_of(phase), std::string(kCount), {});
    }
    // How the phase ends, its changes say, and its history at the end of the run.
    for (PhaseReport& report : running.report.phases) {
      if (report.phase != phase.id) continue;
      report.outcome.clear();
      report.reason.clear();
      report.message.clear();
    }
    // Nothing is missing for that: the changes tell what is in the way.
    if (!ended.ok()) running.log.warning("the history could not be looked at", {{"phase", phase.id}, {"reason", ended.error().reason}});
  }
  return success();
}

Status Engine::pull_history(Running& running) {
  const Setup& setup = running.setup;
  bool is_wanted = false;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    const auto backfill = BERTH_TRY(storage::backfills::find(connection, setup.id));
    is_wanted = backfill && backfill->done.unix_ms == 0;
    for (const Phase& phase : setup.phases) {
      if (phase.enabled && BERTH_TRY(storage::cursors::passes_complete(connection, setup.id, phase.id)) == 0) is_wanted = false;   // the changes come first
    }
    return success();
  }));
  if (!is_wanted || !is_history_asked_for(running)) return success();
  const std::string zone = zone_of(*setup.declared, running.integration);
  const Instant now = dependencies_.clock.now();
  running.yield_at = now + kDefaultInterval;
  for (const Phase& phase : setup.phases) {
    if (phase.enabled) running.yield_at = std::min(running.yield_at, next_due(*setup.declared, phase.id, running.report.started, zone));
  }
  running.yield_at = std::max(running.yield_at, now + kPieceMin);
  // What changes need until the day turns is not for the history.
  const http::QuotaSnapshot quota = running.access.gate->snapshot();
  if (quota.day_left) {
    const auto until_turn = std::max(std::chrono::milliseconds{0}, quota.day_resets_at - now);
    const std::int64_t kept = calls_of_changes(setup, zone, now, until_turn, quota.day_limit.value_or(0) - quota.day_reserve);
    running.budgets.hold_back(std::max<std::int64_t>(0, usable_of_day(*quota.day_left, running.own_part, running.kept_for_others) - kept));
  }
  std::set<std::string, std::less<>> files;
  for (const Phase& phase : setup.phases) {
    for (const Phase::File& file : phase.files) files.insert(file.cost);
  }
  running.budgets.lift_shares(files);
  Status ended = list_history(running);
  if (ended.ok()) ended = fetch_history(running, files);
  // What follows in this run may use what was kept for changes.
  const auto left = running.access.gate->day_left();
  running.budgets.hold_back(left && running.kept_for_others > 0 ? std::optional(usable_of_day(*left, running.own_part, running.kept_for_others)) : std::nullopt);
  const bool is_piece_over = !ended.ok() && ended.error().code == Code::kQuotaExhausted;
  if (is_piece_over) running.log.info("the history goes on in the next run", {{"reason", ended.error().reason}});
  return is_piece_over ? success() : ended;
}

bool Engine::is_history_due_later(const Running& running) const { return dependencies_.clock.now() >= running.yield_at || running.budgets.was_held_back(); }

Status Engine::list_history_of(Running& running, const Phase& phase) {
  while (!is_history_due_later(running)) {
    storage::BackfillList list;
    BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
      list = BERTH_TRY(storage::backfills::find_list(connection, running.setup.id, phase.id)).value_or(storage::BackfillList{});
      return success();
    }));
    if (list.done.unix_ms > 0) break;
    running.window.reset();
    const bool is_whole = running.windowless.contains(phase.id) || (list.to.unix_ms == 0 && list.listed > 0);   // begun so, maybe by another run
    if (phase.has_window && !is_whole) running.window = list.to.unix_ms > 0 ? Window{list.from, list.to} : first_window(running.integration.backfill_floor);
    PhaseReport& report = running.report_of(phase);
    const Status ended = run_phase(running, phase, report, std::string(kWindow), {});
    if (ended.ok()) continue;
    if (ended.error().reason == kWindowIgnored && running.window) {
      running.windowless.insert(phase.id);
      continue;
    }
    if (ended.error().code == Code::kQuotaExhausted || ends_run(ended.error())) return ended;
    tell_end(report, ended.error(), running.stop.stop_requested());   // another run may fare better
    break;
  }
  return success();
}

Status Engine::list_history(Running& running) {
  for (const Phase* phase : in_order_of_lists(running.setup)) BERTH_CHECK(list_history_of(running, *phase));
  return apply_slice(running);
}

Status Engine::fetch_history(Running& running, const std::set<std::string, std::less<>>& files) {
  const auto turn = [&](std::int64_t at_least) -> Status {
    running.history_priority = at_least;
    for (const Phase& phase : running.setup.phases) {
      if (!phase.enabled || !phase.has_detail || is_history_due_later(running)) continue;
      PhaseReport& report = running.report_of(phase);
      const Status ended = run_phase(running, phase, report, std::string(kHistoryQueue), {});
      if (!ended.ok() && (ends_run(ended.error()) || ended.error().reason != "berth.budget")) return ended;
    }
    BERTH_CHECK(apply_slice(running));
    return follow_up(running);
  };
  std::vector<std::string> entities;
  for (const Phase& phase : running.setup.phases) {
    if (phase.enabled && phase.has_detail) entities.push_back(phase.entity);
  }
  const auto highest = [&](std::int64_t below) -> Result<std::optional<std::int64_t>> {
    std::optional<std::int64_t> found;
    BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
      found = BERTH_TRY(storage::detail_queue::history_priority(connection, running.setup.id, entities, below));
      return success();
    }));
    return found;
  };
  std::int64_t below = std::numeric_limits<std::int32_t>::max();
  while (!is_history_due_later(running)) {
    const auto top = BERTH_TRY(highest(below));
    if (!top) break;
    below = std::max<std::int64_t>(0, *top - kStepsInTurn + 1);
    BERTH_CHECK(turn(below));
    if (is_history_due_later(running)) return success();
  }
  if (is_history_due_later(running)) return success();
  // Documents are here; their files may use what is left.
  if (running.budgets.lift_shares({}) || !files.empty()) BERTH_CHECK(turn(kFilesToo));
  running.is_history_fetched = !is_history_due_later(running);
  return success();
}

// In the transaction that ends the run.
Status Engine::end_history(storage::Connection& connection, Running& running) {
  if (!running.is_history_fetched) return success();
  for (const Phase& phase : running.setup.phases) {
    if (!has_history(phase)) continue;
    const auto list = BERTH_TRY(storage::backfills::find_list(connection, running.setup.id, phase.id));
    if (!list || list->done.unix_ms == 0) return success();
    // What failed is tried again, and given up in the end.
    if (BERTH_TRY(storage::detail_queue::history_priority(connection, running.setup.id, {phase.entity}, std::numeric_limits<std::int32_t>::max()))) return success();
  }
  BERTH_CHECK(storage::detail_queue::end_history(connection, running.setup.id));
  BERTH_CHECK(storage::backfills::set_done(connection, running.setup.id, running.report.ended));
  BERTH_CHECK(storage::integrations::set_backfill_floor(connection, running.setup.id, Instant{0}));
  running.report.is_history_done = true;
  return success();
}

}  // namespace berth::runs
