#pragma once
// The tables of keys of berth.yaml and of a chart of accounts. Private to host/config.
#include <cstdint>

#include "host/config/shape.hpp"

namespace berth::config {

/// Calls of a day or a budget.
inline constexpr std::int64_t kCallsMax = 100'000'000;

[[nodiscard]] const Shape& config_shape();
[[nodiscard]] const Shape& chart_shape();

}  // namespace berth::config
