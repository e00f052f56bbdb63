#pragma once
// The clock of a process that shares its database with others: the machine's, set right by what the database says where it is
// wrong by more than a second. Whatever a process writes of moments, such as when a phase began, means the same to all of them;
// a host whose clock is an hour ahead would keep the others from running for an hour.
//
//   SharedClock clock;                                        // or over another clock
//   auto database = BERTH_TRY(open_postgresql(options, clock));
//   BERTH_CHECK(clock.follow(*database));                     // after that, now and then
//
// What uses it sees it move as if somebody had set the machine's clock. Over SQLite it is the machine's. Any thread; follow() is
// called by one at a time.
#include <atomic>
#include <chrono>

#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::storage {

class SharedClock final : public Clock {
 public:
  /// Smaller differences are left as they are: whoever shares a moment allows for them.
  static constexpr std::chrono::milliseconds kLeftAlone{1000};

  SharedClock() : machine_(system_) {}
  /// Over another clock than the system's, which outlives it.
  explicit SharedClock(Clock& machine) : machine_(machine) {}

  [[nodiscard]] Instant now() const override { return machine_.now() - machine_ahead(); }
  bool sleep_until(Instant until, std::stop_token stop) override { return machine_.sleep_until(until + machine_ahead(), std::move(stop)); }
  /// Asks a database that was opened with this clock. Errors: storage's.
  Status follow(Database& database);
  /// How far the machine's clock is ahead of this one.
  [[nodiscard]] std::chrono::milliseconds machine_ahead() const { return std::chrono::milliseconds(machine_ahead_ms_.load()); }

 private:
  SystemClock system_;
  Clock& machine_;
  std::atomic<std::int64_t> machine_ahead_ms_{0};
};

}  // namespace berth::storage
