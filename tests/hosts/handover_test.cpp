// How an integration comes from one host to another: at once where a host is asked to end, with the end of the lease where it
// stalls or is cut off, and never to two.
#include <doctest/doctest.h>

#include <csignal>

#include "hosts/support/fleet.hpp"
#include "support/postgresql_server.hpp"

using namespace e2e;
using namespace hosts;
using berth::test::PostgresqlServer;

namespace {

bool is_missing() {
  const auto why = PostgresqlServer::unavailable();
  if (why) MESSAGE("skipped: " << *why);
  return why.has_value();
}

std::int64_t api_calls(const Simulator& simulator) {
  std::int64_t calls = 0;
  for (const char* kind : {"list", "detail", "file", "other"}) calls += simulator.calls(kind);
  return calls;
}

std::int64_t held_by(Fleet& fleet, const Member& member) {
  return fleet.sql().number("SELECT COUNT(*) FROM lease AS l WHERE owner <> '' AND (SELECT host FROM seen_commit AS s WHERE s.integration = l.integration AND "
                            "what = 'lease' AND s.fencing = l.fencing ORDER BY seq LIMIT 1) = '" + member.name() + "'");
}

void check_all(Fleet& fleet) {
  for (const std::string& fault : fleet.faults_of_commits()) CHECK_MESSAGE(false, fault);
  for (const std::string& fault : fleet.faults_of_books()) CHECK_MESSAGE(false, fault);
}

}  // namespace

TEST_CASE("B11: three hosts that begin at the same moment on an empty database all serve, and one of another schema is refused") {
  if (is_missing()) return;
  Fleet fleet({.integrations = 1});
  std::vector<Member*> members;
  // The folders are made without the database: the first command that opens it migrates it.
  for (const char* name : {"one", "two", "three"}) members.push_back(&fleet.add(name));
  fleet.sql().rows("DROP SCHEMA public CASCADE");
  fleet.sql().rows("CREATE SCHEMA public");
  for (Member* member : members) member->start();
  for (Member* member : members) CHECK_MESSAGE(member->serves(), member->process().err());
  CHECK(fleet.sql().number("SELECT COUNT(*) - COUNT(DISTINCT version) FROM schema_migration") == 0);
  // Each is seen by the others.
  CHECK(eventually([&] { return fleet.sql().number("SELECT COUNT(*) FROM host WHERE state = 'serving'") == 3; }));
  const std::string shown = members[0]->must({"hosts"});
  for (const Member* member : members) CHECK_MESSAGE(shown.find(member->origin()) != std::string::npos, shown);
  for (Member* member : members) {
    member->process().signal(SIGTERM);
    CHECK(member->process().wait(std::chrono::seconds(30)).exit == 0);
  }
  CHECK(fleet.sql().number("SELECT COUNT(*) FROM host") == 0);

  fleet.sql().rows("INSERT INTO schema_migration (version, name, checksum, applied_ms) VALUES (9999, '9999_of_a_newer_berth', '', 0)");
  const Outcome refused = members[0]->run({"serve"});
  CHECK(refused.exit != 0);
  CHECK_MESSAGE(refused.err.find("storage.newer") != std::string::npos, refused.err);
}

TEST_CASE("B11: a host that is asked to end lets its runs come to a checkpoint, gives everything back, and another one goes on at once") {
  if (is_missing()) return;
  // The lease would hold for two minutes.
  Fleet fleet({.integrations = 4, .books = {.contacts = 3, .items = 3, .invoices = 60, .payments = 10, .credit_notes = 0, .more = {"--latency-ms", "100"}}, .lease = "2m"});
  Member& ends = fleet.add("ends");
  Member& goes_on = fleet.add("goes_on");
  fleet.connect_all();
  fleet.watch_commits();
  ends.start();
  REQUIRE_MESSAGE(ends.serves(), ends.process().err());
  REQUIRE(eventually([&] { return held_by(fleet, ends) == 4 && api_calls(fleet.simulator(0)) > 60; }));
  goes_on.start();
  REQUIRE_MESSAGE(goes_on.serves(), goes_on.process().err());
  ends.process().signal(SIGTERM);
  // First of all it is not ready any more, while its runs still end.
  CHECK(eventually([&] { return ends.ready() != 200; }, std::chrono::seconds(5)));
  const Outcome ended = ends.process().wait(std::chrono::seconds(20));
  CHECK_MESSAGE(ended.exit == 0, ended.err);
  CHECK(held_by(fleet, ends) == 0);
  CHECK(fleet.synced() < 4);   // it did not wait for the whole of the books
  CHECK(fleet.sql().number("SELECT COUNT(*) FROM host WHERE address = '" + ends.origin() + "'") == 0);
  // None of its shares of the quota is at work any more.
  CHECK(goes_on.must({"--json", "quota", "show"}).find("\"processes\"") != std::string::npos);
  const auto began = std::chrono::steady_clock::now();
  CHECK(eventually([&] { return held_by(fleet, goes_on) == 4 || fleet.synced() == 4; }, std::chrono::seconds(30)));
  CHECK(eventually([&] { return fleet.synced() == 4; }, std::chrono::seconds(100)));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(100));
  check_all(fleet);
}

TEST_CASE("B11: a host that stalls for longer than its lease commits nothing afterwards under its old numbers, and calls nobody") {
  if (is_missing()) return;
  Fleet fleet({.integrations = 6, .books = {.contacts = 3, .items = 3, .invoices = 40, .payments = 10, .credit_notes = 0, .more = {"--latency-ms", "100"}}});
  Member& stalls = fleet.add("stalls");
  Member& takes = fleet.add("takes");
  fleet.connect_all();
  fleet.watch_commits();
  // Both at work, so that each has its share of the calls at once. What a host that is not heard of holds of them is free only
  // after two minutes.
  for (Member* member : {&stalls, &takes}) member->start();
  for (Member* member : {&stalls, &takes}) REQUIRE_MESSAGE(member->serves(), member->process().err());
  REQUIRE(eventually([&] { return held_by(fleet, stalls) > 0 && held_by(fleet, takes) > 0 && api_calls(fleet.simulator(0)) > 60; }));
  stalls.process().signal(SIGSTOP);
  REQUIRE_MESSAGE(eventually([&] { return fleet.synced() == 6; }, std::chrono::seconds(220)), takes.process().err());
  CHECK(takes.must({"hosts"}).find("gone") != std::string::npos);
  fleet.simulator(0).reset_counters();
  const std::int64_t before = fleet.sql().number("SELECT MAX(seq) FROM seen_commit");
  stalls.process().signal(SIGCONT);
  CHECK_MESSAGE(eventually([&] { return stalls.process().err().find("the run makes no further call") != std::string::npos; }), stalls.process().err());
  CHECK(eventually([&] { return stalls.ready() == 200; }));
  CHECK(fleet.sql().number("SELECT COUNT(*) FROM seen_commit WHERE host = 'stalls' AND seq > " + std::to_string(before)) == 0);
  CHECK(api_calls(fleet.simulator(0)) == 0);
  check_all(fleet);
}

TEST_CASE("B11: a host that is cut off from the database makes no call beyond its lease, says what is wrong, and goes on by itself") {
  if (is_missing()) return;
  Fleet fleet({.integrations = 2, .books = {.contacts = 3, .items = 3, .invoices = 250, .payments = 10, .credit_notes = 0, .more = {"--latency-ms", "700"}}, .lease = "20s"});
  Proxy proxy(fleet.socket_path());
  Member& alone = fleet.add("alone", nullptr);
  Member& cut = fleet.add("cut", &proxy);
  static_cast<void>(alone);
  fleet.connect_all();
  fleet.watch_commits();
  cut.start();
  REQUIRE_MESSAGE(cut.serves(), cut.process().err());
  REQUIRE(eventually([&] { return held_by(fleet, cut) == 2 && api_calls(fleet.simulator(0)) > 20; }));
  proxy.cut();
  const auto at = std::chrono::steady_clock::now();
  CHECK(eventually([&] { return cut.ready() == 503; }));
  // From the end of the lease on nothing is called, for as long as anybody looks: here until as much time has passed again.
  CHECK(eventually([&] { return std::chrono::steady_clock::now() - at > std::chrono::seconds(20); }));
  const std::int64_t calls = api_calls(fleet.simulator(0));
  CHECK(eventually([&] { return std::chrono::steady_clock::now() - at > std::chrono::seconds(30); }));
  CHECK(api_calls(fleet.simulator(0)) == calls);
  CHECK(get(cut.origin() + "/readyz").body.find("storage.unreachable") != std::string::npos);
  CHECK(get(cut.origin() + "/livez").status == 200);
  CHECK(cut.process().err().find("the database is out of reach") != std::string::npos);
  proxy.heal();
  CHECK_MESSAGE(eventually([&] { return cut.ready() == 200; }), cut.process().err());
  CHECK(cut.process().err().find("the database answers again") != std::string::npos);
  CHECK_MESSAGE(eventually([&] { return fleet.synced() == 2; }, std::chrono::seconds(150)), cut.process().err());
  check_all(fleet);
}
