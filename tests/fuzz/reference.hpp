#pragma once
// Decimals as on paper, for comparison: a sign and a list of digits of any length, slow and with nothing in common with
// host/core/decimal.cpp. Fuzz targets only.
#include <string>
#include <string_view>
#include <vector>

namespace berth::fuzz {

/// A number sign × digits × 10^-scale. Digits stand lowest first, without zeros at the top; zero has none.
class Paper {
 public:
  Paper() = default;
  /// "-12.50", "1.25e1"; the text must be a JSON number with an exponent of at most three digits.
  static Paper read(std::string_view text);
  /// Whether a text is a number by the grammar of RFC 8259.
  static bool is_number(std::string_view text);

  friend Paper operator+(const Paper& a, const Paper& b);
  friend Paper operator-(const Paper& a, const Paper& b);
  friend Paper operator*(const Paper& a, const Paper& b);
  /// a ÷ b, half away from zero, `scale` digits after the point; b is not zero.
  friend Paper divide(const Paper& a, const Paper& b, int scale);
  friend int compare(const Paper& a, const Paper& b);
  friend bool operator==(const Paper& a, const Paper& b) { return compare(a, b) == 0; }
  /// Half away from zero.
  [[nodiscard]] Paper rounded(int scale) const;
  [[nodiscard]] bool is_zero() const { return digits_.empty(); }
  /// Digits without zeros at either end of what is after the point.
  [[nodiscard]] Paper stripped() const;
  [[nodiscard]] std::size_t digits() const { return digits_.size(); }
  [[nodiscard]] int scale() const { return scale_; }
  [[nodiscard]] std::string text() const;

 private:
  using Digits = std::vector<int>;
  static void trim(Digits& digits);
  static int order(const Digits& a, const Digits& b);
  static Digits sum(const Digits& a, const Digits& b);
  static Digits difference(const Digits& a, const Digits& b);  // a >= b
  static Digits product(const Digits& a, const Digits& b);
  /// The quotient; the rest goes to `rest`.
  static Digits quotient(const Digits& a, const Digits& b, Digits& rest);
  [[nodiscard]] Digits at_scale(int scale) const;  // scale >= scale_

  bool minus_ = false;
  Digits digits_;
  int scale_ = 0;
};

}  // namespace berth::fuzz
