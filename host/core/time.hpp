#pragma once
// Points in time, dates, durations, clocks.
//
// A point in time is UTC milliseconds since 1970; texts are parsed with their offset and never compared as text. A Date
// is a day of the calendar without a zone. Time comes from Clock&, so that tests own it.
#include <chrono>
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/core/result.hpp"

namespace berth {

struct Instant {
  std::int64_t unix_ms = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend Instant operator+(Instant a, std::chrono::milliseconds d) { return {a.unix_ms + d.count()}; }
  friend Instant operator-(Instant a, std::chrono::milliseconds d) { return {a.unix_ms - d.count()}; }
  friend std::chrono::milliseconds operator-(Instant a, Instant b) { return std::chrono::milliseconds(a.unix_ms - b.unix_ms); }
};

/// Reads "2026-05-21T08:41:30-0400", "...-04:00", "...Z", with or without fractions. Without an offset: UTC.
/// Errors: core.time_invalid.
Result<Instant> parse_instant(std::string_view text);
/// Normalises such a text to RFC 3339 with its own offset: "2026-05-21T08:41:30-04:00".
Result<std::string> normalise_time(std::string_view text);
/// "2026-05-21T12:41:30Z" or with milliseconds where they are not zero: "2026-05-21T12:41:30.250Z".
std::string to_string(Instant instant);

struct Date {
  int year = 1970;
  int month = 1;
  int day = 1;
  friend auto operator<=>(const Date&, const Date&) = default;
  /// Days since 1970-01-01.
  [[nodiscard]] std::int64_t day_number() const;
  static Date from_day_number(std::int64_t days);
  [[nodiscard]] Date plus_days(std::int64_t days) const { return from_day_number(day_number() + days); }
};
/// "2026-05-21", exactly; a real day of the calendar. Errors: core.date_invalid.
Result<Date> parse_date(std::string_view text);
std::string to_string(Date date);

/// The day of an instant in an IANA zone ("America/New_York"; "" and "UTC" need no database). Errors: core.zone_unknown.
Result<Date> date_in_zone(Instant instant, std::string_view zone);
/// The start of the next day of that zone. Errors: core.zone_unknown.
Result<Instant> next_midnight(Instant instant, std::string_view zone);
[[nodiscard]] bool zone_exists(std::string_view zone);

/// "30s", "5m", "1h", "5d", "250ms" and "12w". Errors: core.duration_invalid.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string to_string_duration(std::chrono::milliseconds duration);

/// Where time comes from. [any thread]
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  /// Returns at `until`, or at once when the token is stopped; true if it was not stopped before.
  virtual bool sleep_until(Instant until, std::stop_token stop) = 0;
  bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) { return sleep_until(now() + duration, std::move(stop)); }
};

/// The machine's clock.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
  bool sleep_until(Instant until, std::stop_token stop) override;
};

/// A clock that moves only when somebody sleeps on it or sets it: sleep_until jumps to that time at once.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Instant start) : now_(start) {}
  [[nodiscard]] Instant now() const override;
  bool sleep_until(Instant until, std::stop_token stop) override;
  void set(Instant now);
  void advance(std::chrono::milliseconds by);

 private:
  mutable std::mutex mutex_;
  Instant now_;
};

}  // namespace berth
