#pragma once
// Cause and resolution of reason ids that people meet while they connect and run integrations.
#include <string_view>

namespace berth::admin {

struct Resolution {
  std::string_view reason;
  std::string_view cause;
  std::string_view what_to_do;
};
/// nullptr for a reason whose message says it all.
[[nodiscard]] const Resolution* find_resolution(std::string_view reason);

}  // namespace berth::admin
