#pragma once
// The HTTP listener: reads a request whole, within limits, gives it to one handler, writes the answer. Routing, roles and
// meaning are the handler's.
//
//   Server server({.host = "127.0.0.1", .port = 8484}, [&](const Request& request) { return api.handle(request); });
//   BERTH_CHECK(server.start());
//
// The handler is called on threads of the server's own pool, several at once. A handler that throws becomes a 500; it
// never takes the server down. Errors of start(): server.listen.
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/result.hpp"
#include "host/telemetry/log.hpp"

namespace berth::server {

/// A request's body; more is answered with 413.
inline constexpr std::size_t kBodyBytesMax = 2u << 20u;
/// Address and headers together; more is answered with 431.
inline constexpr std::size_t kHeaderBytesMax = 32u << 10u;
inline constexpr std::size_t kHeadersMax = 100;
inline constexpr std::size_t kThreadsMax = 64;
inline constexpr std::size_t kQueuedMax = 128;
inline constexpr std::chrono::seconds kRequestTimeout{10};
inline constexpr std::chrono::seconds kIdleTimeout{5};
/// Of a streamed body, before the answer begins.
inline constexpr std::size_t kStreamHeldBytes = 64u << 10u;

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;                             // "GET"
  std::string path;                               // "/api/v1/runs", as sent, not decoded
  std::string raw_query;                          // without "?"
  Pairs query;                                    // decoded
  Pairs headers;                                  // names in lower case
  std::string body;
  std::string peer;                               // "127.0.0.1"
  std::map<std::string, std::string> parameters;  // of the path; the router fills them in
  std::string actor;                              // who asks; the router fills it in

  /// The first header of that name (lower case); "" if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// The first query value of that name; "" if there is none.
  [[nodiscard]] std::string_view argument(std::string_view name) const;
};

/// Takes the next piece of a body; false: nobody reads on.
using WriteBody = std::function<bool(std::string_view piece)>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  Pairs headers;
  std::string body;
  /// Instead of `body`: writes it piece by piece, so that it is never whole in memory. It is called once, while the request is
  /// answered. An error before kStreamHeldBytes were written is answered as a problem; after that the connection is cut, so
  /// that a body that ended early cannot be taken for a whole one.
  std::function<Status(const WriteBody& write)> stream{};
};

using Handler = std::function<Response(const Request& request)>;

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;                         // 0: any free one
  telemetry::Log log;
};

class Server {
 public:
  Server(ServerOptions options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status start();
  /// Ends requests under way and closes the port.
  void stop();
  /// The port that is listened on, once started.
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Splits "a=1&b=%20x" into decoded pairs; "+" is a blank.
[[nodiscard]] Pairs parse_query(std::string_view raw);

}  // namespace berth::server
