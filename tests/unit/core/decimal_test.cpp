#include "host/core/decimal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "host/core/random.hpp"

namespace {

using namespace berth;

Decimal dec(std::string_view text) {
  auto parsed = Decimal::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), std::string(text));
  return *parsed;
}

Currency currency(std::string_view code) {
  return *Currency::of(code);
}

Money money(std::string_view text, std::string_view code) {
  auto parsed = Money::parse(text, currency(code));
  REQUIRE_MESSAGE(parsed.ok(), std::string(text));
  return *parsed;
}

std::string converted(std::string_view amount, std::string_view from, std::string_view rate, std::string_view to) {
  return Money::round(*multiply(money(amount, from).decimal(), dec(rate)), currency(to))->to_string();
}

// The second implementation: whole numbers as digit strings, as they are added and multiplied on paper. Slow and
// obvious.
namespace slow {

std::string strip(std::string digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

int compare(const std::string& a, const std::string& b) {
  const std::string x = strip(a);
  const std::string y = strip(b);
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  return x < y ? -1 : x > y ? 1 : 0;
}

std::string plus(std::string a, std::string b) {
  const std::size_t width = std::max(a.size(), b.size()) + 1;
  a.insert(0, width - a.size(), '0');
  b.insert(0, width - b.size(), '0');
  int carry = 0;
  for (std::size_t i = width; i-- > 0;) {
    const int sum = (a[i] - '0') + (b[i] - '0') + carry;
    a[i] = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  return strip(a);
}

std::string minus(std::string a, std::string b) {  // a >= b
  b.insert(0, a.size() - std::min(a.size(), b.size()), '0');
  int borrow = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    int difference = (a[i] - '0') - (b[i] - '0') - borrow;
    borrow = difference < 0 ? 1 : 0;
    if (difference < 0) difference += 10;
    a[i] = static_cast<char>('0' + difference);
  }
  return strip(a);
}

std::string times(const std::string& a, const std::string& b) {
  std::string product = "0";
  for (std::size_t i = 0; i < b.size(); ++i) {
    product = strip(product + "0");
    for (int n = 0; n < b[i] - '0'; ++n) product = plus(product, a);
  }
  return product;
}

/// a ÷ b, whole part, by repeated subtraction; `rest` gets what is left.
std::string over(const std::string& a, const std::string& b, std::string& rest) {
  std::string quotient;
  rest = "0";
  for (const char digit : a) {
    rest = strip(rest + digit);
    int count = 0;
    for (; compare(rest, b) >= 0; ++count) rest = minus(rest, strip(b));
    quotient += static_cast<char>('0' + count);
  }
  return strip(quotient);
}

struct Number {
  bool negative = false;
  std::string digits = "0";  // without a point
  std::size_t scale = 0;
};

Number of(std::string text) {
  Number n;
  if (text.front() == '-') {
    n.negative = true;
    text.erase(0, 1);
  }
  const std::size_t point = text.find('.');
  if (point != std::string::npos) {
    n.scale = text.size() - point - 1;
    text.erase(point, 1);
  }
  n.digits = strip(text);
  return n;
}

std::string print(Number n) {
  std::string digits = n.digits;
  if (digits.size() <= n.scale) digits.insert(0, n.scale + 1 - digits.size(), '0');
  if (n.scale > 0) digits.insert(digits.size() - n.scale, 1, '.');
  if (n.negative && n.digits != "0") digits.insert(0, 1, '-');
  return digits;
}

Number add(Number a, Number b) {
  const std::size_t scale = std::max(a.scale, b.scale);
  a.digits = strip(a.digits + std::string(scale - a.scale, '0'));
  b.digits = strip(b.digits + std::string(scale - b.scale, '0'));
  if (a.negative == b.negative) return {a.negative, plus(a.digits, b.digits), scale};
  if (compare(a.digits, b.digits) >= 0) return {a.negative, minus(a.digits, b.digits), scale};
  return {b.negative, minus(b.digits, a.digits), scale};
}

Number multiply(const Number& a, const Number& b) {
  return {a.negative != b.negative, times(a.digits, b.digits), a.scale + b.scale};
}

Number round(const Number& a, std::size_t scale) {
  if (scale >= a.scale) return {a.negative, strip(a.digits + std::string(scale - a.scale, '0')), scale};
  std::string rest;
  const std::string unit = "1" + std::string(a.scale - scale, '0');
  std::string quotient = over(a.digits, unit, rest);
  if (compare(plus(rest, rest), unit) >= 0) quotient = plus(quotient, "1");
  return {a.negative, quotient, scale};
}

Number divide(const Number& a, const Number& b, std::size_t scale) {
  std::string rest;
  const std::string top = a.digits + std::string(b.scale + scale, '0');
  const std::string bottom = strip(b.digits + std::string(a.scale, '0'));
  std::string quotient = over(top, bottom, rest);
  if (compare(plus(rest, rest), bottom) >= 0) quotient = plus(quotient, "1");
  return {a.negative != b.negative, quotient, scale};
}

}  // namespace slow

/// A random decimal of up to `digits_max` digits, often with zeros, nines and fives, where carries and ties are.
std::string random_decimal(Random& random, std::uint64_t digits_max) {
  constexpr std::string_view kDigits = "0123456789000999555";
  const std::uint64_t count = 1 + random.below(digits_max);
  std::string digits;
  for (std::uint64_t i = 0; i < count; ++i) digits += kDigits[random.below(kDigits.size())];
  const std::uint64_t scale = random.below(std::min<std::uint64_t>(count, 12) + 1);
  digits.insert(0, scale + 1 > digits.size() ? scale + 1 - digits.size() : 0, '0');
  std::string whole = slow::strip(digits.substr(0, digits.size() - scale));
  std::string text = random.below(2) == 0 ? whole : "-" + whole;
  if (scale > 0) text += "." + digits.substr(digits.size() - scale);
  return text;
}

}  // namespace

TEST_CASE("T6: what is not a JSON number is refused") {
  for (const char* text :
       {"NaN", "nan",   "Infinity", "-",   "",    " 1",    "1 ",    "+1",  "12,50", "1.",  ".5",  "1e",
        "1e+", "1.5.2", "0x10",     "007", "-01", "1_000", "1e1.5", "--1", "١",     "1\n", "1e-", "-.5"}) {
    INFO(std::string(text));
    const auto parsed = Decimal::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().reason == "mapping.amount_invalid");
  }
}

TEST_CASE("T6: numbers that do not fit are refused, never wrapped") {
  for (const char* text : {"1e400", "1e-400", "1e99999999999999999999", "100000000000000000000000000000000000000",
                           "99999999999999999999999999999999999999.9", "1e38", "0.0000000000000000000000000000001"}) {
    INFO(std::string(text));
    const auto parsed = Decimal::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().reason == "mapping.amount_invalid");
  }
  CHECK_FALSE(Decimal::parse(std::string(5000, '9')).ok());
  CHECK(Decimal::parse("99999999999999999999999999999999999999").ok());
  CHECK(Decimal::parse("1e37").ok());
}

TEST_CASE("T6: an amount with more decimals than its currency has is refused by its own reason") {
  for (const auto& [text, code] :
       {std::pair{"1.001", "USD"}, {"10001.5", "JPY"}, {"0.0001", "KWD"}, {"1.25e-1", "USD"}}) {
    const auto parsed = Money::parse(text, currency(code));
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().reason == "mapping.amount_scale");
  }
  CHECK(money("1.500", "USD").minor() == 150);
  CHECK(money("12.5e1", "USD").minor() == 12500);
  CHECK(money("10001.0", "JPY").minor() == 10001);
}

TEST_CASE("amounts of more than 18 digits are refused") {
  CHECK(Money::parse("9999999999999999.99", currency("USD")).ok());
  const auto parsed = Money::parse("10000000000000000.00", currency("USD"));
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().reason == "mapping.amount_invalid");
  CHECK_FALSE(Money::round(dec("9999999999999999.995"), currency("USD")).ok());
}

TEST_CASE("a sum whose size a remote decides is an error where it does not fit") {
  CHECK(add(money("0.10", "USD"), money("0.20", "USD"))->to_string() == "0.30");
  const Money large = money("9999999999999999.99", "USD");
  CHECK(add(large, money("0.01", "USD")).error().reason == "mapping.amount_invalid");
  CHECK(add(large, large.negated())->is_zero());
}

TEST_CASE("a parsed number keeps its scale and prints as it came") {
  for (const char* text :
       {"12.10", "-0.35", "0", "0.00", "399.500000", "-7", "123456789012345678901234567890.12345678"}) {
    CHECK(dec(text).to_string() == text);
  }
  CHECK(dec("1.25e1").to_string() == "12.5");
  CHECK(dec("1e2").to_string() == "100");
  CHECK(dec("5E-3").to_string() == "0.005");
  CHECK(dec("-0").to_string() == "0");
}

TEST_CASE("the plain form has no zeros at the end") {
  CHECK(dec("12.10").to_plain() == "12.1");
  CHECK(dec("399.5000").to_plain() == "399.5");
  CHECK(dec("3.000").to_plain() == "3");
  CHECK(dec("100").to_plain() == "100");
  CHECK(dec("0.00").to_plain() == "0");
}

TEST_CASE("numbers compare by value") {
  CHECK(dec("12.1") == dec("12.10"));
  CHECK(dec("-0") == dec("0.000"));
  CHECK(dec("2") < dec("10"));
  CHECK(dec("-2") > dec("-10"));
  CHECK(dec("99999999999999999999999999999999999999") > dec("0.000000000000000000000000000001"));
  CHECK(dec("-99999999999999999999999999999999999999") < dec("0.000000000000000000000000000001"));
}

TEST_CASE("N2: rounding is half away from zero") {
  CHECK(dec("0.005").rounded(2).to_string() == "0.01");
  CHECK(dec("-0.005").rounded(2).to_string() == "-0.01");
  CHECK(dec("0.0049999999").rounded(2).to_string() == "0.00");
  CHECK(dec("2.5").rounded(0).to_string() == "3");
  CHECK(dec("3.5").rounded(0).to_string() == "4");
  CHECK(dec("-2.5").rounded(0).to_string() == "-3");
  CHECK(dec("1.005").rounded(2).to_string() == "1.01");
  CHECK(dec("9.995").rounded(2).to_string() == "10.00");
  CHECK(dec("12").rounded(2).to_string() == "12.00");
}

TEST_CASE("a change of scale that would lose digits is an error") {
  CHECK(dec("12.100").rescaled(1)->to_string() == "12.1");
  CHECK(dec("12.1").rescaled(4)->to_string() == "12.1000");
  CHECK(dec("12.11").rescaled(1).error().reason == "mapping.amount_scale");
  CHECK(dec("99999999999999999999999999999999999999").rescaled(1).error().reason == "mapping.amount_invalid");
}

TEST_CASE("products keep the full scale, and what does not fit is an error") {
  CHECK(multiply(dec("1200.00"), dec("1.085433"))->to_string() == "1302.51960000");
  CHECK(multiply(dec("0.1"), dec("0.10"))->to_string() == "0.010");
  CHECK_FALSE(multiply(dec("10000000000000000000"), dec("10000000000000000000")).ok());
  CHECK_FALSE(multiply(dec("0.0000000000000001"), dec("0.0000000000000001")).ok());
  CHECK(multiply(dec("1.00000000000000000000"), dec("3.00000000000000000000"))->to_plain() == "3");
  CHECK(multiply(dec("0.5000000000000000"), dec("0.2000000000000000"))->to_plain() == "0.1");
  CHECK_FALSE(add(dec("99999999999999999999999999999999999999"), dec("1")).ok());
  CHECK(add(dec("9999999999999999999999999999999999999.0"), dec("0.000000000000"))->to_plain() ==
        "9999999999999999999999999999999999999");
}

TEST_CASE("division by zero is an error") {
  CHECK(divide(dec("1"), dec("0.00"), 2).error().reason == "mapping.amount_invalid");
  CHECK(divide(dec("149.97"), dec("1.2"), 2)->to_string() == "124.98");
  CHECK(divide(dec("1"), dec("3"), 30)->to_string() == "0.333333333333333333333333333333");
  CHECK(divide(dec("1"), dec("99999999999999999999999999999999999999"), 2)->to_string() == "0.00");
}

TEST_CASE("E5: each line of a foreign invoice is rounded alone, and the residual is one cent") {
  CHECK(converted("1200.00", "EUR", "1.085433", "USD") == "1302.52");
  CHECK(converted("333.33", "EUR", "1.085433", "USD") == "361.81");
  CHECK(converted("333.34", "EUR", "1.085433", "USD") == "361.82");
  CHECK(converted("200.00", "EUR", "1.085433", "USD") == "217.09");
  const Money credits =
      money("361.81", "USD") + money("361.81", "USD") + money("361.82", "USD") + money("217.09", "USD");
  CHECK((credits - money("1302.52", "USD")).to_string() == "0.01");
}

TEST_CASE("E20: yen have no decimals and convert exactly before rounding") {
  CHECK(multiply(money("10001", "JPY").decimal(), dec("0.006712"))->to_string() == "67.126712");
  CHECK(converted("10001", "JPY", "0.006712", "USD") == "67.13");
}

TEST_CASE("E4, E7, E19: the other products of the posting rules") {
  CHECK(Money::round(*divide(dec("149.97"), dec("1.2"), 10), currency("USD"))->to_string() == "124.98");
  CHECK(converted("139.41", "EUR", "1.5", "USD") == "209.12");  // 209.115, a tie
  // E7: relieved so far = round(carrying × paid so far ÷ total)
  const Decimal carrying = dec("123.45");
  const auto relieved = [&](std::string_view paid) {
    return divide(*multiply(carrying, dec(paid)), dec("100.00"), 2)->to_string();
  };
  CHECK(relieved("33.33") == "41.15");
  CHECK(relieved("66.66") == "82.29");
  CHECK(relieved("100.00") == "123.45");
}

TEST_CASE("money knows its currency and prints with the full scale") {
  CHECK(money("558", "USD").to_string() == "558.00");
  CHECK(money("-0.05", "USD").to_string() == "-0.05");
  CHECK(money("1.5", "KWD").to_string() == "1.500");
  CHECK(money("10001", "JPY").to_string() == "10001");
  CHECK(money("3", "USD") < money("3.01", "USD"));
  CHECK(money("3", "USD") != money("3", "CAD"));
  CHECK(money("-3", "USD").absolute() == money("3", "USD"));
  CHECK(money("-3", "USD").negated() == money("3", "USD"));
}

TEST_CASE("B3: currencies have the scale that ISO 4217 gives them") {
  for (const auto& [code, scale] : {std::pair{"USD", 2},
                                    {"EUR", 2},
                                    {"JPY", 0},
                                    {"KRW", 0},
                                    {"VND", 0},
                                    {"KWD", 3},
                                    {"BHD", 3},
                                    {"TND", 3},
                                    {"CLF", 4},
                                    {"UYW", 4},
                                    {"CLP", 0},
                                    {"ISK", 0},
                                    {"INR", 2},
                                    {"MGA", 2},
                                    {"ZWG", 2},
                                    {"XCG", 2}}) {
    const auto found = Currency::of(code);
    REQUIRE_MESSAGE(found.ok(), code);
    CHECK(found->scale() == scale);
    CHECK(found->code() == code);
  }
}

TEST_CASE("T5: an unknown currency is refused") {
  for (const char* code : {"", "US", "usd", "USDX", "ABC", "XXX", "XAU", "USD ", "SD ", " US", "D A"}) {
    INFO(std::string(code));
    const auto found = Currency::of(code);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().reason == "ledger.currency_unknown");
  }
}

TEST_CASE("sums, products, quotients and roundings agree with arithmetic on paper") {
  const std::uint64_t seed = 20260521;
  SeededRandom random(seed);
  for (int i = 0; i < 4000; ++i) {
    const std::string a = random_decimal(random, 18);
    const std::string b = random_decimal(random, 18);
    const int scale = static_cast<int>(random.below(7));
    INFO("seed ", seed, " case ", i, ": ", a, " and ", b, " scale ", scale);
    const slow::Number x = slow::of(a);
    const slow::Number y = slow::of(b);
    CHECK(add(dec(a), dec(b))->to_string() == slow::print(slow::add(x, y)));
    CHECK(subtract(dec(a), dec(b))->to_string() == slow::print(slow::add(x, {!y.negative, y.digits, y.scale})));
    CHECK(multiply(dec(a), dec(b))->to_string() == slow::print(slow::multiply(x, y)));
    CHECK(dec(a).rounded(scale).to_string() == slow::print(slow::round(x, static_cast<std::size_t>(scale))));
    if (!dec(b).is_zero())
      CHECK(divide(dec(a), dec(b), scale)->to_string() ==
            slow::print(slow::divide(x, y, static_cast<std::size_t>(scale))));
    const std::string difference = slow::print(slow::add(x, {!y.negative, y.digits, y.scale}));
    CHECK((dec(a) < dec(b)) == (difference.front() == '-'));
  }
}

TEST_CASE("numbers of the full width are exact or refused") {
  const std::uint64_t seed = 7;
  SeededRandom random(seed);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string a = random_decimal(random, 38);
    const std::string b = random_decimal(random, 38);
    INFO("seed ", seed, " case ", i, ": ", a, " and ", b);
    const auto product = multiply(dec(a), dec(b));
    const auto sum = add(dec(a), dec(b));
    refused += product.ok() ? 0 : 1;
    // By value, because zeros at the end are dropped where nothing else does not fit.
    const auto same = [](const Decimal& fast, slow::Number exact) {
      std::string text = slow::print(std::move(exact));
      if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
      }
      return fast.to_plain() == (text == "-0" ? "0" : text);
    };
    if (product) CHECK(same(*product, slow::multiply(slow::of(a), slow::of(b))));
    if (sum) CHECK(same(*sum, slow::add(slow::of(a), slow::of(b))));
  }
  CHECK(refused > 100);
  CHECK(refused < 1900);
}

// Found by fuzzing: the sum was worked out before it was known to fit, which is undefined and stopped the sanitized host.
TEST_CASE("a sum that needs more than 127 bits is refused") {
  const std::string nines(38, '9');
  const Decimal most = *Decimal::parse(nines);
  const Decimal least = *Decimal::parse("-" + nines);
  CHECK(add(most, most).error().reason == "mapping.amount_invalid");
  CHECK(add(least, least).error().reason == "mapping.amount_invalid");
  CHECK(subtract(least, most).error().reason == "mapping.amount_invalid");
  CHECK(add(most, least)->is_zero());
}
