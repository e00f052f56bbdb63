// One run of an integration at a time, whoever asks, and nothing of a run that lost its right.
#include "host/storage/leases.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// Another host over the same database.
runs::Engine another_engine(World& world) {
  return runs::Engine({.database = *world.database,
                       .transport = world.transport,
                       .runner = *world.runner,
                       .clock = world.clock,
                       .random = world.random,
                       .log = world.log,
                       .companies = world.registry->companies(),
                       .owner = "another"});
}

}  // namespace

TEST_CASE("a second host that wants the same integration while it runs is told that it is busy") {
  World world;
  world.connect();
  const runs::RemoteAccess access = *world.registry->access(world.unit());
  runs::Engine other = another_engine(world);
  std::atomic<int> asked = 0;   // calls come from several threads
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (asked++ > 3) return std::nullopt;
    const auto second = other.run(world.unit().setup, access, {}, {});
    CHECK(!second.ok());
    if (!second.ok()) CHECK(second.error().reason == "runs.busy");
    const auto applied = other.apply(world.unit().setup, {});
    CHECK(!applied.ok());
    if (!applied.ok()) CHECK(applied.error().reason == "runs.busy");
    return std::nullopt;
  };
  CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
  CHECK(asked > 0);
  world.transport.before = nullptr;
  CHECK(other.run(world.unit().setup, access, {}, {}).ok());   // freed
}

TEST_CASE("the lease outlasts a remote that answers slowly: nobody else gets it between two checkpoints") {
  // 100 details come between two checkpoints; at 15 a minute that takes far longer than the lease lives.
  World world({.invoices = 90, .payments = 10, .limits = "{per_minute: 15, concurrent: 2, per_day: 100000}"});
  world.connect();
  const runs::RemoteAccess access = *world.registry->access(world.unit());
  runs::Engine other = another_engine(world);
  std::atomic<int> taken = 0;
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    const auto lease = world.number("SELECT expires_ms FROM lease WHERE owner <> ''");
    if (lease <= world.clock.now().unix_ms) ++taken;
    return std::nullopt;
  };
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason);
  // Virtual time may run ahead of the thread that renews by a call or two; without renewing it is every second call.
  CHECK(taken < 10);
}

TEST_CASE("work that is queued at any moment of a run is done by the end of it") {
  int commits = 0;
  {
    World world({.contacts = 3, .items = 3, .invoices = 4, .payments = 2, .credit_notes = 0});
    world.connect();
    commits = -world.database->commits();
    world.sync();
    commits += world.database->commits();
  }
  for (int after = 1; after <= commits; after += kEvery) {
    CAPTURE(after);
    World world({.contacts = 3, .items = 3, .invoices = 4, .payments = 2, .credit_notes = 0});
    world.connect();
    std::atomic<int> left = after;
    world.database->after_commit = [&] {
      if (--left != 0) return;
      world.map("default_income", "", "acme_us", "sales");
      world.map("default_expense", "", "acme_us", "cogs");
      CHECK(world.engine->apply_or_queue(world.unit().setup, {}).ok());
    };
    world.sync();
    world.database->after_commit = nullptr;
    CHECK(world.number("SELECT COUNT(*) FROM command WHERE kind = 'apply'") == 0);
    CHECK(world.records("item", "posted").size() == 3);
    CHECK(world.integration().actual == "connected");
  }
}
