#include "host/http/url.hpp"

#include <charconv>

#include "host/core/text.hpp"

namespace berth::http {
namespace {

Error refused(std::string_view text, std::string_view why) {
  return make_error(Code::kInvalidConfig, "http.url_refused",
                    "The address \"" + shortened(text, 200) + "\" is refused: " + std::string(why) + ".");
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_ipv6_character(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  if (text.size() > kUrlBytesMax) return refused(text, "it is longer than 16,000 bytes");
  for (const char c : text) {
    if (c <= ' ' || c > '~') return refused(text, "it has a blank, control or non-ASCII character");
    if (c == '\\' || c == '#' || c == '"' || c == '<' || c == '>') {
      return refused(text, std::string("it has the character ") + c);
    }
  }
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return refused(text, "it does not begin with https://");
  Url url;
  url.scheme = lower_ascii(text.substr(0, colon));
  if (url.scheme != "https" && url.scheme != "http") return refused(text, "its scheme is neither https nor http");
  url.port = url.is_https() ? 443 : 80;
  text.remove_prefix(colon + 3);
  const auto slash = text.find_first_of("/?");
  const auto authority = text.substr(0, slash);
  if (slash == std::string_view::npos) {
    url.target = "/";
  } else {
    url.target = (text[slash] == '?' ? "/" : "") + std::string(text.substr(slash));
  }
  if (authority.find('@') != std::string_view::npos) return refused(text, "it has user information");

  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return refused(text, "its host is broken");
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    for (const char c : lower_ascii(host)) {
      if (!is_ipv6_character(c)) return refused(text, "its host is broken");
    }
    if (host.find(':') == std::string_view::npos) return refused(text, "its host is broken");
  } else {
    const auto at = authority.find(':');
    host = authority.substr(0, at);
    port = at == std::string_view::npos ? std::string_view{} : authority.substr(at);
    for (const char c : lower_ascii(host)) {
      if (!is_host_character(c)) return refused(text, "its host has characters that host names do not have");
    }
    if (host.starts_with('.') || host.ends_with('.') || host.find("..") != std::string_view::npos) {
      return refused(text, "its host is broken");
    }
  }
  if (host.empty()) return refused(text, "it has no host");
  url.host = lower_ascii(host);
  if (!port.empty()) {
    unsigned value = 0;
    const auto* end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data() + 1, end, value);
    if (port[0] != ':' || error != std::errc{} || stop != end || value == 0 || value > 65'535) {
      return refused(text, "its port is broken");
    }
    url.port = static_cast<std::uint16_t>(value);
  }
  return url;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (is_https() ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const {
  return scheme + "://" + authority();
}

bool Url::is_loopback() const {
  if (host == "localhost" || host == "::1") return true;
  // Exactly four decimal numbers: other spellings of an address ("127.1", "0x7f.1") are names for us.
  const auto parts = split(host, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (const auto& part : parts) {
    if (part.empty() || part.size() > 3 || part.find_first_not_of("0123456789") != std::string::npos) return false;
    if (part.size() > 1 && part[0] == '0') return false;
  }
  return true;
}

}  // namespace berth::http
