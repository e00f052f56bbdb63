#pragma once
// ISO 3166 countries.
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// The alpha-2 code of an alpha-2 or alpha-3 code or an English name, without regard to case: "USA", "Sweden", "se".
/// Nothing for an unknown text.
std::optional<std::string> country_alpha2(std::string_view text);

}  // namespace berth
