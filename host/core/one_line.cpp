#include "host/core/one_line.hpp"

#include "host/core/text.hpp"

namespace berth {
namespace {

/// How many bytes the character at the beginning has; 0: no character of UTF-8.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (is_valid_utf8(text.substr(0, size))) return size;
  }
  return 0;
}

}  // namespace

std::string one_line(std::string_view bytes, std::size_t limit) {
  std::string line;
  bool is_blank = false;
  for (std::size_t at = 0; at < bytes.size() && line.size() <= limit;) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
      is_blank = !line.empty();
      ++at;
      continue;
    }
    if (is_blank) line += ' ';
    is_blank = false;
    const std::size_t size = byte < 0x20 || byte == 0x7f ? 0 : character_bytes(bytes.substr(at, 4));
    // C1 controls (U+0080 to U+009F) move terminals, too.
    const bool is_control = size == 2 && byte == 0xC2 && static_cast<unsigned char>(bytes[at + 1]) < 0xA0;
    if (size == 0 || is_control) {
      line += '?';
    } else {
      line.append(bytes, at, size);
    }
    at += size == 0 ? 1 : size;
  }
  return shortened(line, limit);
}

}  // namespace berth
