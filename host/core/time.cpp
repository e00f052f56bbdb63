#include "host/core/time.hpp"

#include <fmt/format.h>

#include <array>

#include "host/core/text.hpp"

namespace berth {
namespace {

namespace chr = std::chrono;

constexpr std::int64_t kDayMs = 86'400'000;
// The years 0000 to 9999: what is written outside of them has another number of digits and cannot be read again.
constexpr std::int64_t kFirstMs = -62'167'219'200'000;
constexpr std::int64_t kLastMs = 253'402'300'799'999;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads exactly `count` digits at the front of `text` and removes them.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

chr::year_month_day calendar(Date date) {
  return chr::year(date.year) / chr::month(static_cast<unsigned>(date.month)) /
         chr::day(static_cast<unsigned>(date.day));
}

std::optional<Date> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const Date date{*year, *month, *day};
  if (!calendar(date).ok()) return std::nullopt;
  return date;
}

/// A point in time as written: the day and time at its own offset.
struct WrittenTime {
  std::int64_t local_ms = 0;
  int offset_minutes = 0;
  [[nodiscard]] std::int64_t utc_ms() const { return local_ms - std::int64_t{offset_minutes} * 60'000; }
};

/// "Z", "+05:30", "-0400", "+01" or nothing (UTC); the rest of `text` must be just that.
std::optional<int> parse_offset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return 0;
  const bool is_minus = text.front() == '-';
  if (!is_minus && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23) return std::nullopt;
  int minutes = 0;
  if (!text.empty()) {
    take(text, ':');
    const auto read = take_number(text, 2);
    if (!read || *read > 59 || !text.empty()) return std::nullopt;
    minutes = *read;
  }
  const int total = *hours * 60 + minutes;
  return is_minus ? -total : total;
}

std::optional<WrittenTime> parse_written(std::string_view text) {
  const auto date = take_date(text);
  if (!date || (!take(text, 'T') && !take(text, 't') && !take(text, ' '))) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return std::nullopt;  // RFC 3339 has second 60; it counts as the next minute's first
  int fraction_ms = 0;
  if (take(text, '.')) {
    int weight = 100;
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), weight /= 10) {
      fraction_ms += (text.front() - '0') * weight;  // digits below a millisecond weigh nothing
    }
  }
  const auto offset = parse_offset(text);
  if (!offset) return std::nullopt;
  const std::int64_t seconds = (*hour * 60 + *minute) * 60 + *second;
  const WrittenTime written{date->day_number() * kDayMs + seconds * 1000 + fraction_ms, *offset};
  // A leap second or an offset may lead out of them.
  const std::int64_t utc_ms = written.utc_ms();
  if (written.local_ms > kLastMs || utc_ms < kFirstMs || utc_ms > kLastMs) return std::nullopt;
  return written;
}

Error time_invalid(std::string_view text) {
  return make_error(Code::kBadResponse, "core.time_invalid",
                    fmt::format("\"{}\" is not a time like 2026-05-21T08:41:30-04:00", shortened(text, 60)));
}

/// "2026-05-21T12:41:30" with milliseconds where they are not zero.
std::string format_local(std::int64_t local_ms) {
  std::int64_t days = local_ms / kDayMs;
  std::int64_t rest = local_ms % kDayMs;
  if (rest < 0) {
    rest += kDayMs;
    --days;
  }
  const std::int64_t ms = rest % 1000;
  const std::int64_t seconds = rest / 1000;
  std::string text = fmt::format("{}T{:02}:{:02}:{:02}", to_string(Date::from_day_number(days)), seconds / 3600,
                                 seconds / 60 % 60, seconds % 60);
  if (ms != 0) text += fmt::format(".{:03}", ms);
  return text;
}

struct DurationUnit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array kUnits{DurationUnit{"w", 7 * kDayMs}, DurationUnit{"d", kDayMs}, DurationUnit{"h", 3'600'000},
                            DurationUnit{"m", 60'000},     DurationUnit{"s", 1000},   DurationUnit{"ms", 1}};
constexpr std::int64_t kDurationMaxMs = 36'525 * kDayMs;  // a hundred years

}  // namespace

Result<Instant> parse_instant(std::string_view text) {
  const auto written = parse_written(text);
  if (!written) return time_invalid(text);
  return Instant{written->utc_ms()};
}

Result<std::string> normalise_time(std::string_view text) {
  const auto written = parse_written(text);
  if (!written) return time_invalid(text);
  if (written->offset_minutes == 0) return format_local(written->local_ms) + "Z";
  const int minutes = written->offset_minutes < 0 ? -written->offset_minutes : written->offset_minutes;
  return fmt::format("{}{}{:02}:{:02}", format_local(written->local_ms), written->offset_minutes < 0 ? '-' : '+',
                     minutes / 60, minutes % 60);
}

std::string to_string(Instant instant) {
  return format_local(instant.unix_ms) + "Z";
}

std::int64_t Date::day_number() const {
  return chr::sys_days(calendar(*this)).time_since_epoch().count();
}

Date Date::from_day_number(std::int64_t days) {
  const chr::year_month_day date{chr::sys_days(chr::days(days))};
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

Result<Date> parse_date(std::string_view text) {
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date || !rest.empty()) {
    return make_error(Code::kBadResponse, "core.date_invalid",
                      fmt::format("\"{}\" is not a date like 2026-05-21", shortened(text, 60)));
  }
  return *date;
}

std::string to_string(Date date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::size_t digits = 0;
  std::int64_t count = 0;
  while (digits < text.size() && is_digit(text[digits]) && count <= kDurationMaxMs)
    count = count * 10 + (text[digits++] - '0');
  for (const DurationUnit& unit : kUnits) {
    if (digits > 0 && text.substr(digits) == unit.name && count <= kDurationMaxMs / unit.ms) {
      return chr::milliseconds(count * unit.ms);
    }
  }
  return make_error(Code::kInvalidArgument, "core.duration_invalid",
                    fmt::format("\"{}\" is not a duration like 250ms, 30s, 5m, 1h, 5d or 12w", shortened(text, 60)));
}

std::string to_string_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms == 0) return "0s";
  for (const DurationUnit& unit : kUnits) {
    if (ms % unit.ms == 0) return fmt::format("{}{}", ms / unit.ms, unit.name);
  }
  BERTH_ASSERT(false, "every duration is a whole number of milliseconds");
}

Instant SystemClock::now() const {
  return {chr::duration_cast<chr::milliseconds>(chr::system_clock::now().time_since_epoch()).count()};
}

bool SystemClock::sleep_until(Instant until, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any waiting;
  std::unique_lock lock(mutex);
  // By the steady clock: when the wall clock is set back meanwhile, nobody waits for its old time. The predicate is never
  // true: the wait ends in time or when the token is stopped.
  waiting.wait_for(lock, stop, until - now(), [] { return false; });
  return !stop.stop_requested() || now() >= until;
}

Instant ManualClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

bool ManualClock::sleep_until(Instant until, std::stop_token stop) {
  if (stop.stop_requested()) return false;
  const std::lock_guard lock(mutex_);
  if (until > now_) now_ = until;
  return true;
}

void ManualClock::set(Instant now) {
  const std::lock_guard lock(mutex_);
  now_ = now;
}

void ManualClock::advance(std::chrono::milliseconds by) {
  const std::lock_guard lock(mutex_);
  now_ = now_ + by;
}

}  // namespace berth
