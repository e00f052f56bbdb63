// Windows of a history, and forecasts, as pure functions.
#include "host/runs/backfill.hpp"

#include <doctest/doctest.h>

#include "host/runs/forecast.hpp"

using namespace berth;
using namespace berth::runs;
using namespace std::chrono_literals;

namespace {

Instant day(std::string_view text) { return Instant{parse_date(text).value().day_number() * 86'400'000}; }

}  // namespace

TEST_CASE("P2: windows go from the floor back to the beginning without a gap, and then once over the days from the floor on") {
  const Instant floor = day("2025-05-28") + 20h;
  for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{300}, std::int64_t{1'000'000}}) {
    CAPTURE(rows);
    Window window = first_window(floor);
    CHECK(window.to == day("2025-05-29"));   // the day of the floor is in it
    int count = 1;
    while (const auto next = next_window(window, rows, 200, floor)) {
      if (window.from == kOldestDay) {
        CHECK(next->from == day("2025-05-28"));
        CHECK(next->to == kLastDay);
      } else {
        CHECK(next->to == window.from);
        CHECK(next->from < next->to);
      }
      window = *next;
      REQUIRE(++count < 4'000);
    }
    CHECK(window.to == kLastDay);
    if (rows == 0) CHECK(count <= 10);   // an empty past costs a handful of calls
  }
}

TEST_CASE("P2: a window that held much is followed by a shorter one, never shorter than a week") {
  const Instant floor = day("2025-05-28");
  Window window = first_window(floor);
  CHECK(window.to - window.from == kFirstWindow);
  window = *next_window(window, kWindowPages * 200 + 1, 200, floor);
  CHECK(window.to - window.from == kFirstWindow / 2);
  window = *next_window(window, 1'000, 200, floor);
  CHECK(window.to - window.from == kFirstWindow / 2);
  window = *next_window(window, 200, 200, floor);
  CHECK(window.to - window.from == kFirstWindow);
  for (int i = 0; i < 20; ++i) window = *next_window(window, 1'000'000, 200, floor);
  CHECK(window.to - window.from >= kShortestWindow);
}

TEST_CASE("B7: a forecast is what is left over what the minute and the day allow") {
  ForecastInput input;
  input.now = day("2026-05-28") + 12h;
  input.day_resets_at = day("2026-05-29");
  input.per_minute = 100;
  input.per_day = 10'000;
  input.day_left = 6'000;
  SUBCASE("today") {
    input.calls_left = 6'000;
    CHECK(foretell_calls(input).done == input.now + 60min);
  }
  SUBCASE("nothing") {
    input.calls_left = 0;
    CHECK(foretell_calls(input).done == input.now);
  }
  SUBCASE("tomorrow: one call is too much for today") {
    input.calls_left = 6'100;
    CHECK(foretell_calls(input).done == input.day_resets_at + 1min);
  }
  SUBCASE("in three days, by hand: 6,000 today, 10,000 on each of two days, 5,000 in 50 minutes of the third") {
    input.calls_left = 31'000;
    CHECK(foretell_calls(input).done == input.day_resets_at + 48h + 50min);
  }
  SUBCASE("other programs take 3,000 of each day, and changes 500") {
    input.others_a_day = 3'000;
    input.changes_a_day = 500;
    input.calls_left = 6'000 + 6'500 + 100;
    CHECK(foretell_calls(input).done == input.day_resets_at + 24h + 1min);
    CHECK(foretell_calls(input).usable_a_day == 6'500);
  }
  SUBCASE("they take everything: nobody promises a day") {
    input.others_a_day = 10'000;
    input.calls_left = 7'000;
    CHECK_FALSE(foretell_calls(input).done.has_value());
  }
  SUBCASE("just before the turn the minute allows less than the day") {
    input.now = input.day_resets_at - 10min;
    input.calls_left = 2'000;
    CHECK(foretell_calls(input).done == input.day_resets_at + 10min);
  }
  SUBCASE("a remote without a day") {
    input.day_left.reset();
    input.calls_left = 12'000;
    CHECK(foretell_calls(input).done == input.now + 2h);
  }
}
