#include "host/http/api_request.hpp"

#include <algorithm>
#include <array>

#include "host/core/text.hpp"
#include "host/http/url.hpp"

namespace berth::http {
namespace {

/// Framing, connection and authorisation belong to the host.
constexpr std::array<std::string_view, 15> kHostHeaders{"authorization",    "host",
                                                        "content-length",   "transfer-encoding",
                                                        "connection",       "keep-alive",
                                                        "cookie",           "te",
                                                        "upgrade",          "expect",
                                                        "trailer",          "accept-encoding",
                                                        "proxy-connection", "proxy-authorization",
                                                        "user-agent"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_escape(std::string_view text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '%' && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) return true;
  }
  return false;
}

Status check_method(const ApiCall& call, Mode mode) {
  constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  if (mode == Mode::kPullOnly && call.method != "GET") {
    return make_error(Code::kUnsupported, "berth.pull_only",
                      shortened(call.method, 20) + " " + shortened(call.path, 200) +
                          " is refused: this integration is pull_only, which reads and never writes.");
  }
  if (std::find(kMethods.begin(), kMethods.end(), call.method) == kMethods.end()) {
    return make_error(Code::kInternal, "http.method_refused",
                      "The method \"" + shortened(call.method, 20) + "\" is not known.");
  }
  return success();
}

}  // namespace

Status check_path(std::string_view path) {
  constexpr std::size_t kPathBytesMax = 4'096;
  const auto refused = [&](std::string_view why) {
    return make_error(Code::kInternal, "http.path_refused",
                      "The path \"" + shortened(path, 200) + "\" is refused: " + std::string(why) + ".");
  };
  if (!path.starts_with('/')) return refused("it does not begin with \"/\"");
  if (path.size() > kPathBytesMax) return refused("it is longer than 4,096 bytes");
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] <= ' ' || path[i] > '~') return refused("it has a blank, control or non-ASCII character");
    if (path[i] == '%' && (i + 2 >= path.size() || hex_digit(path[i + 1]) < 0 || hex_digit(path[i + 2]) < 0)) {
      return refused("it has a broken escape");
    }
  }
  // Looked at as a server sees it: what is harmless escaped here may be a way out of the API base there.
  const auto plain = percent_decode(path);
  if (has_escape(plain)) return refused("it is escaped twice");
  for (const char c : plain) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return refused("it has an escaped control character");
    if (c == '?' || c == '#' || c == '\\') return refused(std::string("it has the character ") + c);
  }
  if (plain.find("//") != std::string::npos) return refused("it has \"//\"");
  for (const auto& segment : split(plain, '/')) {
    if (segment == "." || segment == "..") return refused("it has the segment \"" + segment + "\"");
  }
  return success();
}

bool expects_json(const ApiCall& call) {
  if (call.kind == CallKind::kFile) return false;
  const auto accept = find_header(call.headers, "accept");
  return !accept || lower_ascii(*accept).find("json") != std::string::npos || *accept == "*/*";
}

Result<Request> make_request(const ApiCall& call, const ApiOptions& options) {
  BERTH_CHECK(check_method(call, options.mode));
  BERTH_CHECK(check_path(call.path));
  Request request;
  request.method = call.method;
  request.url = options.base_url + call.path;
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    request.url += separator + percent_encode(name) + "=" + percent_encode(value);
    separator = '&';
  }
  if (request.url.size() > kUrlBytesMax) {
    return make_error(Code::kInternal, "http.path_refused",
                      "The request to " + shortened(call.path, 200) + " has an address longer than 16,000 bytes.");
  }
  for (const auto& [name, value] : call.headers) {
    BERTH_CHECK(check_header(name, value));
    const auto lower = lower_ascii(name);
    if (std::find(kHostHeaders.begin(), kHostHeaders.end(), lower) != kHostHeaders.end()) {
      return make_error(Code::kInternal, "http.header_refused", "The header \"" + lower + "\" is the host's own.");
    }
    request.headers.emplace_back(name, value);
  }
  if (!find_header(request.headers, "accept")) request.headers.emplace_back("Accept", "application/json");
  if (!call.body.empty() && !find_header(request.headers, "content-type")) {
    request.headers.emplace_back("Content-Type", "application/json");
  }
  if (call.body.size() > kBodyBytesMax) {
    return make_error(Code::kInternal, "http.too_large", "The body for " + call.path + " is larger than 15 MiB.");
  }
  request.body = call.body;
  return request;
}

}  // namespace berth::http
