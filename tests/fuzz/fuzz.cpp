#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "host/core/text.hpp"

namespace berth::fuzz {

void fail(const char* file, int line, const char* what, const std::string& seen) {
  std::fprintf(stderr, "%s:%d: this does not hold: %s\n%s\n", file, line, what, seen.c_str());
  std::abort();
}

std::uint8_t Input::byte() {
  const auto one = bytes(1);
  return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
}

std::string_view Input::line() {
  const std::size_t end = rest_.find('\n');
  const std::string_view found = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  return found;
}

std::string_view Input::section() {
  constexpr std::string_view kMark = "%%\n";
  std::size_t at = 0;
  while (at < rest_.size() && !rest_.substr(at).starts_with(kMark)) {
    const std::size_t end = rest_.find('\n', at);
    at = end == std::string_view::npos ? rest_.size() : end + 1;
  }
  const std::string_view found = rest_.substr(0, at);
  rest_.remove_prefix(std::min(rest_.size(), at + kMark.size()));
  return found;
}

std::string_view Input::bytes(std::size_t count) {
  const std::string_view found = rest_.substr(0, count);
  rest_.remove_prefix(found.size());
  return found;
}

std::string repository_file(std::string_view path) {
  std::ifstream in(std::string(BERTH_SOURCE_DIR) + "/" + std::string(path), std::ios::binary);
  if (!in) fail(__FILE__, __LINE__, "a file of the repository can be read", std::string(path));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool is_one_line(std::string_view text) {
  return is_valid_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           const auto code = static_cast<unsigned char>(c);
           return code < 0x20 || code == 0x7f;
         });
}

}  // namespace berth::fuzz
