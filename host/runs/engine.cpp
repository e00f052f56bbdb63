// A run from its lease to its end, phase after phase; one phase is in engine_phase.cpp, the end in engine_end.cpp.
#include "host/runs/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/runs/engine_running.hpp"
#include "host/runs/forecast.hpp"
#include "host/runs/status.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/mapping_revisions.hpp"
#include "host/storage/runs.hpp"

namespace berth::runs {

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

/// Who holds a lease: this host, and which of its runs.
std::string Engine::new_owner() const { return fmt::format("{}:{}", dependencies_.owner, new_id("run", dependencies_.clock, dependencies_.random)); }

Result<HeldLease> Engine::take_lease(const Setup& setup) {
  HeldLease lease{setup.id, new_owner(), 0, dependencies_.lease_ttl};
  std::optional<std::int64_t> fencing;
  BERTH_CHECK(dependencies_.database.write("lease.take", [&](storage::Connection& connection) -> Status {
    fencing = BERTH_TRY(storage::leases::acquire(connection, setup.id, lease.owner, lease.ttl, dependencies_.clock.now()));
    return fencing ? note_rules_in_force(connection, setup) : success();
  }));
  if (!fencing) {
    BERTH_CHECK(dependencies_.database.write("lease.take_over", [&](storage::Connection& connection) -> Status {
      const auto held = BERTH_TRY(storage::leases::find(connection, setup.id, dependencies_.clock.now()));
      if (!held || !dependencies_.is_dead_owner || !dependencies_.is_dead_owner(held->owner)) return success();
      dependencies_.log.warning("the process that ran the integration is gone; its lease is taken over", {{"integration", setup.id}, {"owner", held->owner}});
      BERTH_CHECK(storage::leases::release(connection, setup.id, held->owner, held->fencing));
      fencing = BERTH_TRY(storage::leases::acquire(connection, setup.id, lease.owner, lease.ttl, dependencies_.clock.now()));
      return fencing ? note_rules_in_force(connection, setup) : success();
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

/// Whoever works on the integration next does so with these rules, if they are still in its file.
Status Engine::note_rules_in_force(storage::Connection& connection, const Setup& setup) {
  if (!setup.rules) return success();
  BERTH_CHECK(storage::mapping_revisions::save(connection, {setup.id, setup.rules->revision(), setup.rules_text, dependencies_.clock.now()}));
  return success();
}

void Engine::give_lease(const HeldLease& lease) {
  const Status freed = dependencies_.database.write("lease.give_back", [&](storage::Connection& connection) {
    return storage::leases::release(connection, lease.integration, lease.owner, lease.fencing);
  });
  if (!freed.ok()) dependencies_.log.error("lease could not be freed", freed.error(), {{"integration", lease.integration}});
}

Status check_request(const Setup& setup, const RunRequest& request) {
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
  return success();
}

/// Whether this can run at all, and its stored row.
Result<storage::Integration> Engine::ready(const Setup& setup, const RunRequest& request) {
  BERTH_CHECK(check_request(setup, request));
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
  return *integration;
}

namespace {

/// A sync of everything that was asked for and waits is this one: a connection asks for one, and so does a person who types
/// `berth sync` then.
Status erase_what_this_does(storage::Connection& connection, const std::string& integration, const RunRequest& request) {
  if (!request.phases.empty() || request.only_sweep || !request.since.empty()) return success();
  std::vector<std::int64_t> done;
  for (const storage::Command& command : BERTH_TRY(storage::commands::list(connection, integration))) {
    const json::Parsed argument = json::parse(command.argument_json);
    const json::Value* full = argument.value.find("full");
    const bool wants_more = full != nullptr && full->boolean() && !request.full;
    const json::Value* phases = argument.value.find("phases");
    const bool wants_some = phases != nullptr && !phases->items().empty();
    if (command.kind == "sync" && argument.ok() && !wants_more && !wants_some) done.push_back(command.id);
  }
  return storage::commands::erase(connection, done);
}

}  // namespace

/// The rows of the wanted phases and of the run itself, which closes those that a crash left open.
Status Engine::open_run(Running& running) {
  json::Value phase_ids = json::Value::array();
  for (const Phase& phase : running.setup.phases) {
    const bool is_wanted = running.request.phases.empty() ||
                           std::find(running.request.phases.begin(), running.request.phases.end(), phase.id) != running.request.phases.end();
    if (!phase.enabled || !is_wanted || running.request.only_sweep) continue;
    PhaseReport row;
    row.phase = phase.id;
    row.entity = phase.entity;
    running.report.phases.push_back(std::move(row));
    running.wanted.insert(phase.id);
    phase_ids.push_back(phase.id);
  }
  return dependencies_.database.write("run.begin", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, running.lease, dependencies_.clock.now()));
    BERTH_CHECK(storage::runs::close_abandoned(connection, running.setup.id, running.report.run, dependencies_.clock.now()));
    storage::Run row;
    row.id = running.report.run;
    row.integration = running.setup.id;
    row.trigger = running.request.trigger;
    row.phases_json = json::dump(phase_ids);
    row.started = running.report.started;
    BERTH_CHECK(storage::commands::erase(connection, running.request.commands));
    BERTH_CHECK(erase_what_this_does(connection, running.setup.id, running.request));
    return storage::runs::open(connection, row);
  });
}

Status Engine::apply_late(const Setup& setup, std::stop_token stop) {
  bool is_late = false;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const storage::Command& command : BERTH_TRY(storage::commands::list(connection, setup.id))) is_late = is_late || command.kind != "sync";
    return success();
  }));
  if (!is_late) return success();
  const auto late = apply(setup, std::move(stop));
  if (!late.ok() && late.error().reason != "runs.busy") return late.error();
  return success();
}

Result<RunReport> Engine::run(const Setup& setup, const RemoteAccess& access, const RunRequest& request, std::stop_token stop,
                              const OnProgress& on_progress) {
  const storage::Integration integration = BERTH_TRY(ready(setup, request));
  const HeldLease lease = BERTH_TRY(take_lease(setup));
  LeaseKeeper keeper(dependencies_.database, dependencies_.clock, lease, stop);
  LeasedTransport transport(dependencies_.transport, keeper);
  Running running{.setup = setup,
                  .access = access,
                  .request = request,
                  .stop = keeper.stop(),
                  .on_progress = on_progress,
                  .lease = lease,
                  .keeper = &keeper,
                  .transport = transport,
                  .integration = integration,
                  .report = {},
                  .log = {},
                  .api = nullptr,
                  .budgets = {},
                  .applied = {},
                  .wants_fetch = false,
                  .is_put_off = false};
  running.report.run = new_id("run", dependencies_.clock, dependencies_.random);
  running.report.integration = setup.id;
  running.report.trigger = request.trigger;
  running.report.started = dependencies_.clock.now();
  running.log = dependencies_.log.with({{"integration", setup.id}, {"run", running.report.run}});

  Status ended = open_run(running);
  if (!ended.ok()) {
    give_lease(lease);
    return std::move(ended).error();
  }
  running.log.info("run began", {{"trigger", request.trigger}});
  ended = run_phases(running);
  if (const Status good = keeper.good(); !ended.ok() && !good.ok()) {
    ended = good;
    running.log.warning("the lease is not ours any more; the run makes no further call", {{"reason", good.error().reason}, {"error", good.error().message}});
  }
  const Status finished = finish(running, ended);
  if (const Status rested = access.gate->rest(); !rested.ok()) running.log.error("the share of the quota could not be given back", rested.error());
  give_lease(lease);
  if (!finished.ok()) return finished.error();
  // What was queued between the last look and the end of the lease.
  BERTH_CHECK(apply_late(setup, std::move(stop)));
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
  BERTH_CHECK(share_the_day(running));

  http::ApiOptions options;
  options.base_url = BERTH_TRY(running.access.tokens->api_base());
  options.mode = setup.declared->mode == config::Mode::kPullOnly ? http::Mode::kPullOnly : http::Mode::kTwoWay;
  options.allow_http_loopback = running.access.allow_http_loopback;
  running.api = BERTH_TRY(http::ApiClient::create({.transport = running.transport,
                                                   .tokens = *running.access.tokens,
                                                   .gate = *running.access.gate,
                                                   .budgets = running.budgets,
                                                   .clock = dependencies_.clock,
                                                   .random = dependencies_.random},
                                                  running.access.rules, options));
  // What an earlier run captured and did not come to apply.
  BERTH_CHECK(apply_slice(running));
  BERTH_CHECK(begin_history(running));
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
      if (first_failure.ok() && !running.request.sweep.empty()) first_failure = run_sweeps(running);
      if (first_failure.ok() || !ends_run(first_failure.error())) {
        const Status confirmed = confirm_gone(running);
        if (!confirmed.ok() && (first_failure.ok() || ends_run(confirmed.error()))) first_failure = confirmed;
      }
      if (first_failure.ok() ? followed.ok() || !ends_run(followed.error()) : !ends_run(first_failure.error())) {
        const Status history = pull_history(running);
        if (!history.ok() && (first_failure.ok() || ends_run(history.error()))) first_failure = history;
      }
    }
  }
  return first_failure;
}

// The budgets of the run are shares of what is left of the day, less what is kept for other integrations on the same quota.
Status Engine::share_the_day(Running& running) {
  const http::QuotaSnapshot quota = running.access.gate->snapshot();
  std::int64_t used_before = 0;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    used_before = BERTH_TRY(used_today(connection, running.setup.id, quota.day_resets_at));
    running.kept_for_others = BERTH_TRY(kept_for(connection, running.access.sharers, quota, dependencies_.clock.now()));
    return success();
  }));
  running.day.begin(used_before, quota.day_resets_at);
  auto left = running.access.gate->day_left();
  if (left && running.kept_for_others > 0) {
    const std::int64_t all = quota.day_limit ? *quota.day_limit - quota.day_reserve : *left;
    running.own_part = std::max<std::int64_t>(0, all / static_cast<std::int64_t>(running.access.sharers.size() + 1) - used_before);
    left = usable_of_day(*left, running.own_part, running.kept_for_others);
    running.budgets.hold_back(left);
  }
  running.budgets.begin_run(left);
  return success();
}

// The phases of the run, one after the other: all of them, or those whose budget ended them, with their queue alone. The
// failure that ended the run, else the first one, with its phase where a budget is meant.
Status Engine::run_round(Running& running, const std::string& mode) {
  Status first_failure = success();
  for (PhaseReport& report : running.report.phases) {
    if (!running.wanted.contains(report.phase)) continue;   // a row of the history, which has looked at its list
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
    if (ends_run(ended.error()) && !std::exchange(running.is_put_off, false)) return ended;
    if (!first_failure.ok()) continue;
    Error told = ended.error();
    if (told.reason == "berth.budget") told.message = fmt::format("Phase {}: {}", phase.id, told.message);
    first_failure = std::move(told);
  }
  return first_failure;
}

// Work that others asked for while the lease was ours. Syncs stay: the scheduler begins them.
Result<bool> Engine::take_queued_work(const HeldLease& lease) {
  bool is_there = false;
  BERTH_CHECK(dependencies_.database.write("command.take", [&](storage::Connection& connection) -> Status {
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
    BERTH_CHECK(dependencies_.database.write("command.apply", [&](storage::Connection& connection) -> Status {
      BERTH_CHECK(storage::commands::push(connection, setup.id, "apply", "{}", dependencies_.clock.now()));
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
    const Status refreshed = dependencies_.database.write("apply.setup_state", [&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, lease, dependencies_.clock.now()));
      return refresh_setup_state(connection, setup, dependencies_.clock.now());
    });
    if (!refreshed.ok()) result = refreshed.error();
  }
  give_lease(lease);
  return result;
}

}  // namespace berth::runs
