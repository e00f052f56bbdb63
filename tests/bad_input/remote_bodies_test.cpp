// Bodies and headers that are cut, slow, huge, packed to burst, or not HTTP; and servers that are not who they say they are.
#include <doctest/doctest.h>

#include <atomic>
#include <iostream>

#include "bad_input/remote.hpp"
#include "unit/http/certificates.hpp"
#include "unit/http/raw_server.hpp"

using namespace bad_input;

namespace {

constexpr const char* kSync = "berth sync zoho";
constexpr auto kSection = Section::kBodies;

const Row kTruncated(kSection, "body.truncated", "a body shorter than its Content-Length", kSync, "http.truncated");
const Row kCutChunked(kSection, "body.cut_chunked", "a chunked body without its last chunk", kSync, "http.truncated");
const Row kLengthShort(kSection, "body.length_short", "a Content-Length shorter than the body", kSync, "zoho_books.remote.not_json");
const Row kExtra(kSection, "body.extra_bytes", "more bytes behind the body", kSync, "");
const Row kDrip(kSection, "body.drip", "a body that drips, a byte every 20 ms", kSync, "http.too_slow");
const Row kStall(kSection, "body.stall", "a body that stops in the middle", kSync, "http.too_slow");
const Row kDripHead(kSection, "header.drip", "headers that drip, a byte every 20 ms", kSync, "http.too_slow");
const Row kHang(kSection, "answer.hang", "no answer at all", kSync, "http.timeout");
const Row kClose(kSection, "connection.close", "a connection that ends without an answer", kSync, "http.closed");
const Row kReset(kSection, "connection.reset", "a connection that is reset", kSync, "http.closed");
const Row kResetHead(kSection, "connection.reset_in_headers", "a connection that is reset inside the headers", kSync, "http.truncated");
const Row kFlood(kSection, "header.flood", "a flood of headers, 1 MB", kSync, "http.header_too_large");
const Row kHuge(kSection, "header.huge", "one header of 100 kB", kSync, "http.header_too_large");
const Row kBig(kSection, "body.10_mb", "10 MB of JSON without rows", kSync, "zoho_books.list.shape");
const Row kGarbage(kSection, "body.10_mb_garbage", "10 MB of garbage", kSync, "zoho_books.remote.not_json");
const Row kTooLarge(kSection, "body.too_large", "a body of 20 MB", kSync, "http.too_large");
const Row kGzip(kSection, "gzip.good", "a body packed with gzip", kSync, "");
const Row kBomb(kSection, "gzip.bomb", "a gzip bomb: 1 MB that unpacks to 256 MiB", kSync, "http.encoding_bomb");
const Row kTwice(kSection, "gzip.twice", "gzip inside gzip", kSync, "zoho_books.remote.not_json");
const Row kBroken(kSection, "gzip.broken", "gzip that is cut off", kSync, "http.body_broken");
const Row kBrotli(kSection, "encoding.unknown", "a packing that was not asked for", kSync, "http.encoding_unknown");
const Row kConnect(kSection, "connection.refused", "nobody listens at the remote's address", "berth connect zoho", "http.connect");
const Row kNotHttp(kSection, "connection.not_http", "a server that does not speak HTTP", "berth connect zoho", "http.not_http");
const Row kSelfSigned(kSection, "tls.self_signed", "a certificate that nobody trusted signed", "berth connect zoho", "http.tls");
const Row kWrongName(kSection, "tls.wrong_name", "a certificate for another host", "berth connect zoho", "http.tls");
const Row kExpired(kSection, "tls.expired", "an expired certificate", "berth connect zoho", "http.tls");
const Row kNoTls(kSection, "tls.none", "https to a server without TLS", "berth connect zoho", "http.tls");

const std::string kItems = R"("path":"/books/v3/items","count":-1})";

/// The API of the folder's data centre is this address from now on; "" is the simulator's again.
void moves_api(const Remote& remote, const std::string& address) {
  std::string yaml = remote.berth.read("berth.yaml");
  const auto at = yaml.find("api: \"") + 6;
  yaml.replace(at, yaml.find('"', at) - at, address.empty() ? remote.simulator.origin() : address);
  remote.berth.write("berth.yaml", yaml);
}

}  // namespace

TEST_CASE("answers that are cut or whose connection ends change nothing, and are repeated a few times") {
  const Remote remote;
  remote.takes(R"({"kind":"truncated","bytes":100,)" + kItems, kTruncated);
  remote.takes(R"({"kind":"cut_chunked","bytes":100,)" + kItems, kCutChunked);
  remote.takes(R"({"kind":"wrong_length","bytes":60,)" + kItems, kLengthShort);
  remote.takes(R"({"kind":"extra_bytes",)" + kItems, kExtra, 0);
  remote.takes(R"({"kind":"close",)" + kItems, kClose);
  remote.takes(R"({"kind":"reset",)" + kItems, kReset);
  remote.takes(R"({"kind":"reset_head",)" + kItems, kResetHead);
  remote.takes(R"({"kind":"header_flood",)" + kItems, kFlood);
  remote.takes(R"({"kind":"huge_header",)" + kItems, kHuge);
  remote.takes(R"({"kind":"delay","headers":{"Content-Encoding":"br"},)" + kItems, kBrotli);
  remote.takes(R"({"kind":"gzip",)" + kItems, kGzip, 0);
  remote.takes(R"({"kind":"gzip_twice",)" + kItems, kTwice);
  remote.takes(R"({"kind":"gzip_broken",)" + kItems, kBroken);
  remote.books_are_undisturbed();
}

TEST_CASE("slow answers end by a time for headers, for silence and for the whole call") {
  const Remote remote;
  remote.is_impatient = true;
  remote.takes(R"({"kind":"drip","bytes":1,"pause_ms":20,)" + kItems, kDrip);
  remote.takes(R"({"kind":"drip","bytes":50,"pause_ms":60000,)" + kItems, kStall);
  remote.takes(R"({"kind":"drip_head","pause_ms":20,)" + kItems, kDripHead);
  remote.takes(R"({"kind":"hang","pause_ms":60000,)" + kItems, kHang);
  remote.books_are_undisturbed();
}

TEST_CASE("10 MB and gzip bombs are refused within bounded memory") {
  constexpr std::int64_t kMiB = 1 << 20;
  const Remote remote;
  const Peak usual = peak_of(remote.berth, {"sync", "zoho"});
  REQUIRE(usual.outcome.exit == 0);
  const auto costs = [&](const std::string& fault, const char* what, std::int64_t host_max, std::int64_t worker_max) {
    remote.breaks(fault);
    const Peak peak = peak_of(remote.berth, {"sync", "zoho"});
    CHECK(peak.outcome.exit == 1);
    std::cout << what << ": host " << peak.host / kMiB << " MiB, worker " << peak.worker / kMiB << " MiB at most; without it " << usual.host / kMiB << " and "
              << usual.worker / kMiB << " MiB\n";
    CHECK(peak.host - usual.host < host_max);
    CHECK(peak.worker - usual.worker < worker_max);
    remote.mends();
  };
  remote.takes(R"({"kind":"gzip_bomb","bytes":268435456,)" + kItems, kBomb);
  remote.takes(R"({"kind":"big_body",)" + kItems, kBig);
  remote.takes(R"({"kind":"big_body","bytes":20000000,)" + kItems, kTooLarge);
  remote.takes(R"({"kind":"big_body","body":"xyz ",)" + kItems, kGarbage);
  costs(R"({"kind":"gzip_bomb","bytes":268435456,)" + kItems, "a gzip bomb", 64 * kMiB, 16 * kMiB);
  costs(R"({"kind":"big_body",)" + kItems, "10 MB of JSON", 64 * kMiB, 64 * kMiB);
  remote.books_are_undisturbed();
}

TEST_CASE("a remote that is not there, is no web server or cannot prove who it is gets no token") {
  const Remote remote;
  std::atomic<int> requests{0};
  const auto count_requests = [&](berth::test::RawServer::Peer& peer) { requests += peer.read_request().empty() ? 0 : 1; };
  const auto through = [&](const std::string& address, const Row& row) {
    const std::string before = remote.journal();
    moves_api(remote, address);
    // Tokens are bound to the address for which they were given: the connection is made anew, as a person would after the move.
    const auto connecting = remote.berth.start({"connect", "zoho", "--wait", "60"});
    const std::string url = connecting->wait_for_line("http");
    REQUIRE(!url.empty());
    e2e::get(e2e::accept_consent(url));
    row.answered(remote.berth, connecting->wait(), row.reason() == "http.not_http" ? 1 : 3, {{R"(http://[^\s]*/oauth/v2/auth\?[^\s]*)", "http://127.0.0.1:9100/oauth/v2/auth?…"}});
    moves_api(remote, "");
    remote.mends();
    CHECK(remote.journal() == before);
  };
  std::string nobody;
  {
    const berth::test::RawServer gone(count_requests);
    nobody = gone.url("");
  }
  through(nobody, kConnect);
  {
    const berth::test::RawServer ssh([](berth::test::RawServer::Peer& peer) { peer.send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"); });
    through(ssh.url(""), kNotHttp);
  }
  const berth::test::Certificates certificates;
  const auto authority = certificates.make("Test CA", "", nullptr);
  const auto serve_as = [&](const berth::test::Identity& identity, const Row& row) {
    Poco::Net::Context::Params parameters;
    parameters.privateKeyFile = identity.key_file;
    parameters.certificateFile = identity.certificate_file;
    parameters.verificationMode = Poco::Net::Context::VERIFY_NONE;
    const berth::test::RawServer server(new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, parameters), count_requests);
    through(server.url(""), row);
  };
  serve_as(certificates.make("127.0.0.1", "IP:127.0.0.1", nullptr), kSelfSigned);
  serve_as(certificates.make("elsewhere.example", "DNS:elsewhere.example", nullptr), kWrongName);
  serve_as(certificates.make("127.0.0.1", "IP:127.0.0.1", nullptr, -60), kExpired);
  {
    const berth::test::RawServer plain([](berth::test::RawServer::Peer& peer) {
      peer.receive_some();
      peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    through("https" + plain.url("").substr(4), kNoTls);
  }
  CHECK(requests == 0);
}
