#include "tests/zoho_sim/org_time.hpp"

#include <date/tz.h>

#include <array>
#include <charconv>
#include <cstdio>

namespace zoho_sim {
namespace {

constexpr Time kSecondsPerDay = 86400;

Day floor_day(Time seconds) {
  return static_cast<Day>(seconds >= 0 ? seconds / kSecondsPerDay
                                       : -((-seconds + kSecondsPerDay - 1) / kSecondsPerDay));
}

date::year_month_day civil(Day day) {
  return date::year_month_day{date::sys_days{date::days{day}}};
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  const auto* end = text.data() + at + count;
  for (const char* c = text.data() + at; c != end; ++c) {
    if (*c < '0' || *c > '9') return std::nullopt;
  }
  std::from_chars(text.data() + at, end, value);
  return value;
}

}  // namespace

struct OrgTime::Zone {
  const date::time_zone* zone;
};

OrgTime::OrgTime(std::string zone_name)
    : zone_name_(std::move(zone_name)), zone_(std::make_unique<Zone>(Zone{date::locate_zone(zone_name_)})) {}

OrgTime::~OrgTime() = default;

int OrgTime::offset_seconds(Time time) const {
  const auto info = zone_->zone->get_info(date::sys_seconds{std::chrono::seconds{time}});
  return static_cast<int>(info.offset.count());
}

std::string OrgTime::timestamp(Time time) const {
  const int offset = offset_seconds(time);
  const Time local = time + offset;
  const Day day = floor_day(local);
  const auto second = static_cast<int>(local - static_cast<Time>(day) * kSecondsPerDay);
  const int minutes = (offset < 0 ? -offset : offset) / 60;
  std::array<char, 40> tail{};
  std::snprintf(tail.data(), tail.size(), "T%02d:%02d:%02d%c%02d%02d", second / 3600, second / 60 % 60, second % 60,
                offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return date_text(day) + tail.data();
}

Day OrgTime::day_of(Time time) const {
  return floor_day(time + offset_seconds(time));
}

Time OrgTime::start_of_day(Day day) const {
  const date::local_seconds midnight{std::chrono::seconds{static_cast<Time>(day) * kSecondsPerDay}};
  return zone_->zone->to_sys(midnight, date::choose::earliest).time_since_epoch().count();
}

std::optional<Time> OrgTime::parse_timestamp(std::string_view text) const {
  const auto day = parse_date(text.substr(0, 10));
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!day || text.size() < 19 || text[10] != 'T' || !hour || !minute || !second || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const Time local = static_cast<Time>(*day) * kSecondsPerDay + *hour * 3600 + *minute * 60 + *second;
  const auto zone = text.substr(19);
  if (zone.empty()) {
    return zone_->zone->to_sys(date::local_seconds{std::chrono::seconds{local}}, date::choose::earliest)
        .time_since_epoch()
        .count();
  }
  if (zone == "Z") return local;
  if (zone[0] != '+' && zone[0] != '-') return std::nullopt;
  const bool colon = zone.size() == 6 && zone[3] == ':';
  if (zone.size() != 5 && !colon) return std::nullopt;
  const auto hours = digits(zone, 1, 2);
  const auto minutes = digits(zone, colon ? 4 : 3, 2);
  if (!hours || !minutes) return std::nullopt;
  const Time offset = *hours * 3600 + *minutes * 60;
  return zone[0] == '-' ? local + offset : local - offset;
}

std::string date_text(Day day) {
  const auto ymd = civil(day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(ymd.year()),
                static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
  return text.data();
}

std::string display_date(Day day) {
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto ymd = civil(day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%02u %s %04d", static_cast<unsigned>(ymd.day()),
                kMonths.at(static_cast<unsigned>(ymd.month()) - 1), static_cast<int>(ymd.year()));
  return text.data();
}

std::optional<Day> parse_date(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !year || !month || !day) return std::nullopt;
  const auto ymd =
      date::year{*year} / date::month{static_cast<unsigned>(*month)} / date::day{static_cast<unsigned>(*day)};
  if (!ymd.ok()) return std::nullopt;
  return static_cast<Day>(date::sys_days{ymd}.time_since_epoch().count());
}

}  // namespace zoho_sim
