#pragma once
// The clock of one machine of several: the true time and an error, which is set from any thread.
#include <atomic>
#include <utility>

#include "host/core/time.hpp"

namespace berth::integration {

class MachineClock final : public Clock {
 public:
  explicit MachineClock(ManualClock& truth) : truth_(truth) {}
  [[nodiscard]] Instant now() const override { return {truth_.now().unix_ms + error_ms_}; }
  bool sleep_until(Instant until, std::stop_token stop) override { return truth_.sleep_until({until.unix_ms - error_ms_}, std::move(stop)); }
  void be_wrong_by(std::chrono::milliseconds error) { error_ms_ = error.count(); }

 private:
  ManualClock& truth_;
  std::atomic<std::int64_t> error_ms_ = 0;
};

}  // namespace berth::integration
