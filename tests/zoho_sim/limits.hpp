// The quotas of an organisation: calls per minute (code 44), per day (45) and at the same time (1070), all HTTP 429,
// and the headers that tell the day's quota. Not thread safe; the Simulator guards it.
#pragma once

#include "tests/zoho_sim/books.hpp"
#include "tests/zoho_sim/message.hpp"

#include <deque>
#include <optional>

namespace zoho_sim {

struct LimitOptions {  // 0 switches a limit off
  int per_minute = 100;
  int per_day = 10'000;
  int concurrent = 10;
  bool sliding = false;  // per_minute in any 60 seconds, not in each minute of the clock: Zoho does not say which
};

class Limits {
 public:
  explicit Limits(LimitOptions options) : options_(options) {}

  // Counts the call, or says why it is refused. `in_process` is the number of admitted calls not yet answered. Refused
  // calls do not count (whether they do at Zoho is unknown).
  std::optional<ApiError> admit(Time now, Day today, int in_process);
  // X-Rate-Limit-*; Reset is seconds until midnight of the organisation, no point in time.
  Pairs headers(Time now, Day today, Time next_midnight) const;
  LimitOptions& options() { return options_; }
  int used_today() const { return used_today_; }
  void set_used_today(int used) { used_today_ = used; }

 private:
  LimitOptions options_;
  Time minute_ = -1;
  Day day_ = 0;
  int used_this_minute_ = 0, used_today_ = 0;
  std::deque<Time> recent_;  // admitted within the last 60 seconds
};

}  // namespace zoho_sim
