#include "host/schedule/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/core/hash.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/runs.hpp"

namespace berth::schedule {

Instant next_due(std::string_view integration, std::string_view phase, Instant last, std::chrono::milliseconds interval,
                 int jitter_percent) {
  const std::string hash = sha256_hex(fmt::format("{}/{}/{}", integration, phase, last.unix_ms));
  const std::int64_t share = std::stoll(hash.substr(0, 8), nullptr, 16) % 1000;   // thousandths of the jitter
  return last + interval + interval * jitter_percent * share / 100'000;
}

namespace {

/// What a person asked for and could not begin is tried once more at least so often: the cause may be mended any time.
constexpr std::chrono::minutes kAskedRetryMax{1};
/// No run waits longer than until the day has turned, or an hour after a failure. A time further ahead was stored while
/// the clock was wrong.
constexpr std::chrono::hours kAheadMax{26};

/// Phases of the newest run that did not end well for a reason that passes. A spent budget is none: it is meant to spread
/// the work over the intervals.
Result<std::set<std::string>> left_over(storage::Connection& connection, const std::string& integration, Instant now) {
  std::set<std::string> phases;
  const auto newest = BERTH_TRY(storage::runs::list(connection, integration, {.after = {}, .limit = 1}));
  if (newest.items.empty()) return phases;
  const storage::Run& run = newest.items.front();
  const bool is_dead = run.outcome == "running" && !BERTH_TRY(storage::leases::find(connection, integration, now));
  // What a person stopped stays stopped; what the end of this process stopped goes on.
  const bool is_stopped = run.outcome == "cancelled" && run.trigger != "command";
  if (!is_dead && !is_stopped && run.outcome != "failed" && run.outcome != "crashed" && run.outcome != "rate_limited") return phases;
  const json::Parsed report = json::parse(run.report_json);
  const json::Value* told = report.ok() ? report.value.find("phases") : nullptr;
  if (told != nullptr) {
    for (const json::Value& phase : told->items()) {
      const std::string_view outcome = phase.text_of("outcome");
      if (outcome != "succeeded" && outcome != "derived" && outcome != "incomplete") phases.emplace(phase.text_of("phase"));
    }
    return phases;
  }
  const json::Parsed asked = json::parse(run.phases_json);
  if (asked.ok() && asked.value.is_array()) {
    for (const json::Value& phase : asked.value.items()) phases.emplace(phase.text());
  }
  return phases;
}

}  // namespace

Result<std::vector<DueRun>> Scheduler::due(Instant now) {
  std::vector<DueRun> result;
  for (const std::string& id : BERTH_TRY(dependencies_.registry.ids())) {
    {
      const std::scoped_lock lock(mutex_);
      if (under_way_.contains(id)) continue;
    }
    auto run = due_of(id, now);
    if (!run.ok()) {
      // One broken integration does not keep the others from running.
      dependencies_.log.error("integration cannot be scheduled", run.error(), {{"integration", id}});
      continue;
    }
    if (*run) result.push_back(std::move(**run));
  }
  return result;
}

Result<std::optional<DueRun>> Scheduler::due_of(const std::string& id, Instant now) {
  std::optional<storage::Integration> row;
  std::vector<storage::Command> asked;
  std::map<std::string, Instant> last_started;
  std::set<std::string> unfinished;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    row = BERTH_TRY(storage::integrations::find(connection, id));
    asked = BERTH_TRY(storage::commands::list(connection, id));
    unfinished = BERTH_TRY(left_over(connection, id, now));
    for (const storage::PhaseCursor& cursor : BERTH_TRY(storage::cursors::list(connection, id))) {
      if (cursor.mode != "changes" && cursor.mode != "full") continue;
      Instant& last = last_started[cursor.phase];
      last = std::max(last, cursor.last_started);
    }
    return success();
  }));
  const std::optional<DueRun> nothing;
  if (!row || row->desired != "enabled" || row->connected.unix_ms == 0 || row->actual == "needs_reauth") return nothing;
  if (dependencies_.registry.disabled_plugin(row->plugin)) return nothing;

  Failing failing;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = failing_.find(id); found != failing_.end()) failing = found->second;
  }
  const auto sync = std::find_if(asked.begin(), asked.end(), [](const storage::Command& c) { return c.kind == "sync"; });
  if (failing.since > now) failing = {};   // the clock was set back
  // A command that did not begin stays queued and is tried again, less and less often; one that is given after that at once.
  const bool has_new = std::any_of(asked.begin(), asked.end(), [&](const storage::Command& c) { return c.kind == "sync" && c.created > failing.since; });
  const Instant again = std::min(failing.not_before, failing.since + kAskedRetryMax);
  if (sync != asked.end() && failing.times > 0 && !has_new && again > now) return nothing;
  if (sync != asked.end()) {
    // It stays queued until its run has begun: what is refused because somebody runs the integration now is tried again.
    DueRun run{id, {}};
    run.request.commands = {sync->id};
    const json::Parsed argument = json::parse(sync->argument_json);
    run.request.trigger = argument.value.text_of("trigger").empty() ? "command" : std::string(argument.value.text_of("trigger"));
    if (const json::Value* full = argument.value.find("full")) run.request.full = full->boolean();
    if (const json::Value* phases = argument.value.find("phases")) {
      for (const json::Value& phase : phases->items()) run.request.phases.emplace_back(phase.text());
    }
    return std::optional(run);
  }
  // Only a person is answered before the wait is over.
  const bool must_wait = row->next_attempt > now && row->next_attempt <= now + kAheadMax;
  if (must_wait || (failing.times > 0 && failing.not_before > now)) return nothing;
  runs::IntegrationUnit* unit = dependencies_.registry.find_unit(id);
  if (unit == nullptr) {
    DueRun first{id, {}, true};
    first.request.trigger = "schedule";
    return std::optional(first);
  }
  DueRun run{id, {}};
  run.request.trigger = "schedule";
  for (const runs::Phase& phase : unit->setup.phases) {
    if (!phase.enabled) continue;
    const auto declared = unit->declared->schedule.find(phase.id);
    const auto interval = declared == unit->declared->schedule.end() ? options_.default_interval : declared->second;
    const auto last = last_started.find(phase.id);
    if (last == last_started.end() || last->second > now || unfinished.contains(phase.id) || next_due(id, phase.id, last->second, interval, options_.jitter_percent) <= now) {
      run.request.phases.push_back(phase.id);
    }
  }
  if (run.request.phases.empty()) return nothing;
  return std::optional(run);
}

void Scheduler::start() {
  looker_ = std::jthread([this](std::stop_token stop) { look(std::move(stop)); });
}

void Scheduler::look(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto runs = due(dependencies_.clock.now());
    if (!runs.ok()) {
      dependencies_.log.error("schedule cannot be read", runs.error());
    } else {
      for (DueRun& run : *runs) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return under_way_.size() < options_.workers_max; })) break;
        lock.unlock();
        begin(std::move(run));
      }
    }
    std::unique_lock lock(mutex_);
    ended_.clear();
    changed_.wait_for(lock, stop, options_.look_every, [&] { return woken_; });
    woken_ = false;
  }
}

void Scheduler::begin(DueRun due_run) {
  const std::scoped_lock lock(mutex_);
  const std::string id = due_run.integration;
  under_way_[id] = std::jthread([this, run = std::move(due_run)](std::stop_token stop) {
    note_end(run, attempt(run, std::move(stop)));
  });
}

/// Bad only where nothing could be written of how it ended: whatever else happened stands in storage, with its wait.
Status Scheduler::attempt(const DueRun& run, std::stop_token stop) {
  const auto not_begun = [&](const Error& error) -> Status {
    dependencies_.log.error("run did not begin", error, {{"integration", run.integration}});
    BERTH_CHECK(dependencies_.engine.note_not_begun(run.integration, run.request, error, dependencies_.registry.crash_of(run.integration)));
    // A sync that was asked for stays queued until it begins, or has brought its plugin down.
    if (!run.request.commands.empty() && !runs::is_plugin_crash(error.reason)) return error;
    return success();
  };
  const auto unit = dependencies_.registry.unit(run.integration);
  if (!unit.ok()) return not_begun(unit.error());
  if (run.is_new) return success();
  const auto access = dependencies_.registry.access(**unit);
  if (!access.ok()) return not_begun(access.error());
  const auto report = dependencies_.engine.run((*unit)->setup, *access, run.request, std::move(stop));
  if (report.ok()) return success();
  const Error& error = report.error();
  if (error.reason == "runs.busy") {
    dependencies_.log.info("another process runs it now", {{"integration", run.integration}});
    return success();
  }
  // Paused, disabled or disconnected since it was looked at: nothing went wrong.
  if (error.code == Code::kConflict || error.reason == "runs.not_connected") return success();
  if (error.code == Code::kInvalidArgument) return not_begun(error);
  dependencies_.log.error("run did not begin", error, {{"integration", run.integration}});
  return error;
}

void Scheduler::note_end(const DueRun& run, const Status& ended) {
  const std::scoped_lock lock(mutex_);
  const std::string& integration = run.integration;
  if (!ended.ok()) {
    Failing& failing = failing_[integration];
    const auto wait = std::min<std::chrono::milliseconds>(options_.first_retry * (1LL << std::min(failing.times, 10)), options_.retry_max);
    ++failing.times;
    failing.since = dependencies_.clock.now();
    failing.not_before = failing.since + wait;
  } else {
    failing_.erase(integration);
  }
  if (run.is_new && ended.ok()) woken_ = true;   // now it can be seen what is due
  // A thread cannot join itself: the looker clears it away.
  const auto mine = under_way_.find(integration);
  if (mine != under_way_.end()) {
    ended_.push_back(std::move(mine->second));
    under_way_.erase(mine);
  }
  changed_.notify_all();
}

void Scheduler::stop() {
  if (looker_.joinable()) {
    looker_.request_stop();
    looker_.join();
  }
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [id, thread] : under_way_) thread.request_stop();
  }
  // Each run takes itself out of the map when it ends.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return under_way_.empty(); });
  std::vector<std::jthread> ended = std::move(ended_);
  ended_.clear();
  lock.unlock();   // the threads are joined without the lock, which their last step takes
}

void Scheduler::wake() {
  const std::scoped_lock lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

std::vector<std::string> Scheduler::running() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, thread] : under_way_) ids.push_back(id);
  return ids;
}

}  // namespace berth::schedule
