#include "host/runs/lease.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "host/storage/leases.hpp"

namespace berth::runs {

MachineTime::time_point MachineTime::now() noexcept {
  timespec time = {};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

Status hold(storage::Connection& connection, const HeldLease& lease, Instant now) {
  return storage::leases::renew(connection, lease.integration, lease.owner, lease.fencing, lease.ttl, now);
}

LeaseKeeper::LeaseKeeper(storage::Database& database, const Clock& clock, const HeldLease& lease, const std::stop_token& stop)
    : database_(database),
      clock_(clock),
      lease_(lease),
      beat_(lease.ttl / kLeaseBeats),
      retry_(lease.ttl / kLeaseRetries),
      forward_(stop, [this] { stop_.request_stop(); }),
      next_beat_(clock.now() + beat_),
      last_beat_(clock.now()),
      next_beat_at_(lease.asked_for + beat_),
      good_until_(lease.asked_for + lease.ttl - lease.ttl / kLeaseMargin),
      renewer_([this](const std::stop_token& end) { renew_again_and_again(end); }),
      watcher_([this](const std::stop_token& end) { watch(end); }) {}

void LeaseKeeper::renew_again_and_again(const std::stop_token& end) {
  std::unique_lock lock(mutex_);
  while (!end.stop_requested() && !lost_) {
    const auto wait = std::max<MachineTime::duration>(next_beat_at_ - MachineTime::now(), std::chrono::milliseconds(1));
    changed_.wait_for(lock, end, wait, [this] { return lost_.has_value(); });
    if (end.stop_requested() || lost_) return;
    lock.unlock();
    static_cast<void>(beat().ok());   // a lease that is not good any more stands in lost_
    lock.lock();
  }
}

/// Beside the one who renews: a database that is out of reach keeps that one waiting for its answer.
void LeaseKeeper::watch(const std::stop_token& end) {
  std::unique_lock lock(mutex_);
  while (!end.stop_requested() && good_locked().ok()) {
    const auto wait = std::max<MachineTime::duration>(good_until_ - MachineTime::now(), std::chrono::milliseconds(1));
    changed_.wait_for(lock, end, wait, [this] { return lost_.has_value(); });
  }
  if (!lost_) return;
  lock.unlock();
  stop_.request_stop();
}

Status LeaseKeeper::good_locked() {
  if (!lost_ && MachineTime::now() >= good_until_) {
    lost_ = make_error(Code::kUnavailable, "runs.lease_unrenewed",
                       fmt::format("the lease of {} was not renewed within {} s{}{}; the run ends before another host may take over", lease_.integration,
                                   std::chrono::duration_cast<std::chrono::seconds>(lease_.ttl - lease_.ttl / kLeaseMargin).count(),
                                   failure_ ? ": " : "", failure_ ? failure_->message : ""));
  }
  return lost_ ? Status(*lost_) : success();
}

Status LeaseKeeper::good() {
  const std::scoped_lock lock(mutex_);
  return good_locked();
}

Status LeaseKeeper::beat() {
  const Instant now = clock_.now();
  const auto asked_at = MachineTime::now();
  {
    const std::scoped_lock lock(mutex_);
    BERTH_CHECK(good_locked());
    const bool is_early = now >= last_beat_ && now < next_beat_;   // before the last one: the clock was set back
    if (is_early && asked_at < next_beat_at_) return success();
    last_beat_ = now;
    next_beat_ = now + beat_;
    next_beat_at_ = asked_at + beat_;
  }
  const Status renewed = database_.write("lease.renew", [&](storage::Connection& connection) { return hold(connection, lease_, now); });
  {
    const std::scoped_lock lock(mutex_);
    if (renewed.ok()) {
      good_until_ = std::max(good_until_, asked_at + lease_.ttl - lease_.ttl / kLeaseMargin);
      failure_.reset();
    } else if (renewed.error().reason == "storage.lease_lost") {
      if (!lost_) lost_ = renewed.error();
      changed_.notify_all();
    } else {
      // It may have passed by the next beat, and the lease is good for some.
      failure_ = renewed.error();
      next_beat_ = now + retry_;
      next_beat_at_ = MachineTime::now() + retry_;
    }
    BERTH_CHECK(good_locked());
  }
  return success();
}

Result<http::Response> LeasedTransport::send(const http::Request& request, std::stop_token stop) {
  if (const Status good = keeper_.good(); !good.ok()) return make_error(Code::kCancelled, "berth.cancelled", good.error().message);
  return transport_.send(request, std::move(stop));
}

}  // namespace berth::runs
