// Moments, days, durations and HTTP dates: what is read is written back the same, two readers agree, days are real,
// waits stay in bounds. Input: two texts, a line each, then the name of a time zone.
#include <algorithm>
#include <chrono>

#include "berth/times.hpp"
#include "fuzz/fuzz.hpp"
#include "host/core/text.hpp"
#include "host/core/time.hpp"
#include "host/http/error_rules.hpp"

namespace berth::fuzz {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
/// Everything that is read lies in the years 0 to 9999, whatever its offset: only such years can be written again.
const Instant kFirst{-62'167'219'200'000};
const Instant kLast{253'402'300'799'999};

void check_moment(std::string_view text) {
  const auto instant = parse_instant(text);
  const auto normal = normalise_time(text);
  const auto other = times::parse(text);
  FUZZ_CHECK(instant.ok() == normal.ok(), std::string(text));
  if (!instant.ok()) {
    FUZZ_CHECK(instant.error().reason == "core.time_invalid", instant.error().reason);
    return;
  }
  FUZZ_CHECK(*instant >= kFirst && *instant <= kLast, std::string(text));
  const std::string written = to_string(*instant);
  const auto again = parse_instant(written);
  FUZZ_CHECK(again.ok() && *again == *instant, std::string(text) + " became " + written);
  FUZZ_CHECK(to_string(*again) == written, written);
  const auto same = parse_instant(*normal);
  FUZZ_CHECK(same.ok() && *same == *instant, std::string(text) + " became " + *normal);
  FUZZ_CHECK(normalise_time(*normal).value() == *normal, *normal);
  // The connector's own reader takes a few shapes more, and the same shapes as the same moment.
  if (other) FUZZ_CHECK(other->unix_ms == instant->unix_ms, std::string(text));
  const auto by_sdk = times::parse(times::format_utc(instant->unix_ms));
  FUZZ_CHECK(by_sdk.has_value(), written);
  FUZZ_CHECK(instant->unix_ms - by_sdk->unix_ms >= 0 && instant->unix_ms - by_sdk->unix_ms < 1'000, written);
}

void check_sdk_moment(std::string_view text) {
  const auto moment = times::parse(text);
  if (!moment) return;
  FUZZ_CHECK(std::abs(moment->offset_minutes) < 24 * 60, std::string(text));
  FUZZ_CHECK(Instant{moment->unix_ms} >= kFirst && Instant{moment->unix_ms} <= kLast, std::string(text));
  const auto again = times::parse(times::format_utc(moment->unix_ms));
  FUZZ_CHECK(again && again->unix_ms <= moment->unix_ms && moment->unix_ms - again->unix_ms < 1'000, std::string(text));
  FUZZ_CHECK(parse_date(times::format_date(*moment)).ok(), times::format_date(*moment));
}

void check_day(std::string_view text) {
  const auto date = parse_date(text);
  if (!date.ok()) {
    FUZZ_CHECK(date.error().reason == "core.date_invalid", date.error().reason);
    return;
  }
  FUZZ_CHECK(to_string(*date) == text, std::string(text));
  FUZZ_CHECK(Date::from_day_number(date->day_number()) == *date, std::string(text));
  FUZZ_CHECK(date->plus_days(1) > *date && date->plus_days(1).plus_days(-1) == *date, std::string(text));
  const auto midnight = parse_instant(std::string(text) + "T00:00:00Z");
  FUZZ_CHECK(midnight.ok() && midnight->unix_ms == date->day_number() * kDayMs, std::string(text));
  FUZZ_CHECK(date_in_zone(*midnight, "").value() == *date, std::string(text));
}

void check_order(std::string_view a, std::string_view b) {
  const auto day_a = parse_date(a);
  const auto day_b = parse_date(b);
  if (!day_a.ok() || !day_b.ok()) return;
  FUZZ_CHECK((*day_a < *day_b) == (day_a->day_number() < day_b->day_number()), std::string(a) + " " + std::string(b));
  FUZZ_CHECK((*day_a < *day_b) == (a < b), std::string(a) + " " + std::string(b));
}

void check_duration(std::string_view text) {
  const auto duration = parse_duration(text);
  if (duration.ok()) {
    FUZZ_CHECK(duration->count() >= 0, std::string(text));
    const auto again = parse_duration(to_string_duration(*duration));
    FUZZ_CHECK(again.ok() && *again == *duration, std::string(text));
  }
  const auto other = times::parse_duration_ms(text);
  if (duration.ok() && other) FUZZ_CHECK(duration->count() == *other, std::string(text));
}

std::string http_date(Instant at) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::string iso = to_string(Instant{at.unix_ms / 1'000 * 1'000});  // 2026-05-21T12:41:30Z
  const auto month = static_cast<std::size_t>(std::stoi(iso.substr(5, 2)) - 1);
  return "Sun, " + iso.substr(8, 2) + " " + std::string(kMonths.substr(3 * month, 3)) + " " + iso.substr(0, 4) + " " +
         iso.substr(11, 8) + " GMT";
}

void check_http_date(std::string_view text, Instant now) {
  if (const auto at = http::parse_http_date(text)) {
    const auto again = http::parse_http_date(http_date(*at));
    FUZZ_CHECK(again && *again == *at, std::string(text) + " became " + http_date(*at));
  }
  if (const auto wait = http::parse_retry_after(text, now)) {
    FUZZ_CHECK(wait->count() >= 0 && wait->count() <= kDayMs, std::string(text));
  }
}

void check_zone(Instant at, std::string_view zone) {
  const auto day = date_in_zone(at, zone);
  const auto next = next_midnight(at, zone);
  FUZZ_CHECK(day.ok() == zone_exists(zone) && next.ok() == day.ok(), std::string(zone));
  if (!day.ok()) return;
  const std::string what = to_string(at) + " in " + std::string(zone) + ", then " + to_string(*next);
  // A day has 23 to 25 hours; where the date line moved, up to two days pass or none.
  FUZZ_CHECK(*next > at && (*next - at).count() <= 2 * kDayMs, what);
  const Date then = date_in_zone(*next, zone).value();
  FUZZ_CHECK(then > *day && then <= day->plus_days(2), what);
  const Date just_before = date_in_zone(*next - std::chrono::milliseconds(1), zone).value();
  FUZZ_CHECK(just_before <= then, what);
}

}  // namespace

void fuzz_dates(std::string_view input) {
  Input in(input);
  const std::string_view first = in.line();
  const std::string_view second = in.line();
  const std::string_view zone = in.line();
  Instant now{1'780'012'800'000};
  if (const auto at = parse_instant(second); at.ok()) now = *at;
  for (const std::string_view text : {first, second}) {
    check_moment(text);
    check_sdk_moment(text);
    check_day(text);
    check_duration(text);
    check_http_date(text, now);
  }
  check_order(first, second);
  // Zones are files of the machine: those that a company is likely to have, and one that is none.
  constexpr std::string_view kZones[] = {
      "", "UTC", "America/New_York", "Pacific/Apia", "Europe/London", "Asia/Kolkata"};
  const bool is_usual = now.unix_ms > 0 && now.unix_ms < 4'102'444'800'000;  // 1970 to 2100: offsets of whole minutes
  if (is_usual) check_zone(now, kZones[zone.size() % std::size(kZones)]);
  if (is_usual && zone.find_first_of("/.") == std::string_view::npos) check_zone(now, zone);
}

}  // namespace berth::fuzz
