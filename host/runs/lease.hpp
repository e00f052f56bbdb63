#pragma once
// The lease under which a run commits: whoever holds it is the only one who runs the integration, and every commit
// checks that by its fencing number.
//
//   LeaseKeeper keeper(database, clock, lease, stop);    // for as long as the run takes
//   ... keeper.stop() ...                                // ends the run, also when the lease is lost
//   BERTH_CHECK(hold(connection, lease, now));           // first statement of each commit
//
// Between two commits lie up to a hundred calls, each of which may wait for a quota; so the keeper renews the lease
// meanwhile, when an answer comes and by a thread of its own.
//
// A holder that cannot renew it, because the database is out of reach or the process was stalled, has to stop before others
// may take over: a part (kLeaseMargin) before the end, told by the machine's own time that nobody sets and that goes on while
// the machine sleeps, no further call is made (LeasedTransport) and the run is asked to stop. Its commits would be refused
// anyway; its calls would spend the quota of whoever took over.
//
// Any thread.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/http/transport.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

inline constexpr std::chrono::milliseconds kLeaseTtl{2 * 60'000};
/// Parts of the time that a lease is taken for: between two renewals, after one that failed, and before its end.
inline constexpr int kLeaseBeats = 4, kLeaseRetries = 24, kLeaseMargin = 6;

/// The machine's time since it started, sleep included.
struct MachineTime {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MachineTime>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};

struct HeldLease {
  std::string integration;
  std::string owner;
  std::int64_t fencing = 0;
  std::chrono::milliseconds ttl = kLeaseTtl;
  MachineTime::time_point asked_for = MachineTime::now();   // before the database was asked for it
};
/// Still ours? Then it is ours for another ttl. Errors: storage.lease_lost.
Status hold(storage::Connection& connection, const HeldLease& lease, Instant now);

class LeaseKeeper {
 public:
  /// The lease was just taken. `stop` is who asks the run to stop otherwise. Everything outlives the keeper.
  LeaseKeeper(storage::Database& database, const Clock& clock, const HeldLease& lease, const std::stop_token& stop = {});
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  /// Renews it if its time has come, and says whether it is still good. Not within a transaction. Errors: those of good().
  Status beat();
  /// Errors: storage.lease_lost (somebody else has it), runs.lease_unrenewed (its end is near, and why it was not renewed).
  [[nodiscard]] Status good();
  /// Asked for by whoever asked before, and when the lease is not good any more.
  [[nodiscard]] std::stop_token stop() const { return stop_.get_token(); }

 private:
  Status good_locked();
  void renew_again_and_again(const std::stop_token& end);
  void watch(const std::stop_token& end);

  storage::Database& database_;
  const Clock& clock_;
  const HeldLease lease_;
  const std::chrono::milliseconds beat_, retry_;
  std::stop_source stop_;
  const std::stop_callback<std::function<void()>> forward_;
  std::mutex mutex_;   // guards what follows
  std::condition_variable_any changed_;
  Instant next_beat_;                      // by the clock of runs
  Instant last_beat_;
  MachineTime::time_point next_beat_at_;   // and by the machine's time, whichever comes first
  MachineTime::time_point good_until_;
  std::optional<Error> lost_;
  std::optional<Error> failure_;           // of the last renewal
  std::jthread renewer_, watcher_;         // the machine's own time: it bounds real waits
};

/// Calls of a run, each begun only while its lease is good; after that they are refused with berth.cancelled.
class LeasedTransport final : public http::Transport {
 public:
  LeasedTransport(http::Transport& transport, LeaseKeeper& keeper) : transport_(transport), keeper_(keeper) {}
  [[nodiscard]] Result<http::Response> send(const http::Request& request, std::stop_token stop) override;

 private:
  http::Transport& transport_;
  LeaseKeeper& keeper_;
};

}  // namespace berth::runs
