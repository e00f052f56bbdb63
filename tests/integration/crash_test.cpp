// A run may be killed or stopped at any moment: what the next ones make of it is what one undisturbed run makes.
#include <algorithm>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

const WorldOptions kSmall{.contacts = 5, .items = 4, .invoices = 10, .payments = 6, .credit_notes = 2, .drafts = 1000, .voids = 1000};

/// The journal and the balances that an undisturbed first sync and mapping give.
std::vector<std::string> undisturbed(std::vector<std::string>* balances, int* commits) {
  World world(kSmall);
  world.connect();
  const int before = world.database->commits();
  world.sync();
  *commits = world.database->commits() - before;
  world.map_all();
  world.check_books();
  *balances = world.balances();
  return world.journal();
}

}  // namespace

TEST_CASE("a host that dies after any commit of the first sync ends with the same journal") {
  std::vector<std::string> balances;
  int commits = 0;
  const std::vector<std::string> wanted = undisturbed(&balances, &commits);
  REQUIRE(commits > 10);
  for (int after = 1; after <= commits; ++after) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    world.database->die_after(after);
    const auto died = world.try_sync();
    REQUIRE(world.database->is_dead());
    world.database->revive();
    world.restart();
    world.later(runs::kLeaseTtl + std::chrono::seconds(1));
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE((report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged),
                  report.reason << ": " << report.message);
    world.map_all();
    CHECK(world.journal() == wanted);
    CHECK(world.balances() == balances);
    world.check_books();
    CHECK(world.records({}, "pending").empty());
    CHECK(world.number("SELECT COUNT(*) FROM run WHERE outcome = 'running'") == 0);
  }
}

TEST_CASE("a host that dies after any commit of applying ends with the same journal") {
  std::vector<std::string> balances;
  int commits = 0;
  const std::vector<std::string> wanted = undisturbed(&balances, &commits);
  for (int after = 1; after <= 12; ++after) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    world.sync();
    world.map("default_income", "", "acme_us", "sales");
    world.map("default_expense", "", "acme_us", "cogs");
    world.database->die_after(after);
    const auto died = world.engine->apply(world.unit().setup, {});
    world.database->revive();
    world.restart();
    world.later(runs::kLeaseTtl + std::chrono::seconds(1));
    world.sync();
    world.map_all();
    CHECK(world.journal() == wanted);
    CHECK(world.balances() == balances);
  }
}

TEST_CASE("a run that is stopped after any checkpoint is cancelled, and the next one goes on where it was") {
  std::vector<std::string> balances;
  int commits = 0;
  const std::vector<std::string> wanted = undisturbed(&balances, &commits);
  for (int after = 1; after <= commits; after += 2) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    std::stop_source stop;
    int left = after;
    world.database->after_commit = [&] {
      if (--left == 0) stop.request_stop();
    };
    const runs::RunReport stopped = world.sync({}, stop.get_token());
    world.database->after_commit = nullptr;
    const auto first = world.transport.count("GET /books/v3/", 200);
    // A stop that comes after the last call changes nothing.
    CHECK((stopped.outcome == runs::RunOutcome::kCancelled || stopped.outcome == runs::RunOutcome::kSucceeded));
    if (after < 5) CHECK(stopped.outcome == runs::RunOutcome::kCancelled);
    const runs::RunReport report = world.sync();
    CHECK((report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged));
    CHECK(first <= world.transport.count("GET /books/v3/", 200));
    world.map_all();
    CHECK(world.journal() == wanted);
    CHECK(world.balances() == balances);
    CHECK(world.records({}, "pending").empty());
  }
}
