#pragma once
// The lease under which a run commits: whoever holds it is the only one who runs the integration, and every commit
// checks that by its fencing number.
//
//   LeaseKeeper keeper(database, clock, lease);      // for as long as the run takes
//   BERTH_CHECK(hold(connection, lease, now));       // first statement of each commit
//
// Between two commits lie up to a hundred calls, each of which may wait for a quota; so the keeper renews the lease
// meanwhile, when an answer comes and by a thread of its own. Any thread.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

inline constexpr std::chrono::milliseconds kLeaseTtl{2 * 60'000};
inline constexpr std::chrono::milliseconds kLeaseBeat = kLeaseTtl / 4;

struct HeldLease {
  std::string integration;
  std::string owner;
  std::int64_t fencing = 0;
};
/// Still ours? Then it is ours for another kLeaseTtl. Errors: storage.lease_lost.
Status hold(storage::Connection& connection, const HeldLease& lease, Instant now);

class LeaseKeeper {
 public:
  /// The lease was just taken. Everything outlives the keeper.
  LeaseKeeper(storage::Database& database, const Clock& clock, const HeldLease& lease);
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  /// Renews it if kLeaseBeat has passed since the last time. Not within a transaction. Errors: storage's.
  Status beat();

 private:
  storage::Database& database_;
  const Clock& clock_;
  const HeldLease& lease_;
  std::mutex mutex_;   // guards what follows
  std::condition_variable_any ended_;
  Instant renewed_;
  std::jthread thread_;   // the machine's own time: it bounds real waits
};

}  // namespace berth::runs
