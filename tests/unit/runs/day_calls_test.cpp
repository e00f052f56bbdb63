#include <doctest/doctest.h>

#include "host/runs/day_calls.hpp"

using namespace berth;
using namespace std::chrono_literals;

TEST_CASE("B7: calls before the day turns are those of the day before, however often it turns") {
  const Instant noon{1'780'000'000'000};
  const Instant turn = noon + 12h;
  runs::DayCalls day;
  day.begin(40, turn);
  CHECK(day.see(noon, turn, 0) == 40);
  CHECK(day.see(noon + 11h, turn + 3s, 100) == 140);   // answers differ by seconds
  CHECK(day.see(turn + 1s, turn + 24h, 130) == 30);    // 30 since the last look
  CHECK(day.see(turn + 1h, turn + 24h, 150) == 50);
  CHECK(day.see(turn + 24h, turn + 48h, 155) == 5);
}

TEST_CASE("B7: a day that is learned to turn at another time has not turned for that") {
  const Instant noon{1'780'000'000'000};
  runs::DayCalls day;
  day.begin(40, noon + 2h);
  CHECK(day.see(noon, noon + 2h, 1) == 41);
  CHECK(day.see(noon + 1s, noon + 20h, 2) == 42);   // guessed before, told now
  runs::DayCalls unknown;
  unknown.begin(0, {});
  CHECK(unknown.see(noon, {}, 1) == 1);
  CHECK(unknown.see(noon, noon + 20h, 2) == 2);
}
