#pragma once
// gzip bodies. Pure; any thread.
#include <cstddef>
#include <string>

#include "host/core/result.hpp"

namespace berth::http {

/// The content of one whole gzip stream. Errors: http.body_broken (not gzip, cut off, or its length does not agree),
/// http.too_large (more than `bytes_max`; nothing is inflated beyond).
[[nodiscard]] Result<std::string> inflate_gzip(const std::string& compressed, std::size_t bytes_max);

}  // namespace berth::http
