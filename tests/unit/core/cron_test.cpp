// Cron expressions against tables made by hand, with the days on which clocks are changed.
#include "host/core/cron.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "host/core/local_time.hpp"

using namespace berth;

namespace {

/// The next `count` times after that one, as texts.
std::vector<std::string> times(std::string_view cron, std::string_view after, std::string_view zone, int count) {
  const auto parsed = Cron::parse(cron);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
  Instant at = *parse_instant(after);
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    const auto next = parsed->next_after(at, zone);
    REQUIRE_MESSAGE(next.ok(), next.error().message);
    CHECK(*next > at);
    at = *next;
    all.push_back(to_string(at));
  }
  return all;
}

using Texts = std::vector<std::string>;

std::string refusal(std::string_view cron) {
  const auto parsed = Cron::parse(cron);
  REQUIRE_MESSAGE(!parsed.ok(), cron);
  CHECK(parsed.error().reason == "core.cron_invalid");
  return parsed.error().message;
}

}  // namespace

TEST_CASE("P1: what is no cron expression is refused with what is wrong in it") {
  CHECK(refusal("0 6 * *").find("4 fields") != std::string::npos);
  CHECK(refusal("0 6 * * * *").find("6 fields") != std::string::npos);
  CHECK(refusal("").find("0 fields") != std::string::npos);
  CHECK(refusal("60 * * * *").find("the minute") != std::string::npos);
  CHECK(refusal("0 24 * * *").find("the hour") != std::string::npos);
  CHECK(refusal("0 0 0 * *").find("the day of the month") != std::string::npos);
  CHECK(refusal("0 0 32 * *").find("from 1 to 31") != std::string::npos);
  CHECK(refusal("0 0 * 13 *").find("jan to dec") != std::string::npos);
  CHECK(refusal("0 0 * * 8").find("the day of the week") != std::string::npos);
  CHECK(refusal("0 0 * * 9").find("sun to sat") != std::string::npos);
  CHECK(refusal("0 0 * * Monday").find("\"Monday\" is not the day of the week: write \"mon\"") != std::string::npos);
  CHECK(refusal("0 0 * * mon-friday").find("write \"fri\"") != std::string::npos);
  CHECK(refusal("0 0 * * tu").find("write \"tue\"") != std::string::npos);
  CHECK(refusal("0 0 1 sept *").find("write \"sep\"") != std::string::npos);
  CHECK(refusal("0 0 * * x").find("sun to sat") != std::string::npos);
  CHECK(refusal("5-1 * * * *").find("begins after it ends") != std::string::npos);
  CHECK(refusal("0 0 * * fri-mon").find("begins after it ends") != std::string::npos);
  CHECK(refusal("*/0 * * * *").find("step") != std::string::npos);
  CHECK(refusal("*/x * * * *").find("step") != std::string::npos);
  CHECK(refusal("1,,2 * * * *").find("the minute") != std::string::npos);
  CHECK(refusal("-1 * * * *").find("the minute") != std::string::npos);
  CHECK(refusal("+1 * * * *").find("the minute") != std::string::npos);
  CHECK(refusal("1.5 * * * *").find("the minute") != std::string::npos);
  CHECK(refusal("@reboot").find("@daily") != std::string::npos);
  refusal(std::string(1000, '*'));
  refusal("99999999999999999999 * * * *");
}

TEST_CASE("P1: a date that never comes is refused, one that comes once in four years is not") {
  for (const char* never : {"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30-31 feb *"}) CHECK(refusal(never).find("never comes") != std::string::npos);
  CHECK(times("0 0 29 2 *", "2026-01-01T00:00:00Z", "UTC", 2) == Texts{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"});
  // 2100 is no leap year.
  CHECK(times("0 0 29 2 *", "2096-03-01T00:00:00Z", "UTC", 1) == Texts{"2104-02-29T00:00:00Z"});
  // With a day of the week the impossible day does not matter: one of them suffices.
  CHECK(times("0 0 30 2 mon", "2026-02-01T00:00:00Z", "UTC", 2) == Texts{"2026-02-02T00:00:00Z", "2026-02-09T00:00:00Z"});
}

TEST_CASE("P1: numbers, lists, ranges, steps and names") {
  CHECK(times("0 6 * * 1-5", "2026-05-22T06:00:00Z", "UTC", 2) == Texts{"2026-05-25T06:00:00Z", "2026-05-26T06:00:00Z"});   // Friday, Monday
  CHECK(times("0 6 * * mon-FRI", "2026-05-22T06:00:00Z", "UTC", 1) == Texts{"2026-05-25T06:00:00Z"});
  CHECK(times("0 6 * * 7", "2026-05-22T06:00:00Z", "UTC", 1) == times("0 6 * * 0", "2026-05-22T06:00:00Z", "UTC", 1));
  CHECK(times("0 6 * * 5-7", "2026-05-22T06:00:00Z", "UTC", 3) == Texts{"2026-05-23T06:00:00Z", "2026-05-24T06:00:00Z", "2026-05-29T06:00:00Z"});
  CHECK(times("*/20 8-10/2 * * *", "2026-05-22T08:30:00Z", "UTC", 5) ==
        Texts{"2026-05-22T08:40:00Z", "2026-05-22T10:00:00Z", "2026-05-22T10:20:00Z", "2026-05-22T10:40:00Z", "2026-05-23T08:00:00Z"});
  CHECK(times("50/5 23 31 dec *", "2026-05-22T08:30:00Z", "UTC", 3) == Texts{"2026-12-31T23:50:00Z", "2026-12-31T23:55:00Z", "2027-12-31T23:50:00Z"});
  CHECK(times("5,35 * * * *", "2026-05-22T08:05:00Z", "UTC", 2) == Texts{"2026-05-22T08:35:00Z", "2026-05-22T09:05:00Z"});
  CHECK(times("  0\t0  31 * * ", "2026-05-22T00:00:00Z", "UTC", 3) == Texts{"2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z", "2026-08-31T00:00:00Z"});
  CHECK(times("0 0 13 * fri", "2026-02-01T00:00:00Z", "UTC", 3) == Texts{"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"});
  // A step over all of them asks for nothing of the other field, as for every cron.
  CHECK(times("0 0 */2 * mon", "2026-06-01T00:00:00Z", "UTC", 1) == Texts{"2026-06-15T00:00:00Z"});
  CHECK(times("@daily", "2026-05-22T00:00:00Z", "UTC", 1) == Texts{"2026-05-23T00:00:00Z"});
  CHECK(times("@hourly", "2026-05-22T00:00:00Z", "UTC", 1) == Texts{"2026-05-22T01:00:00Z"});
  CHECK(times("@weekly", "2026-05-22T00:00:00Z", "UTC", 1) == Texts{"2026-05-24T00:00:00Z"});
  CHECK(times("@monthly", "2026-05-22T00:00:00Z", "UTC", 1) == Texts{"2026-06-01T00:00:00Z"});
  CHECK(times("@yearly", "2026-05-22T00:00:00Z", "UTC", 1) == Texts{"2027-01-01T00:00:00Z"});
}

TEST_CASE("P1: the zone decides what six in the morning is, also across the change of the clock") {
  CHECK(times("0 6 * * *", "2026-03-28T00:00:00Z", "Europe/Berlin", 3) == Texts{"2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z", "2026-03-30T04:00:00Z"});
  CHECK(times("0 6 * * *", "2026-05-22T00:00:00Z", "Asia/Kolkata", 1) == Texts{"2026-05-22T00:30:00Z"});
  CHECK(times("0 0 1 * *", "2026-05-31T13:00:00Z", "Pacific/Auckland", 1) == Texts{"2026-06-30T12:00:00Z"});
  const auto cron = Cron::parse("0 6 * * *");
  CHECK(cron->next_after({0}, "Europe/Atlantis").error().reason == "core.zone_unknown");
}

TEST_CASE("P1: a time that is left out is the first moment after the gap, once") {
  // In Berlin two o'clock becomes three on 2026-03-29, at 01:00Z.
  CHECK(times("30 2 * * *", "2026-03-28T02:00:00Z", "Europe/Berlin", 2) == Texts{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
  CHECK(times("0,15,45 2 29 3 *", "2026-03-28T02:00:00Z", "Europe/Berlin", 2) == Texts{"2026-03-29T01:00:00Z", "2027-03-29T00:00:00Z"});
  CHECK(times("0 2,3 * * *", "2026-03-28T03:00:00Z", "Europe/Berlin", 2) == Texts{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"});
  // Where it is midnight that is left out: Beirut, 2026-03-29.
  CHECK(times("0 0 * * *", "2026-03-28T12:00:00Z", "Asia/Beirut", 2) == Texts{"2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"});
}

TEST_CASE("P1: a time that occurs twice counts once, the first time, and every hour means every hour") {
  // In Berlin three o'clock becomes two on 2026-10-25, at 01:00Z.
  CHECK(times("30 2 * * *", "2026-10-24T02:00:00Z", "Europe/Berlin", 3) == Texts{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"});
  CHECK(times("0 1-3 * * *", "2026-10-24T22:00:00Z", "Europe/Berlin", 4) ==
        Texts{"2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T00:00:00Z"});
  CHECK(times("30 * * * *", "2026-10-24T23:30:00Z", "Europe/Berlin", 3) == Texts{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"});
  // Half an hour on Lord Howe Island: 02:00 becomes 01:30 on 2026-04-05, at 15:00Z of the day before.
  CHECK(times("*/15 * * * *", "2026-04-04T14:30:00Z", "Australia/Lord_Howe", 5) ==
        Texts{"2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z", "2026-04-04T15:30:00Z", "2026-04-04T15:45:00Z"});
}

TEST_CASE("P1: every expression of a sample agrees with a search minute by minute") {
  // Where no clock changes, a moment counts when all its parts are named; nothing else is known of the implementation here.
  struct Sample {
    const char* cron;
    int minute_step;                        // minutes that count: multiples
    int hour_from, hour_to;
  };
  for (const Sample& sample : {Sample{"*/7 3-5 * * *", 7, 3, 5}, Sample{"*/30 * * * *", 30, 0, 23}, Sample{"0 22 * * *", 60, 22, 22}}) {
    const auto cron = Cron::parse(sample.cron);
    Instant at = *parse_instant("2026-06-10T00:00:00Z");
    Instant expected = at;
    for (int i = 0; i < 200; ++i) {
      do {
        expected = expected + std::chrono::minutes(1);
        const auto local = *local_time(expected, "Asia/Kolkata");
        const int hour = local.minute_of_day / 60;
        if (local.minute_of_day % 60 % sample.minute_step == 0 && hour >= sample.hour_from && hour <= sample.hour_to) break;
      } while (true);
      at = *cron->next_after(at, "Asia/Kolkata");
      REQUIRE(to_string(at) == to_string(expected));
    }
  }
}
