#include <algorithm>
#include <array>
#include <charconv>

#include "host/core/text.hpp"
#include "host/http/error_rules.hpp"

namespace berth::http {
namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text[0] == '-' || error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

// RFC 9110, 5.6.7: IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT". The two obsolete forms are not read.
std::optional<Instant> parse_http_date(std::string_view text) {
  text = trim(text);
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' ||
      text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  int month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == text.substr(8, 3)) month = static_cast<int>(i) + 1;
  }
  const auto day = number(text.substr(5, 2));
  const auto year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2));
  const auto minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  if (month == 0 || !day || !year || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const auto month_text = (month < 10 ? "0" : "") + std::to_string(month);
  const auto date =
      parse_date(std::string(text.substr(12, 4)) + "-" + month_text + "-" + std::string(text.substr(5, 2)));
  if (!date) return std::nullopt;
  const std::int64_t seconds = date->day_number() * 86'400 + *hour * 3'600L + *minute * 60L + *second;
  return Instant{seconds * 1'000};
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, Instant now) {
  constexpr int kDaySeconds = 86'400;
  text = trim(text);
  if (const auto seconds = number(text)) return std::chrono::seconds(std::min(*seconds, kDaySeconds));
  const auto at = parse_http_date(text);
  if (!at) return std::nullopt;
  const auto wait = *at - now;
  return std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds(0), std::chrono::seconds(kDaySeconds));
}

}  // namespace berth::http
