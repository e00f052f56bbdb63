#pragma once
// Virtual time for several threads at once: a sleep takes as long on this clock as it says, and no real time, however many
// sleep side by side.
//
// ManualClock jumps as soon as one thread sleeps, so that a call which another thread makes meanwhile seems to last as
// long as that sleep. This clock moves to the next sleeper's time only when every thread of the process is blocked, which
// it reads from /proc. It is used where rates are measured.
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "host/core/time.hpp"

namespace berth::integration {

class PacedClock final : public ManualClock {
 public:
  explicit PacedClock(Instant start);
  bool sleep_until(Instant until, std::stop_token stop) override;

 private:
  void move(const std::stop_token& stop);

  std::mutex mutex_;   // guards what follows
  std::condition_variable_any changed_;
  std::multiset<Instant> sleepers_;
  std::jthread mover_;
};

}  // namespace berth::integration
