// What an integration may use of a day that several share: A6.
#include <doctest/doctest.h>

#include "host/runs/forecast.hpp"

using berth::runs::usable_of_day;

TEST_CASE("A6: of a day that two share, one leaves the other what that needs of its half, and takes the rest") {
  CHECK(usable_of_day(1'000, 500, 500) == 500);
  CHECK(usable_of_day(700, 200, 500) == 200);   // 300 used
  CHECK(usable_of_day(1'000, 500, 10) == 990);
  CHECK(usable_of_day(1'000, 0, 0) == 1'000);   // alone
  CHECK(usable_of_day(400, 0, 500) == 0);       // it has had its part, and the other nothing
}

TEST_CASE("A6: where less is left than all parts together, each has its share of what is left, and nobody nothing") {
  // Two other hosts have claimed 10,000 calls each ahead: what is left is less than what is kept for 99 integrations.
  CHECK(usable_of_day(780'000, 8'000, 792'000) == 7'800);
  // Another program has used half of the day.
  CHECK(usable_of_day(400, 500, 500) == 200);
  CHECK(usable_of_day(0, 500, 500) == 0);
  CHECK(usable_of_day(-5, 500, 500) == 0);
  CHECK(usable_of_day(1'000'000'000, 500'000'000, 750'000'000) == 400'000'000);
}
