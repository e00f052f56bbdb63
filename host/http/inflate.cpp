#include "host/http/inflate.hpp"

#include <Poco/Checksum.h>
#include <Poco/Exception.h>
#include <Poco/InflatingStream.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <sstream>

namespace berth::http {
namespace {

Error broken(const std::string& why) {
  return make_error(Code::kBadResponse, "http.body_broken", "is packed with gzip, and that is broken: " + why + ".");
}

/// RFC 1952: a stream ends with the CRC-32 of the content and its length modulo 2^32, lowest byte first.
constexpr std::size_t kChecksumFromEnd = 8;
constexpr std::size_t kLengthFromEnd = 4;

std::uint32_t stated(const std::string& compressed, std::size_t from_end) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto byte = static_cast<unsigned char>(compressed[compressed.size() - from_end + i]);
    value |= static_cast<std::uint32_t>(byte) << (8 * i);
  }
  return value;
}

}  // namespace

Result<std::string> inflate_gzip(const std::string& compressed, std::size_t bytes_max) {
  constexpr std::size_t kSmallestGzip = 18;
  constexpr std::size_t kChecksumPiece = 1u << 20u;
  if (compressed.size() < kSmallestGzip) return broken("it is too short");
  std::string content;
  try {
    std::istringstream source(compressed);
    Poco::InflatingInputStream inflating(source, Poco::InflatingStreamBuf::STREAM_GZIP);
    inflating.exceptions(std::ios::badbit);
    std::array<char, 16'384> piece{};
    while (inflating) {
      inflating.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      const auto got = static_cast<std::size_t>(inflating.gcount());
      if (content.size() + got > bytes_max) {
        return make_error(Code::kBadResponse, "http.encoding_bomb",
                          "has " + std::to_string(compressed.size()) + " bytes and unpacks to more than " +
                              std::to_string(bytes_max) + "; it was not unpacked further.");
      }
      content.append(piece.data(), got);
    }
  } catch (const Poco::Exception& e) {
    return broken(e.displayText());
  } catch (const std::ios_base::failure& e) {
    return broken(e.what());
  }
  // Reading stops after the first stream; a second one behind it would be lost without a word.
  if (static_cast<std::uint32_t>(content.size()) != stated(compressed, kLengthFromEnd)) {
    return broken("its length does not agree");
  }
  // Poco looks at the checksum only where the stream ends properly: one that breaks off is an end like any other to it.
  Poco::Checksum checksum(Poco::Checksum::TYPE_CRC32);
  for (std::size_t at = 0; at < content.size(); at += kChecksumPiece) {
    checksum.update(content.data() + at, static_cast<unsigned>(std::min(kChecksumPiece, content.size() - at)));
  }
  if (checksum.checksum() != stated(compressed, kChecksumFromEnd)) return broken("its checksum does not agree");
  return content;
}

}  // namespace berth::http
