// TLS: who is trusted, and what an operator reads when nobody is.
#include <Poco/Net/NetSSL.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>

#include "host/http/transport.hpp"
#include "unit/http/certificates.hpp"
#include "unit/http/raw_server.hpp"

using namespace berth;
using berth::test::Certificates;
using berth::test::Identity;
using berth::test::RawServer;
using Peer = RawServer::Peer;
using namespace std::chrono_literals;

namespace {

Poco::Net::Context::Ptr server_context(const Identity& identity) {
  Poco::Net::initializeSSL();
  Poco::Net::Context::Params parameters;
  parameters.privateKeyFile = identity.key_file;
  parameters.certificateFile = identity.certificate_file;
  parameters.verificationMode = Poco::Net::Context::VERIFY_NONE;
  return new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, parameters);
}

std::unique_ptr<http::Transport> trusting(const Identity& authority) {
  http::TransportOptions options;
  options.ca_file = authority.certificate_file;
  auto transport = http::make_poco_transport(options);
  REQUIRE(transport.ok());
  return std::move(transport).value();
}

/// A handshake takes long on a busy machine, and longer with sanitizers.
Result<http::Response> get(http::Transport& transport, const std::string& url, std::chrono::milliseconds connect_timeout = 4s) {
  http::Request request;
  request.url = url;
  request.total_deadline = 5s;
  request.connect_timeout = connect_timeout;
  return transport.send(request, {});
}

void serve_empty(Peer& peer) {
  while (!peer.read_request().empty()) peer.answer("{}");
}

/// The error of a request to a server with that certificate.
Error refused(const Identity& authority, const Identity& server_identity, const std::string& host) {
  std::atomic<int> requests{0};
  RawServer server(server_context(server_identity),
                   [&](Peer& peer) { requests += peer.read_request().empty() ? 0 : 1; });
  auto transport = trusting(authority);
  const auto response = get(*transport, server.url("/", host));
  REQUIRE_FALSE(response.ok());
  CHECK(requests == 0);
  INFO(response.error().message);
  CHECK(response.error().reason == "http.tls");
  return response.error();
}

}  // namespace

TEST_CASE("a trusted server is reached by name and by address, and its connection is kept") {
  const Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto identity = certificates.make("localhost", "DNS:localhost,IP:127.0.0.1", &authority);
  RawServer server(server_context(identity), serve_empty);
  auto transport = trusting(authority);
  for (int i = 0; i < 3; ++i) {
    const auto response = get(*transport, server.url("/"));
    CHECK_MESSAGE(response.ok(), (response.ok() ? "" : response.error().message));
  }
  CHECK(server.connections() == 1);
  CHECK(get(*transport, server.url("/", "localhost")).ok());
}

TEST_CASE("a certificate for another host is refused, also on this machine") {
  const Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto other = certificates.make("other.example", "DNS:other.example,IP:192.0.2.1", &authority);
  CHECK(refused(authority, other, "localhost").message.find("localhost") != std::string::npos);
  CHECK(refused(authority, other, "127.0.0.1").message.find("127.0.0.1") != std::string::npos);
}

TEST_CASE("a certificate that nobody trusted signed is refused, with OpenSSL's reason") {
  const Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto self_signed = certificates.make("localhost", "DNS:localhost", nullptr);
  CHECK(refused(authority, self_signed, "localhost").message.find("self-signed certificate") != std::string::npos);
  const auto stranger = certificates.make("Stranger CA", "", nullptr);
  const auto strange = certificates.make("localhost", "DNS:localhost", &stranger);
  CHECK(refused(authority, strange, "localhost").message.find("unable to get local issuer certificate") !=
        std::string::npos);
}

TEST_CASE("an expired certificate is refused as that") {
  const Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto expired = certificates.make("localhost", "DNS:localhost", &authority, -3'600);
  CHECK(refused(authority, expired, "localhost").message.find("certificate has expired") != std::string::npos);
}

TEST_CASE("a peer that never speaks TLS is given up when connecting has taken too long") {
  RawServer server([](Peer& peer) {
    peer.receive_some();
    peer.wait(10'000);
  });
  auto transport = http::make_poco_transport({});
  REQUIRE(transport.ok());
  const auto begin = std::chrono::steady_clock::now();
  const auto response = get(**transport, "https://127.0.0.1:" + std::to_string(server.port()) + "/", 400ms);
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().reason == "http.timeout");
  CHECK(std::chrono::steady_clock::now() - begin < 4s);   // not the whole deadline
}

TEST_CASE("a peer that speaks plain HTTP on a TLS port is a TLS error") {
  RawServer server([](Peer& peer) {
    peer.receive_some();
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  auto transport = http::make_poco_transport({});
  REQUIRE(transport.ok());
  const auto response = get(**transport, "https://127.0.0.1:" + std::to_string(server.port()) + "/");
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().reason == "http.tls");
}

TEST_CASE("X25519 is offered first, and nothing below TLS 1.2") {
  test::Kept heard;
  RawServer server([&](Peer& peer) { heard.set(peer.receive_some()); });
  auto transport = http::make_poco_transport({});
  REQUIRE(transport.ok());
  CHECK_FALSE(get(**transport, "https://127.0.0.1:" + std::to_string(server.port()) + "/").ok());
  const auto hello = heard.get();
  // RFC 8446, 4.2.7: supported_groups is extension 10; 29 is X25519.
  const std::string groups("\x00\x0a\x00\x08\x00\x06\x00\x1d", 8);
  CHECK(hello.find(groups) != std::string::npos);
  // Extension 43, supported_versions: TLS 1.3 and 1.2, no others.
  const std::string versions("\x00\x2b\x00\x05\x04\x03\x04\x03\x03", 9);
  CHECK(hello.find(versions) != std::string::npos);
}

TEST_CASE("a truncated answer over TLS is an error, too") {
  const Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto identity = certificates.make("localhost", "DNS:localhost", &authority);
  RawServer server(server_context(identity), [](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnine byte\r\n");
  });
  auto transport = trusting(authority);
  const auto response = get(*transport, server.url("/", "localhost"));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().reason == "http.truncated");
}

TEST_CASE("D13: silence inside a body ends an exchange over TLS, too") {
  const Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto identity = certificates.make("localhost", "DNS:localhost", &authority);
  RawServer server(server_context(identity), [](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnine byte");
    peer.wait(10'000);
  });
  http::TransportOptions options;
  options.ca_file = authority.certificate_file;
  options.timeouts.idle = 200ms;
  auto transport = http::make_poco_transport(options);
  REQUIRE(transport.ok());
  const auto begin = std::chrono::steady_clock::now();
  const auto response = get(**transport, server.url("/", "localhost"));
  REQUIRE_FALSE(response.ok());
  CHECK(response.error().reason == "http.too_slow");
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("a CA file that cannot be read is an error of the settings") {
  http::TransportOptions options;
  options.ca_file = "/nowhere/ca.pem";
  const auto transport = http::make_poco_transport(options);
  REQUIRE_FALSE(transport.ok());
  CHECK(transport.error().reason == "http.tls");
  CHECK(transport.error().message.find("/nowhere/ca.pem") != std::string::npos);
}
