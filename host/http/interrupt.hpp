#pragma once
// Ends a blocked exchange from outside: at its deadline, or when somebody asks to stop.
//
// Poco's timeout is one for every receive, so a peer that sends a byte now and then is never late; and a blocked read
// does not hear a stop request. Both are ended by shutting the socket down from another thread, which makes every
// blocked call on it return. The socket is shut through a descriptor of its own (dup), so that a close elsewhere can
// never make us shut a stranger's connection.
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

namespace berth::http {

enum class Interruption { kNone, kTimeout, kCancelled };

/// One exchange. Any thread.
class Interruptible {
 public:
  /// Shuts the attached socket, now or when one is attached. Only the first cause counts.
  void interrupt(Interruption cause);
  void attach(int descriptor);
  /// The socket is out of reach afterwards.
  void detach();
  [[nodiscard]] Interruption cause() const;

 private:
  mutable std::mutex mutex_;
  int descriptor_ = -1;
  Interruption cause_ = Interruption::kNone;
};

/// One thread that interrupts exchanges whose time is over.
class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Watches `exchange` until the object goes.
  class Watch {
   public:
    Watch(Watchdog& watchdog, Interruptible& exchange, Time deadline);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Watchdog& watchdog_;
    std::multimap<Time, Interruptible*>::iterator place_;
  };

 private:
  void run(const std::stop_token& stop);
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::multimap<Time, Interruptible*> watched_;
  Time looks_at_ = Time::min();  // when the thread looks next by itself; only an earlier deadline wakes it
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace berth::http
