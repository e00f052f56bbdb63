#pragma once
// Exact decimals and money. No amount is ever a double, not even while parsing.
//
//   Decimal rate = *Decimal::parse("1.085433");
//   Money total = *Money::parse("1200.00", Currency::eur);             // 120000 minor units
//   Decimal base = *multiply(total.decimal(), rate);                   // 1302.519600, exact
//   Money in_base = *Money::round(base, usd);                          // 1302.52, half away from zero
//
// A Decimal is coefficient × 10^-scale with a 128-bit coefficient (38 digits). What does not fit is an error, never a
// wrong number. Values are plain data.
#include <compare>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "host/core/result.hpp"

namespace berth {

/// 128-bit integers are an extension of GCC and Clang.
__extension__ using Int128 = __int128;

class Decimal {
 public:
  Decimal() = default;
  static constexpr int kScaleMax = 30;
  static Decimal from_integer(std::int64_t value) { return Decimal(value, 0); }
  /// `minor` × 10^-scale.
  static Decimal from_minor(std::int64_t minor, int scale) { return Decimal(minor, scale); }
  /// The same for one of up to 38 digits, which is the caller's invariant.
  static Decimal from_coefficient(Int128 coefficient, int scale) { return Decimal(coefficient, scale); }
  /// Reads a JSON number's text: "12.10", "-0.5", "1.25e1". Errors: mapping.amount_invalid.
  static Result<Decimal> parse(std::string_view text);

  /// As few digits as the scale says, no exponent: "12.10", "-0.35". The scale of a parsed text is kept.
  [[nodiscard]] std::string to_string() const;
  /// Without trailing zeros after the point: "12.1", "399.5", "3".
  [[nodiscard]] std::string to_plain() const;
  [[nodiscard]] bool is_zero() const { return coefficient_ == 0; }
  [[nodiscard]] bool is_negative() const { return coefficient_ < 0; }
  [[nodiscard]] int scale() const { return scale_; }
  [[nodiscard]] Int128 coefficient() const { return coefficient_; }
  [[nodiscard]] Decimal negated() const { return Decimal(-coefficient_, scale_); }

  /// The same value with exactly `scale` digits after the point; an error if digits would be lost
  /// (mapping.amount_scale) or it does not fit.
  [[nodiscard]] Result<Decimal> rescaled(int scale) const;
  /// Rounded half away from zero to `scale` digits after the point.
  [[nodiscard]] Decimal rounded(int scale) const;

  friend Result<Decimal> add(const Decimal& a, const Decimal& b);
  friend Result<Decimal> subtract(const Decimal& a, const Decimal& b);
  friend Result<Decimal> multiply(const Decimal& a, const Decimal& b);
  /// a ÷ b rounded half away from zero to `scale` digits. b must not be zero (mapping.amount_invalid).
  friend Result<Decimal> divide(const Decimal& a, const Decimal& b, int scale);
  /// By value: 12.1 equals 12.10.
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
  friend bool operator==(const Decimal& a, const Decimal& b) { return (a <=> b) == std::strong_ordering::equal; }

 private:
  Decimal(Int128 coefficient, int scale) : coefficient_(coefficient), scale_(scale) {}
  Int128 coefficient_ = 0;
  int scale_ = 0;
};

Result<Decimal> add(const Decimal& a, const Decimal& b);
Result<Decimal> subtract(const Decimal& a, const Decimal& b);
Result<Decimal> multiply(const Decimal& a, const Decimal& b);
Result<Decimal> divide(const Decimal& a, const Decimal& b, int scale);

/// An ISO 4217 code with its scale (digits of the minor unit: USD 2, JPY 0, KWD 3).
class Currency {
 public:
  Currency() = default;
  /// Errors: ledger.currency_unknown.
  static Result<Currency> of(std::string_view code);
  [[nodiscard]] std::string_view code() const { return {code_, 3}; }
  [[nodiscard]] int scale() const { return scale_; }
  friend bool operator==(const Currency& a, const Currency& b) { return a.code() == b.code(); }

 private:
  char code_[4] = "XXX";
  int scale_ = 0;
};

/// A sum of amounts beyond 64 bits. Thrown by the operators of Money, because a formula of ten sums cannot ask after each;
/// whoever computes with amounts that others chose catches it once, where a document can be refused (ledger::plan).
class MoneyOverflow : public std::overflow_error {
 public:
  MoneyOverflow() : std::overflow_error("a sum of amounts is beyond 64 bits") {}
};

/// An amount in the minor unit of its currency.
class Money {
 public:
  /// No amount has more than 18 digits: 15 before the point in the currency with the most decimals, and sums of a few of
  /// them fit 64 bits.
  static constexpr std::int64_t kMinorMax = 999'999'999'999'999'999;

  Money() = default;
  Money(std::int64_t minor, Currency currency) : minor_(minor), currency_(currency) {}
  static Money zero(Currency currency) { return {0, currency}; }
  /// Reads "558.00", "558", "1.25e1". More decimals than the currency has: mapping.amount_scale; not a number or too
  /// large: mapping.amount_invalid.
  static Result<Money> parse(std::string_view text, Currency currency);
  /// Exact conversion; errors as parse.
  static Result<Money> exact(const Decimal& value, Currency currency);
  /// Half away from zero, once, on the product. Errors: mapping.amount_invalid if it does not fit.
  static Result<Money> round(const Decimal& value, Currency currency);

  [[nodiscard]] std::int64_t minor() const { return minor_; }
  [[nodiscard]] Currency currency() const { return currency_; }
  [[nodiscard]] Decimal decimal() const { return Decimal::from_minor(minor_, currency_.scale()); }
  /// With the full scale: "558.00", "10001".
  [[nodiscard]] std::string to_string() const { return decimal().to_string(); }
  [[nodiscard]] bool is_zero() const { return minor_ == 0; }
  [[nodiscard]] bool is_negative() const { return minor_ < 0; }
  [[nodiscard]] Money negated() const { return {-minor_, currency_}; }
  [[nodiscard]] Money absolute() const { return {minor_ < 0 ? -minor_ : minor_, currency_}; }

  /// Same currency is an invariant of the caller. Throw MoneyOverflow.
  friend Money operator+(const Money& a, const Money& b);
  friend Money operator-(const Money& a, const Money& b);
  Money& operator+=(const Money& other) { return *this = *this + other; }
  Money& operator-=(const Money& other) { return *this = *this - other; }
  friend std::strong_ordering operator<=>(const Money& a, const Money& b);
  friend bool operator==(const Money& a, const Money& b) = default;

 private:
  std::int64_t minor_ = 0;
  Currency currency_;
};

Money operator+(const Money& a, const Money& b);
Money operator-(const Money& a, const Money& b);
/// The sum for amounts whose number and size a remote decides. Errors: mapping.amount_invalid if it has more than 18 digits.
Result<Money> add(const Money& a, const Money& b);

}  // namespace berth
