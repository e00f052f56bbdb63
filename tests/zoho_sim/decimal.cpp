#include "tests/zoho_sim/decimal.hpp"

#include <array>

namespace zoho_sim {
namespace {

__extension__ typedef __int128 Wide;

}  // namespace

std::string to_text(Decimal value) {
  while (value.scale > 0 && value.units % 10 == 0) {
    value.units /= 10;
    --value.scale;
  }
  // Filled from the back: digits, the point after `scale` of them, at least one digit before it, the sign.
  std::array<char, 48> buffer{};
  auto at = buffer.size();
  std::uint64_t rest =
      value.units < 0 ? 0 - static_cast<std::uint64_t>(value.units) : static_cast<std::uint64_t>(value.units);
  for (int written = 0; rest != 0 || written <= value.scale; ++written) {
    if (written == value.scale && value.scale > 0) buffer.at(--at) = '.';
    buffer.at(--at) = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  if (value.units < 0) buffer.at(--at) = '-';
  return std::string(buffer.data() + at, buffer.size() - at);
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
  if (text.empty()) return std::nullopt;
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
      if (__builtin_mul_overflow(units, std::int64_t{10}, &units) ||
          __builtin_add_overflow(units, std::int64_t{c - '0'}, &units))
        return std::nullopt;
      if (decimals >= 0) ++decimals;
      any = true;
    } else {
      return std::nullopt;
    }
  }
  if (!any) return std::nullopt;
  for (int i = decimals < 0 ? 0 : decimals; i < scale; ++i) {
    if (__builtin_mul_overflow(units, std::int64_t{10}, &units)) return std::nullopt;
  }
  return negative ? -units : units;
}

}  // namespace zoho_sim
