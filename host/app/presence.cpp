#include "host/app/presence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/storage/hosts.hpp"

namespace berth::app {

namespace {

/// Told so often within a lease, and at least so often; so many in a row may fail before the database is called out of reach.
constexpr int kTimesInLease = 12;
constexpr std::chrono::milliseconds kEveryMax{10'000};
constexpr int kFailuresMax = 3;
/// A clock that is further off than this is told in the log, once.
constexpr std::chrono::milliseconds kClockOffMax{30'000};

/// The database was reached, and said no: its disk is full, or nobody may write.
bool is_answer(const Error& error) {
  constexpr std::string_view kAnswers[] = {"storage.full", "storage.read_only", "storage.damaged", "storage.refused", "storage.forbidden", "storage.newer"};
  return std::find(std::begin(kAnswers), std::end(kAnswers), error.reason) != std::end(kAnswers);
}

std::int64_t seconds(runs::MachineTime::duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

}  // namespace

Presence::Presence(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      every_(std::min(kEveryMax, dependencies_.lease / kTimesInLease)),
      answered_(runs::MachineTime::now()) {}

void Presence::start() {
  teller_ = std::jthread([this](const std::stop_token& stop) { tell_again_and_again(stop); });
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

/// Under the lock, once until it can be used again, or until it is something else that is wrong.
void Presence::say_out_of_reach(const Error& why) {
  const std::string what = is_answer(why) ? "the database answers and takes nothing" : "the database is out of reach";
  if (std::exchange(said_, what) == what) return;
  dependencies_.log.error(what + ": no run begins, and those under way end before their leases do", why);
}

/// Beside the one who tells: a server that takes what it is asked and never answers keeps that one waiting.
void Presence::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (const Status now = reachable_locked(); !now.ok()) say_out_of_reach(now.error());
    changed_.wait_for(lock, stop, every_, [] { return false; });
  }
}

void Presence::tell_again_and_again(const std::stop_token& stop) {
  bool is_clock_told = false;
  while (!stop.stop_requested()) {
    {
      const std::scoped_lock lock(mutex_);
      is_told_ = true;
    }
    const Status told = tell();
    std::unique_lock lock(mutex_);
    if (told.ok()) {
      const auto now = runs::MachineTime::now();
      if (!said_.empty()) dependencies_.log.info("the database answers again", {{"after_s", seconds(now - answered_)}});
      said_.clear();
      failure_.reset();
      answered_ = now;
    } else {
      say_out_of_reach(told.error());
      failure_ = told.error();
    }
    lock.unlock();
    // Where it cannot be asked now, it is asked the next time.
    if (told.ok()) static_cast<void>(dependencies_.clock.follow(dependencies_.database).ok());
    const std::chrono::milliseconds ahead = dependencies_.clock.machine_ahead();
    if (!is_clock_told && std::chrono::abs(ahead) > kClockOffMax) {
      is_clock_told = true;
      dependencies_.log.warning("the clock of this machine is wrong, or that of the database's server; this host goes by the server's", {{"ahead_ms", ahead.count()}});
    }
    lock.lock();
    changed_.wait_for(lock, stop, every_, [this] { return !is_told_; });
  }
}

Status Presence::tell() {
  bool is_draining = false;
  {
    const std::scoped_lock lock(mutex_);
    is_draining = is_draining_;
  }
  return dependencies_.database.write("host.beat", [&](storage::Connection& connection) {
    return storage::hosts::beat(connection,
                                {.owner = dependencies_.owner,
                                 .state = is_draining ? "draining" : "serving",
                                 .address = dependencies_.address,
                                 .clock_ahead = dependencies_.clock.machine_ahead()},
                                dependencies_.lease, dependencies_.clock.now());
  });
}

void Presence::is_draining() {
  const std::scoped_lock lock(mutex_);
  is_draining_ = true;
  is_told_ = false;
  changed_.notify_all();
}

void Presence::end() {
  if (!teller_.joinable()) return;
  for (std::jthread* thread : {&watcher_, &teller_}) {
    thread->request_stop();
    thread->join();
  }
  const Status removed = dependencies_.database.write("host.gone", [&](storage::Connection& connection) {
    return storage::hosts::remove(connection, dependencies_.owner);
  });
  if (!removed.ok()) dependencies_.log.error("the others could not be told that this host is gone", removed.error());
}

Status Presence::reachable() {
  const std::scoped_lock lock(mutex_);
  return reachable_locked();
}

Status Presence::reachable_locked() const {
  const auto silent = runs::MachineTime::now() - answered_;
  if (silent <= every_ * kFailuresMax) return success();
  if (failure_ && is_answer(*failure_)) {
    return make_error(failure_->code, failure_->reason, fmt::format("nothing could be written for {} s: {}", seconds(silent), failure_->message));
  }
  return make_error(Code::kUnavailable, "storage.unreachable",
                    fmt::format("the database has not answered for {} s{}{}", seconds(silent), failure_ ? ": " : "", failure_ ? failure_->message : ""));
}

}  // namespace berth::app
