#include "tests/zoho_sim/limits.hpp"

#include <algorithm>

namespace zoho_sim {

std::optional<ApiError> Limits::admit(Time now, Day today, int in_process) {
  if (now / 60 != minute_) {
    minute_ = now / 60;
    used_this_minute_ = 0;
  }
  if (today != day_) {
    day_ = today;
    used_today_ = 0;
  }
  if (options_.concurrent > 0 && in_process >= options_.concurrent) {
    return ApiError{429, 1070,
                    "Your organization has crossed the maximum number of in process requests allowed (" +
                        std::to_string(options_.concurrent) + ")."};
  }
  if (options_.per_day > 0 && used_today_ >= options_.per_day) {
    return ApiError{429, 45,
                    "You have exceeded the maximum call rate limit of " + std::to_string(options_.per_day) + "."};
  }
  while (!recent_.empty() && recent_.front() <= now - 60) recent_.pop_front();
  const int used = options_.sliding ? static_cast<int>(recent_.size()) : used_this_minute_;
  if (options_.per_minute > 0 && used >= options_.per_minute) {
    return ApiError{429, 44,
                    "Your organization has been blocked for some time as it has exceeded the maximum number of "
                    "requests per minute."};
  }
  ++used_this_minute_;
  recent_.push_back(now);
  ++used_today_;
  return std::nullopt;
}

Pairs Limits::headers(Time now, Day today, Time next_midnight) const {
  if (options_.per_day <= 0) return {};
  const int used = today == day_ ? used_today_ : 0;
  return {{"X-Rate-Limit-Limit", std::to_string(options_.per_day)},
          {"X-Rate-Limit-Remaining", std::to_string(std::max(0, options_.per_day - used))},
          {"X-Rate-Limit-Reset", std::to_string(next_midnight - now)}};
}

}  // namespace zoho_sim
