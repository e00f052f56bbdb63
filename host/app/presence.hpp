#pragma once
// A host that serves tells the others on its database that it is there (storage/hosts.hpp), and finds out by that whether the
// database can be reached: `berth hosts`, /readyz and the log say so.
//
//   Presence presence({database, clock, log, owner, address, lease});
//   presence.start();
//   presence.is_draining();   ...   presence.end();        // its row goes
//
// One thread of its own, which may wait for a connection that is cut; what others ask never waits for it. Any thread.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "host/core/time.hpp"
#include "host/runs/lease.hpp"
#include "host/storage/database.hpp"
#include "host/storage/shared_clock.hpp"
#include "host/telemetry/log.hpp"

namespace berth::app {

class Presence {
 public:
  struct Dependencies {
    storage::Database& database;
    storage::SharedClock& clock;   // set right now and then, for the whole process
    telemetry::Log log;
    std::string owner;     // of leases
    std::string address;
    std::chrono::milliseconds lease;
  };
  explicit Presence(Dependencies dependencies);
  ~Presence() { end(); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  void start();
  /// Told to the others at once.
  void is_draining();
  /// Takes its row away, if the database can be reached.
  void end();
  /// Whether the database took what it was told lately. Errors: storage.unreachable; storage.full and the like where it answers and
  /// takes nothing.
  [[nodiscard]] Status reachable();

 private:
  void tell_again_and_again(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  void say_out_of_reach(const Error& why);
  Status reachable_locked() const;
  Status tell();

  const Dependencies dependencies_;
  const std::chrono::milliseconds every_;
  std::mutex mutex_;   // guards what follows
  std::condition_variable_any changed_;
  bool is_draining_ = false;
  bool is_told_ = false;
  runs::MachineTime::time_point answered_;
  std::optional<Error> failure_;
  std::string said_;                       // in the log: what is wrong with the database; "": nothing
  std::jthread teller_, watcher_;
};

}  // namespace berth::app
