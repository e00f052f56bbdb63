#pragma once
// The tables of keys of berth.yaml and of a chart of accounts. Private to host/config.
#include "host/config/shape.hpp"

namespace berth::config {

[[nodiscard]] const Shape& config_shape();
[[nodiscard]] const Shape& chart_shape();

}  // namespace berth::config
