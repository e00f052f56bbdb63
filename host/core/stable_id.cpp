#include "host/core/stable_id.hpp"

#include <fmt/format.h>

#include "host/core/hash.hpp"

namespace berth {

std::string stable_id(std::string_view prefix, std::initializer_list<std::string_view> parts) {
  constexpr std::size_t kDigits = 26;
  // Each part with its length: {"ab", "c"} and {"a", "bc"} are different things.
  std::string named;
  for (const std::string_view part : parts) named += fmt::format("{}:{};", part.size(), part);
  return fmt::format("{}_{}", prefix, blake2b_hex(named).substr(0, kDigits));
}

}  // namespace berth
