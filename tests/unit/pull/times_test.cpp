#include "berth/times.hpp"

#include <doctest/doctest.h>

#include <string>

namespace times = berth::times;

TEST_CASE("what is not a time is refused") {
  for (const char* text : {"", "2026", "2026-13-01", "2026-02-30", "2026-05-21T24:00:00Z", "2026-05-21T08:61:00Z",
                           "2026-05-21T08:41:30+9900", "2026-05-21T08:41:30Zx", "21.05.2026", "2026-05-21T08:41:30.Z",
                           "09 Jun 2026", "2026-05-21T"}) {
    CAPTURE(text);
    CHECK_FALSE(times::parse(text).has_value());
  }
}

TEST_CASE("one moment written in many ways is one number") {
  const auto moment = times::parse("2026-05-21T12:41:30Z");
  REQUIRE(moment.has_value());
  for (const char* text :
       {"2026-05-21T08:41:30-0400", "2026-05-21T08:41:30-04:00", "2026-05-21T08:41:30-04", "2026-05-21 12:41:30",
        "2026-05-21T12:41:30", "2026-05-21T18:11:30+0530", "2026-05-21t12:41:30z", "2026-05-21T12:41:30.000Z"}) {
    CAPTURE(text);
    REQUIRE(times::parse(text).has_value());
    CHECK(times::parse(text)->unix_ms == moment->unix_ms);
  }
  CHECK(times::parse("2026-05-21T12:41:30.25Z")->unix_ms == moment->unix_ms + 250);
  CHECK(times::parse("1970-01-01")->unix_ms == 0);
}

TEST_CASE("the Date header of an answer is read as RFC 9110 has it, and nothing else is") {
  CHECK(times::parse_http_date("Thu, 21 May 2026 12:41:30 GMT") == times::parse("2026-05-21T12:41:30Z")->unix_ms);
  CHECK(times::parse_http_date("Sun, 01 Nov 2026 00:00:00 GMT") == times::parse("2026-11-01T00:00:00Z")->unix_ms);
  for (const char* text : {"", "Thu, 21 May 2026 12:41:30 UTC", "Thu, 21 Mai 2026 12:41:30 GMT", "Thu, 21 ayJ 2026 12:41:30 GMT",
                           "Thu, 31 Feb 2026 12:41:30 GMT", "Thu, 21 May 2026 12:41:30", "Thursday, 21-May-26 12:41:30 GMT",
                           "Thu  21 May 2026 12:41:30 GMT", "Thu, 21 May 2026 1a:41:30 GMT", "2026-05-21T12:41:30Z"}) {
    CAPTURE(text);
    CHECK_FALSE(times::parse_http_date(text).has_value());
  }
}

TEST_CASE("times are written with seconds and an offset, days in their own offset") {
  CHECK(times::format_utc(0) == "1970-01-01T00:00:00+0000");
  CHECK(times::format_utc(-1000) == "1969-12-31T23:59:59+0000");
  CHECK(times::format_utc(times::parse("2026-05-21T08:41:30-0400")->unix_ms) == "2026-05-21T12:41:30+0000");
  CHECK(times::format_date(*times::parse("2026-01-01T00:00:00-05:00")) == "2026-01-01");
  CHECK(times::format_date(*times::parse("2026-01-01T00:00:00+05:00")) == "2026-01-01");
}

TEST_CASE("durations have one unit") {
  CHECK(times::parse_duration_ms("250ms") == 250);
  CHECK(times::parse_duration_ms("2s") == 2000);
  CHECK(times::parse_duration_ms("10m") == 600000);
  CHECK(times::parse_duration_ms("5d") == 432000000);
  for (const char* text : {"", "5", "d", "-5d", "1h30m", "5 d", "1.5h", "99999999999d"}) {
    CAPTURE(text);
    CHECK_FALSE(times::parse_duration_ms(text).has_value());
  }
}

TEST_CASE("moments outside of the years 0000 to 9999 are refused, also where an offset or a leap second leads there") {
  for (const char* text : {"9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"}) {
    CAPTURE(text);
    CHECK_FALSE(times::parse(text).has_value());
  }
  CHECK(times::parse("9999-12-31T23:59:59Z").has_value());
}
