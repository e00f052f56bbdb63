#include "tests/zoho_sim/http_face.hpp"
#include "tests/zoho_sim/tests/fixture.hpp"

#include <Poco/InflatingStream.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocket.h>

#include <chrono>
#include <iterator>
#include <sstream>
#include <thread>

using namespace sim_test;

namespace {

// Everything the server sends on one connection, byte for byte. An empty result stands for a reset.
struct Wire {
  std::string bytes;
  bool reset = false;
};

Wire exchange_bytes(const HttpFace& face, const std::string& target, const std::string& token) {
  Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", static_cast<Poco::UInt16>(face.port())));
  socket.setReceiveTimeout(Poco::Timespan(20, 0));
  const std::string request = "GET " + target +
                              " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Zoho-oauthtoken " +
                              token + "\r\n\r\n";
  socket.sendBytes(request.data(), static_cast<int>(request.size()));
  Wire wire;
  char buffer[4096];
  try {
    for (int got = 0; (got = socket.receiveBytes(buffer, sizeof buffer)) > 0;)
      wire.bytes.append(buffer, static_cast<std::size_t>(got));
  } catch (const Poco::Net::ConnectionResetException&) {
    wire.reset = true;
  }
  return wire;
}

std::string body_of(const Wire& wire) {
  const auto end = wire.bytes.find("\r\n\r\n");
  return end == std::string::npos ? "" : wire.bytes.substr(end + 4);
}

const std::string kTaxes = "/books/v3/settings/taxes?organization_id=927000001";

}  // namespace

TEST_CASE("the HTTP face serves what the core answers") {
  World world;
  HttpFace face(world.simulator);
  CHECK(face.port() > 0);
  const auto wire = exchange_bytes(face, kTaxes, world.token);
  CHECK(wire.bytes.rfind("HTTP/1.1 200 OK\r\n", 0) == 0);
  CHECK(body_of(wire) == world.get("/settings/taxes").raw.body);
  CHECK_THROWS_AS(HttpFace(world.simulator, face.port()), std::runtime_error);
}

TEST_CASE("answers can be cut, chunked and cut, reset, closed, dripped and flooded") {
  World world;
  HttpFace face(world.simulator);
  const auto whole = world.get("/settings/taxes").raw.body;
  const auto with = [&](Fault fault) {
    world.simulator.inject(std::move(fault));
    return exchange_bytes(face, kTaxes, world.token);
  };
  const auto cut = with({.kind = FaultKind::kTruncated, .bytes = 40});
  CHECK(body_of(cut) == whole.substr(0, 40));
  CHECK(cut.bytes.find("Content-Length: " + std::to_string(whole.size())) != std::string::npos);
  const auto chunked = with({.kind = FaultKind::kCutChunked, .bytes = 16});
  CHECK(body_of(chunked) == "10\r\n" + whole.substr(0, 16) + "\r\n");  // no last chunk
  const auto reset = with({.kind = FaultKind::kReset});
  CHECK((reset.reset && reset.bytes.empty()));
  const auto closed = with({.kind = FaultKind::kClose});
  CHECK((!closed.reset && closed.bytes.empty()));
  const auto drip = with({.kind = FaultKind::kDrip, .bytes = 200, .pause_ms = 5});
  CHECK(body_of(drip) == whole);
  CHECK(with({.kind = FaultKind::kHeaderFlood, .bytes = 100'000}).bytes.size() > 100'000);
  CHECK(body_of(with({.kind = FaultKind::kBigBody})).size() > 10'000'000);
  const auto redirect = with({.kind = FaultKind::kRedirect, .body = "https://evil.example/"});
  CHECK(redirect.bytes.find("Location: https://evil.example/") != std::string::npos);
  CHECK(body_of(with({.kind = FaultKind::kHtml, .status = 502})).rfind("<html>", 0) == 0);
  CHECK(body_of(exchange_bytes(face, kTaxes, world.token)) == whole);
}

TEST_CASE("answers can be packed, packed wrongly, given wrong lengths and followed by more") {
  World world;
  HttpFace face(world.simulator);
  const auto whole = world.get("/settings/taxes").raw.body;
  const auto with = [&](Fault fault) {
    world.simulator.inject(std::move(fault));
    return exchange_bytes(face, kTaxes, world.token);
  };
  const auto unpacked = [](const std::string& packed) {
    std::istringstream in(packed);
    Poco::InflatingInputStream inflating(in, Poco::InflatingStreamBuf::STREAM_GZIP);
    return std::string(std::istreambuf_iterator<char>(inflating), {});
  };
  const auto packed = with({.kind = FaultKind::kGzip});
  CHECK(packed.bytes.find("Content-Encoding: gzip") != std::string::npos);
  CHECK(unpacked(body_of(packed)) == whole);
  CHECK(unpacked(unpacked(body_of(with({.kind = FaultKind::kGzipTwice})))) == whole);
  CHECK(body_of(with({.kind = FaultKind::kGzipBroken})).size() < body_of(packed).size());
  const auto bomb = body_of(with({.kind = FaultKind::kGzipBomb, .bytes = 20'000'000}));
  CHECK(bomb.size() < 200'000);
  CHECK(unpacked(bomb).size() > 20'000'000);
  const auto wrong = with({.kind = FaultKind::kWrongLength, .bytes = 7});
  CHECK(wrong.bytes.find("Content-Length: 7\r\n") != std::string::npos);
  CHECK(body_of(wrong) == whole);
  const auto more = with({.kind = FaultKind::kExtraBytes, .bytes = 3});
  CHECK(more.bytes.find("Content-Length: " + std::to_string(whole.size()) + "\r\n") != std::string::npos);
  CHECK(body_of(more) == whole + "}}}");
  const auto huge = with({.kind = FaultKind::kHugeHeader, .bytes = 50'000});
  CHECK(huge.bytes.find("X-Huge: " + std::string(50'000, 'h')) != std::string::npos);
  const auto drip = with({.kind = FaultKind::kDripHead, .pause_ms = 1});
  CHECK(body_of(drip) == whole);
  const auto half = with({.kind = FaultKind::kResetHead});
  CHECK(half.reset);
  CHECK(half.bytes.rfind("HTTP/1.1", 0) == 0);
  CHECK(half.bytes.find("\r\n\r\n") == std::string::npos);
}

TEST_CASE("single values of an answer can be replaced, and lists can lie about their pages") {
  World world;
  const auto list = "/books/v3/contacts?organization_id=927000001&per_page=5";
  const auto with = [&](Fault fault, const std::string& target) {
    world.simulator.inject(std::move(fault));
    Request request = make_request("GET", target);
    request.headers = {{"Authorization", "Zoho-oauthtoken " + world.token}};
    return world.simulator.handle(request).body;
  };
  const auto changed = with({.kind = FaultKind::kField, .body = "12.345", .field = "contact_id"}, list);
  CHECK(changed.find("\"contact_id\":12.345,") != std::string::npos);
  CHECK(changed.find("\"contact_id\":\"") == std::string::npos);
  const auto emptied = with({.kind = FaultKind::kField, .body = "null", .field = "page_context"}, list);
  CHECK(emptied.ends_with("\"page_context\":null}"));
  const auto first = with({.kind = FaultKind::kDelay}, list);
  const auto same = with({.kind = FaultKind::kSamePage}, std::string(list) + "&page=2");
  CHECK(same == first);
  const auto more = with({.kind = FaultKind::kMorePages}, std::string(list) + "&page=1000");
  CHECK(more.find("\"has_more_page\":true") != std::string::npos);
  CHECK(with({.kind = FaultKind::kNested, .bytes = 50}, list).find(std::string(50, '[')) != std::string::npos);
}

TEST_CASE("a control call can be carried out just before a call is answered") {
  World world;
  const auto target = "/books/v3/contacts?organization_id=927000001";
  world.simulator.inject({.kind = FaultKind::kFirst, .skip = 1, .body = "{}", .field = "POST tokens/expire"});
  Request request = make_request("GET", target);
  request.headers = {{"Authorization", "Zoho-oauthtoken " + world.token}};
  CHECK(world.simulator.handle(request).status == 200);
  CHECK(world.simulator.handle(request).status == 401);
}

TEST_CASE("a call whose answer is lost has been carried out all the same") {
  World world;
  HttpFace face(world.simulator);
  Fault fault{.kind = FaultKind::kReset, .path_prefix = "/books/v3/settings", .process = true};
  world.simulator.inject(fault);
  CHECK(exchange_bytes(face, kTaxes, world.token).bytes.empty());
  CHECK(world.simulator.counters().by_status.at("200") == 1);
}

TEST_CASE("stopping ends an answer that hangs") {
  World world;
  auto face = std::make_unique<HttpFace>(world.simulator);
  world.simulator.inject({.kind = FaultKind::kHang, .pause_ms = 600'000});
  Wire wire{"untouched"};
  std::thread caller([&] { wire = exchange_bytes(*face, kTaxes, world.token); });
  while (world.simulator.counters().calls == 0) std::this_thread::yield();
  face->stop();
  caller.join();
  CHECK(wire.bytes.empty());
}

TEST_CASE("an answer that is held back is given when the faults are cleared, and counted when the call came") {
  World world;
  HttpFace face(world.simulator);
  world.simulator.inject({.kind = FaultKind::kHold, .path_prefix = "/books/", .skip = 1, .count = -1});
  const auto first = exchange_bytes(face, kTaxes, world.token);
  CHECK(first.bytes.starts_with("HTTP/1.1 200 OK\r\n"));
  Wire second;
  std::thread caller([&] { second = exchange_bytes(face, kTaxes, world.token); });
  while (world.simulator.counters().faults == 0) std::this_thread::yield();
  CHECK(world.simulator.counters().calls == 2);
  world.simulator.clear_faults();
  caller.join();
  CHECK(body_of(second) == body_of(first));
}
