#include "tests/zoho_sim/decimal.hpp"

namespace zoho_sim {
namespace {

__extension__ typedef __int128 Wide;

}  // namespace

std::string to_text(Decimal value) {
  while (value.scale > 0 && value.units % 10 == 0) {
    value.units /= 10;
    --value.scale;
  }
  const bool negative = value.units < 0;
  std::string digits = std::to_string(negative ? -value.units : value.units);
  const auto scale = static_cast<std::size_t>(value.scale);
  if (scale > 0) {
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, ".");
  }
  return negative ? "-" + digits : digits;
}

std::int64_t multiply_divide(std::int64_t amount, std::int64_t factor, std::int64_t divisor) {
  const Wide product = static_cast<Wide>(amount) * factor;
  const Wide magnitude = product < 0 ? -product : product;
  const Wide rounded = (magnitude * 2 + divisor) / (static_cast<Wide>(divisor) * 2);
  return static_cast<std::int64_t>(product < 0 ? -rounded : rounded);
}

std::optional<std::int64_t> parse_decimal(std::string_view text, int scale) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::int64_t units = 0;
  int decimals = -1;
  bool any = false;
  for (const char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
    } else if (c >= '0' && c <= '9') {
      if (decimals >= 0 && decimals == scale) {
        if (c != '0') return std::nullopt;
        continue;
      }
      units = units * 10 + (c - '0');
      if (decimals >= 0) ++decimals;
      any = true;
    } else {
      return std::nullopt;
    }
  }
  if (!any) return std::nullopt;
  for (int i = decimals < 0 ? 0 : decimals; i < scale; ++i) units *= 10;
  return negative ? -units : units;
}

}  // namespace zoho_sim
