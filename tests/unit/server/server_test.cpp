// The listener against clients that send too much, too little, or nothing, over real sockets of the loopback.
#include "host/server/server.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

using namespace berth;
using namespace berth::server;

namespace {

/// A plain TCP client.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False when the server closed meanwhile.
  bool send_text(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// One answer: until its Content-Length is there, or the connection ends.
  std::string answer() const {
    std::string text;
    char buffer[4096];
    while (!is_whole(text)) {
      const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  [[nodiscard]] bool is_closed() const {
    char byte = 0;
    return recv(socket_, &byte, 1, 0) == 0;
  }

 private:
  static bool is_whole(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto length = text.find("Content-Length: ");
    return length != std::string::npos && text.size() >= end + 4 + std::stoul(text.substr(length + 16));
  }
  int socket_;
};

std::string get(const std::string& path, const std::string& more = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

struct Listening {
  explicit Listening(Handler handler) : server({.host = "127.0.0.1", .port = 0, .log = {}}, std::move(handler)) {
    const Status started = server.start();
    REQUIRE_MESSAGE(started.ok(), started.error().message);
  }
  Server server;
};

}  // namespace

TEST_CASE("a port that somebody listens on is refused with its number, not shared") {
  Listening first([](const Request&) { return Response{}; });
  Server second({.host = "127.0.0.1", .port = first.server.port(), .log = {}}, [](const Request&) { return Response{}; });
  const Status started = second.start();
  REQUIRE(!started.ok());
  CHECK(started.error().reason == "server.listen");
  CHECK(started.error().message.find(std::to_string(first.server.port())) != std::string::npos);
  second.stop();   // nothing to stop
}

TEST_CASE("a handler that throws becomes a 500 without its words, and the server goes on") {
  int times = 0;
  Listening listening([&](const Request& request) -> Response {
    ++times;
    if (request.path == "/error") throw std::runtime_error("secret detail");
    if (request.path == "/number") throw 42;
    return Response{.status = 200, .content_type = "text/plain", .headers = {}, .body = "fine"};
  });
  for (const char* path : {"/error", "/number"}) {
    CAPTURE(path);
    Client client(listening.server.port());
    client.send_text(get(path));
    const std::string answer = client.answer();
    CHECK(answer.starts_with("HTTP/1.1 500"));
    CHECK(answer.find("application/problem+json") != std::string::npos);
    CHECK(answer.find("server.internal") != std::string::npos);
    CHECK(answer.find("secret detail") == std::string::npos);
  }
  Client client(listening.server.port());
  client.send_text(get("/"));
  CHECK(client.answer().find("fine") != std::string::npos);
  CHECK(times == 3);
}

TEST_CASE("a body above the limit is answered with 413 and the connection ends, the handler is not called") {
  std::atomic<int> times = 0;
  Listening listening([&](const Request&) {
    ++times;
    return Response{};
  });
  SUBCASE("said by its length") {
    Client client(listening.server.port());
    client.send_text("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kBodyBytesMax + 1) + "\r\n\r\n");
    CHECK(client.answer().starts_with("HTTP/1.1 413"));
    CHECK(client.is_closed());
  }
  SUBCASE("chunked, without an end") {
    Client client(listening.server.port());
    client.send_text("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65'536, 'x') + "\r\n";
    for (int i = 0; i < 33; ++i) {
      if (!client.send_text(chunk)) break;
    }
    CHECK(client.answer().starts_with("HTTP/1.1 413"));
  }
  CHECK(times == 0);
}

TEST_CASE("a body of exactly the limit arrives whole") {
  std::size_t seen = 0;
  Listening listening([&](const Request& request) {
    seen = request.body.size();
    return Response{};
  });
  Client client(listening.server.port());
  client.send_text("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kBodyBytesMax) + "\r\n\r\n");
  client.send_text(std::string(kBodyBytesMax, 'x'));
  CHECK(client.answer().starts_with("HTTP/1.1 200"));
  CHECK(seen == kBodyBytesMax);
}

TEST_CASE("a request without a body is answered at once, also a POST without a length") {
  Listening listening([](const Request&) { return Response{}; });
  for (const char* method : {"GET", "POST", "DELETE"}) {
    CAPTURE(method);
    Client client(listening.server.port());
    const auto began = std::chrono::steady_clock::now();
    client.send_text(std::string(method) + " / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.answer().starts_with("HTTP/1.1 200"));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(3));
  }
}

TEST_CASE("headers that are too many or too long never reach the handler") {
  std::atomic<int> times = 0;
  Listening listening([&](const Request&) {
    ++times;
    return Response{};
  });
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "X-Number-" + std::to_string(i) + ": 1\r\n";
  for (const std::string& request : {get("/", many), get("/", "X-Long: " + std::string(100'000, 'a') + "\r\n"), get("/" + std::string(100'000, 'a')),
                                     std::string("\x16\x03\x01 this is no HTTP\r\n\r\n")}) {
    Client client(listening.server.port());
    client.send_text(request);
    const std::string answer = client.answer();
    CHECK_MESSAGE((answer.empty() || answer.starts_with("HTTP/1.1 4")), request.substr(0, 40) << " -> " << answer.substr(0, 300));
  }
  CHECK(times == 0);
}

TEST_CASE("stop ends a server with an idle connection within seconds") {
  auto listening = std::make_unique<Listening>([](const Request&) { return Response{}; });
  Client client(listening->server.port());
  client.send_text(get("/"));
  CHECK(client.answer().starts_with("HTTP/1.1 200"));   // the connection stays open
  const auto began = std::chrono::steady_clock::now();
  listening->server.stop();
  CHECK(std::chrono::steady_clock::now() - began < kIdleTimeout + std::chrono::seconds(3));
  listening->server.stop();   // twice is fine
}

TEST_CASE("every answer carries the headers that keep browsers from guessing") {
  Listening listening([](const Request&) {
    return Response{.status = 200, .content_type = "text/html", .headers = {{"X-Own", "1"}}, .body = "<p>"};
  });
  Client client(listening.server.port());
  client.send_text("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer = client.answer();
  for (const char* header : {"X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'self'", "Cache-Control: no-store",
                             "Referrer-Policy: no-referrer", "X-Own: 1", "Content-Length: 3"}) {
    CHECK_MESSAGE(answer.find(header) != std::string::npos, header);
  }
  CHECK(answer.find("<p>") == std::string::npos);   // HEAD
}

TEST_CASE("queries are split and decoded, names keep their first value") {
  const Pairs pairs = parse_query("a=1&b=%20x+y&&c&a=2&d=%zz");
  Request request;
  request.query = pairs;
  CHECK(request.argument("a") == "1");
  CHECK(request.argument("b") == " x y");
  CHECK(request.argument("c") == "");
  CHECK(request.argument("none") == "");
}

TEST_CASE("a streamed body goes out piece by piece, as chunks, whole and in order") {
  constexpr std::size_t kPieces = 4000;
  const std::string piece(8192, 'x');   // 32 MiB in all
  std::atomic<std::size_t> written = 0;
  Listening listening([&](const Request&) {
    Response response;
    response.content_type = "text/csv";
    response.stream = [&](const WriteBody& write) -> Status {
      for (std::size_t i = 0; i < kPieces; ++i, ++written) {
        if (!write(piece)) return make_error(Code::kCancelled, "test.gone", "nobody reads on");
      }
      return success();
    };
    return response;
  });
  SUBCASE("to its end") {
    Client client(listening.server.port());
    REQUIRE(client.send_text(get("/", "Connection: close\r\n")));
    const std::string answer = client.answer();
    CHECK(answer.starts_with("HTTP/1.1 200"));
    CHECK(answer.find("Transfer-Encoding: chunked") != std::string::npos);
    CHECK(answer.find("Content-Length") == std::string::npos);
    CHECK(answer.ends_with("0\r\n\r\n"));
    CHECK(static_cast<std::size_t>(std::count(answer.begin(), answer.end(), 'x')) >= kPieces * piece.size());
    CHECK(written == kPieces);
  }
  SUBCASE("to an old client, until the connection ends") {
    Client client(listening.server.port());
    REQUIRE(client.send_text("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"));
    const std::string answer = client.answer();
    CHECK(answer.find("chunked") == std::string::npos);
    CHECK(answer.size() > kPieces * piece.size());
  }
  SUBCASE("and no further than somebody reads") {
    {
      Client client(listening.server.port());
      REQUIRE(client.send_text(get("/")));
    }
    listening.server.stop();   // waits for the request to end
    CHECK(written < kPieces);
  }
}

TEST_CASE("a streamed body that fails is a problem before it began, and is cut after that") {
  Listening listening([](const Request& request) {
    Response response;
    const bool is_late = request.path == "/late", is_short = request.path == "/short";
    response.stream = [is_late, is_short](const WriteBody& write) -> Status {
      write("short");
      if (is_short) return success();
      if (is_late) write(std::string(kStreamHeldBytes * 2, 'x'));
      return make_error(Code::kUnavailable, "storage.failed", "the disk is gone");
    };
    return response;
  });
  Client early(listening.server.port());
  REQUIRE(early.send_text(get("/early")));
  const std::string problem = early.answer();
  CHECK(problem.starts_with("HTTP/1.1 500"));
  CHECK(problem.find("storage.failed") != std::string::npos);

  Client late(listening.server.port());
  REQUIRE(late.send_text(get("/late")));
  const std::string cut = late.answer();   // until the connection ends
  CHECK(cut.starts_with("HTTP/1.1 200"));
  CHECK(!cut.ends_with("0\r\n\r\n"));

  Client brief(listening.server.port());
  REQUIRE(brief.send_text(get("/short")));
  const std::string whole = brief.answer();
  CHECK(whole.starts_with("HTTP/1.1 200"));
  CHECK(whole.find("Content-Length: 5") != std::string::npos);
  CHECK(whole.ends_with("\r\n\r\nshort"));
}
