// `berth serve`: what it answers, the first sync it runs by itself, and its end.
#include <doctest/doctest.h>

#include <csignal>

#include "e2e/support/world.hpp"

using namespace e2e;

TEST_CASE("D2 D4: a host that serves answers its probes, syncs by itself after the consent, and ends on SIGTERM") {
  const Simulator simulator({.contacts = 15, .items = 8, .invoices = 40, .payments = 20, .credit_notes = 4});
  const Workspace berth(simulator);
  const std::string token(berth.json({"token", "create", "watcher", "--role", "admin"}).text_of("token"));
  const Headers authorized{{"Authorization", "Bearer " + token}};
  const auto host = berth.serve();

  CHECK(get(berth.origin() + "/livez").status == 200);
  CHECK(get(berth.origin() + "/readyz").status == 200);
  const Answer described = get(berth.origin() + "/api/v1/openapi.json");
  CHECK(described.status == 200);
  CHECK(described.json().text_of("openapi").starts_with("3.1"));
  for (const char* path : {"/api/v1/integrations", "/api/integrations/zoho/", "/api/integrations/zoho/{id}/trigger-sync/", "/api/v1/ledger/balance"}) {
    CAPTURE(path);
    CHECK(described.json().find("paths")->find(path) != nullptr);
  }
  CHECK(get(berth.origin() + "/nothing/here").status == 404);
  CHECK(http("DELETE", berth.origin() + "/livez").status == 405);
  const Answer listed = get(berth.origin() + "/api/v1/integrations", authorized);
  REQUIRE(listed.status == 200);
  CHECK(listed.json().find("integrations")->items().at(0).text_of("id") == "zoho");

  // `berth connect` beside it: the server takes the redirect, the command sees that it came, the scheduler runs the sync.
  berth.connect();
  REQUIRE(eventually([&] { return !berth.status().find("last_sync_at")->is_null(); }));
  const Value runs = get(berth.origin() + "/api/v1/runs?integration=zoho", authorized).json();
  REQUIRE(runs.find("runs")->size() >= 1);
  const Value& report = *runs.find("runs")->items().back().find("report");
  CHECK(number_at(row_where(*report.find("phases"), "phase", "invoices"), "listed") == 40);
  CHECK(simulator.calls("detail") > 20);

  // Mapping by REST posts what waited.
  const Value rows = get(berth.origin() + "/api/v1/integrations/zoho/accounts", authorized).json();
  CHECK(rows.find("accounts")->size() >= 2);
  const Answer mapped = http("PUT", berth.origin() + "/api/v1/integrations/zoho/accounts",
                             R"({"kind":"default_income","key":"","company":"acme_us","account":"sales"})", authorized);
  CHECK_MESSAGE(mapped.status == 200, mapped.body);
  CHECK(http("PUT", berth.origin() + "/api/v1/integrations/zoho/accounts", R"({"kind":"default_income","key":"","company":"acme_us","account":"no_such"})", authorized).status >= 400);
  const Value balance = get(berth.origin() + "/api/v1/ledger/balance", authorized).json();
  CHECK(balance.find("balances") != nullptr);
  const Answer metrics = get(berth.origin() + "/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.content_type.starts_with("text/plain"));
  CHECK(metrics.body.find("# TYPE berth_") != std::string::npos);

  host->signal(SIGTERM);
  const Outcome ended = host->wait(std::chrono::seconds(20));
  CHECK(ended.exit == 0);
  CHECK(ended.signal == 0);
  CHECK(get(berth.origin() + "/livez").status == 0);
  CHECK(ended.err.find("run ended") != std::string::npos);
  // No secret of any kind in its log.
  for (const std::string& secret : {std::string(kClientSecret), token}) CHECK(ended.err.find(secret) == std::string::npos);
}

// It waited for the end of the lease, or for the minute for which the dead one had taken it.
TEST_CASE("B11: after kill -9 the same machine goes on at once, and the dead process is gone in the list of hosts") {
  const Simulator simulator({.contacts = 5, .items = 5, .invoices = 80, .payments = 10, .credit_notes = 0, .more = {"--latency-ms", "100"}});
  const Workspace berth(simulator);
  CHECK(berth.must({"hosts"}).find("no host serves this database") != std::string::npos);
  const auto killed = berth.serve();
  berth.connect();
  REQUIRE(eventually([&] { return simulator.calls("detail") > 10; }));
  killed->signal(SIGKILL);
  CHECK(killed->wait(std::chrono::seconds(20)).signal == SIGKILL);
  const std::string shown = berth.must({"hosts"});
  CHECK_MESSAGE(shown.find("gone") != std::string::npos, shown);
  CHECK_MESSAGE(shown.find("serving") == std::string::npos, shown);
  CHECK(berth.must({"schedule", "zoho"}).find("at once") != std::string::npos);
  simulator.reset_counters();
  const auto began = std::chrono::steady_clock::now();
  const auto next = berth.serve();
  CHECK_MESSAGE(eventually([&] { return simulator.calls("list") + simulator.calls("detail") > 0; }, std::chrono::seconds(60)), next->err());
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(15));
}
