#include "berth/times.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace berth::times {
namespace {

constexpr std::int64_t kMsPerMinute = 60'000;
// The years 0000 to 9999: a moment outside of them could not be written in four digits.
constexpr std::int64_t kFirstMs = -62'167'219'200'000;
constexpr std::int64_t kLastMs = 253'402'300'799'999;

/// Reads text from the front, piece by piece; remembers that a piece was wrong.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) return fail();
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool done() const { return rest_.empty(); }
  bool ok() const { return ok_; }
  int fail() {
    ok_ = false;
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

int scan_milliseconds(Scanner& in) {
  int value = 0;
  int scale = 100;
  if (!in.at_digit()) return in.fail();
  while (in.at_digit()) {
    value += in.digits(1) * scale;
    scale /= 10;
  }
  return value;
}

int scan_offset_minutes(Scanner& in) {
  if (in.done() || in.take('Z') || in.take('z')) return 0;
  const int sign = in.take('-') ? -1 : 1;
  if (sign == 1) in.expect('+');
  const int hours = in.digits(2);
  const bool has_minutes = in.take(':') || in.at_digit();
  const int minutes = has_minutes ? in.digits(2) : 0;
  if (hours > 18 || minutes > 59) in.fail();
  return sign * (hours * 60 + minutes);
}

}  // namespace

std::optional<Moment> parse(std::string_view text) {
  Scanner in(text);
  const int year = in.digits(4);
  in.expect('-');
  const int month = in.digits(2);
  in.expect('-');
  const int day = in.digits(2);
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  int offset = 0;
  if (in.ok() && !in.done()) {
    if (!in.take('T') && !in.take('t')) in.expect(' ');
    hour = in.digits(2);
    in.expect(':');
    minute = in.digits(2);
    if (in.take(':')) {
      second = in.digits(2);
      if (in.take('.') || in.take(',')) millisecond = scan_milliseconds(in);
    }
    offset = scan_offset_minutes(in);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!in.ok() || !in.done() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::sys_time<std::chrono::milliseconds> local =
      std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
      std::chrono::seconds(second) + std::chrono::milliseconds(millisecond);
  const std::int64_t local_ms = local.time_since_epoch().count();
  const std::int64_t utc_ms = local_ms - offset * kMsPerMinute;
  if (local_ms > kLastMs || utc_ms < kFirstMs || utc_ms > kLastMs) return std::nullopt;
  return Moment{utc_ms, offset};
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view kShape = "Thu, 21 May 2026 12:41:30 GMT";
  if (text.size() != kShape.size() || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::size_t number = month / 3 + 1;
  std::string plain(text.substr(12, 4));
  plain += number < 10 ? "-0" : "-";
  plain += std::to_string(number) + "-" + std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z";
  const auto moment = parse(plain);
  return moment ? std::optional(moment->unix_ms) : std::nullopt;
}

std::string format_utc(std::int64_t unix_ms) {
  const auto moment = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(unix_ms));
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(moment - day));
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d+0000", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::string format_date(const Moment& moment) {
  return format_utc(moment.unix_ms + moment.offset_minutes * kMsPerMinute).substr(0, 10);
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  // The longest duration anyone needs is years; the bound keeps the product far from overflow.
  if (error != std::errc() || count < 0 || count > 1'000'000'000) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "ms") return count;
  if (unit == "s") return count * 1000;
  if (unit == "m") return count * kMsPerMinute;
  if (unit == "h") return count * 60 * kMsPerMinute;
  if (unit == "d") return count * 24 * 60 * kMsPerMinute;
  return std::nullopt;
}

}  // namespace berth::times
