// The transport against servers that misbehave: each guard has a server that misbehaves in just that way.
#include <Poco/DeflatingStream.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <sstream>

#include "host/http/transport.hpp"
#include "unit/http/raw_server.hpp"

using namespace berth;
using berth::http::Request;
using berth::test::RawServer;
using Peer = RawServer::Peer;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<http::Transport> make_transport(std::size_t connections = 16,
                                                std::chrono::milliseconds idle_max = 20s) {
  http::TransportOptions options;
  options.allow_http_loopback = true;
  options.connections_per_origin_max = connections;
  options.idle_max = idle_max;
  auto transport = http::make_poco_transport(options);
  REQUIRE(transport.ok());
  return std::move(transport).value();
}

Request get(const std::string& url, std::chrono::milliseconds deadline = 5s) {
  Request request;
  request.url = url;
  request.total_deadline = deadline;
  return request;
}

std::string reason_of(const Result<http::Response>& response) {
  return response ? "ok" : response.error().reason;
}

/// One request to a server that sends these bytes and closes.
std::string reason_for(const std::string& bytes) {
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.send(bytes);
  });
  return reason_of(make_transport()->send(get(server.url("/")), {}));
}

std::string gzip(const std::string& text) {
  std::ostringstream out;
  Poco::DeflatingOutputStream deflating(out, Poco::DeflatingStreamBuf::STREAM_GZIP);
  deflating << text;
  deflating.close();
  return out.str();
}

}  // namespace

TEST_CASE("a body shorter than its Content-Length is an error, not a shorter body") {
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnine byte") == "http.truncated");
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnine byte") == "ok");
}

TEST_CASE("a chunked body without its last chunk is an error") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(reason_for(head + "9\r\nnine byte\r\n") == "http.truncated");
  CHECK(reason_for(head + "20\r\nnine byte") == "http.truncated");
  CHECK(reason_for(head) == "http.truncated");
  CHECK(reason_for(head + "9\r\nnine byte\r\n0") == "http.truncated");
  CHECK(reason_for(head + "9\r\nnine byte\r\n0\r\n\r\n") == "ok");
}

TEST_CASE("a cut chunked body is found also on a connection that says close") {
  CHECK(reason_for("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnine byte\r\n") ==
        "http.truncated");
}

TEST_CASE("a chunked body with a broken chunk size is an error while the connection stays open") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnine byte\r\nzz\r\n");
    peer.wait(3'000);
  });
  CHECK(reason_of(make_transport()->send(get(server.url("/")), {})) == "http.body_broken");
}

TEST_CASE("an answer that ends inside its headers is an error") {
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Type: app") == "http.truncated");
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n") == "http.truncated");
  CHECK(reason_for("") == "http.closed");
}

TEST_CASE("Content-Length headers that disagree or are no number are refused") {
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nnine byte") == "http.body_broken");
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Length: 4x\r\n\r\nnine byte") == "http.body_broken");
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\nnine byte") == "http.body_broken");
  CHECK(reason_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") == "http.body_broken");
}

TEST_CASE("a server that drips its body is ended by the total deadline") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (!peer.wait(20)) peer.send("x");
  });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(reason_of(make_transport()->send(get(server.url("/"), 300ms), {})) == "http.too_slow");
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("a server that drips its headers is ended by the total deadline") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nX-Slow: ");
    while (!peer.wait(20)) peer.send("x");
  });
  CHECK(reason_of(make_transport()->send(get(server.url("/"), 300ms), {})) == "http.too_slow");
}

TEST_CASE("D13: connecting, headers, silence inside a body and the whole exchange have a time each") {
  const auto timed = [](http::Timeouts timeouts, RawServer::Handler handler) {
    RawServer server(std::move(handler));
    http::TransportOptions options;
    options.allow_http_loopback = true;
    options.timeouts = timeouts;
    const auto transport = std::move(http::make_poco_transport(options)).value();
    const auto begin = std::chrono::steady_clock::now();
    const auto response = transport->send({.url = server.url("/")}, {});
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    return response ? response->body : response.error().reason + ": " + response.error().message.substr(response.error().message.find(' '));
  };
  const http::Timeouts header{.header = 200ms};
  const http::Timeouts idle{.idle = 200ms};
  // Silence, and headers one byte at a time.
  CHECK(timed(header, [](Peer& peer) { peer.read_request(), peer.wait(10'000); }).starts_with("http.timeout"));
  CHECK(timed(header, [](Peer& peer) {
          peer.read_request();
          peer.send("HTTP/1.1 200 OK\r\nX-Slow: ");
          while (!peer.wait(20)) peer.send("x");
        }) == "http.too_slow:  began to answer, but its headers did not come in time.");
  // A body that stops is given up; one that goes on slowly is not, until the whole time is over.
  CHECK(timed(idle, [](Peer& peer) {
          peer.read_request();
          peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
          peer.wait(10'000);
        }) == "http.too_slow:  began to answer, but the rest of its body did not come in time.");
  CHECK(timed(idle, [](Peer& peer) {
          peer.read_request();
          peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab");
          peer.wait(10'000);
        }) == "http.too_slow:  began to answer, but the rest of its body did not come in time.");
  const auto drip = [](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
    for (const char c : std::string_view("abcdefgh")) {
      if (peer.wait(60)) return;
      peer.send(std::string(1, c));
    }
  };
  CHECK(timed(idle, drip) == "abcdefgh");
  CHECK(timed({.deadline = 250ms}, drip) == "http.too_slow:  began to answer, but the whole answer did not come in time.");
}

TEST_CASE("a server that never answers is ended by the total deadline, and a stop request ends the wait at once") {
  std::promise<void> asked;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    if (peer.connection() == 2) asked.set_value();
    peer.wait(10'000);
  });
  auto transport = make_transport();
  CHECK(reason_of(transport->send(get(server.url("/"), 200ms), {})) == "http.timeout");
  std::stop_source stop;
  std::jthread stopper([&] {
    asked.get_future().wait();
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(reason_of(transport->send(get(server.url("/"), 60s), stop.get_token())) == "http.cancelled");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("connections are kept open and used again") {
  RawServer server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.answer("{}");
  });
  auto transport = make_transport();
  for (int i = 0; i < 5; ++i) CHECK(reason_of(transport->send(get(server.url("/")), {})) == "ok");
  CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the server closed is noticed before it is used") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.answer("{}");
    if (peer.connection() > 1) peer.wait(3'000);
  });
  auto transport = make_transport();
  CHECK(reason_of(transport->send(get(server.url("/")), {})) == "ok");
  CHECK(reason_of(transport->send(get(server.url("/")), {})) == "ok");
  CHECK(server.connections() == 2);
}

TEST_CASE("a GET on a kept connection that dies under it is sent once more, on a new one") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.answer("{}");
    peer.read_request();  // the second request is read, and then the connection dies
    if (peer.connection() > 1) peer.answer("{}");
  });
  auto transport = make_transport();
  CHECK(reason_of(transport->send(get(server.url("/1")), {})) == "ok");
  CHECK(reason_of(transport->send(get(server.url("/2")), {})) == "ok");
  CHECK(server.connections() == 2);
}

TEST_CASE("a request on a new connection that dies is not sent again") {
  RawServer server([](Peer& peer) { peer.read_request(); });
  CHECK(reason_of(make_transport()->send(get(server.url("/")), {})) == "http.closed");
  CHECK(server.connections() == 1);
}

TEST_CASE("a POST never uses a kept connection and is never sent twice") {
  std::atomic<int> posts{0};
  RawServer server([&](Peer& peer) {
    for (;;) {
      const auto request = peer.read_request();
      if (request.empty()) return;
      if (request.starts_with("POST")) {
        ++posts;
        return;
      }
      peer.answer("{}");
    }
  });
  auto transport = make_transport();
  CHECK(reason_of(transport->send(get(server.url("/")), {})) == "ok");
  auto post = get(server.url("/"));
  post.method = "POST";
  post.body = "a=1";
  CHECK(reason_of(transport->send(post, {})) == "http.closed");
  CHECK(posts == 1);
  CHECK(server.connections() == 2);
}

TEST_CASE("a connection that lay idle too long is not used again") {
  RawServer server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.answer("{}");
  });
  auto transport = make_transport(16, 0ms);
  CHECK(reason_of(transport->send(get(server.url("/")), {})) == "ok");
  CHECK(reason_of(transport->send(get(server.url("/")), {})) == "ok");
  CHECK(server.connections() == 2);
}

TEST_CASE("no more connections are open to a server than the pool allows") {
  std::atomic<int> open{0};
  std::atomic<int> most{0};
  RawServer server([&](Peer& peer) {
    most = std::max<int>(most, ++open);
    while (!peer.read_request().empty()) {
      peer.wait(20);
      peer.answer("{}");
    }
    --open;
  });
  auto transport = make_transport(2);
  std::vector<std::jthread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] { good += transport->send(get(server.url("/")), {}).ok() ? 1 : 0; });
  }
  threads.clear();
  CHECK(good == 6);
  CHECK(most <= 2);
}

TEST_CASE("waiting for a free connection ends with the deadline") {
  std::promise<void> taken;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    if (peer.connection() == 1) taken.set_value();
    peer.wait(10'000);
  });
  auto transport = make_transport(1);
  std::stop_source stop;
  std::jthread first([&] { (void)transport->send(get(server.url("/"), 30s), stop.get_token()); });
  taken.get_future().wait();
  CHECK(reason_of(transport->send(get(server.url("/"), 150ms), {})) == "http.timeout");
  stop.request_stop();
}

TEST_CASE("what is left of an answer never becomes part of the next one") {
  RawServer server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.answer(std::string(2'000, 'x'));
  });
  auto transport = make_transport();
  auto small = get(server.url("/"));
  small.max_body_bytes = 1'000;
  CHECK(reason_of(transport->send(small, {})) == "http.too_large");
  const auto whole = transport->send(get(server.url("/")), {});
  REQUIRE(whole.ok());
  CHECK(whole->body.size() == 2'000);
  CHECK(server.connections() == 2);
}

TEST_CASE("bytes after an answer make the connection unusable instead of spoiling the next answer") {
  RawServer server([](Peer& peer) {
    while (!peer.read_request().empty())
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 500 Evil\r\n\r\n");
  });
  auto transport = make_transport();
  for (int i = 0; i < 3; ++i) {
    const auto response = transport->send(get(server.url("/")), {});
    REQUIRE(response.ok());
    CHECK(response->status == 200);
  }
  CHECK(server.connections() == 3);
}

TEST_CASE("bodies over the limit are refused, with a length, chunked and without either") {
  const std::string body(5'000, 'x');
  const auto reason = [&](const std::string& bytes) {
    RawServer server([&](Peer& peer) {
      peer.read_request();
      peer.send(bytes);
    });
    auto request = get(server.url("/"));
    request.max_body_bytes = 4'999;
    return reason_of(make_transport()->send(request, {}));
  };
  CHECK(reason("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + body) == "http.too_large");
  CHECK(reason("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + body + "\r\n0\r\n\r\n") ==
        "http.too_large");
  CHECK(reason("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body) == "http.too_large");
}

TEST_CASE("gzip is asked for, inflated, and leaves the connection usable") {
  test::Kept asked;
  RawServer server([&](Peer& peer) {
    for (;;) {
      const auto request = peer.read_request();
      if (request.empty()) return;
      asked.set(request);
      peer.answer(gzip(R"({"code":0})"), "Content-Encoding: gzip\r\n");
    }
  });
  auto transport = make_transport();
  for (int i = 0; i < 2; ++i) {
    const auto response = transport->send(get(server.url("/")), {});
    REQUIRE(response.ok());
    CHECK(response->body == R"({"code":0})");
  }
  CHECK(asked.get().find("Accept-Encoding: gzip") != std::string::npos);
  CHECK(server.connections() == 1);
}

TEST_CASE("a gzip bomb is stopped at the limit, and a gzip body that is cut or damaged is an error") {
  const auto bomb = gzip(std::string(20u << 20u, 'x'));
  CHECK(bomb.size() < 100'000);
  const auto serve = [](const std::string& body) {
    RawServer server([&](Peer& peer) {
      peer.read_request();
      peer.answer(body, "Content-Encoding: gzip\r\n");
    });
    return reason_of(make_transport()->send(get(server.url("/")), {}));
  };
  CHECK(serve(bomb) == "http.encoding_bomb");
  const auto good = gzip("a body that is long enough to be cut somewhere in the middle of it");
  CHECK(serve(good) == "ok");
  CHECK(serve(good.substr(0, good.size() - 8)) == "http.body_broken");
  CHECK(serve(good.substr(0, good.size() / 2)) == "http.body_broken");
  CHECK(serve("this is no gzip at all, not even nearly") == "http.body_broken");
  CHECK(serve("short") == "http.body_broken");
  CHECK(serve(good + gzip("a second stream")) == "http.body_broken");
}

TEST_CASE("an encoding that was not asked for is an error") {
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc") == "http.encoding_unknown");
  CHECK(reason_for("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 3\r\n\r\nabc") == "http.encoding_unknown");
}

TEST_CASE("giant and countless headers are errors with a reason of their own") {
  CHECK(reason_for("HTTP/1.1 200 OK\r\nX-Giant: " + std::string(9'000, 'x') + "\r\nContent-Length: 0\r\n\r\n") ==
        "http.header_too_large");
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 120; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  CHECK(reason_for(many + "Content-Length: 0\r\n\r\n") == "http.header_too_large");
  CHECK(reason_for("SSH-2.0-OpenSSH_9.2\r\n\r\n") == "http.not_http");
  CHECK(reason_for(std::string(100'000, 'x')) == "http.not_http");
}

TEST_CASE("a header with a line break is refused and nothing is sent") {
  RawServer server([](Peer& peer) { peer.read_request(); });
  auto transport = make_transport();
  const auto refuse = [&](auto change) {
    auto request = get(server.url("/"));
    change(request);
    CHECK(reason_of(transport->send(request, {})) == "http.header_refused");
  };
  refuse([](Request& r) { r.headers = {{"X-A", "1\r\nX-Evil: 1"}}; });
  refuse([](Request& r) { r.headers = {{"X-A", "1\nX-Evil: 1"}}; });
  refuse([](Request& r) { r.headers = {{"X-A\r\nX-Evil", "1"}}; });
  refuse([](Request& r) { r.headers = {{"X A", "1"}}; });
  refuse([](Request& r) { r.headers = {{"", "1"}}; });
  refuse([](Request& r) { r.headers = {{"X-A", std::string("1\0", 2)}}; });
  refuse([](Request& r) { r.authorization = Secret("Bearer a\r\nX-Evil: 1"); });
  refuse([](Request& r) { r.method = "GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET"; });
  CHECK(reason_of(transport->send(get(server.url("/ HTTP/1.1\r\nX-Evil: 1")), {})) == "http.url_refused");
  CHECK(server.connections() == 0);
}

TEST_CASE("redirects are answers and never followed") {
  RawServer target([](Peer& peer) { peer.read_request(); });
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 302 Found\r\nLocation: " + target.url("/") + "\r\nContent-Length: 0\r\n\r\n");
  });
  const auto response = make_transport()->send(get(server.url("/")), {});
  REQUIRE(response.ok());
  CHECK(response->status == 302);
  CHECK(target.connections() == 0);
}

TEST_CASE("plain http goes to this machine only, and only where it is switched on") {
  auto transport = make_transport();
  CHECK(reason_of(transport->send(get("http://192.0.2.1/"), {})) == "http.url_refused");
  CHECK(reason_of(transport->send(get("http://127.0.0.1.example.com/"), {})) == "http.url_refused");
  CHECK(reason_of(transport->send(get("http://0x7f.1/"), {})) == "http.url_refused");
  CHECK(reason_of(transport->send(get("ftp://127.0.0.1/"), {})) == "http.url_refused");
  CHECK(reason_of(transport->send(get("https://user@www.zohoapis.com/"), {})) == "http.url_refused");
  RawServer server([](Peer& peer) { peer.read_request(); });
  auto strict = http::make_poco_transport({});
  REQUIRE(strict.ok());
  CHECK(reason_of((*strict)->send(get(server.url("/")), {})) == "http.url_refused");
  CHECK(server.connections() == 0);
}

TEST_CASE("nobody listening is told apart from a broken answer") {
  int port = 0;
  {
    RawServer server([](Peer&) {});
    port = server.port();
  }
  CHECK(reason_of(make_transport()->send(get("http://127.0.0.1:" + std::to_string(port) + "/"), {})) == "http.connect");
}

TEST_CASE("proxies named by the environment are not used") {
  RawServer proxy([](Peer& peer) { peer.read_request(); });
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.answer("direct");
  });
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  ::setenv("HTTP_PROXY", proxy.url("").c_str(), 1);
  const auto response = make_transport()->send(get(server.url("/")), {});
  ::unsetenv("http_proxy");
  ::unsetenv("HTTP_PROXY");
  REQUIRE(response.ok());
  CHECK(response->body == "direct");
  CHECK(proxy.connections() == 0);
}

TEST_CASE("header names come in lower case, and bodies of any bytes whole") {
  const std::string bytes("\0\r\n\xff%PDF", 8);
  test::Kept asked;
  RawServer server([&](Peer& peer) {
    asked.set(peer.read_request());
    peer.answer(bytes, "X-Rate-Limit-Limit: 1000\r\n");
  });
  auto request = get(server.url("/a%20b?x=1"));
  request.method = "PUT";
  request.body = bytes;
  request.authorization = Secret("Zoho-oauthtoken 1000.made.up");
  const auto response = make_transport()->send(request, {});
  REQUIRE(response.ok());
  CHECK(response->body == bytes);
  CHECK(response->header("X-Rate-Limit-Limit").value_or("") == "1000");
  CHECK(response->headers.front().first == "x-rate-limit-limit");
  CHECK(asked.get().starts_with("PUT /a%20b?x=1 HTTP/1.1\r\n"));
  CHECK(asked.get().find("Authorization: Zoho-oauthtoken 1000.made.up\r\n") != std::string::npos);
  CHECK(asked.get().find("Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
  CHECK(asked.get().ends_with(bytes));
}
