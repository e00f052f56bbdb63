#pragma once
// Cron expressions: five fields (minute, hour, day of the month, month, day of the week), in the time zone that the caller
// names.
//
//   const Cron daily = BERTH_TRY(Cron::parse("0 6 * * mon-fri"));
//   const Instant next = BERTH_TRY(daily.next_after(clock.now(), "Europe/Berlin"));
//
// A field is "*", a number, a range "1-5", a step "*/15" or "8-18/2", or a list of these with commas. Months and days have
// English names of three letters; Sunday is 0 and 7. Where day of the month and day of the week are both given, one of them
// suffices, as for every cron. "@hourly", "@daily", "@weekly", "@monthly" and "@yearly" stand for the obvious.
//
// Where the clock is put forward, a time that is left out is the first moment after the gap. Where it is put back, a time
// that occurs twice counts once, the first time; only one whose hour is "*" counts both times, because it means every hour.
//
// Plain value, any thread. Errors: core.cron_invalid, also for a date that never comes ("0 0 30 2 *"); core.zone_unknown.
#include <cstdint>
#include <string>
#include <string_view>

#include "host/core/time.hpp"

namespace berth {

class Cron {
 public:
  static Result<Cron> parse(std::string_view text);
  /// Whether somebody who wrote this meant a cron expression and not a duration.
  [[nodiscard]] static bool looks_like_one(std::string_view text);
  /// The first moment after `after`.
  [[nodiscard]] Result<Instant> next_after(Instant after, std::string_view zone) const;
  /// As it was written.
  [[nodiscard]] const std::string& text() const { return text_; }
  friend bool operator==(const Cron& a, const Cron& b) { return a.text_ == b.text_; }

 private:
  [[nodiscard]] bool has_day(Date day) const;
  [[nodiscard]] bool ever_comes() const;
  std::string text_;
  std::uint64_t minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;   // a bit for each value
  bool is_any_day_ = false, is_any_weekday_ = false, is_every_hour_ = false;
};

}  // namespace berth
