// Time zones: the only file that includes Howard Hinnant's date library (the standard library of this compiler has no
// time zone database). Its names are qualified, because they clash with C++20's std::chrono.
#include <date/tz.h>
#include <fmt/format.h>

#include "host/core/local_time.hpp"
#include "host/core/text.hpp"
#include "host/core/time.hpp"

namespace berth {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

bool is_utc(std::string_view zone) {
  return zone.empty() || zone == "UTC" || zone == "Z";
}

/// nullptr for a zone that is not in the database, or where there is no database.
const ::date::time_zone* find_zone(std::string_view zone) {
  try {
    return ::date::locate_zone(std::string(zone));
  } catch (const std::exception&) {
    return nullptr;
  }
}

Error zone_unknown(std::string_view zone) {
  return make_error(Code::kInvalidArgument, "core.zone_unknown",
                    fmt::format("\"{}\" is not a time zone of the machine's database", shortened(zone, 60)));
}

::date::sys_time<std::chrono::milliseconds> sys_time(Instant instant) {
  return ::date::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(instant.unix_ms));
}

}  // namespace

bool zone_exists(std::string_view zone) {
  return is_utc(zone) || find_zone(zone) != nullptr;
}

Result<Date> date_in_zone(Instant instant, std::string_view zone) {
  if (is_utc(zone)) {
    const std::int64_t days = instant.unix_ms / kDayMs - (instant.unix_ms % kDayMs < 0 ? 1 : 0);
    return Date::from_day_number(days);
  }
  const auto* found = find_zone(zone);
  if (found == nullptr) return zone_unknown(zone);
  try {
    const auto local = found->to_local(sys_time(instant));
    return Date::from_day_number(::date::floor<::date::days>(local).time_since_epoch().count());
  } catch (const std::exception& error) {
    return make_error(Code::kEnvironment, "core.zone_unknown",
                      fmt::format("time zone {} cannot be read: {}", zone, error.what()));
  }
}

Result<Instant> next_midnight(Instant instant, std::string_view zone) {
  const Date next = BERTH_TRY(date_in_zone(instant, zone)).plus_days(1);
  if (is_utc(zone)) return Instant{next.day_number() * kDayMs};
  const auto* found = find_zone(zone);
  if (found == nullptr) return zone_unknown(zone);
  try {
    // `earliest`: where summer time begins at midnight the day starts at the change; where it ends there, at the first.
    const ::date::local_time<std::chrono::milliseconds> midnight(std::chrono::milliseconds(next.day_number() * kDayMs));
    return Instant{found->to_sys(midnight, ::date::choose::earliest).time_since_epoch().count()};
  } catch (const std::exception& error) {
    return make_error(Code::kEnvironment, "core.zone_unknown",
                      fmt::format("time zone {} cannot be read: {}", zone, error.what()));
  }
}

Result<LocalMoments> moments_of(Date day, int minute_of_day, std::string_view zone) {
  const std::int64_t wall = day.day_number() * kDayMs + std::int64_t{minute_of_day} * 60'000;
  if (is_utc(zone)) return LocalMoments{{wall}, {wall}};
  const auto* found = find_zone(zone);
  if (found == nullptr) return zone_unknown(zone);
  try {
    const ::date::local_time<std::chrono::milliseconds> local{std::chrono::milliseconds(wall)};
    // Of a time that is left out, both are the end of the gap.
    return LocalMoments{{found->to_sys(local, ::date::choose::earliest).time_since_epoch().count()},
                        {found->to_sys(local, ::date::choose::latest).time_since_epoch().count()}};
  } catch (const std::exception& error) {
    return make_error(Code::kEnvironment, "core.zone_unknown",
                      fmt::format("time zone {} cannot be read: {}", zone, error.what()));
  }
}

Result<LocalTime> local_time(Instant instant, std::string_view zone) {
  const Date day = BERTH_TRY(date_in_zone(instant, zone));
  std::int64_t wall = instant.unix_ms;
  if (!is_utc(zone)) {
    const auto* found = find_zone(zone);
    if (found == nullptr) return zone_unknown(zone);
    try {
      wall = found->to_local(sys_time(instant)).time_since_epoch().count();
    } catch (const std::exception& error) {
      return make_error(Code::kEnvironment, "core.zone_unknown", fmt::format("time zone {} cannot be read: {}", zone, error.what()));
    }
  }
  return LocalTime{day, static_cast<int>((wall - day.day_number() * kDayMs) / 60'000)};
}

std::string text_in_zone(Instant instant, std::string_view zone) {
  const Instant whole{instant.unix_ms - (instant.unix_ms % 1000 + 1000) % 1000};
  const auto local = local_time(whole, zone);
  const std::int64_t minute = (whole.unix_ms - (whole.unix_ms % 60'000 + 60'000) % 60'000) / 60'000;
  if (!local.ok() || is_utc(zone)) return to_string(whole);
  const std::int64_t offset = local->day.day_number() * 24 * 60 + local->minute_of_day - minute;
  return fmt::format("{}T{:02}:{:02}:{:02}{}{:02}:{:02}", to_string(local->day), local->minute_of_day / 60, local->minute_of_day % 60,
                     whole.unix_ms / 1000 - minute * 60, offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
}

}  // namespace berth
