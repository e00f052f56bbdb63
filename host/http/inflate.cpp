#include "host/http/inflate.hpp"

#include <Poco/Exception.h>
#include <Poco/InflatingStream.h>

#include <array>
#include <cstdint>
#include <sstream>

namespace berth::http {
namespace {

Error broken(const std::string& why) {
  return make_error(Code::kBadResponse, "http.body_broken", "The gzip body of the answer is broken: " + why + ".");
}

/// RFC 1952: the last four bytes are the length of the content modulo 2^32, lowest byte first.
std::uint32_t stated_length(const std::string& compressed) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    length |= static_cast<std::uint32_t>(static_cast<unsigned char>(compressed[compressed.size() - 4 + i])) << (8 * i);
  }
  return length;
}

}  // namespace

Result<std::string> inflate_gzip(const std::string& compressed, std::size_t bytes_max) {
  constexpr std::size_t kSmallestGzip = 18;
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
        return make_error(Code::kBadResponse, "http.too_large",
                          "The answer is larger than " + std::to_string(bytes_max) + " bytes after gzip.");
      }
      content.append(piece.data(), got);
    }
  } catch (const Poco::Exception& e) {
    return broken(e.displayText());
  } catch (const std::ios_base::failure& e) {
    return broken(e.what());
  }
  // Reading stops after the first stream; a second one behind it would be lost without a word.
  if (static_cast<std::uint32_t>(content.size()) != stated_length(compressed)) {
    return broken("its length does not agree");
  }
  return content;
}

}  // namespace berth::http
