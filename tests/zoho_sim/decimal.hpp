// Exact amounts. Money is an integer of minor units; nothing here is a double.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zoho_sim {

using Minor = std::int64_t;  // cents; every currency of the simulator has two decimals
inline constexpr int kMoneyScale = 2;
inline constexpr int kPercentScale = 3;   // 8.875 % is 8875
inline constexpr int kQuantityScale = 3;  // 1.5 hours is 1500
inline constexpr int kRateScale = 6;      // an exchange rate of 1.08 is 1080000

// units / 10^scale, printed with as few digits as needed: {29950, 2} is 299.5 and {59800, 2} is 598.
struct Decimal {
  std::int64_t units = 0;
  int scale = 0;
};

inline Decimal money(Minor amount) {
  return {amount, kMoneyScale};
}

std::string to_text(Decimal value);

// amount * factor / divisor, rounded half away from zero once, on the product.
std::int64_t multiply_divide(std::int64_t amount, std::int64_t factor, std::int64_t divisor);

// "12.5" with scale 2 is 1250. Nothing for text that is no plain decimal has more decimals than the scale, or does not
// fit.
std::optional<std::int64_t> parse_decimal(std::string_view text, int scale);

}  // namespace zoho_sim
