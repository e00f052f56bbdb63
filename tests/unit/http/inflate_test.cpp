// gzip bodies that are whole, cut off and changed. What a fuzzer tries besides is in tests/fuzz/targets/gzip.cpp.
#include "host/http/inflate.hpp"

#include <doctest/doctest.h>

#include <iterator>

using namespace berth;

namespace {

// {"code":0}
constexpr unsigned char kWhole[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                    0xab, 0x56, 0x4a, 0xce, 0x4f, 0x49, 0x55, 0xb2, 0x32, 0xa8,
                                    0x05, 0x00, 0x98, 0xae, 0x3c, 0x72, 0x0a, 0x00, 0x00, 0x00};
// A stream that breaks off where the four bytes that would be its length fit what had come until then.
constexpr unsigned char kBreaksOff[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                        0xed, 0xc1, 0x01, 0x01, 0x00, 0x00, 0x00, 0x82, 0x20, 0xff,
                                        0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                        0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00};

template <std::size_t kSize>
std::string bytes(const unsigned char (&array)[kSize]) {
  return {std::begin(array), std::end(array)};
}

std::string reason_of(const std::string& body) {
  const auto content = http::inflate_gzip(body, 1'000);
  return content.ok() ? "ok" : content.error().reason;
}

}  // namespace

TEST_CASE("a gzip body that breaks off is broken, also where its last bytes look like its length") {
  CHECK(reason_of(bytes(kBreaksOff)) == "http.body_broken");
  for (std::size_t size = 0; size < std::size(kWhole); ++size)
    CHECK(reason_of(bytes(kWhole).substr(0, size)) == "http.body_broken");
}

TEST_CASE("a gzip body whose checksum or length was changed is broken") {
  for (std::size_t from_end = 1; from_end <= 8; ++from_end) {
    std::string body = bytes(kWhole);
    body[body.size() - from_end] = static_cast<char>(body[body.size() - from_end] ^ 1);
    CHECK(reason_of(body) == "http.body_broken");
  }
}

TEST_CASE("a whole gzip body is its content") {
  CHECK(http::inflate_gzip(bytes(kWhole), 1'000).value() == R"({"code":0})");
  CHECK(http::inflate_gzip(bytes(kWhole), 9).error().reason == "http.encoding_bomb");
}
