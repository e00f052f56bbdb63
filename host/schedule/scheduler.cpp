// The threads of the scheduler, and how they share integrations with those of other hosts; what is due is in decide.cpp.
#include "host/schedule/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "host/storage/leases.hpp"

namespace berth::schedule {

namespace {

/// Who has taken an integration has begun its run by then, or has died. A run that goes on for longer holds its lease.
constexpr std::chrono::minutes kClaim{1};
/// One that cannot be decided about, because what is stored of it cannot be read.
constexpr std::chrono::minutes kBroken{1};

}  // namespace

/// Those whose moment has come, without those that this process runs.
Result<Scheduler::Come> Scheduler::come(Instant of_machine) {
  std::set<std::string> mine;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, thread] : under_way_) mine.insert(id);
  }
  Come found;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    found.now = connection.shared_now(of_machine);
    found.looks = BERTH_TRY(storage::looks::come(connection, found.now, options_.looks_max + mine.size()));
    return success();
  }));
  std::erase_if(found.looks, [&](const storage::Look& look) { return mine.contains(look.integration); });
  return found;
}

Status Scheduler::wake_left_behind() {
  if (!dependencies_.is_dead_owner) return success();
  std::set<std::string> left;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const storage::HeldSince& held : BERTH_TRY(storage::leases::list(connection, dependencies_.clock.now()))) {
      if (dependencies_.is_dead_owner(held.lease.owner)) left.insert(held.lease.integration);
    }
    for (const storage::looks::Taken& taken : BERTH_TRY(storage::looks::taken(connection, connection.shared_now(dependencies_.clock.now())))) {
      if (dependencies_.is_dead_owner(taken.by)) left.insert(taken.integration);
    }
    return success();
  }));
  if (left.empty()) return success();
  BERTH_CHECK(dependencies_.database.write("schedule.wake_left", [&](storage::Connection& connection) -> Status {
    const Instant now = connection.shared_now(dependencies_.clock.now());
    for (const std::string& integration : left) BERTH_CHECK(storage::looks::wake(connection, integration, now));
    return success();
  }));
  dependencies_.log.info("a process of this machine is gone: what it ran is looked at now", {{"integrations", left.size()}});
  return success();
}

Result<std::vector<DueRun>> Scheduler::due(Instant now) {
  std::vector<DueRun> result;
  for (const storage::Look& look : BERTH_TRY(come(now)).looks) {
    auto decision = decide(look.integration, now);
    if (decision.ok() && decision->run) result.push_back(std::move(*decision->run));
  }
  return result;
}

Result<std::vector<DueRun>> Scheduler::take(Instant now, std::size_t places) {
  Taken taken = BERTH_TRY(take_marked(now, places));
  const std::scoped_lock lock(mutex_);
  for (const DueRun& run : taken.runs) under_way_.erase(run.integration);
  return std::move(taken.runs);
}

Result<Scheduler::Taken> Scheduler::take_marked(Instant of_machine, std::size_t places) {
  const Come found = BERTH_TRY(come(of_machine));
  const Instant now = found.now;
  Taken taken;
  std::vector<std::pair<storage::Look, storage::looks::Move>> moved;
  std::map<std::string, DueRun> wanted;
  std::size_t looked = 0;
  for (const storage::Look& look : found.looks) {
    if (wanted.size() == places) break;
    auto decision = decide(look.integration, of_machine);
    if (!decision.ok()) {
      // One broken integration does not keep the others from running.
      dependencies_.log.error("integration cannot be scheduled", decision.error(), {{"integration", look.integration}});
      decision = Decision{std::nullopt, now + kBroken};
    }
    ++looked;
    // What is put together first stays where it is: it is decided about when it is there.
    if (!decision->run) moved.emplace_back(look, storage::looks::Move{.to = decision->look_again, .now = now});
    if (decision->run && !decision->run->is_new) moved.emplace_back(look, storage::looks::Move{.to = now + kClaim, .now = now, .taken_by = dependencies_.owner});
    if (decision->run) wanted.emplace(look.integration, std::move(*decision->run));
  }
  taken.is_all = looked == found.looks.size() && found.looks.size() < options_.looks_max;
  {
    // Before it shows in storage that they are taken: whoever asks what is under way sees them from then on.
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, run] : wanted) under_way_[id];
  }
  std::vector<std::string> lost;
  const Status written = moved.empty() ? success() : dependencies_.database.write("schedule.take", [&](storage::Connection& connection) -> Status {
    lost.clear();
    for (const auto& [look, move] : moved) {
      if (!BERTH_TRY(storage::looks::move(connection, look, move))) lost.push_back(look.integration);
    }
    return success();
  });
  const std::scoped_lock lock(mutex_);
  for (const storage::Look& look : found.looks) {   // oldest first
    const auto run = wanted.find(look.integration);
    if (run == wanted.end()) continue;
    // Another host was faster, or something happened since: it is looked at again.
    if (!written.ok() || std::find(lost.begin(), lost.end(), look.integration) != lost.end()) {
      under_way_.erase(look.integration);
    } else {
      taken.runs.push_back(std::move(run->second));
    }
  }
  if (!written.ok()) return written.error();
  return taken;
}

void Scheduler::start() {
  looker_ = std::jthread([this](std::stop_token stop) { look(std::move(stop)); });
}

void Scheduler::look(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::size_t places = 0;
    {
      std::unique_lock lock(mutex_);
      ended_.clear();
      woken_ = false;
      if (!changed_.wait(lock, stop, [&] { return under_way_.size() < options_.workers_max; })) return;
      places = options_.workers_max - under_way_.size();
    }
    Status looked = success();
    if (!are_left_woken_) {
      looked = wake_left_behind();
      are_left_woken_ = looked.ok();
    }
    if (looked.ok()) {
      auto taken = take_marked(dependencies_.clock.now(), places);
      if (taken.ok()) {
        for (const DueRun& run : taken->runs) begin(run);
        note_look(success());
        if (!taken->is_all) continue;
      } else {
        looked = taken.error();
      }
    }
    note_look(looked);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, rest_, [&] { return woken_; });
  }
}

/// Says what is new, not every second that nothing is; and asks a database that cannot be used less and less often.
void Scheduler::note_look(const Status& looked) {
  if (looked.ok()) {
    rest_ = options_.look_every;
    if (!std::exchange(is_failing_, false)) return;
    const auto after = std::chrono::duration_cast<std::chrono::seconds>(dependencies_.clock.now() - failing_since_);
    dependencies_.log.info("the database can be used again: runs begin as they are due", {{"after_s", after.count()}});
    return;
  }
  const bool is_new = !std::exchange(is_failing_, true);
  rest_ = is_new ? options_.look_every : std::min(rest_ * 2, options_.look_every_max);
  if (!is_new) return;
  failing_since_ = dependencies_.clock.now();
  dependencies_.log.error("no run begins: what is due cannot be read or noted", looked.error());
}

void Scheduler::begin(const DueRun& due_run) {
  const auto no_thread = [](const std::system_error& error) {
    return make_error(Code::kEnvironment, "runs.no_thread", fmt::format("the system gives this process no further thread: {}", error.what()));
  };
  const auto attempt_with_threads = [this, no_thread](const DueRun& run, std::stop_token stop) -> Status {
    try {
      return attempt(run, std::move(stop));
    } catch (const std::system_error& error) {   // of a run's own threads: its lease runs out by itself
      return no_thread(error);
    }
  };
  Status begun = success();
  {
    const std::scoped_lock lock(mutex_);
    try {
      under_way_[due_run.integration] = std::jthread([this, run = due_run, attempt_with_threads](std::stop_token stop) { note_end(run, attempt_with_threads(run, std::move(stop))); });
    } catch (const std::system_error& error) {
      begun = no_thread(error);
    }
  }
  if (begun.ok()) return;
  dependencies_.log.error("run did not begin", begun.error(), {{"integration", due_run.integration}});
  note_end(due_run, begun);
}

/// Bad only where nothing could be written of how it ended: whatever else happened stands in storage, with its wait.
Status Scheduler::attempt(const DueRun& run, std::stop_token stop) {
  const auto not_begun = [&](const Error& error) -> Status {
    dependencies_.log.error("run did not begin", error, {{"integration", run.integration}});
    // This host cannot reach the database: that says nothing about the integration, which another host may be running.
    if (error.reason.starts_with("storage.")) return error;
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
  // Paused, disabled, disconnected or taken over since it was looked at: nothing went wrong.
  constexpr std::string_view kNothingWrong[] = {"runs.paused", "runs.disabled", "runs.not_connected", "plugin.crash_loop", "storage.lease_lost"};
  if (std::find(std::begin(kNothingWrong), std::end(kNothingWrong), error.reason) != std::end(kNothingWrong)) return success();
  if (error.code == Code::kInvalidArgument) return not_begun(error);
  dependencies_.log.error("run did not begin", error, {{"integration", run.integration}});
  return error;
}

void Scheduler::note_end(const DueRun& run, const Status& ended) {
  const bool is_there = dependencies_.registry.find_unit(run.integration) != nullptr;
  const std::scoped_lock lock(mutex_);
  const std::string& integration = run.integration;
  if (!ended.ok() || (run.is_new && !is_there)) {
    Failing& failing = failing_[integration];
    const auto wait = std::min<std::chrono::milliseconds>(options_.first_retry * (1LL << std::min(failing.times, 10)), options_.retry_max);
    ++failing.times;
    failing.since = dependencies_.clock.now();
    failing.not_before = failing.since + wait;
  } else {
    failing_.erase(integration);
  }
  if (run.is_new && is_there) woken_ = true;   // now it can be seen what is due
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
