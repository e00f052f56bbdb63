#pragma once
// Work that takes longer than an answer may: it is begun by a POST that answers 202 with an id, and a GET tells how far it is
// and what came of it.
//
//   const std::string id = BERTH_TRY(jobs.begin({"mapping_diff", "zoho_acme", "Ada"}, [](Job& job) -> Result<json::Value> { ... }));
//   jobs.view(id);                    // {"job":..,"state":"running","progress":{"done":512,"total":100000},"result":null,...}
//
// Each job has a thread of its own, at most kJobsAtOnceMax at a time. The last kJobsKeptMax that ended are kept, in this
// process: what they did is in the database, what they told is gone when the host ends. Destroying this asks all of them to
// stop and waits. Any thread.
//
// Errors of begin(): admin.jobs_busy. Of view() and stop(): admin.job_unknown.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "berth/json.hpp"
#include "host/core/random.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::admin {

inline constexpr std::size_t kJobsAtOnceMax = 4;
inline constexpr std::size_t kJobsKeptMax = 32;

/// What was asked for.
struct JobOrder {
  std::string kind;          // "mapping_diff"
  std::string integration;
  std::string actor;
};

class Jobs {
 public:
  /// What the work may ask and tell while it runs.
  struct Running {
    std::stop_token stop;
    std::function<void(std::int64_t done, std::int64_t total)> progress;
  };
  using Work = std::function<Result<json::Value>(const Running& running)>;

  Jobs(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// Refused as well while `only_one` of that kind is under way; nothing is begun then.
  Result<std::string> begin(JobOrder order, bool only_one, Work work);
  Result<json::Value> view(std::string_view id) const;
  /// Newest first, without results.
  [[nodiscard]] json::Value list() const;
  /// Asks it to stop at its next step; it ends with what it has.
  Result<json::Value> stop(std::string_view id);
  /// The same for all.
  void stop_all();
  /// Until it has ended; for whoever holds this and not for a request.
  void wait(std::string_view id);

 private:
  struct Job {
    std::string id;
    JobOrder order;
    Instant began, ended;
    std::atomic<std::int64_t> done = 0, total = 0;
    std::optional<Result<json::Value>> outcome;   // guarded by mutex_
    std::jthread thread;
  };
  [[nodiscard]] json::Value view_of(const Job& job, bool with_result) const;
  void drop_old();

  const Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;
  std::condition_variable has_ended_;
  std::list<Job> jobs_;   // by time of begin
};

}  // namespace berth::admin
