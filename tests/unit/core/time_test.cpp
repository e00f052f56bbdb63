#include "host/core/time.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace {
using namespace berth;
using namespace std::chrono_literals;

std::string utc(std::string_view text) {
  const auto instant = parse_instant(text);
  return instant ? to_string(*instant) : instant.error().reason;
}
}  // namespace

TEST_CASE("what is not a time is refused") {
  for (const char* text :
       {"", "2026-05-21", "2026-05-21T", "2026-05-21T08:41", "2026-05-21T24:00:00Z", "2026-05-21T08:60:00Z",
        "2026-02-29T08:00:00Z", "2026-13-01T08:00:00Z", "2026-05-21T08:41:30+25:00", "2026-05-21T08:41:30 Z",
        "2026-05-21T08:41:30.Z", "21-05-2026T08:41:30Z", "2026-05-21T08:41:30Zx", "2026-05-21T08:41:30-04:0",
        "2026-05-21X08:41:30Z"}) {
    INFO(std::string(text));
    CHECK(utc(text) == "core.time_invalid");
    CHECK(normalise_time(text).error().reason == "core.time_invalid");
  }
}

TEST_CASE("times are read with their offset") {
  CHECK(utc("2026-05-21T08:41:30-0400") == "2026-05-21T12:41:30Z");
  CHECK(utc("2026-05-21T08:41:30-04:00") == "2026-05-21T12:41:30Z");
  CHECK(utc("2026-05-21T18:11:30+05:30") == "2026-05-21T12:41:30Z");
  CHECK(utc("2026-05-21T12:41:30Z") == "2026-05-21T12:41:30Z");
  CHECK(utc("2026-05-21T12:41:30") == "2026-05-21T12:41:30Z");
  CHECK(utc("2026-05-21 12:41:30+00") == "2026-05-21T12:41:30Z");
  CHECK(utc("2026-01-01T00:30:00+01:00") == "2025-12-31T23:30:00Z");
  CHECK(utc("1969-12-31T23:59:59.999Z") == "1969-12-31T23:59:59.999Z");
  CHECK(parse_instant("1970-01-01T00:00:00Z")->unix_ms == 0);
}

TEST_CASE("fractions are kept to the millisecond") {
  CHECK(utc("2026-05-21T12:41:30.25Z") == "2026-05-21T12:41:30.250Z");
  CHECK(utc("2026-05-21T12:41:30.123999Z") == "2026-05-21T12:41:30.123Z");
  CHECK(utc("2026-05-21T12:41:30.000Z") == "2026-05-21T12:41:30Z");
}

TEST_CASE("a normalised time keeps its own offset") {
  CHECK(*normalise_time("2026-05-21T08:41:30-0400") == "2026-05-21T08:41:30-04:00");
  CHECK(*normalise_time("2026-05-21T18:11:30+0530") == "2026-05-21T18:11:30+05:30");
  CHECK(*normalise_time("2026-05-21T12:41:30+0000") == "2026-05-21T12:41:30Z");
  CHECK(*normalise_time("2026-05-21T12:41:30") == "2026-05-21T12:41:30Z");
}

TEST_CASE("a date is a real day of the calendar, exactly") {
  for (const char* text : {"", "2026-5-21", "2026-02-29", "2026-04-31", "2026-00-10", "2026-05-21T", " 2026-05-21",
                           "20260521", "2026/05/21"}) {
    INFO(std::string(text));
    CHECK(parse_date(text).error().reason == "core.date_invalid");
  }
  CHECK(to_string(*parse_date("2024-02-29")) == "2024-02-29");
  CHECK(parse_date("1970-01-02")->day_number() == 1);
  CHECK(to_string(parse_date("2026-12-31")->plus_days(1)) == "2027-01-01");
  CHECK(to_string(Date::from_day_number(-1)) == "1969-12-31");
  CHECK(*parse_date("2026-05-21") < *parse_date("2026-10-01"));
}

TEST_CASE("the day of an instant depends on the zone") {
  const Instant instant = *parse_instant("2026-05-21T02:30:00Z");
  CHECK(to_string(*date_in_zone(instant, "")) == "2026-05-21");
  CHECK(to_string(*date_in_zone(instant, "UTC")) == "2026-05-21");
  CHECK(to_string(*date_in_zone(instant, "America/New_York")) == "2026-05-20");
  CHECK(to_string(*date_in_zone(instant, "Asia/Kolkata")) == "2026-05-21");
  CHECK(to_string(*date_in_zone({-1}, "UTC")) == "1969-12-31");
  CHECK(date_in_zone(instant, "America/Atlantis").error().reason == "core.zone_unknown");
  CHECK(next_midnight(instant, "America/Atlantis").error().reason == "core.zone_unknown");
}

TEST_CASE("the next midnight follows summer time") {
  const auto next = [](std::string_view text, std::string_view zone) {
    return to_string(*next_midnight(*parse_instant(text), zone));
  };
  CHECK(next("2026-05-21T12:00:00Z", "UTC") == "2026-05-22T00:00:00Z");
  CHECK(next("2026-05-22T00:00:00Z", "UTC") == "2026-05-23T00:00:00Z");
  CHECK(next("2026-03-08T05:30:00Z", "America/New_York") == "2026-03-09T04:00:00Z");  // a day of 23 hours
  CHECK(next("2026-11-01T05:30:00Z", "America/New_York") == "2026-11-02T05:00:00Z");  // a day of 25 hours
  // Santiago's summer time begins at midnight: 2026-09-06 starts at 01:00.
  CHECK(next("2026-09-05T12:00:00Z", "America/Santiago") == "2026-09-06T04:00:00Z");
}

TEST_CASE("zones are known by name") {
  CHECK(zone_exists(""));
  CHECK(zone_exists("UTC"));
  CHECK(zone_exists("Europe/Stockholm"));
  CHECK_FALSE(zone_exists("Europe/Atlantis"));
  CHECK_FALSE(zone_exists("../etc/passwd"));
}

TEST_CASE("durations have units") {
  for (const char* text :
       {"", "5", "m", "-5m", "5 m", "1.5h", "5M", "1h30m", "99999999999999999999d", "40000d", "5y"}) {
    INFO(std::string(text));
    CHECK(parse_duration(text).error().reason == "core.duration_invalid");
  }
  CHECK(*parse_duration("250ms") == 250ms);
  CHECK(*parse_duration("30s") == 30s);
  CHECK(*parse_duration("5m") == 5min);
  CHECK(*parse_duration("1h") == 1h);
  CHECK(*parse_duration("5d") == 120h);
  CHECK(*parse_duration("12w") == 2016h);
  CHECK(to_string_duration(90min) == "90m");
  CHECK(to_string_duration(24h) == "1d");
  CHECK(to_string_duration(1500ms) == "1500ms");
  CHECK(to_string_duration(0ms) == "0s");
}

TEST_CASE("a manual clock jumps when somebody sleeps, and not when the sleep is cancelled") {
  ManualClock clock({1000});
  CHECK(clock.sleep_until({5000}, {}));
  CHECK(clock.now().unix_ms == 5000);
  CHECK(clock.sleep_until({4000}, {}));
  CHECK(clock.now().unix_ms == 5000);
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(clock.sleep_until({9000}, stop.get_token()));
  CHECK(clock.now().unix_ms == 5000);
  CHECK(clock.sleep_for(1s, {}));
  CHECK(clock.now().unix_ms == 6000);
}

TEST_CASE("the machine's clock wakes at once when it is stopped") {
  SystemClock clock;
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK_FALSE(clock.sleep_until(clock.now() + 1h, stop.get_token()));
  CHECK(clock.sleep_until(clock.now() - 1h, {}));
}

// Found by fuzzing: a leap second or an offset led out of the years that four digits can write, and the text that came
// back could not be read again.
TEST_CASE("times outside of the years 0000 to 9999 are refused, also where an offset or a leap second leads there") {
  for (const char* text : {"9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_instant(text).ok());
    CHECK_FALSE(normalise_time(text).ok());
  }
  CHECK(to_string(*parse_instant("9999-12-31T23:59:59.999Z")) == "9999-12-31T23:59:59.999Z");
  CHECK(to_string(*parse_instant("0000-01-01T00:00:00Z")) == "0000-01-01T00:00:00Z");
}
