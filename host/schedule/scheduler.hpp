#pragma once
// When integrations run: intervals and cron expressions per phase with jitter, asked-for syncs at once, nothing while paused,
// no pile-up after a stop (what was due five times runs once).
//
//   Scheduler scheduler({database, registry, clock, log, run}, {});
//   scheduler.start();            // one thread that looks, and one per run under way
//   ...
//   scheduler.stop();             // asks runs to stop at their next checkpoint and waits for them
//
// decide() is the whole decision about one integration, and says when to look at it again; it is pure over what storage holds,
// and the threads only act on it. So the waits after failed and crashed runs, which the engine stores, outlast a restart of the host.
// That moment stands in storage, too (storage/looks.hpp), and is moved to now by whatever could make something due earlier. A tick
// reads those whose moment has come, oldest first, and nothing of the others: it costs the same with a hundred thousand of them.
// Hosts on one database share them. Who takes one moves its moment first, so that the others do not try it as well. What is due,
// and for what reason nothing is, is in plan.hpp; all moments are told in the time that the hosts agree on (Connection::shared_now).
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "host/runs/engine.hpp"
#include "host/runs/registry.hpp"
#include "host/schedule/plan.hpp"
#include "host/storage/database.hpp"
#include "host/storage/looks.hpp"
#include "host/telemetry/log.hpp"

namespace berth::schedule {

struct DueRun {
  std::string integration;
  runs::RunRequest request;
  bool is_new = false;   // not put together yet: that is done first, on the thread of the run, and what is due is seen then
};

/// What is to be done with one integration now.
struct Decision {
  std::optional<DueRun> run;
  Instant look_again;        // where nothing is
};

struct Options {
  std::size_t workers_max = 4;                             // runs under way at once
  std::chrono::milliseconds look_every{1000};
  std::size_t looks_max = 256;                             // integrations looked at in one step
  std::chrono::milliseconds look_every_max{30'000};        // while the database cannot be used: doubled each time up to
  int jitter_percent = kJitterPercent;
  std::chrono::milliseconds first_retry{60'000};           // of what could not even be noted; doubled each time up to
  std::chrono::milliseconds retry_max{3'600'000};
};

class Scheduler {
 public:
  struct Dependencies {
    storage::Database& database;
    runs::Registry& registry;
    runs::Engine& engine;
    Clock& clock;
    telemetry::Log log;
    std::string owner{};          // names this process to the others
    IsDeadOwner is_dead_owner{};  // as the engine's
  };
  Scheduler(Dependencies dependencies, Options options) : dependencies_(std::move(dependencies)), options_(options) {}
  ~Scheduler() { stop(); }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void start();
  void stop();
  /// Looks now instead of at the next tick.
  void wake();
  /// What a process of this machine that is gone ran, or was about to run, is looked at next. start() does it first of all.
  Status wake_left_behind();
  /// What should begin now, without those that run already. A run takes every phase that is due, in the plugin's order.
  Result<std::vector<DueRun>> due(Instant now);
  /// The same for one integration, whenever its moment is.
  Result<Decision> decide(const std::string& integration, Instant of_machine);
  /// What a step of the scheduler takes: at most `places` runs, whose moment is moved on so that no other host takes them;
  /// those that are not due get the moment at which they are looked at next.
  Result<std::vector<DueRun>> take(Instant now, std::size_t places);
  /// Runs under way in this process.
  [[nodiscard]] std::vector<std::string> running() const;

 private:
  struct Failing {
    int times = 0;
    Instant since;       // of the last failure
    Instant not_before;
  };
  struct Taken {
    std::vector<DueRun> runs;    // marked as under way
    bool is_all = false;         // nothing is left whose moment has come
  };
  void look(std::stop_token stop);
  struct Come {
    Instant now;                          // as the hosts agree on it
    std::vector<storage::Look> looks;
  };
  Result<Taken> take_marked(Instant of_machine, std::size_t places);
  Result<Come> come(Instant of_machine);
  void note_look(const Status& looked);
  void begin(const DueRun& run);
  Status attempt(const DueRun& run, std::stop_token stop);
  void note_end(const DueRun& run, const Status& ended);
  Failing failing_of(const std::string& integration, Instant now) const;

  Dependencies dependencies_;
  Options options_;
  mutable std::mutex mutex_;                       // guards what follows
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::map<std::string, std::jthread> under_way_;  // a thread that is not joinable: taken, and begins now
  std::vector<std::jthread> ended_;
  std::map<std::string, Failing> failing_;
  std::jthread looker_;
  // Of the thread that looks.
  bool are_left_woken_ = false;
  bool is_failing_ = false;
  Instant failing_since_;
  std::chrono::milliseconds rest_{0};              // before the next look
};

}  // namespace berth::schedule
