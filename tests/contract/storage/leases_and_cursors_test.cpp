#include "contract/storage/engines.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/runs.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using storage::Connection;
namespace cursors = storage::cursors;
namespace leases = storage::leases;

namespace {
auto acquire(storage::Database& database, const char* owner, Instant now) {
  return write(database, [&](Connection& c) { return leases::acquire(c, "zoho_acme", owner, 5min, now); });
}
}  // namespace

TEST_CASE("a commit with the fencing number of a lease that another took over is refused") {
  on_every_engine([](storage::Database& database) {
    const auto first = acquire(database, "one", kNow);
    REQUIRE(first);
    CHECK_FALSE(acquire(database, "two", kNow + 5min - 1ms));
    const auto second = acquire(database, "two", kNow + 5min);
    REQUIRE(second);
    CHECK(*second > *first);
    CHECK(refusal(database, [&](Connection& c) { return leases::require(c, "zoho_acme", "one", *first); }) ==
          "storage.lease_lost");
    CHECK(refusal(database, [&](Connection& c) { return leases::renew(c, "zoho_acme", "one", *first, 5min, kNow); }) ==
          "storage.lease_lost");
    CHECK(refusal(database, [&](Connection& c) { return leases::require(c, "zoho_acme", "two", *second); }).empty());
  });
}

TEST_CASE("the fencing number grows also after the lease was given back, and releasing what is lost does nothing") {
  on_every_engine([](storage::Database& database) {
    const auto first = *acquire(database, "one", kNow);
    write(database, [&](Connection& c) { return leases::release(c, "zoho_acme", "one", first); });
    CHECK(refusal(database, [&](Connection& c) { return leases::require(c, "zoho_acme", "one", first); }) ==
          "storage.lease_lost");
    const auto second = *acquire(database, "two", kNow);
    CHECK(second > first);
    write(database, [&](Connection& c) { return leases::release(c, "zoho_acme", "one", first); });
    const auto held = read(database, [](Connection& c) { return leases::find(c, "zoho_acme", kNow); });
    REQUIRE(held);
    CHECK(held->owner == "two");
    CHECK_FALSE(read(database, [](Connection& c) { return leases::find(c, "zoho_acme", kNow + 5min); }));
  });
}

TEST_CASE("a renewed lease is not taken at its old end") {
  on_every_engine([](storage::Database& database) {
    const auto fencing = *acquire(database, "one", kNow);
    write(database, [&](Connection& c) { return leases::renew(c, "zoho_acme", "one", fencing, 5min, kNow + 4min); });
    CHECK_FALSE(acquire(database, "two", kNow + 6min));
  });
}

TEST_CASE("a pass keeps its number until it is complete, and numbers grow over phases and modes") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      auto sweep = BERTH_TRY(cursors::begin(c, "i", "invoices", "sweep", kNow));
      CHECK(sweep.pass == 1);
      CHECK(sweep.cursor_json.empty());
      BERTH_CHECK(cursors::save(c, sweep, R"({"page":2})", true));
      auto changes = BERTH_TRY(cursors::begin(c, "i", "invoices", "changes", kNow));
      CHECK(changes.pass == 2);
      BERTH_CHECK(cursors::complete_pass(c, changes, R"({"watermark":"x"})", kNow));
      CHECK(BERTH_TRY(cursors::begin(c, "i", "invoices", "changes", kNow)).pass == 3);

      sweep = BERTH_TRY(cursors::begin(c, "i", "invoices", "sweep", kNow + 1h));
      CHECK(sweep.pass == 1);
      CHECK(sweep.cursor_json == R"({"page":2})");
      CHECK(BERTH_TRY(cursors::begin(c, "other", "invoices", "sweep", kNow)).pass == 1);
      CHECK(BERTH_TRY(cursors::passes_complete(c, "i", "invoices")) == 1);
      CHECK(BERTH_TRY(cursors::list(c, "i")).size() == 2);
      return success();
    });
  });
}

TEST_CASE("a pass that is over keeps its cursor while its details are fetched, until the next pass begins") {
  on_every_engine([](storage::Database& database) {
    const auto pass = write(database, [](Connection& c) -> Result<storage::PhaseCursor> {
      auto begun = BERTH_TRY(cursors::begin(c, "i", "items", "full", kNow));
      BERTH_CHECK(cursors::complete_pass(c, begun, "{}", kNow));
      return begun;
    });
    CHECK(refusal(database, [&](Connection& c) { return cursors::save(c, pass, R"({"draining":true})", false); }).empty());
    CHECK(refusal(database, [&](Connection& c) { return cursors::complete_pass(c, pass, "{}", kNow); }) ==
          "storage.pass_not_under_way");
    const auto kept = write(database, [](Connection& c) { return cursors::load(c, "i", "items", "full"); });
    CHECK(kept.cursor_json == R"({"draining":true})");
    CHECK_FALSE(kept.under_way);
    write(database, [](Connection& c) { return cursors::begin(c, "i", "items", "full", kNow); });
    CHECK(refusal(database, [&](Connection& c) { return cursors::save(c, pass, "{}", false); }) == "storage.pass_not_under_way");
  });
}

TEST_CASE("runs are listed newest first in pages, and those of a dead process become crashed") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const char* id : {"run_1", "run_2", "run_3"}) {
        BERTH_CHECK(storage::runs::open(c, {.id = id, .integration = "i", .trigger = "schedule", .started = kNow}));
      }
      CHECK(BERTH_TRY(storage::runs::close_abandoned(c, "i", "run_3", kNow + 1s)) == 2);
      BERTH_CHECK(storage::runs::finish(c, "run_3", {.outcome = "succeeded", .ended = kNow + 2s}));
      const auto first = BERTH_TRY(storage::runs::list(c, "i", {.limit = 2}));
      REQUIRE(first.items.size() == 2);
      CHECK(first.items[0].id == "run_3");
      CHECK(first.items[0].outcome == "succeeded");
      CHECK(first.items[1].outcome == "crashed");
      const auto second = BERTH_TRY(storage::runs::list(c, "i", {.after = first.next, .limit = 2}));
      REQUIRE(second.items.size() == 1);
      CHECK(second.items[0].id == "run_1");
      CHECK(second.next.empty());
      return success();
    });
    CHECK(refusal(database, [](Connection& c) { return storage::runs::finish(c, "run_9", {}); }) ==
          "storage.not_found");
  });
}

TEST_CASE("a queued command is taken once, and the same one is not queued twice") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      const auto id = BERTH_TRY(storage::commands::push(c, "i", "retry", R"({"record":1})", kNow));
      CHECK(BERTH_TRY(storage::commands::push(c, "i", "retry", R"({"record":1})", kNow)) == id);
      BERTH_TRY(storage::commands::push(c, "i", "apply", "{}", kNow));
      BERTH_TRY(storage::commands::push(c, "other", "apply", "{}", kNow));
      const auto taken = BERTH_TRY(storage::commands::take(c, "i"));
      REQUIRE(taken.size() == 2);
      CHECK(taken[0].kind == "retry");
      CHECK(BERTH_TRY(storage::commands::take(c, "i")).empty());
      CHECK(BERTH_TRY(storage::commands::list(c, "other")).size() == 1);
      return success();
    });
  });
}
