// Hosts whose clocks are wrong, on one PostgreSQL, and a holder of a lease that cannot renew it.
#include <thread>

#include "host/app/host.hpp"
#include "host/http/quota_gate.hpp"
#include "host/runs/quota_board.hpp"
#include "host/schedule/scheduler.hpp"
#include "host/storage/looks.hpp"
#include "host/vault/master_key.hpp"
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

// With an hour too much on its clock it ran once, and nobody ran anything for an hour.
TEST_CASE("B11: a host whose clock is an hour fast or slow keeps no other one from running, and runs nothing too often") {
  if (const auto why = test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  const SystemClock system;
  for (const auto off : {std::chrono::hours(1), std::chrono::hours(-1)}) {
    CAPTURE(off.count());
    const std::string url = test::PostgresqlServer::shared().create_database();
    World world({.contacts = 2, .items = 2, .invoices = 2, .payments = 1, .credit_notes = 0, .schedule = "{invoices: 5m, customer_payments: 5m, contacts: 5m, items: 5m}",
                 .start = system.now().unix_ms / 1000});
    auto opened = storage::open_postgresql({.url = url, .folder = world.folder.path().string()}, world.clock);
    REQUIRE(opened.ok());
    world.use(std::move(*opened));
    for (const plugins::Discovered& found : world.registry->discovered()) {
      if (found.manifest) world.trust(*found.manifest);
    }
    world.connect();
    ManualClock machine(world.clock.now() + off);
    storage::SharedClock wrong(machine);
    const auto there = storage::open_postgresql({.url = url, .folder = world.folder.path().string()}, wrong);
    REQUIRE(there.ok());
    REQUIRE(wrong.follow(**there).ok());
    CHECK(std::chrono::abs(wrong.now() - system.now()) < std::chrono::minutes(1));
    CHECK(std::chrono::abs(wrong.machine_ahead() - off) < std::chrono::minutes(1));
    Running process = world.begin_process("wrong:1:x", wrong, {});
    schedule::Scheduler other({.database = **there, .registry = *process.registry, .engine = *process.engine, .clock = wrong, .log = world.log}, {});
    const auto unit = process.registry->unit(kIntegration);
    REQUIRE(unit.ok());
    const auto access = process.registry->access(**unit);
    REQUIRE(access.ok());
    const auto taken = other.take(wrong.now(), 1);
    REQUIRE(taken.ok());
    REQUIRE(taken->size() == 1);
    REQUIRE(process.engine->run((*unit)->setup, *access, taken->front().request, {}).ok());
    CHECK(other.take(wrong.now(), 1)->empty());
    // What it has left behind means the same to a host whose clock is right.
    schedule::Scheduler right({.database = *world.database, .registry = *world.registry, .engine = *world.engine, .clock = world.clock, .log = world.log}, {});
    world.unit();
    CHECK(right.take(world.clock.now(), 1)->empty());
    const auto decision = right.decide(std::string(kIntegration), world.clock.now());
    REQUIRE(decision.ok());
    CHECK_FALSE(decision->run);
    CHECK(decision->look_again - system.now() > std::chrono::minutes(4));
    CHECK(decision->look_again - system.now() < std::chrono::minutes(6));
    const Instant look{world.number("SELECT look_at_ms FROM schedule WHERE integration = 'zoho_acme'")};
    CHECK(look - system.now() < std::chrono::minutes(6));
  }
}

TEST_CASE("B11: all of a host goes by the time of the database, however wrong the clock of its machine is") {
  if (const auto why = test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  World world;
  config::Config config = world.config;
  config.storage.engine = config::StorageConfig::Engine::kPostgresql;
  config.storage.url = test::PostgresqlServer::shared().create_database();
  const std::string key = (world.folder.path() / "vault.key").string();
  REQUIRE(vault::create_key_file(key, world.random).ok());
  config.vault_key = config::SecretRef::parse("file:" + key);
  const SystemClock system;
  ManualClock machine(system.now() + std::chrono::hours(1));
  app::HostOptions options;
  options.clock = &machine;
  const auto host = app::Host::open(config, std::move(options));
  REQUIRE_MESSAGE(host.ok(), host.error().message);
  CHECK(std::chrono::abs((*host)->clock().now() - system.now()) < std::chrono::minutes(1));
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
