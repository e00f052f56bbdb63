#pragma once
// Hashes and encodings of bytes.
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// 32 raw bytes as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
/// BLAKE2b-256 as 64 lower-case hex digits: content hashes and fingerprints.
std::string blake2b_hex(std::string_view bytes);
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);
/// base64url without padding.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);
/// Same length and content, in time that depends on the length only.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace berth
