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

void Watchdog::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (watched_.empty()) {
      changed_.wait(lock, stop, [this] { return !watched_.empty(); });
      continue;
    }
    const auto next = watched_.begin()->first;
    if (std::chrono::steady_clock::now() < next) {
      changed_.wait_until(lock, stop, next,
                          [this, next] { return watched_.empty() || watched_.begin()->first != next; });
      continue;
    }
    // Moved to the end of time rather than erased: the Watch erases its own entry.
    auto node = watched_.extract(watched_.begin());
    node.mapped()->interrupt(Interruption::kTimeout);
    node.key() = Time::max();
    watched_.insert(std::move(node));
    if (watched_.begin()->first == Time::max()) {
      changed_.wait(lock, stop, [this] { return watched_.empty() || watched_.begin()->first != Time::max(); });
    }
  }
}

Watchdog::Watch::Watch(Watchdog& watchdog, Interruptible& exchange, Time deadline) : watchdog_(watchdog) {
  {
    const std::scoped_lock lock(watchdog_.mutex_);
    place_ = watchdog_.watched_.emplace(deadline, &exchange);
  }
  watchdog_.changed_.notify_all();
}

Watchdog::Watch::~Watch() {
  const std::scoped_lock lock(watchdog_.mutex_);
  watchdog_.watched_.erase(place_);
}

}  // namespace berth::http
