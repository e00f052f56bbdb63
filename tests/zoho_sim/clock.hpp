// The simulator's time. Everything that expires, is limited or is stamped reads this clock and no other.
//
//   auto clock = std::make_shared<zoho_sim::VirtualClock>(start);   // frozen at start until moved
//   clock->advance(3600);                                           // every access token is now out of date
//
// Any thread may call any member.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace zoho_sim {

using Time = std::int64_t;  // seconds since 1970-01-01T00:00:00Z

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

// Starts at a given time, runs with real time or stands still, and can be set.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Time start, bool running = false);

  Time now() const override;
  void set(Time time);
  void advance(std::int64_t seconds);
  void run(bool running);
  bool is_running() const;

 private:
  Time now_locked() const;

  mutable std::mutex mutex_;
  Time base_;
  bool running_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace zoho_sim
