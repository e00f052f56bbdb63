#pragma once
// Calls that an integration has made on this day of its quota, told apart from those that a run made before the day turned.
//
//   DayCalls day;
//   day.begin(before, quota.day_resets_at);                        // once: what earlier runs of that day have made
//   day.see(now, quota.day_resets_at, calls_made(api.report()));   // often: what a look before the turn saw is of the day before
//
// One thread. Nothing fails.
#include <chrono>
#include <cstdint>

#include "host/core/time.hpp"

namespace berth::runs {

class DayCalls {
 public:
  void begin(std::int64_t before, Instant resets_at) {
    before_ = before;
    resets_at_ = resets_at;
  }
  /// `made`: by this run, from its beginning on. Returns the calls of the day.
  std::int64_t see(Instant now, Instant resets_at, std::int64_t made) {
    // Answers differ by seconds about when the day turns.
    const bool has_turned = resets_at_.unix_ms != 0 && now + std::chrono::minutes(1) >= resets_at_ && resets_at - resets_at_ > std::chrono::hours(12);
    if (has_turned) {
      before_ = 0;
      of_days_before_ = seen_;
    }
    if (resets_at.unix_ms != 0) resets_at_ = resets_at;
    seen_ = made;
    return before_ + made - of_days_before_;
  }

 private:
  std::int64_t before_ = 0;
  std::int64_t of_days_before_ = 0;   // of this run's calls
  std::int64_t seen_ = 0;             // of them, at the last look
  Instant resets_at_;
};

}  // namespace berth::runs
