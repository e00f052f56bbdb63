#include "host/core/money_total.hpp"

#include <doctest/doctest.h>

using namespace berth;

TEST_CASE("a total of amounts is exact where 64 bits are not") {
  const Currency dinar = *Currency::of("KWD");
  const Money largest = *Money::parse("999999999999999.999", dinar);
  MoneyTotal total(dinar);
  for (int i = 0; i < 1000; ++i) total += largest;
  CHECK(total.to_string() == "999999999999999999.000");
  CHECK(total.as_money().error().reason == "mapping.amount_invalid");
  for (int i = 0; i < 999; ++i) total += largest.negated();
  CHECK(total == largest);
  CHECK(*total.as_money() == largest);
  CHECK((total - MoneyTotal(largest)).is_zero());
  CHECK(total.negated().to_string() == "-999999999999999.999");
}

TEST_CASE("a stored total is read in minor units, and a damaged one is refused") {
  const Currency dollar = *Currency::of("USD");
  CHECK(MoneyTotal::parse_minor("-12345678901234567890123", dollar)->to_string() == "-123456789012345678901.23");
  CHECK(MoneyTotal::parse_minor("0", dollar)->is_zero());
  for (const char* text : {"", "1.5", "1.2e40", "x"}) {
    CAPTURE(text);
    CHECK(MoneyTotal::parse_minor(text, dollar).error().reason == "ledger.damaged");
  }
}

TEST_CASE("two amounts whose sum is beyond 64 bits are no sum, and nothing wraps") {
  const Currency dollar = *Currency::of("USD");
  Money sum = Money::zero(dollar);
  const Money largest(Money::kMinorMax, dollar);
  for (int i = 0; i < 9; ++i) sum += largest;
  CHECK_THROWS_AS(sum += largest, MoneyOverflow);
  CHECK(sum.minor() == 9 * Money::kMinorMax);
  CHECK_THROWS_AS(static_cast<void>(sum.negated() - largest), MoneyOverflow);
}
