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

/// Under the lock, once until it answers again.
void Presence::say_out_of_reach(const Error& why) {
  if (std::exchange(is_out_of_reach_, true)) return;
  dependencies_.log.error("the database is out of reach: no run begins, and those under way end before their leases do", why);
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
    std::chrono::milliseconds ahead{0};
    {
      const std::scoped_lock lock(mutex_);
      is_told_ = true;
    }
    const Status told = tell();
    std::unique_lock lock(mutex_);
    if (told.ok()) {
      const auto now = runs::MachineTime::now();
      if (std::exchange(is_out_of_reach_, false)) dependencies_.log.info("the database answers again", {{"after_s", seconds(now - answered_)}});
      failure_.reset();
      answered_ = now;
    } else {
      say_out_of_reach(told.error());
      failure_ = told.error();
    }
    lock.unlock();
    if (told.ok() && !is_clock_told) {
      static_cast<void>(dependencies_.database.read([&](storage::Connection& connection) -> Status {
        ahead = -connection.shared_ahead();
        return success();
      }).ok());
      if (std::chrono::abs(ahead) > kClockOffMax) {
        is_clock_told = true;
        dependencies_.log.warning("the clock of this machine is wrong, or that of the database's server; leases and quotas go by the server's",
                                  {{"ahead_ms", ahead.count()}});
      }
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
                                {.owner = dependencies_.owner, .state = is_draining ? "draining" : "serving", .address = dependencies_.address},
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
  return make_error(Code::kUnavailable, "storage.unreachable",
                    fmt::format("the database has not answered for {} s{}{}", seconds(silent), failure_ ? ": " : "", failure_ ? failure_->message : ""));
}

}  // namespace berth::app
