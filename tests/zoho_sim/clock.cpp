#include "tests/zoho_sim/clock.hpp"

namespace zoho_sim {

VirtualClock::VirtualClock(Time start, bool running)
    : base_(start), running_(running), since_(std::chrono::steady_clock::now()) {}

Time VirtualClock::now_locked() const {
  if (!running_) return base_;
  return base_ + std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - since_).count();
}

Time VirtualClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_locked();
}

void VirtualClock::set(Time time) {
  const std::lock_guard lock(mutex_);
  base_ = time;
  since_ = std::chrono::steady_clock::now();
}

void VirtualClock::advance(std::int64_t seconds) {
  const std::lock_guard lock(mutex_);
  base_ += seconds;
}

void VirtualClock::run(bool running) {
  const std::lock_guard lock(mutex_);
  base_ = now_locked();
  since_ = std::chrono::steady_clock::now();
  running_ = running;
}

bool VirtualClock::is_running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

}  // namespace zoho_sim
