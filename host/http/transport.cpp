#include "host/http/transport.hpp"

#include "host/core/text.hpp"

namespace berth::http {
namespace {

/// RFC 9110, 5.6.2: the characters of a token.
bool is_token_character(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  const auto wanted = lower_ascii(name);
  for (const auto& [key, value] : headers) {
    if (key.size() == wanted.size() && lower_ascii(key) == wanted) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Response::header(std::string_view name) const {
  return find_header(headers, name);
}

Status check_header(std::string_view name, std::string_view value) {
  constexpr std::size_t kHeaderBytesMax = 8'192;
  const auto refused = [&](std::string_view why) {
    return make_error(Code::kInternal, "http.header_refused",
                      "The header \"" + shortened(name, 60) + "\" is not sent: " + std::string(why) + ".");
  };
  if (name.empty()) return refused("it has no name");
  for (const char c : name) {
    if (!is_token_character(c)) return refused("its name has a character that header names do not have");
  }
  // A value with CR LF would begin a header of its own.
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return refused("its value has a control character");
  }
  if (name.size() + value.size() > kHeaderBytesMax) return refused("it is longer than 8,192 bytes");
  return success();
}

}  // namespace berth::http
