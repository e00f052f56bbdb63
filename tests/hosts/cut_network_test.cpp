// A host in a network of its own whose cables are cut: packets vanish, and no connection is told of it.
#include <doctest/doctest.h>

#include "hosts/support/fleet.hpp"
#include "support/postgresql_server.hpp"

using namespace e2e;
using namespace hosts;
using berth::test::PostgresqlServer;

namespace {

std::int64_t api_calls(const Simulator& simulator) {
  std::int64_t calls = 0;
  for (const char* kind : {"list", "detail", "file", "other"}) calls += simulator.calls(kind);
  return calls;
}

std::int64_t held_by(Fleet& fleet, const Member& member) {
  return fleet.sql().number("SELECT COUNT(*) FROM lease AS l WHERE owner <> '' AND (SELECT host FROM seen_commit AS s WHERE s.integration = l.integration AND "
                            "what = 'lease' AND s.fencing = l.fencing ORDER BY seq LIMIT 1) = '" + member.name() + "'");
}

}  // namespace

TEST_CASE("B11: a host whose network cable to the database is cut stops calling before its leases end, another one takes over, and it heals by itself") {
  if (const auto why = PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  if (const auto why = Network::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  const Network network;
  constexpr auto kLease = std::chrono::seconds(20);
  Fleet fleet({.integrations = 4, .books = {.contacts = 3, .items = 3, .invoices = 250, .payments = 10, .credit_notes = 0, .more = {"--latency-ms", "300"}}, .lease = "20s"});
  const Proxy database(Ends{.listen = Network::outside(Cable::kDatabase), .socket_path = fleet.socket_path()});
  // The simulator is on this machine's loopback; the same address inside leads to it over the second cable.
  const int port = std::stoi(fleet.simulator(0).origin().substr(fleet.simulator(0).origin().rfind(':') + 1));
  const Proxy remote(Ends{.listen = Network::outside(Cable::kRemote), .to = "127.0.0.1", .to_port = port});
  std::unique_ptr<Proxy> loopback;
  network.inside([&] { loopback = std::make_unique<Proxy>(Ends{.port = port, .to = remote.address(), .to_port = remote.port()}); });

  Member& takes = fleet.add("takes");
  Member& cut = fleet.add("cut", &database, &network);
  fleet.connect_all();
  fleet.watch_commits();
  cut.start();
  REQUIRE_MESSAGE(cut.serves(), cut.process().err());
  CHECK(get(cut.origin() + "/readyz").status == 0);   // it is in a network of its own
  REQUIRE_MESSAGE(eventually([&] { return held_by(fleet, cut) == 4 && api_calls(fleet.simulator(0)) > 20; }), cut.process().err());
  network.cut(Cable::kDatabase);
  const auto at = std::chrono::steady_clock::now();
  const auto since = [&] { return std::chrono::steady_clock::now() - at; };
  // From the end of the leases on it calls nobody, though the remote is within its reach.
  REQUIRE(eventually([&] { return since() > kLease; }));
  const std::int64_t calls = api_calls(fleet.simulator(0));
  CHECK(eventually([&] { return cut.ready() == 503; }));
  CHECK(eventually([&] { return since() > kLease + std::chrono::seconds(6); }));
  CHECK(api_calls(fleet.simulator(0)) == calls);
  CHECK(fleet.synced() == 0);   // there was more to call for
  CHECK_MESSAGE(cut.ask("/readyz").body.find("storage.unreachable") != std::string::npos, cut.ask("/readyz").body);
  CHECK(cut.ask("/livez").status == 200);
  // A call of the database does not wait for ever: the log says what it came to.
  CHECK_MESSAGE(eventually([&] { return cut.process().err().find("did not answer for 10 s") != std::string::npos; }), cut.process().err());
  const std::int64_t before = fleet.sql().number("SELECT MAX(seq) FROM seen_commit");
  takes.start();
  REQUIRE_MESSAGE(takes.serves(), takes.process().err());
  CHECK(eventually([&] { return held_by(fleet, takes) > 0 || fleet.synced() > 0; }, std::chrono::seconds(100)));
  network.cut(Cable::kRemote);
  CHECK(cut.ready() == 503);
  for (const Cable cable : {Cable::kDatabase, Cable::kRemote}) network.mend(cable);
  CHECK_MESSAGE(eventually([&] { return cut.ready() == 200; }), cut.process().err());
  CHECK(cut.process().err().find("the database answers again") != std::string::npos);
  CHECK_MESSAGE(eventually([&] { return fleet.synced() == 4; }, std::chrono::seconds(200)), fleet.not_done());
  CHECK(fleet.sql().number("SELECT COUNT(*) FROM seen_commit WHERE host = 'takes' AND what = 'lease' AND seq > " + std::to_string(before)) > 0);
  for (const std::string& fault : fleet.faults_of_commits()) CHECK_MESSAGE(false, fault);
  for (const std::string& fault : fleet.faults_of_books()) CHECK_MESSAGE(false, fault);
}
