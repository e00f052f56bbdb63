#include "host/http/interrupt.hpp"

#include <sys/socket.h>

namespace berth::http {

void Interruptible::interrupt(Interruption cause) {
  const std::scoped_lock lock(mutex_);
  if (cause_ == Interruption::kNone) cause_ = cause;
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

void Interruptible::attach(int descriptor) {
  const std::scoped_lock lock(mutex_);
  descriptor_ = descriptor;
  if (cause_ != Interruption::kNone) ::shutdown(descriptor_, SHUT_RDWR);
}

void Interruptible::detach() {
  const std::scoped_lock lock(mutex_);
  descriptor_ = -1;
}

Interruption Interruptible::cause() const {
  const std::scoped_lock lock(mutex_);
  return cause_;
}

Watchdog::Watchdog() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watchdog::~Watchdog() = default;

// Every exchange has a deadline and next to none reaches it, so beginning or ending one wakes nobody: the thread sleeps to
// the earliest deadline that it knew when it fell asleep, and looks what is there then.
void Watchdog::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto now = std::chrono::steady_clock::now();
    while (!watched_.empty() && watched_.begin()->first <= now) {
      // Moved to the end of time rather than erased: the Watch erases its own entry.
      auto node = watched_.extract(watched_.begin());
      node.mapped()->interrupt(Interruption::kTimeout);
      node.key() = Time::max();
      watched_.insert(std::move(node));
    }
    const Time wakes_at = watched_.empty() ? Time::max() : watched_.begin()->first;
    looks_at_ = wakes_at;
    const auto is_earlier = [&] { return looks_at_ < wakes_at; };
    if (wakes_at == Time::max()) {
      changed_.wait(lock, stop, is_earlier);
    } else {
      changed_.wait_until(lock, stop, wakes_at, is_earlier);
    }
  }
}

Watchdog::Watch::Watch(Watchdog& watchdog, Interruptible& exchange, Time deadline) : watchdog_(watchdog) {
  {
    const std::scoped_lock lock(watchdog_.mutex_);
    place_ = watchdog_.watched_.emplace(deadline, &exchange);
    if (deadline >= watchdog_.looks_at_) return;
    watchdog_.looks_at_ = deadline;
  }
  watchdog_.changed_.notify_all();
}

Watchdog::Watch::~Watch() {
  const std::scoped_lock lock(watchdog_.mutex_);
  watchdog_.watched_.erase(place_);
}

}  // namespace berth::http
