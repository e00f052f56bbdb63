#include "host/runs/lease.hpp"

#include "host/storage/leases.hpp"

namespace berth::runs {

Status hold(storage::Connection& connection, const HeldLease& lease, Instant now) {
  return storage::leases::renew(connection, lease.integration, lease.owner, lease.fencing, kLeaseTtl, now);
}

LeaseKeeper::LeaseKeeper(storage::Database& database, const Clock& clock, const HeldLease& lease)
    : database_(database), clock_(clock), lease_(lease), renewed_(clock.now()), thread_([this](std::stop_token stop) {
        while (true) {
          std::unique_lock lock(mutex_);
          ended_.wait_for(lock, stop, kLeaseBeat, [] { return false; });
          lock.unlock();
          if (stop.stop_requested()) return;
          // A lease that is lost shows at the next commit, which checks it itself. Anything else may have passed by the
          // next beat, and the lease is good for some.
          if (const Status kept = beat(); !kept.ok() && kept.error().reason == "storage.lease_lost") return;
        }
      }) {}

Status LeaseKeeper::beat() {
  const Instant now = clock_.now();
  {
    const std::scoped_lock lock(mutex_);
    if (now >= renewed_ && now < renewed_ + kLeaseBeat) return success();   // before it: the clock was set back
    renewed_ = now;
  }
  return database_.write([&](storage::Connection& connection) { return hold(connection, lease_, now); });
}

}  // namespace berth::runs
