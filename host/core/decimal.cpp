#include "host/core/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "host/core/text.hpp"

namespace berth {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr int kDigitsMax = 38;  // every 38-digit number fits 127 bits

constexpr std::array<Int128, kDigitsMax + 1> make_powers() {
  std::array<Int128, kDigitsMax + 1> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
constexpr auto kPowers = make_powers();
constexpr Int128 kCoefficientMax = kPowers[kDigitsMax] - 1;

Int128 power_of_ten(int exponent) {
  return kPowers[static_cast<std::size_t>(exponent)];
}
bool fits(Int128 value) {
  return value >= -kCoefficientMax && value <= kCoefficientMax;
}
Uint128 magnitude(Int128 value) {
  return value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

std::optional<Int128> times(Int128 a, Int128 b) {
  Int128 product = 0;
  if (__builtin_mul_overflow(a, b, &product) || !fits(product)) return std::nullopt;
  return product;
}

/// value × 10^exponent, exponent >= 0.
std::optional<Int128> shifted(Int128 value, int exponent) {
  if (value == 0) return value;
  if (exponent > kDigitsMax) return std::nullopt;
  return times(value, power_of_ten(exponent));
}

/// value ÷ 10^exponent, half away from zero; exponent >= 0.
Int128 divided_half_away(Int128 value, int exponent) {
  if (exponent > kDigitsMax) return 0;  // less than half of one
  const Int128 divisor = power_of_ten(exponent);
  const Int128 quotient = value / divisor;
  const Int128 rest = value % divisor;
  if (rest == 0) return quotient;
  if (magnitude(rest) < magnitude(divisor) - magnitude(rest)) return quotient;
  return value < 0 ? quotient - 1 : quotient + 1;
}

/// The same value without trailing zeros after the point, down to scale 0.
void strip_zeros(Int128& coefficient, int& scale) {
  while (scale > 0 && coefficient % 10 == 0) {
    coefficient /= 10;
    --scale;
  }
}

std::string digits_of(Int128 value) {
  Uint128 rest = magnitude(value);
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest > 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Error invalid(std::string message) {
  return make_error(Code::kBadResponse, "mapping.amount_invalid", std::move(message));
}
Error too_large(std::string_view what) {
  return invalid(fmt::format("{} needs more than {} digits, or more than {} after the point", what, kDigitsMax,
                             Decimal::kScaleMax));
}
Error not_a_number(std::string_view text) {
  return invalid(fmt::format("\"{}\" is not a decimal number", shortened(text, 60)));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Result<Decimal> Decimal::parse(std::string_view text) {
  // The grammar of RFC 8259 section 6: no blanks, no leading plus, no leading zeros, no NaN, a point and nothing else.
  constexpr std::size_t kTextMax = 100;
  constexpr int kExponentMax = 100;
  if (text.size() > kTextMax) return not_a_number(text);
  std::size_t at = 0;
  const auto more = [&] { return at < text.size(); };
  const bool is_minus = more() && text[at] == '-';
  if (is_minus) ++at;
  if (!more() || !is_digit(text[at])) return not_a_number(text);
  if (text[at] == '0' && at + 1 < text.size() && is_digit(text[at + 1])) return not_a_number(text);

  Int128 coefficient = 0;
  int scale = 0;
  bool is_too_large = false;
  const auto take_digits = [&](int scale_step) {
    const std::size_t start = at;
    for (; more() && is_digit(text[at]); ++at) {
      const auto shifted_up = times(coefficient, 10);
      if (!shifted_up || !fits(*shifted_up + (text[at] - '0'))) {
        is_too_large = true;
        continue;
      }
      coefficient = *shifted_up + (text[at] - '0');
      scale += scale_step;
    }
    return at > start;
  };
  take_digits(0);
  if (more() && text[at] == '.') {
    ++at;
    if (!take_digits(1)) return not_a_number(text);
  }
  int exponent = 0;
  if (more() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool is_down = more() && text[at] == '-';
    if (more() && (text[at] == '-' || text[at] == '+')) ++at;
    if (!more()) return not_a_number(text);
    for (; more() && is_digit(text[at]); ++at) exponent = std::min(kExponentMax + 1, exponent * 10 + (text[at] - '0'));
    if (!is_digit(text[at - 1])) return not_a_number(text);
    if (exponent > kExponentMax) is_too_large = true;
    if (is_down) exponent = -exponent;
  }
  if (more()) return not_a_number(text);
  if (is_too_large) return too_large(fmt::format("\"{}\"", shortened(text, 60)));

  scale -= exponent;
  if (scale < 0) {
    const auto whole = shifted(coefficient, -scale);
    if (!whole) return too_large(fmt::format("\"{}\"", shortened(text, 60)));
    coefficient = *whole;
    scale = 0;
  }
  if (scale > kScaleMax) return too_large(fmt::format("\"{}\"", shortened(text, 60)));
  return Decimal(is_minus ? -coefficient : coefficient, scale);
}

std::string Decimal::to_string() const {
  std::string digits = digits_of(coefficient_);
  const auto places = static_cast<std::size_t>(scale_);
  if (places > 0) {
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, 1, '.');
  }
  if (coefficient_ < 0) digits.insert(0, 1, '-');
  return digits;
}

std::string Decimal::to_plain() const {
  Decimal plain = *this;
  strip_zeros(plain.coefficient_, plain.scale_);
  return plain.to_string();
}

Result<Decimal> Decimal::rescaled(int scale) const {
  BERTH_ASSERT(scale >= 0 && scale <= kScaleMax, "a scale is within 0 and kScaleMax");
  if (scale >= scale_) {
    const auto coefficient = shifted(coefficient_, scale - scale_);
    if (!coefficient) return too_large(fmt::format("{} with {} decimals", to_string(), scale));
    return Decimal(*coefficient, scale);
  }
  const Int128 divisor = power_of_ten(scale_ - scale);
  if (coefficient_ % divisor != 0) {
    return make_error(Code::kBadResponse, "mapping.amount_scale",
                      fmt::format("{} has more than {} decimals", to_string(), scale));
  }
  return Decimal(coefficient_ / divisor, scale);
}

Decimal Decimal::rounded(int scale) const {
  BERTH_ASSERT(scale >= 0 && scale <= kScaleMax, "a scale is within 0 and kScaleMax");
  if (scale < scale_) return Decimal(divided_half_away(coefficient_, scale_ - scale), scale);
  const auto coefficient = shifted(coefficient_, scale - scale_);
  return coefficient ? Decimal(*coefficient, scale)
                     : *this;  // the value is what counts; zeros that do not fit are left out
}

Result<Decimal> add(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale_, b.scale_);
  const auto left = shifted(a.coefficient_, scale - a.scale_);
  const auto right = shifted(b.coefficient_, scale - b.scale_);
  Int128 sum = 0;
  // Two numbers of 38 digits fit 127 bits each, and their sum does not.
  const bool is_whole = left && right && !__builtin_add_overflow(*left, *right, &sum);
  if (is_whole && fits(sum)) return Decimal(sum, scale);
  // Zeros at the end may be all that does not fit.
  Decimal short_a = a;
  Decimal short_b = b;
  strip_zeros(short_a.coefficient_, short_a.scale_);
  strip_zeros(short_b.coefficient_, short_b.scale_);
  if (short_a.scale_ < a.scale_ || short_b.scale_ < b.scale_) return add(short_a, short_b);
  return too_large(fmt::format("{} + {}", a.to_string(), b.to_string()));
}

Result<Decimal> subtract(const Decimal& a, const Decimal& b) {
  return add(a, b.negated());
}

Result<Decimal> multiply(const Decimal& a, const Decimal& b) {
  const auto product = times(a.coefficient_, b.coefficient_);
  if (product && a.scale_ + b.scale_ <= Decimal::kScaleMax) return Decimal(*product, a.scale_ + b.scale_);
  if (a.is_zero() || b.is_zero()) return Decimal();
  Decimal short_a = a;
  Decimal short_b = b;
  strip_zeros(short_a.coefficient_, short_a.scale_);
  strip_zeros(short_b.coefficient_, short_b.scale_);
  if (short_a.scale_ < a.scale_ || short_b.scale_ < b.scale_) return multiply(short_a, short_b);
  if (product) {
    // 0.5 × 0.2 has a zero at the end that its factors do not have.
    Decimal whole(*product, a.scale_ + b.scale_);
    strip_zeros(whole.coefficient_, whole.scale_);
    if (whole.scale_ <= Decimal::kScaleMax) return whole;
  }
  return too_large(fmt::format("{} × {}", a.to_string(), b.to_string()));
}

Result<Decimal> divide(const Decimal& a, const Decimal& b, int scale) {
  BERTH_ASSERT(scale >= 0 && scale <= Decimal::kScaleMax, "a scale is within 0 and kScaleMax");
  if (b.is_zero()) return invalid(fmt::format("{} cannot be divided by zero", a.to_string()));
  // a ÷ b × 10^scale = (ca × 10^shift) ÷ cb, worked out digit by digit as on paper: nothing wider than 128 bits.
  int shift = b.scale_ - a.scale_ + scale;
  Uint128 divisor = magnitude(b.coefficient_);
  for (; shift < 0; ++shift) {
    // A divisor that would not fit 128 bits any more is above twice any dividend: the result rounds to zero.
    if (divisor > ~Uint128{0} / 10) return Decimal(0, scale);
    divisor *= 10;
  }
  const Uint128 dividend = magnitude(a.coefficient_);
  Uint128 quotient = dividend / divisor;
  Uint128 rest = dividend % divisor;
  for (; shift > 0; --shift) {
    unsigned digit = 0;
    Uint128 next_rest = 0;  // rest × 10 mod divisor by ten additions: the product itself may not fit
    for (int i = 0; i < 10; ++i) {
      next_rest += rest;
      if (next_rest >= divisor) {
        next_rest -= divisor;
        ++digit;
      }
    }
    rest = next_rest;
    if (quotient > static_cast<Uint128>(kCoefficientMax) / 10)
      return too_large(fmt::format("{} ÷ {}", a.to_string(), b.to_string()));
    quotient = quotient * 10 + digit;
  }
  if (rest >= divisor - rest) ++quotient;
  if (quotient > static_cast<Uint128>(kCoefficientMax))
    return too_large(fmt::format("{} ÷ {}", a.to_string(), b.to_string()));
  const auto positive = static_cast<Int128>(quotient);
  return Decimal(a.is_negative() != b.is_negative() ? -positive : positive, scale);
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale_, b.scale_);
  const auto left = shifted(a.coefficient_, scale - a.scale_);
  const auto right = shifted(b.coefficient_, scale - b.scale_);
  // At most one side is scaled; one that does not fit is farther from zero than any number that fits.
  if (!left) return a.coefficient_ < 0 ? std::strong_ordering::less : std::strong_ordering::greater;
  if (!right) return b.coefficient_ < 0 ? std::strong_ordering::greater : std::strong_ordering::less;
  if (*left == *right) return std::strong_ordering::equal;
  return *left < *right ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace berth
