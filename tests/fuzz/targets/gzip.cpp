// gzip bodies: never more than asked for, and what comes out has the length and the checksum that the stream states.
// Input: the body.
#include <array>

#include "fuzz/fuzz.hpp"
#include "host/http/inflate.hpp"

namespace berth::fuzz {
namespace {

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

/// RFC 1952, section 8, bit by bit.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1u) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

}  // namespace

void fuzz_gzip(std::string_view input) {
  constexpr std::array<std::size_t, 3> kLimits{100, 10'000, 1'000'000};
  const std::string body(input);
  Result<std::string> last = std::string();
  bool was_taken = false;
  for (const std::size_t limit : kLimits) {
    last = http::inflate_gzip(body, limit);
    if (last.ok()) {
      FUZZ_CHECK(last->size() <= limit, std::to_string(last->size()));
      was_taken = true;
    } else {
      FUZZ_CHECK(last.error().reason == "http.body_broken" || last.error().reason == "http.encoding_bomb",
                 last.error().reason);
      FUZZ_CHECK(!was_taken, "a body is taken below a small limit and refused below a large one");
    }
  }
  if (!last.ok()) return;
  FUZZ_CHECK(body.size() >= 18, "a body shorter than any gzip stream");
  FUZZ_CHECK(little_endian(std::string_view(body).substr(body.size() - 4)) == last->size(), "a length");
  FUZZ_CHECK(little_endian(std::string_view(body).substr(body.size() - 8)) == crc32(*last), "a checksum");
}

}  // namespace berth::fuzz
