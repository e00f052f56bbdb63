// Hosts whose clocks are wrong, on one PostgreSQL, and a holder of a lease that cannot renew it.
#include <thread>

#include "host/http/quota_gate.hpp"
#include "host/runs/quota_board.hpp"
#include "integration/world.hpp"
#include "support/postgresql_server.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("B11: a host whose clock is ten minutes wrong leaves the shares of others alone, and they its own") {
  if (const auto why = test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  const std::string url = test::PostgresqlServer::shared().create_database();
  const SystemClock system;
  for (const auto off : {std::chrono::minutes(10), std::chrono::minutes(-10)}) {
    CAPTURE(off.count());
    ManualClock right(system.now()), wrong(system.now() + off);
    const auto here = storage::open_postgresql({.url = url}, right);
    const auto there = storage::open_postgresql({.url = url}, wrong);
    REQUIRE(here.ok());
    REQUIRE(there.ok());
    const std::string key = "remote/" + std::to_string(off.count());
    runs::DatabaseQuotaBoard board(**here, right, key), other_board(**there, wrong, key);
    const json::Value block = json::parse(R"({"per_minute":10,"concurrent":4,"per_day":1000})").value;
    const http::Limits limits = *http::Limits::parse(block, "");
    http::QuotaGate gate(limits, {.reserve_percent = 0, .owner = "right"}, right, &board);
    http::QuotaGate other(limits, {.reserve_percent = 0, .owner = "wrong"}, wrong, &other_board);
    // Six calls of the one, of ten in a minute.
    for (int i = 0; i < 6; ++i) REQUIRE(gate.acquire({}).ok());
    REQUIRE(other.look().ok());
    const auto sum_of_places = [&](storage::Database& database) {
      int places = 0;
      REQUIRE(database.read([&](storage::Connection& connection) -> Status {
        const http::QuotaState state = BERTH_TRY(runs::load_quota(connection, key));
        CHECK(state.shares.size() == 2);
        for (const http::QuotaShare& share : state.shares) places += share.places;
        return success();
      }).ok());
      return places;
    };
    // Whoever had forgotten the other's share would hold all ten besides.
    CHECK(sum_of_places(**there) <= 10);
    REQUIRE(gate.look().ok());
    CHECK(sum_of_places(**here) <= 10);
  }
}

TEST_CASE("B11: a holder that cannot renew its lease stops before it ends, and makes no call after that") {
  World world;
  world.connect();
  const runs::HeldLease lease{std::string(kIntegration), "one", 1, std::chrono::milliseconds(600)};
  std::stop_source asked;
  runs::LeaseKeeper keeper(*world.database, world.clock, lease, asked.get_token());
  runs::LeasedTransport transport(world.transport, keeper);
  world.database->die_after(0);
  CHECK(keeper.good().ok());
  CHECK_FALSE(keeper.stop().stop_requested());
  const auto began = std::chrono::steady_clock::now();
  while (!keeper.stop().stop_requested() && std::chrono::steady_clock::now() - began < std::chrono::seconds(20)) std::this_thread::yield();
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
  REQUIRE_FALSE(keeper.good().ok());
  CHECK(keeper.good().error().reason == "runs.lease_unrenewed");
  world.transport.forget_calls();
  const auto answer = transport.send({.method = "GET", .url = "https://www.zohoapis.com/books/v3/contacts"}, {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Code::kCancelled);
  CHECK(world.transport.count("") == 0);
  // The database is back, and the lease stays lost: others may have it by now.
  world.database->revive();
  CHECK(keeper.beat().error().reason == "runs.lease_unrenewed");
}

TEST_CASE("B11: a lease that another host took ends the run that had it, and who asks a run to stop is heard") {
  World world;
  world.connect();
  std::stop_source asked;
  {
    const runs::HeldLease lease{std::string(kIntegration), "nobody", 7, std::chrono::milliseconds(400)};
    runs::LeaseKeeper keeper(*world.database, world.clock, lease, asked.get_token());
    const auto began = std::chrono::steady_clock::now();
    while (!keeper.stop().stop_requested() && std::chrono::steady_clock::now() - began < std::chrono::seconds(20)) std::this_thread::yield();
    CHECK(keeper.good().error().reason == "storage.lease_lost");
  }
  const runs::HeldLease lease{std::string(kIntegration), "nobody", 7};
  runs::LeaseKeeper keeper(*world.database, world.clock, lease, asked.get_token());
  CHECK(keeper.good().ok());
  asked.request_stop();
  CHECK(keeper.stop().stop_requested());
}
