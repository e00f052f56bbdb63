// One phase of a run: the plugin reads pages and details in slices, and what a slice brought is applied before the next.
#include <set>

#include "host/runs/engine_running.hpp"
#include "host/runs/extent.hpp"
#include "host/runs/lower_bound.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/detail_queue.hpp"

#include <fmt/format.h>

namespace berth::runs {

namespace {

constexpr std::size_t kFollowUpIdsMax = 200;   // documents asked for by id in one run_phase

/// The floor as plugins get it, in whole seconds: remote times have no smaller part, and what changed within the second
/// of the floor belongs to what is wanted.
std::string floor_text(Instant floor) { return berth::to_string(Instant{floor.unix_ms / 1000 * 1000}); }

CallCounts counts_between(const http::CallReport& before, const http::CallReport& after) {
  const auto difference = [&](http::CallKind kind) {
    const auto place = static_cast<std::size_t>(kind);
    return after.calls[place] - before.calls[place];
  };
  return {.list = difference(http::CallKind::kList),
          .detail = difference(http::CallKind::kDetail),
          .file = difference(http::CallKind::kFile),
          .other = difference(http::CallKind::kOther) + difference(http::CallKind::kWrite)};
}

/// The fewest calls for what this pass brought. Without a watermark or newer rows there is nothing that pages side by side could
/// lose for good (plugin-sdk/pull/edges.hpp); a count is believed only in a pass that filters nothing.
CallCounts fewest_of(const PhaseReport& before, const PhaseReport& after, const Phase& phase, const CallCounts& made, PageEdges edges, bool is_proven,
                     bool filters_nothing) {
  const std::int64_t rows = after.listed - before.listed;
  const bool is_new = rows > after.unchanged - before.unchanged;
  const bool must_overlap = edges == PageEdges::kOverlapping && (is_proven || is_new) && !(filters_nothing && phase.is_counted);
  CallCounts fewest = calls_lower_bound(rows, phase.page_size, must_overlap ? PageEdges::kOverlapping : PageEdges::kSideBySide,
                                        after.fetched - before.fetched + after.parts - before.parts, after.files - before.files);
  if (made.list == 0) fewest.list = 0;   // by id, or of the queue alone
  return fewest;
}

/// What a plugin runs without is told in the report and, once a run, in the log.
void note_lock(RunReport& report, const telemetry::Log& log, std::string lock) {
  if (lock != "on" && report.system_call_filter != lock) log.warning("system calls of the plugin are not restricted", {{"filter", lock}});
  report.system_call_filter = std::move(lock);
}

/// Within a pass of the changes its queue is worked off, too.
std::string pass_mode(const std::string& mode) {
  // What the history fetches has a cursor beside that of the changes, by which a schedule sees when those last began.
  if (mode == kCount || mode == kHistoryQueue) return std::string(kWindow);
  return mode == kQueueOnly || mode == kConfirming ? "changes" : mode;
}

bool is_history(const std::string& mode) { return mode == kWindow || mode == kHistoryQueue; }

/// What of the queue belongs to such a pass: a list of the history fetches nothing, and the changes leave to the history what it
/// asked for. What seems to be gone is asked for when all the others have been (engine_sweep.cpp).
std::optional<storage::detail_queue::Filter> queue_of(const std::string& mode, std::int64_t history_priority, storage::detail_queue::Filter::Deletions deletions) {
  if (mode == kCount || mode == kWindow) return std::nullopt;
  storage::detail_queue::Filter filter;
  filter.deletions = mode == kConfirming ? deletions : storage::detail_queue::Filter::Deletions::kNot;
  if (mode == kConfirming) return filter;
  filter.with_history = mode == kHistoryQueue;
  if (filter.with_history) filter.at_least = history_priority;
  return filter;
}

/// Lists what changed since a date that a person named. Documents asked for by id have no date.
bool is_since(const RunRequest& request, const std::string& mode) {
  return mode != "ids" && !is_history(mode) && mode != kCount && mode != kConfirming && !request.since.empty();
}

/// A comparison that was cut goes on where it stopped, for its list may take days of quota. Left alone for longer than that,
/// it begins anew: what its first pages showed then says nothing about what is there now.
constexpr std::chrono::hours kPassRestMax{36};

Status drop_old_pass(storage::Connection& connection, std::string_view integration, std::string_view phase, std::string_view mode, Instant now) {
  const auto cursor = BERTH_TRY(storage::cursors::load(connection, integration, phase, mode));
  if (!cursor.under_way || now - cursor.last_started <= kPassRestMax) return success();
  return storage::cursors::reset(connection, integration, phase, mode);
}

}  // namespace

std::string plugin_config(const Setup& setup, const storage::Integration& integration) {
  json::Value config = json::Value::object();
  json::Value about = json::Value::object({{"id", setup.id},
                                           {"company", setup.company->id},
                                           {"base_currency", setup.company->base_currency.code()}});
  if (integration.backfill_floor.unix_ms > 0) about.set("backfill_floor", floor_text(integration.backfill_floor));
  config.set("integration", std::move(about));
  json::Value connection = json::Value::object();
  if (!integration.remote_id.empty()) connection.set("organization_id", integration.remote_id);
  config.set("connection", std::move(connection));
  config.set("mode", to_string(setup.declared->mode));
  config.set("phases", setup.phases_json);
  return json::dump(config);
}

/// Where the plugin begins this slice. A pass by id or by date is one of its own: it begins without a cursor, goes on at
/// `own_cursor`, and leaves the stored one, with its watermark, alone.
Result<storage::PhaseCursor> Engine::begin_slice(const Running& running, const Phase& phase, const std::string& mode, const std::string& own_cursor) {
  storage::PhaseCursor cursor;
  if (mode == "ids" || mode == kCount || mode == kConfirming || is_since(running.request, mode)) {
    cursor.integration = running.setup.id;
    cursor.phase = phase.id;
    cursor.mode = is_since(running.request, mode) ? "since" : mode;
    cursor.cursor_json = own_cursor;
    return cursor;
  }
  BERTH_CHECK(dependencies_.database.write("phase.begin", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, running.lease, dependencies_.clock.now()));
    if (!phase.detail_unless_offered.empty()) BERTH_CHECK(storage::detail_queue::drop_offered(connection, running.setup.id, phase.entity, phase.detail_unless_offered));
    if (phase.reducible && (mode == "changes" || mode == "full")) BERTH_CHECK(follow_extent(connection, running.setup, phase, dependencies_.clock.now()));
    if (mode == "full" || mode == "sweep") BERTH_CHECK(drop_old_pass(connection, running.setup.id, phase.id, mode, dependencies_.clock.now()));
    cursor = BERTH_TRY(storage::cursors::begin(connection, running.setup.id, phase.id, pass_mode(mode), dependencies_.clock.now()));
    return success();
  }));
  return cursor;
}

/// What the plugin is to do in this pass. `goes_on`: a slice of this very run came before.
std::string Engine::plan_json(const Running& running, const std::string& mode, const std::vector<std::string>& ids, bool goes_on) {
  json::Value plan = json::Value::object({{"mode", pass_mode(mode)}});
  if (mode == kQueueOnly || mode == kHistoryQueue || mode == kConfirming) plan.set("queue_only", true);
  if (mode == kCount) plan.set("limit", 0);
  if (mode == kWindow && running.window) {   // else: the whole list
    plan.set("from", berth::to_string(running.window->from));
    plan.set("to", berth::to_string(running.window->to));
  }
  if (goes_on) plan.set("goes_on", true);
  if (mode == "ids") {
    json::Value list = json::Value::array();
    for (const std::string& id : ids) list.push_back(id);
    plan.set("ids", std::move(list));
  } else if (is_since(running.request, mode)) {
    plan.set("floor", running.request.since + "T00:00:00Z");
  } else if (running.integration.backfill_floor.unix_ms > 0) {
    plan.set("floor", floor_text(running.integration.backfill_floor));
  }
  return json::dump(plan);
}

/// One slice: a worker of its own, so that what a plugin leaks ends with it.
Status Engine::run_slice(Running& running, const Phase& phase, PhaseReport& report, const std::string& mode, const storage::PhaseCursor& cursor, const std::string& plan,
                         Instant deadline, SliceEnd& end) {
  CaptureSession session({.database = dependencies_.database,
                          .api = *running.api,
                          .gate = *running.access.gate,
                          .clock = dependencies_.clock,
                          .log = running.log,
                          .setup = running.setup,
                          .lease = running.lease,
                          .keeper = *running.keeper,
                          .quota_key = running.access.quota_key,
                          .day = running.day,
                          .foretold = running.foretold,
                          .on_progress = running.on_progress,
                          .window = running.window,
                          .queue = queue_of(mode, running.history_priority, running.deletions),
                          .refused = running.refused[phase.id]},
                         phase, cursor, report, deadline, running.stop);
  auto opened = dependencies_.runner.open({.manifest = running.setup.manifest,
                                           .pin_sha256 = running.setup.pin_sha256,
                                           .config_json = plugin_config(running.setup, running.integration),
                                           .crash = &running.report.crash},
                                          session, running.stop);
  if (!opened.ok()) return std::move(opened).error();
  note_lock(running.report, running.log, (*opened)->system_call_lock());
  Status ended = (*opened)->run_phase({.phase = phase.id, .plan_json = plan, .cursor_json = cursor.cursor_json, .deadline = deadline}, running.stop);
  if (const plugins::Crash* crash = (*opened)->crash()) running.report.crash = *crash;
  end = {session.last_cursor(), session.answered()};
  if (!ended.ok() && session.halted()) ended = *session.halted();
  if (session.storage_failure()) ended = *session.storage_failure();
  // Where the remote asks to be left alone for a time, or answers no list, no document is to blame.
  if (!ended.ok() && ended.error().code == Code::kUnavailable && ended.error().retry_after_ms < 0) {
    running.is_put_off = BERTH_TRY(session.put_off_failed());
  }
  if (!ended.ok()) {
    if (!session.storage_failure()) BERTH_CHECK(session.settle_refused());
    return ended;
  }
  BERTH_CHECK(session.settle_queue());
  if (session.brake_pulled()) return make_error(Code::kConflict, "berth.deletion_brake", report.message);
  return success();
}

Status Engine::run_phase(Running& running, const Phase& phase, PhaseReport& report, const std::string& mode,
                         const std::vector<std::string>& ids) {
  const Instant phase_started = dependencies_.clock.now();
  const http::CallReport before = running.api->report();
  const PhaseReport told_before = report;
  bool is_first_pass = true;
  std::vector<std::string> left = ids;   // what earlier slices brought is not asked for again
  SliceEnd end;
  Status ended = success();
  for (int slices = 0;; ++slices) {
    auto cursor = begin_slice(running, phase, mode, end.cursor);
    if (!cursor.ok()) {
      ended = std::move(cursor).error();
      break;
    }
    if (slices == 0) is_first_pass = cursor->passes_complete == 0;
    const Instant deadline = dependencies_.clock.now() + kSliceMax;
    ended = run_slice(running, phase, report, mode, *cursor, plan_json(running, mode, left, slices > 0), deadline, end);
    // The end of a slice is no failure: apply what it brought and go on at the cursor.
    const bool slice_over = !ended.ok() && ended.error().code == Code::kCancelled && !running.stop.stop_requested() &&
                            dependencies_.clock.now() >= deadline;
    if (!slice_over) break;
    ended = apply_slice(running);
    if (!ended.ok()) break;
    std::erase_if(left, [&](const std::string& id) { return end.answered.contains(id); });
    if (mode == "ids" && left.empty()) break;
    if (is_history(mode) && is_history_due_later(running)) break;
  }
  // A pass by id or of the queue comes after one of the same phase, whose calls stand in the row already.
  const CallCounts made = counts_between(before, running.api->report());
  report.calls.add(made);
  const bool is_whole = mode == "full" || (mode == "changes" && is_first_pass && running.request.since.empty() && running.integration.backfill_floor.unix_ms == 0);
  // What a comparison of ids does not see is asked for, so its pages need no proof.
  const PageEdges edges = mode == "sweep" ? PageEdges::kSideBySide : PageEdges::kOverlapping;
  report.fewest.add(fewest_of(told_before, report, phase, made, edges, mode != "changes" || is_first_pass, is_whole));
  report.wall_ms += (dependencies_.clock.now() - phase_started).count();
  if (ended.ok() && report.outcome.empty()) report.outcome = "succeeded";
  return ended;
}

Status Engine::apply_slice(Running& running) {
  Applier applier({.database = dependencies_.database,
                   .clock = dependencies_.clock,
                   .random = dependencies_.random,
                   .log = running.log,
                   .setup = running.setup,
                   .lease = running.lease,
                   .companies = dependencies_.companies});
  if (running.on_progress) running.on_progress("apply", 0, -1);
  const ApplyResult result = BERTH_TRY(applier.apply_pending(running.stop));
  running.applied.add(result);
  running.wants_fetch = running.wants_fetch || result.wants_fetch;
  if (result.was_stopped) return make_error(Code::kCancelled, "berth.cancelled", "The run was asked to stop; what it captured and did not apply yet, the next one applies.");
  return success();
}

// References and forced documents that applying found: fetched by id and applied within the same run.
Status Engine::follow_up(Running& running) {
  for (int round = 0; running.wants_fetch; ++round) {
    if (round == kFollowUpRoundsMax) {
      return make_error(Code::kQuotaExhausted, "berth.budget",
                        fmt::format("documents kept naming others that were not here yet after {} rounds; the next run goes on", round));
    }
    running.wants_fetch = false;
    // Also of phases that are not due: a payment must not wait an hour for the invoice that it disagrees with.
    for (const Phase& phase : running.setup.phases) {
      if (!phase.has_detail || !phase.enabled) continue;
      std::set<std::string> asked;       // once each in a round, whatever comes of it
      while (true) {
        std::vector<std::string> ids;
        BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
          for (std::string& id : BERTH_TRY(storage::detail_queue::named(connection, running.setup.id, phase.entity, asked.size() + kFollowUpIdsMax))) {
            if (ids.size() < kFollowUpIdsMax && asked.insert(id).second) ids.push_back(std::move(id));
          }
          return success();
        }));
        if (ids.empty()) break;
        PhaseReport& report = running.report_of(phase);
        const Status ended = run_phase(running, phase, report, "ids", ids);
        if (!ended.ok()) {
          tell_end(report, ended.error(), running.stop.stop_requested());
          return ended;
        }
      }
    }
    BERTH_CHECK(apply_slice(running));
  }
  return success();
}

}  // namespace berth::runs
