#pragma once
// Absolute URLs, read strictly. What a URL parser forgives is what an attacker uses, so this one forgives nothing: no
// user info, no fragment, no backslash, no control characters, no second way to write a host.
//
//   Url url = BERTH_TRY(Url::parse("https://www.zohoapis.eu/books/v3/invoices?page=1"));
//   url.origin();                                        // "https://www.zohoapis.eu"
//
// Plain values; any thread.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/core/result.hpp"

namespace berth::http {

/// The longest URL that is sent; servers and proxies refuse longer ones anyway.
inline constexpr std::size_t kUrlBytesMax = 16'000;

struct Url {
  std::string scheme;      // "https" or "http"
  std::string host;        // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  // the scheme's own where none was written
  std::string target;      // path and query, "/" at least

  /// Errors: http.url_refused.
  static Result<Url> parse(std::string_view text);
  /// "https://accounts.zoho.eu", "http://127.0.0.1:8080": the port only where it is not the scheme's own.
  [[nodiscard]] std::string origin() const;
  /// Host and port as the Host header has them.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] bool is_https() const { return scheme == "https"; }
  /// "localhost", 127.0.0.0/8 or ::1, as written: nothing is resolved.
  [[nodiscard]] bool is_loopback() const;
};

}  // namespace berth::http
