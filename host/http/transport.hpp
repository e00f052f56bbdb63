#pragma once
// One HTTP exchange, nothing more: no retries, no quotas, no tokens, no redirects. Those are api_client.hpp's.
//
//   auto transport = make_poco_transport({});
//   Request request{.url = "https://www.zohoapis.com/books/v3/organizations"};
//   Response response = BERTH_TRY(transport->send(request, stop));
//
// The transport owns its connections and keeps them open between requests, by scheme, host and port. send() may be
// called from any thread and blocks until there is a whole answer or an error. A stop request ends it at once.
//
// An answer is whole or it is an error: a body shorter than its Content-Length, a chunked body without its last chunk
// and a gzip body that does not end are errors, never a shorter body.
//
// Times in here are the machine's own (a steady clock), because they bound real sockets; everything above takes its
// time from Clock.
//
// Errors of send(), by reason:
//   http.url_refused       not https (or http to a loopback host where that is allowed), or not a proper URL
//   http.header_refused    a header, the method or the URL to be sent has characters that do not belong there; not sent
//   http.connect           name unknown, nobody listens, network unreachable
//   http.tls               no trusted TLS connection; the message has OpenSSL's reason and the host
//   http.timeout           connecting took too long, or no answer began in time
//   http.too_slow          an answer began, and its headers or its body did not come in time
//   http.closed            the connection ended before an answer began
//   http.truncated         the connection ended inside the answer
//   http.too_large         the body is over the request's limit on the wire
//   http.encoding_bomb     the body is over the request's limit once it is unpacked
//   http.header_too_large  the answer has a header value over 8 KiB or more than 100 headers
//   http.not_http          what came is no HTTP answer
//   http.body_broken       the body's framing or packing is broken
//   http.encoding_unknown  the body is packed in a way that was not asked for
//   http.cancelled         the stop token was stopped
//   http.internal          anything else; the message has the cause
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/secret.hpp"

namespace berth::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The largest body that is accepted, on the wire and inflated, and the largest one that is sent.
inline constexpr std::size_t kBodyBytesMax = 15u << 20u;

struct Request {
  std::string method = "GET";
  std::string url = {};       // absolute
  Headers headers = {};       // Host, Accept-Encoding and Content-Length are the transport's
  Secret authorization = {};  // the value of the Authorization header; empty: none is sent
  std::string body = {};
  /// What is shorter than the transport's own time-outs counts; 0: those alone.
  std::chrono::milliseconds total_deadline{0};
  std::chrono::milliseconds connect_timeout{0};
  std::size_t max_body_bytes = kBodyBytesMax;         // on the wire
  std::size_t max_inflated_bytes = kBodyBytesMax;     // after gzip
};

struct Response {
  int status = 0;
  Headers headers = {};   // names in lower case, in the order they came
  std::string body = {};  // decoded
  /// The first header of that name (lower case), or nothing.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// The first header of that name, compared without case, or nothing.
[[nodiscard]] std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);
/// Errors: http.header_refused, for a name that is no token and for control characters in the value.
[[nodiscard]] Status check_header(std::string_view name, std::string_view value);

class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual Result<Response> send(const Request& request, std::stop_token stop) = 0;
};

/// How long each part of an exchange may take; `http:` of berth.yaml.
struct Timeouts {
  std::chrono::milliseconds connect{10'000};   // for all addresses of the host together, TLS included
  std::chrono::milliseconds header{30'000};    // from the request to the end of the answer's headers
  std::chrono::milliseconds idle{20'000};      // between two pieces of a body
  std::chrono::milliseconds deadline{60'000};  // the whole exchange, from the call to the last byte of the answer
};

struct TransportOptions {
  Timeouts timeouts = {};
  /// PEM file of certificate authorities that are trusted beside the system's own.
  std::string ca_file = {};
  /// Plain http to "localhost", 127.0.0.0/8 and ::1: for a second server on this machine. Never to anything else.
  bool allow_http_loopback = false;
  /// Open connections per scheme, host and port; a request above waits for one.
  std::size_t connections_per_origin_max = 16;
  /// A connection that lay idle longer is not used again; below the 60 s and more that servers keep theirs.
  std::chrono::milliseconds idle_max{20'000};
  std::string user_agent = "berth/0.1";
};

/// Errors: http.tls when the CA file cannot be read.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_poco_transport(TransportOptions options);

}  // namespace berth::http
