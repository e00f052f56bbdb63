#pragma once
// gzip bodies. Pure; any thread.
#include <cstddef>
#include <string>

#include "host/core/result.hpp"

namespace berth::http {

/// The content of one whole gzip stream. Errors, whose messages go on behind "The answer from HOST ": http.body_broken
/// (not gzip, cut off, or its length does not agree), http.encoding_bomb (more than `bytes_max`; nothing is unpacked
/// beyond).
[[nodiscard]] Result<std::string> inflate_gzip(const std::string& compressed, std::size_t bytes_max);

}  // namespace berth::http
