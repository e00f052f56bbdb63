// Decimals and money against numbers worked out on paper: what is given back is exact, and what is refused does not
// fit. Input: two numbers, a line each, and a line whose first byte chooses a scale.
#include "host/core/decimal.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/reference.hpp"

namespace berth::fuzz {
namespace {

constexpr std::size_t kDigitsMax = 38;
constexpr std::size_t kTextMax = 100;

Paper paper(const Decimal& value) {
  return Paper::read(value.to_string());
}

/// Whether a number is so small that no sum or product of two may be refused.
bool is_small(const Paper& number) {
  return number.digits() <= 15 && number.scale() <= 12;
}

void check_text(std::string_view text, const Result<Decimal>& parsed) {
  const std::string shown(text);
  const bool is_number = text.size() <= kTextMax && Paper::is_number(text);
  FUZZ_CHECK(is_number || !parsed.ok(), shown);
  const bool is_plain = is_number && text.find_first_of("eE") == std::string_view::npos;
  if (is_plain) {
    const Paper number = Paper::read(text);
    const bool fits = number.digits() <= kDigitsMax && number.scale() <= Decimal::kScaleMax;
    FUZZ_CHECK(parsed.ok() == fits, shown);
  }
  if (!parsed.ok()) {
    FUZZ_CHECK(parsed.error().reason == "mapping.amount_invalid", parsed.error().reason);
    return;
  }
  FUZZ_CHECK(paper(*parsed) == Paper::read(text), shown + " was read as " + parsed->to_string());
  if (is_plain) FUZZ_CHECK(parsed->scale() == Paper::read(text).scale(), shown);
  const auto again = Decimal::parse(parsed->to_string());
  FUZZ_CHECK(again.ok() && again->to_string() == parsed->to_string(), shown);
  FUZZ_CHECK(again->scale() == parsed->scale(), shown);
  const auto plain = Decimal::parse(parsed->to_plain());
  FUZZ_CHECK(plain.ok() && *plain == *parsed, shown);
  FUZZ_CHECK(parsed->negated().negated() == *parsed, shown);
  FUZZ_CHECK(parsed->is_negative() == (compare(paper(*parsed), Paper()) < 0), shown);
}

void check_exact(const Result<Decimal>& found, const Paper& wanted, bool must_fit, const char* what) {
  if (found.ok()) {
    FUZZ_CHECK(paper(*found) == wanted, std::string(what) + ": " + found->to_string() + ", not " + wanted.text());
    const Paper coefficient = Paper::read(found->to_string());
    FUZZ_CHECK(coefficient.digits() <= kDigitsMax && found->scale() <= Decimal::kScaleMax, found->to_string());
  } else {
    FUZZ_CHECK(!must_fit, std::string(what) + " is refused: " + found.error().message);
    FUZZ_CHECK(found.error().reason == "mapping.amount_invalid", found.error().reason);
  }
}

void check_scale(const Decimal& value, int scale) {
  const Decimal rounded = value.rounded(scale);
  const Paper wanted = paper(value).rounded(scale);
  FUZZ_CHECK(paper(rounded) == wanted, value.to_string() + " rounded: " + rounded.to_string());
  const auto same = value.rescaled(scale);
  if (same.ok()) {
    FUZZ_CHECK(*same == value && same->scale() == scale, value.to_string());
  } else if (same.error().reason == "mapping.amount_scale") {
    FUZZ_CHECK(!(wanted == paper(value)), value.to_string() + " has no digits to lose");
  } else {
    FUZZ_CHECK(!is_small(paper(value)) || scale > 20, value.to_string());
  }
}

void check_money(std::string_view text, const Result<Decimal>& parsed, std::string_view code) {
  const auto currency = Currency::of(code);
  FUZZ_CHECK(currency.ok(), std::string(code));
  const auto money = Money::parse(text, *currency);
  FUZZ_CHECK(!money.ok() || parsed.ok(), std::string(text));
  if (!parsed.ok()) return;
  if (money.ok()) FUZZ_CHECK(paper(money->decimal()) == paper(*parsed), money->to_string());
  const auto rounded = Money::round(*parsed, *currency);
  const Paper wanted = paper(*parsed).rounded(currency->scale());
  if (rounded.ok()) {
    FUZZ_CHECK(paper(rounded->decimal()) == wanted, rounded->to_string());
    const auto doubled = add(*rounded, *rounded);
    if (doubled.ok()) FUZZ_CHECK(*doubled - *rounded == *rounded, doubled->to_string());
    FUZZ_CHECK((rounded->negated() + *rounded).is_zero(), rounded->to_string());
  } else {
    FUZZ_CHECK(wanted.digits() > 18, parsed->to_string() + ": " + rounded.error().message);
  }
}

}  // namespace

void fuzz_decimal(std::string_view input) {
  Input in(input);
  const std::string_view first = in.line();
  const std::string_view second = in.line();
  const int scale = in.byte() % (Decimal::kScaleMax + 1);
  const auto left = Decimal::parse(first);
  const auto right = Decimal::parse(second);
  check_text(first, left);
  check_text(second, right);
  for (const std::string_view code : {"USD", "JPY", "KWD"}) check_money(first, left, code);
  if (!left.ok()) return;
  check_scale(*left, scale);
  if (!right.ok()) return;
  const Decimal& a = *left;
  const Decimal& b = *right;
  const Paper pa = paper(a);
  const Paper pb = paper(b);
  const bool small = is_small(pa) && is_small(pb);

  const auto sum = add(a, b);
  check_exact(sum, pa + pb, small, "a sum");
  FUZZ_CHECK(sum.ok() == add(b, a).ok(), "a + b and b + a");
  if (sum.ok()) {
    const auto back = subtract(*sum, b);
    if (back.ok()) FUZZ_CHECK(*back == a, "a + b - b is " + back->to_string());
  }
  check_exact(subtract(a, b), pa - pb, small, "a difference");
  const auto product = multiply(a, b);
  check_exact(product, pa * pb, small && pa.scale() + pb.scale() <= 24, "a product");
  FUZZ_CHECK(product.ok() == multiply(b, a).ok(), "a × b and b × a");
  const auto order = a <=> b;
  const int wanted = compare(pa, pb);
  FUZZ_CHECK((order < 0) == (wanted < 0) && (order > 0) == (wanted > 0), "an order");
  FUZZ_CHECK((a == b) == (wanted == 0), "an equality");

  const auto quotient = divide(a, b, scale);
  if (b.is_zero()) {
    FUZZ_CHECK(!quotient.ok(), "a division by zero");
  } else {
    const Paper on_paper = divide(pa, pb, scale);
    check_exact(quotient, on_paper, on_paper.digits() <= kDigitsMax, "a quotient");
  }
}

}  // namespace berth::fuzz
