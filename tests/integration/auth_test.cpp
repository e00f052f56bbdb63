// Tokens that end while a run needs them.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("D1: a revoked refresh token ends in needs_reauth and no further call, reconnecting keeps cursors and mappings") {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  const auto journal = world.journal();
  world.control("POST", "tokens/revoke");
  world.control("POST", "tokens/expire");
  world.later(std::chrono::hours(2));
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kFailed);
  CHECK(report.reason.starts_with("oauth."));
  CHECK(world.integration().actual == "needs_reauth");
  CHECK(world.integration().who_acts == "operator");
  CHECK(world.transport.count("GET /books/v3/") == 0);
  CHECK(world.transport.count("POST /oauth/v2/token") == 1);

  // Whoever asks again finds that out without a call.
  world.transport.forget_calls();
  world.restart();
  const auto again = world.try_sync();
  CHECK((!again.ok() || again->outcome == runs::RunOutcome::kFailed));
  CHECK(world.transport.calls().empty());
  CHECK(world.integration().actual == "needs_reauth");

  const std::string added = world.make_invoice("100.00");
  world.connect();
  CHECK(world.integration().actual != "needs_reauth");
  world.transport.forget_calls();
  CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.integration().actual == "connected");
  CHECK(world.transport.count("GET /books/v3/invoices/") == 2);   // the new one and its file; cursors were kept
  CHECK(world.record("invoice", added).state == "posted");        // mappings too
  CHECK(world.journal().size() == journal.size() + 1);
}

TEST_CASE("D1: a refused access token is refreshed once, and the run goes on") {
  World world;
  world.connect();
  world.control("POST", "tokens/expire");
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.transport.count("POST /oauth/v2/token") == 1);
  CHECK(world.transport.count("GET /books/v3/", 401) >= 1);
}

TEST_CASE("A3: the first organisation is taken, its currency and time zone are kept, and a first sync is queued") {
  World world;
  world.connect();
  const storage::Integration integration = world.integration();
  CHECK(integration.remote_id == "927000001");
  CHECK(integration.name == "Acme Trading");
  const json::Value about = json::parse(integration.organization_json).value;
  CHECK(about.text_of("currency") == "USD");
  CHECK(about.text_of("time_zone") == "America/New_York");
  CHECK(about.find("all")->items().size() == 1);
  CHECK(world.number("SELECT COUNT(*) FROM command WHERE kind = 'sync'") == 1);
}

TEST_CASE("a connection whose organisations cannot be read leaves the old connection as it was") {
  World world;
  world.connect();
  world.sync();
  const storage::Integration before = world.integration();
  const auto generation = world.tokens.load(kIntegration).value()->generation;
  world.simulator.inject({.kind = zoho_sim::FaultKind::kStatus, .path_prefix = "/books/v3/organizations", .count = -1, .status = 503});
  const auto failed = world.try_connect();
  REQUIRE(!failed.ok());
  world.simulator.clear_faults();
  CHECK(world.tokens.load(kIntegration).value()->generation == generation);
  CHECK(world.integration().actual == before.actual);
  CHECK(world.integration().connected == before.connected);
  world.later(std::chrono::minutes(1));
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
}
