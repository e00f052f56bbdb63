#pragma once
// When integrations run: intervals per phase with jitter, asked-for syncs at once, nothing while paused, no pile-up after
// a stop (what was due five times runs once).
//
//   Scheduler scheduler({database, registry, clock, log, run}, {});
//   scheduler.start();            // one thread that looks, and one per run under way
//   ...
//   scheduler.stop();             // asks runs to stop at their next checkpoint and waits for them
//
// due() is the whole decision and is pure over what storage holds; the threads only act on it. So the waits after failed and
// crashed runs, which the engine stores, outlast a restart of the host.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "host/runs/engine.hpp"
#include "host/runs/registry.hpp"
#include "host/storage/database.hpp"
#include "host/telemetry/log.hpp"

namespace berth::schedule {

struct DueRun {
  std::string integration;
  runs::RunRequest request;
  bool is_new = false;   // not put together yet: that is done first, on the thread of the run, and what is due is seen then
};

struct Options {
  std::size_t workers_max = 4;                             // runs under way at once
  std::chrono::milliseconds look_every{1000};
  std::chrono::milliseconds default_interval = runs::kDefaultInterval;   // of a phase the schedule does not name
  int jitter_percent = 10;                                 // of the interval, later, so that hosts do not move in step
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
  };
  Scheduler(Dependencies dependencies, Options options) : dependencies_(std::move(dependencies)), options_(options) {}
  ~Scheduler() { stop(); }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void start();
  void stop();
  /// Looks now instead of at the next tick.
  void wake();
  /// What should begin now, without those that run already. A run takes every phase that is due, in the plugin's order.
  Result<std::vector<DueRun>> due(Instant now);
  /// Runs under way in this process.
  [[nodiscard]] std::vector<std::string> running() const;

 private:
  struct Failing {
    int times = 0;
    Instant since;       // of the last failure
    Instant not_before;
  };
  void look(std::stop_token stop);
  void begin(DueRun run);
  Status attempt(const DueRun& run, std::stop_token stop);
  void note_end(const DueRun& run, const Status& ended);
  Result<std::optional<DueRun>> due_of(const std::string& id, Instant now);

  Dependencies dependencies_;
  Options options_;
  mutable std::mutex mutex_;                       // guards what follows
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::map<std::string, std::jthread> under_way_;
  std::vector<std::jthread> ended_;
  std::map<std::string, Failing> failing_;
  std::jthread looker_;
};

/// The moment at which a phase that began at `last` and has this interval is due again; the jitter is the same for the
/// same phase and start, so that looking twice gives one answer.
[[nodiscard]] Instant next_due(std::string_view integration, std::string_view phase, Instant last,
                               std::chrono::milliseconds interval, int jitter_percent);

}  // namespace berth::schedule
