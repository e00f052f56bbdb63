// The threads of the scheduler, and how they share integrations with those of other hosts; what is due is in decide.cpp.
#include "host/schedule/scheduler.hpp"

#include <algorithm>

namespace berth::schedule {

namespace {

/// Who has taken an integration has begun its run by then, or has died. A run that goes on for longer holds its lease.
constexpr std::chrono::minutes kClaim{1};
/// One that cannot be decided about, because what is stored of it cannot be read.
constexpr std::chrono::minutes kBroken{1};

}  // namespace

/// Those whose moment has come, without those that this process runs.
Result<std::vector<storage::Look>> Scheduler::looks(Instant now) {
  std::set<std::string> mine;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, thread] : under_way_) mine.insert(id);
  }
  std::vector<storage::Look> found;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    found = BERTH_TRY(storage::looks::come(connection, now, options_.looks_max + mine.size()));
    return success();
  }));
  std::erase_if(found, [&](const storage::Look& look) { return mine.contains(look.integration); });
  return found;
}

Result<std::vector<DueRun>> Scheduler::due(Instant now) {
  std::vector<DueRun> result;
  for (const storage::Look& look : BERTH_TRY(looks(now))) {
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

Result<Scheduler::Taken> Scheduler::take_marked(Instant now, std::size_t places) {
  const std::vector<storage::Look> come = BERTH_TRY(looks(now));
  Taken taken;
  std::vector<std::pair<storage::Look, Instant>> moved;
  std::map<std::string, DueRun> wanted;
  std::size_t looked = 0;
  for (const storage::Look& look : come) {
    if (wanted.size() == places) break;
    auto decision = decide(look.integration, now);
    if (!decision.ok()) {
      // One broken integration does not keep the others from running.
      dependencies_.log.error("integration cannot be scheduled", decision.error(), {{"integration", look.integration}});
      decision = Decision{std::nullopt, now + kBroken};
    }
    ++looked;
    // What is put together first stays where it is: it is decided about when it is there.
    if (!decision->run || !decision->run->is_new) moved.emplace_back(look, decision->run ? now + kClaim : decision->look_again);
    if (decision->run) wanted.emplace(look.integration, std::move(*decision->run));
  }
  taken.is_all = looked == come.size() && come.size() < options_.looks_max;
  {
    // Before it shows in storage that they are taken: whoever asks what is under way sees them from then on.
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, run] : wanted) under_way_[id];
  }
  std::vector<std::string> lost;
  const Status written = moved.empty() ? success() : dependencies_.database.write("schedule.take", [&](storage::Connection& connection) -> Status {
    lost.clear();
    for (const auto& [look, to] : moved) {
      if (!BERTH_TRY(storage::looks::move(connection, look, to))) lost.push_back(look.integration);
    }
    return success();
  });
  const std::scoped_lock lock(mutex_);
  for (const storage::Look& look : come) {   // oldest first
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
    auto taken = take_marked(dependencies_.clock.now(), places);
    if (!taken.ok()) {
      dependencies_.log.error("schedule cannot be read", taken.error());
    } else {
      for (DueRun& run : taken->runs) begin(std::move(run));
      if (!taken->is_all) continue;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, options_.look_every, [&] { return woken_; });
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
