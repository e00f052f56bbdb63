#include "host/runs/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/runs/run_metrics.hpp"
#include "host/runs/quota_board.hpp"
#include "host/runs/status.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/runs.hpp"

namespace berth::runs {

namespace {

constexpr std::string_view kQueueOnly = "queue";   // mode of run_phase(): no list is read
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

/// How a phase that returned this error is told in the report. A plugin that had to be ended because it did not heed a
/// person's stop is no crash.
std::string_view phase_outcome(const Error& error, bool is_stopped) {
  if (error.reason == "berth.budget") return "incomplete";
  if (error.code == Code::kQuotaExhausted) return "rate_limited";
  if (error.code == Code::kCancelled || (is_stopped && error.reason == "plugin.hang")) return "cancelled";
  if (is_plugin_crash(error.reason)) return "crashed";
  return "failed";
}

void tell_end(PhaseReport& report, const Error& error, bool is_stopped) {
  report.outcome = phase_outcome(error, is_stopped);
  report.reason = error.reason;
  report.message = error.message;
}

/// When the first of its phases is due again by the schedule.
Instant next_scheduled(const Setup& setup, const RunReport& report) {
  Instant first = report.started + kDefaultInterval;
  for (const PhaseReport& phase : report.phases) {
    const auto interval = setup.declared->schedule.find(phase.phase);
    if (interval != setup.declared->schedule.end()) first = std::min(first, report.started + interval->second);
  }
  return std::max(first, report.ended);
}

/// After such an error no other phase has a chance.
bool ends_run(const Error& error) {
  if (error.reason == "berth.budget") return false;
  switch (error.code) {
    case Code::kCancelled:
    case Code::kUnauthenticated:
    case Code::kQuotaExhausted:
    case Code::kUnavailable:
    case Code::kEnvironment: return true;
    default: break;
  }
  return error.reason.starts_with("plugin.") || error.reason.starts_with("storage.") || error.reason.starts_with("oauth.");
}

}  // namespace

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

namespace {

/// What a plugin runs without is told in the report and, once a run, in the log.
void note_lock(RunReport& report, const telemetry::Log& log, std::string lock) {
  if (lock != "on" && report.system_call_filter != lock) log.warning("system calls of the plugin are not restricted", {{"filter", lock}});
  report.system_call_filter = std::move(lock);
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

Result<HeldLease> Engine::take_lease(const Setup& setup) {
  HeldLease lease{setup.id, fmt::format("{}:{}", dependencies_.owner, new_id("run", dependencies_.clock, dependencies_.random)), 0};
  std::optional<std::int64_t> fencing;
  BERTH_CHECK(dependencies_.database.write([&](storage::Connection& connection) -> Status {
    fencing = BERTH_TRY(storage::leases::acquire(connection, setup.id, lease.owner, kLeaseTtl, dependencies_.clock.now()));
    return success();
  }));
  if (!fencing) {
    BERTH_CHECK(dependencies_.database.write([&](storage::Connection& connection) -> Status {
      const auto held = BERTH_TRY(storage::leases::find(connection, setup.id, dependencies_.clock.now()));
      if (!held || !dependencies_.is_dead_owner || !dependencies_.is_dead_owner(held->owner)) return success();
      dependencies_.log.warning("the process that ran the integration is gone; its lease is taken over", {{"integration", setup.id}, {"owner", held->owner}});
      BERTH_CHECK(storage::leases::release(connection, setup.id, held->owner, held->fencing));
      fencing = BERTH_TRY(storage::leases::acquire(connection, setup.id, lease.owner, kLeaseTtl, dependencies_.clock.now()));
      return success();
    }));
  }
  if (!fencing) {
    return make_error(Code::kConflict, "runs.busy",
                      fmt::format("{} is run by another process right now; try again when it is done, or watch it with `berth status {}`",
                                  setup.id, setup.id));
  }
  lease.fencing = *fencing;
  return lease;
}

void Engine::give_lease(const HeldLease& lease) {
  const Status freed = dependencies_.database.write([&](storage::Connection& connection) {
    return storage::leases::release(connection, lease.integration, lease.owner, lease.fencing);
  });
  if (!freed.ok()) dependencies_.log.error("lease could not be freed", freed.error(), {{"integration", lease.integration}});
}

Result<RunReport> Engine::run(const Setup& setup, const RemoteAccess& access, const RunRequest& request, std::stop_token stop,
                              const OnProgress& on_progress) {
  for (const std::string& wanted : request.phases) {
    const Phase* phase = setup.find_phase(wanted);
    if (phase == nullptr || !phase->enabled) {
      return make_error(Code::kInvalidArgument, "runs.phase_unknown",
                        fmt::format("{} has no phase \"{}\" that is switched on", setup.id, wanted));
    }
  }
  if (!request.since.empty()) {
    if (const auto since = parse_date(request.since); !since.ok()) {
      return make_error(Code::kInvalidArgument, "runs.since_invalid", since.error().message);
    }
  }
  std::optional<storage::Integration> integration;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    integration = BERTH_TRY(storage::integrations::find(connection, setup.id));
    return success();
  }));
  if (!integration) return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration {}", setup.id));
  if (integration->desired != "enabled") {
    return not_enabled(*integration);
  }
  if (integration->connected.unix_ms == 0 || integration->remote_id.empty()) {
    return make_error(Code::kUnauthenticated, "runs.not_connected", fmt::format("{0} is not connected; `berth connect {0}` first", setup.id));
  }

  const HeldLease lease = BERTH_TRY(take_lease(setup));
  LeaseKeeper keeper(dependencies_.database, dependencies_.clock, lease);
  Running running{.setup = setup,
                  .access = access,
                  .request = request,
                  .stop = stop,
                  .on_progress = on_progress,
                  .lease = lease,
                  .keeper = &keeper,
                  .integration = *integration,
                  .report = {},
                  .log = {},
                  .api = nullptr,
                  .budgets = {},
                  .applied = {},
                  .wants_fetch = false};
  running.report.run = new_id("run", dependencies_.clock, dependencies_.random);
  running.report.integration = setup.id;
  running.report.trigger = request.trigger;
  running.report.started = dependencies_.clock.now();
  running.log = dependencies_.log.with({{"integration", setup.id}, {"run", running.report.run}});

  json::Value phase_ids = json::Value::array();
  for (const Phase& phase : setup.phases) {
    const bool is_wanted = request.phases.empty() ||
                           std::find(request.phases.begin(), request.phases.end(), phase.id) != request.phases.end();
    if (!phase.enabled || !is_wanted) continue;
    PhaseReport row;
    row.phase = phase.id;
    row.entity = phase.entity;
    running.report.phases.push_back(std::move(row));
    phase_ids.push_back(phase.id);
  }
  Status ended = dependencies_.database.write([&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, lease, dependencies_.clock.now()));
    BERTH_TRY(storage::runs::close_abandoned(connection, setup.id, running.report.run, dependencies_.clock.now()));
    storage::Run row;
    row.id = running.report.run;
    row.integration = setup.id;
    row.trigger = request.trigger;
    row.phases_json = json::dump(phase_ids);
    row.started = running.report.started;
    BERTH_CHECK(storage::commands::erase(connection, request.commands));
    return storage::runs::open(connection, row);
  });
  if (!ended.ok()) {
    give_lease(lease);
    return std::move(ended).error();
  }
  running.log.info("run began", {{"trigger", request.trigger}});
  ended = run_phases(running);
  const Status finished = finish(running, ended);
  if (const Status rested = access.gate->rest(); !rested.ok()) running.log.error("the share of the quota could not be given back", rested.error());
  give_lease(lease);
  if (!finished.ok()) return finished.error();
  // What was queued between the last look and the end of the lease.
  bool is_late = false;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const storage::Command& command : BERTH_TRY(storage::commands::list(connection, setup.id))) is_late = is_late || command.kind != "sync";
    return success();
  }));
  if (is_late) {
    const auto late = apply(setup, std::move(stop));
    if (!late.ok() && late.error().reason != "runs.busy") return late.error();
  }
  return std::move(running.report);
}

Status Engine::run_phases(Running& running) {
  const Setup& setup = running.setup;
  for (const Phase& phase : setup.phases) {
    if (phase.enabled && phase.budget.is_object()) BERTH_CHECK(running.budgets.add(phase.budget, "/phases/" + phase.id + "/budget"));
  }
  json::Value overrides = json::Value::object();
  for (const auto& [cost, budget] : setup.declared->budgets) {
    overrides.set(cost, budget.is_share ? json::Value(fmt::format("{}%", budget.value)) : json::Value(budget.value));
  }
  if (overrides.size() > 0) BERTH_CHECK(running.budgets.add(overrides, "budgets"));
  const json::Value& per_run = running.access.gate->limits().per_run;
  if (!per_run.is_null() && !setup.declared->budgets.contains(http::kRunBudget)) {
    BERTH_CHECK(running.budgets.add(json::Value::object({{std::string(http::kRunBudget), per_run}}), "/limits"));
  }
  BERTH_CHECK(running.access.gate->look());
  running.budgets.begin_run(running.access.gate->day_left());

  http::ApiOptions options;
  options.base_url = BERTH_TRY(running.access.tokens->api_base());
  options.mode = setup.declared->mode == config::Mode::kPullOnly ? http::Mode::kPullOnly : http::Mode::kTwoWay;
  options.allow_http_loopback = running.access.allow_http_loopback;
  running.api = BERTH_TRY(http::ApiClient::create({.transport = dependencies_.transport,
                                                   .tokens = *running.access.tokens,
                                                   .gate = *running.access.gate,
                                                   .budgets = running.budgets,
                                                   .clock = dependencies_.clock,
                                                   .random = dependencies_.random},
                                                  running.access.rules, options));
  // What an earlier run captured and did not come to apply.
  BERTH_CHECK(apply_slice(running));
  Status first_failure = run_round(running, running.request.full ? "full" : "changes");
  // What some phases left of their shares of the day is for those that have work: documents first, then files.
  std::set<std::string, std::less<>> files;
  for (const Phase& phase : setup.phases) {
    for (const Phase::File& file : phase.files) files.insert(file.cost);
  }
  for (const auto& held_back : {files, std::set<std::string, std::less<>>{}}) {
    if (first_failure.ok() || first_failure.error().reason != "berth.budget") break;
    if (running.budgets.lift_shares(held_back)) first_failure = run_round(running, std::string(kQueueOnly));
  }
  const bool may_apply = first_failure.ok() || (!first_failure.error().reason.starts_with("storage.") && first_failure.error().code != Code::kEnvironment);
  if (may_apply) {
    BERTH_CHECK(apply_slice(running));
    const bool may_fetch = first_failure.ok() || !ends_run(first_failure.error());
    if (may_fetch) {
      const Status followed = follow_up(running);
      if (!followed.ok() && first_failure.ok()) first_failure = followed;
    }
  }
  return first_failure;
}

// The phases of the run, one after the other: all of them, or those whose budget ended them, with their queue alone. The
// failure that ended the run, else the first one, with its phase where a budget is meant.
Status Engine::run_round(Running& running, const std::string& mode) {
  Status first_failure = success();
  for (PhaseReport& report : running.report.phases) {
    const Phase& phase = *running.setup.find_phase(report.phase);
    if (mode == kQueueOnly) {
      if (report.reason != "berth.budget") continue;
      report.outcome.clear();
      report.reason.clear();
      report.message.clear();
    }
    const Status ended = run_phase(running, phase, report, mode, {});
    if (ended.ok()) continue;
    tell_end(report, ended.error(), running.stop.stop_requested());
    running.log.warning("phase ended early", {{"phase", phase.id}, {"reason", report.reason}, {"error", report.message}});
    if (ends_run(ended.error())) return ended;
    if (!first_failure.ok()) continue;
    Error told = ended.error();
    if (told.reason == "berth.budget") told.message = fmt::format("Phase {}: {}", phase.id, told.message);
    first_failure = std::move(told);
  }
  return first_failure;
}

Status Engine::run_phase(Running& running, const Phase& phase, PhaseReport& report, const std::string& mode,
                         const std::vector<std::string>& ids) {
  const bool is_more = mode == "ids" || mode == kQueueOnly;   // of a phase that ran already
  // A queue is worked off within the pass of the changes.
  const std::string pass_mode = mode == kQueueOnly ? "changes" : mode;
  const Instant phase_started = dependencies_.clock.now();
  const http::CallReport before = running.api->report();
  const auto note_calls = [&] {
    const CallCounts more = counts_between(before, running.api->report());
    if (is_more) {
      report.calls.detail += more.detail;
      report.calls.file += more.file;
      report.calls.list += more.list;
      report.calls.other += more.other;
    } else {
      report.calls = more;
    }
    report.lower_bound = calls_lower_bound(report.listed, phase.page_size, report.fetched + report.parts, report.files);
    if (report.calls.list == 0 && mode == "ids") --report.lower_bound;   // nothing was listed: the page is not needed
    report.wall_ms += (dependencies_.clock.now() - phase_started).count();
  };
  const bool is_since = mode != "ids" && !running.request.since.empty();
  std::string since_cursor;
  Status ended = success();
  while (true) {
    storage::PhaseCursor cursor;
    if (mode == "ids" || is_since) {
      // A pass of its own: it begins without a cursor and leaves the stored one, with its watermark, alone.
      cursor.integration = running.setup.id;
      cursor.phase = phase.id;
      cursor.mode = is_since ? "since" : pass_mode;
      cursor.cursor_json = since_cursor;
    } else {
      ended = dependencies_.database.write([&](storage::Connection& connection) -> Status {
        BERTH_CHECK(hold(connection, running.lease, dependencies_.clock.now()));
        cursor = BERTH_TRY(storage::cursors::begin(connection, running.setup.id, phase.id, pass_mode, dependencies_.clock.now()));
        return success();
      });
      if (!ended.ok()) break;
    }
    json::Value plan = json::Value::object({{"mode", pass_mode}});
    if (mode == kQueueOnly) plan.set("queue_only", true);
    if (mode == "ids") {
      json::Value list = json::Value::array();
      for (const std::string& id : ids) list.push_back(id);
      plan.set("ids", std::move(list));
    } else if (is_since) {
      plan.set("floor", running.request.since + "T00:00:00Z");
    } else if (running.integration.backfill_floor.unix_ms > 0) {
      plan.set("floor", floor_text(running.integration.backfill_floor));
    }
    const Instant deadline = dependencies_.clock.now() + kSliceMax;
    CaptureSession session({.database = dependencies_.database,
                            .api = *running.api,
                            .gate = *running.access.gate,
                            .clock = dependencies_.clock,
                            .log = running.log,
                            .setup = running.setup,
                            .lease = running.lease,
                            .keeper = *running.keeper,
                            .quota_key = running.access.quota_key,
                            .on_progress = running.on_progress},
                           phase, cursor, report, deadline, running.stop);
    // A worker per slice: what a plugin leaks ends with it.
    auto opened = dependencies_.runner.open({.manifest = running.setup.manifest,
                                             .pin_sha256 = running.setup.pin_sha256,
                                             .config_json = plugin_config(running.setup, running.integration),
                                             .crash = &running.report.crash},
                                            session, running.stop);
    if (!opened.ok()) {
      ended = std::move(opened).error();
      break;
    }
    note_lock(running.report, running.log, (*opened)->system_call_lock());
    ended = (*opened)->run_phase({.phase = phase.id, .plan_json = json::dump(plan), .cursor_json = cursor.cursor_json, .deadline = deadline},
                                 running.stop);
    if (const plugins::Crash* crash = (*opened)->crash()) running.report.crash = *crash;
    if (!ended.ok() && session.halted()) ended = *session.halted();
    if (session.storage_failure()) ended = *session.storage_failure();
    if (ended.ok()) {
      ended = session.settle_queue();
      if (ended.ok() && session.brake_pulled()) {
        ended = make_error(Code::kConflict, "berth.deletion_brake", report.message);
      }
      break;
    }
    // The end of a slice is no failure: apply what it brought and go on at the cursor.
    const bool slice_over = ended.error().code == Code::kCancelled && !running.stop.stop_requested() &&
                            dependencies_.clock.now() >= deadline;
    if (!slice_over) break;
    since_cursor = session.last_cursor();
    ended = apply_slice(running);
    if (!ended.ok()) break;
  }
  note_calls();
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

Status Engine::finish(Running& running, const Status& ended) {
  RunReport& report = running.report;
  report.ended = dependencies_.clock.now();
  if (running.api) {
    const http::CallReport calls = running.api->report();
    report.errors = calls.errors;
    report.last_request = calls.last_request;
  }
  report.budgets = running.budgets.use();
  bool anything = false;
  std::map<std::string, ApplyCounts> applied = running.applied.by_entity();
  for (PhaseReport& phase : report.phases) {
    if (phase.outcome.empty()) phase.outcome = ended.ok() ? "succeeded" : "not_begun";
    const ApplyCounts& counts = applied[phase.entity];
    phase.posted = counts.posted;
    phase.parked = counts.parked;
    phase.skipped = counts.skipped;
    phase.failed = counts.failed;
    phase.ignored = counts.ignored;
    // A row older than the floor is listed and neither kept nor known: it is no change.
    anything = anything || phase.fetched > 0 || phase.files > 0 || counts.total() > 0;
  }
  // Counts name no archived records, which a deletion leaves.
  anything = anything || running.applied.has_outcome();
  std::vector<PhaseReport> derived;
  const Status counted = dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const auto& declared : running.setup.rules ? running.setup.rules->derived() : std::vector<mapping::Rules::Derived>{}) {
      PhaseReport phase;
      phase.phase = declared.name;
      phase.entity = declared.kind;
      phase.outcome = "derived";
      phase.posted = BERTH_TRY(storage::rows::count(connection, declared.kind, declared.scope));
      derived.push_back(std::move(phase));
    }
    return success();
  });
  if (!counted.ok()) running.log.error("derived rows could not be counted", counted.error());
  report.phases.insert(report.phases.end(), derived.begin(), derived.end());

  if (ended.ok()) {
    report.outcome = anything ? RunOutcome::kSucceeded : RunOutcome::kNothingChanged;
  } else {
    const Error& error = ended.error();
    report.reason = error.reason;
    report.message = error.message;
    if (error.code == Code::kUnauthenticated && !running.access.data_center_mismatch.empty()) {
      report.message += ". " + running.access.data_center_mismatch;
    }
    const std::string_view outcome = phase_outcome(error, running.stop.stop_requested());
    report.outcome = outcome == "incomplete"     ? RunOutcome::kIncomplete
                     : outcome == "rate_limited" ? RunOutcome::kRateLimited
                     : outcome == "cancelled"    ? RunOutcome::kCancelled
                     : outcome == "crashed"      ? RunOutcome::kCrashed
                                                 : RunOutcome::kFailed;
    if (error.retry_after_ms >= 0) report.next_attempt = report.ended + std::chrono::milliseconds(error.retry_after_ms);
    if (report.outcome == RunOutcome::kRateLimited && report.next_attempt.unix_ms == 0) {
      // A cap spreads the work over the intervals; a spent day waits for the next one.
      report.next_attempt = error.reason == "berth.run_cap" ? next_scheduled(running.setup, report) : running.access.gate->resets_at();
    }
  }
  const Error* error = ended.ok() ? nullptr : &ended.error();
  const Status saved = dependencies_.database.write([&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, running.lease, dependencies_.clock.now()));
    // As it is now: a person may have paused or resumed it meanwhile.
    BERTH_CHECK(decide_next(connection, BERTH_TRY(storage::integrations::find(connection, running.setup.id)).value_or(running.integration), error, report));
    BERTH_CHECK(tell_quota(connection, running.access.quota_key, *running.access.gate, report.ended));
    BERTH_CHECK(storage::runs::finish(connection, report.run,
                                      {.outcome = std::string(to_string(report.outcome)),
                                       .reason = report.reason,
                                       .message = report.message,
                                       .report_json = json::dump(report.to_json()),
                                       .ended = report.ended}));
    BERTH_CHECK(mark_run_ended(connection, running.setup, report, error, report.ended));
    return mark_crash_loop(connection, report);
  });
  if (dependencies_.metrics != nullptr) count_run(*dependencies_.metrics, report);
  running.log.info("run ended", {{"outcome", to_string(report.outcome)}, {"reason", report.reason}});
  if (!saved.ok()) return saved;
  if (!BERTH_TRY(take_queued_work(running.lease))) return success();
  BERTH_CHECK(apply_slice(running));
  return dependencies_.database.write([&](storage::Connection& connection) {
    return refresh_setup_state(connection, running.setup, dependencies_.clock.now());
  });
}

// Work that others asked for while the lease was ours. Syncs stay: the scheduler begins them.
Result<bool> Engine::take_queued_work(const HeldLease& lease) {
  bool is_there = false;
  BERTH_CHECK(dependencies_.database.write([&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, lease, dependencies_.clock.now()));
    std::vector<std::int64_t> done;
    for (const storage::Command& command : BERTH_TRY(storage::commands::list(connection, lease.integration))) {
      if (command.kind != "sync") done.push_back(command.id);
    }
    is_there = !done.empty();
    return storage::commands::erase(connection, done);
  }));
  return is_there;
}

Result<bool> Engine::apply_or_queue(const Setup& setup, std::stop_token stop) {
  const auto is_busy = [](const Result<ApplyResult>& result) { return !result.ok() && result.error().reason == "runs.busy"; };
  auto applied = apply(setup, stop);
  if (is_busy(applied)) {
    BERTH_CHECK(dependencies_.database.write([&](storage::Connection& connection) -> Status {
      BERTH_TRY(storage::commands::push(connection, setup.id, "apply", "{}", dependencies_.clock.now()));
      return success();
    }));
    // The run may have ended since; if it has not, it looks again after it gave back the lease.
    applied = apply(setup, std::move(stop));
    if (is_busy(applied)) return false;
  }
  if (!applied.ok()) return std::move(applied).error();
  return true;
}

Result<ApplyResult> Engine::apply(const Setup& setup, std::stop_token stop) {
  const HeldLease lease = BERTH_TRY(take_lease(setup));
  Applier applier({.database = dependencies_.database,
                   .clock = dependencies_.clock,
                   .random = dependencies_.random,
                   .log = dependencies_.log.with({{"integration", setup.id}}),
                   .setup = setup,
                   .lease = lease,
                   .companies = dependencies_.companies});
  Result<ApplyResult> result = make_error(Code::kInternal, "runs.not_begun", "nothing was applied");
  if (const auto queued = take_queued_work(lease); queued.ok()) {
    result = applier.apply_pending(std::move(stop));
  } else {
    result = queued.error();
  }
  if (result.ok()) {
    const Status refreshed = dependencies_.database.write([&](storage::Connection& connection) {
      return refresh_setup_state(connection, setup, dependencies_.clock.now());
    });
    if (!refreshed.ok()) result = refreshed.error();
  }
  give_lease(lease);
  return result;
}

}  // namespace berth::runs
