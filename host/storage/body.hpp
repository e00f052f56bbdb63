#pragma once
// Bodies at rest: zstd, level 3. Not for other folders.
#include <cstddef>
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/storage/database.hpp"

namespace berth::storage {

constexpr std::size_t kBodyBytesMax = 16u << 20u;  // twice what the plugin boundary lets through

/// Errors: storage.body_too_large.
Result<Blob> compress_body(std::string_view body);
/// Errors: storage.body_damaged.
Result<std::string> decompress_body(const std::string& stored);

}  // namespace berth::storage
