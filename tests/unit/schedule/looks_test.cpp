// When integrations are looked at: from storage, in the order of time, shared by hosts, and never too late.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "host/schedule/scheduler.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/looks.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

struct Plan : World {
  explicit Plan(std::string schedule = "{invoices: 2h, customer_payments: 30m, contacts: 2h, items: \"0 3 * * *\", zone: Europe/Berlin}")
      : World({.contacts = 3, .items = 2, .invoices = 3, .payments = 1, .credit_notes = 0, .schedule = std::move(schedule)}) {}

  schedule::Scheduler::Dependencies host() { return {.database = *database, .registry = *registry, .engine = *engine, .clock = clock, .log = log}; }
  void ask(const std::string& id, const std::string& argument = "{}") {
    REQUIRE(database->write("test.ask", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(storage::commands::push(connection, id, "sync", argument, clock.now()));
      return success();
    }).ok());
  }
  void change(const std::string& sql) {
    REQUIRE(database->write("test.change", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(connection.execute(sql));
      return success();
    }).ok());
  }
  /// Connected integrations whose plugin is nowhere, each with a sync that was asked for so many minutes ago.
  void add_many(int count) {
    REQUIRE(database->write("test.many", [&](storage::Connection& connection) -> Status {
      for (int i = 0; i < count; ++i) {
        storage::Integration row;
        row.id = fmt::format("many_{:05}", i);
        row.plugin = "nothing";
        row.company = "acme_us";
        row.origin = "api";
        row.created = row.connected = clock.now();
        BERTH_CHECK(storage::integrations::insert(connection, row));
        BERTH_TRY(storage::commands::push(connection, row.id, "sync", "{}", clock.now()));
        BERTH_TRY(connection.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = ?", {clock.now() - std::chrono::minutes(i), row.id}));
      }
      return success();
    }).ok());
  }
  Instant next_look(const std::string& id = std::string(kIntegration)) { return {number("SELECT look_at_ms FROM schedule WHERE integration = '" + id + "'")}; }
};

std::vector<std::string> names(const std::vector<schedule::DueRun>& runs) {
  std::vector<std::string> all;
  for (const auto& run : runs) all.push_back(run.integration);
  return all;
}

}  // namespace

TEST_CASE("P1: a tick asks an index for those whose moment has come, also on PostgreSQL") {
  Plan plan;
  plan.add_many(3);
  if (plan.database->engine() != "sqlite") return;
  std::string how;
  REQUIRE(plan.database->read([&](storage::Connection& connection) -> Status {
    for (const std::string where : {"look_at_ms <= 5 ORDER BY look_at_ms", "look_at_ms > 5 ORDER BY look_at_ms", "decided_ms > 5 ORDER BY decided_ms"}) {
      for (const auto& row : BERTH_TRY(connection.query("EXPLAIN QUERY PLAN SELECT integration, look_at_ms, wakes FROM schedule WHERE " + where + ", integration LIMIT 9"))) {
        how += row.text(3) + "; ";
      }
    }
    return success();
  }).ok());
  CHECK_MESSAGE(how.find("SCAN") == std::string::npos, how);
  CHECK_MESSAGE(how.find("TEMP B-TREE") == std::string::npos, how);
  CHECK_MESSAGE(how.find("schedule_order") != std::string::npos, how);
  CHECK_MESSAGE(how.find("schedule_decided") != std::string::npos, how);
}

TEST_CASE("P1: after a stop of a day everything is overdue, and is begun oldest first, no more at a time than there are places") {
  Plan plan;
  plan.add_many(700);   // more than one step looks at
  schedule::Scheduler scheduler(plan.host(), {});
  std::vector<std::string> order;
  while (order.size() < 700) {
    const auto taken = names(scheduler.take(plan.clock.now(), 4).value());
    REQUIRE(!taken.empty());
    REQUIRE(taken.size() <= 4);
    order.insert(order.end(), taken.begin(), taken.end());
  }
  CHECK(std::is_sorted(order.begin(), order.end(), std::greater<>()));   // the highest number waits longest
  CHECK(std::set<std::string>(order.begin(), order.end()).size() == 700);
  CHECK(scheduler.take(plan.clock.now(), 4)->empty());
  // Who took one and died keeps nobody waiting for long.
  plan.later(1min);
  CHECK(scheduler.take(plan.clock.now(), 4)->size() == 4);
}

TEST_CASE("B11: two hosts on one database take different integrations, and what was taken stays taken") {
  Plan plan;
  plan.add_many(40);
  schedule::Scheduler one(plan.host(), {}), other(plan.host(), {});
  std::vector<std::string> all;
  for (int i = 0; i < 10; ++i) {
    for (schedule::Scheduler* scheduler : {&one, &other}) {
      const auto taken = names(scheduler->take(plan.clock.now(), 2).value());
      all.insert(all.end(), taken.begin(), taken.end());
    }
  }
  CHECK(all.size() == 40);
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == 40);
}

TEST_CASE("B11: of two hosts that decide at once, the one that writes later gets nothing") {
  Plan plan;
  plan.add_many(3);
  schedule::Scheduler one(plan.host(), {}), other(plan.host(), {});
  std::vector<std::string> others;
  bool is_done = false;
  plan.database->refuse = [&]() -> std::optional<Error> {   // one has decided, and is about to write
    if (std::exchange(is_done, true)) return std::nullopt;
    others = names(other.take(plan.clock.now(), 4).value());
    return std::nullopt;
  };
  CHECK(one.take(plan.clock.now(), 4)->empty());
  CHECK(others.size() == 3);
}

// The moment of the next look was written over by a host that had decided before.
TEST_CASE("P1: what is asked for while a host decides that nothing is due is looked at next") {
  Plan plan;
  plan.connect();
  schedule::Scheduler scheduler(plan.host(), {});
  REQUIRE(plan.unit().setup.id == kIntegration);
  plan.sync(scheduler.take(plan.clock.now(), 4)->front().request);
  plan.later(10s);
  bool is_done = false;
  plan.database->refuse = [&]() -> std::optional<Error> {
    if (std::exchange(is_done, true)) return std::nullopt;
    plan.ask(std::string(kIntegration));
    return std::nullopt;
  };
  CHECK(scheduler.take(plan.clock.now(), 4)->empty());
  CHECK(scheduler.take(plan.clock.now(), 4)->size() == 1);
}

TEST_CASE("P1: everything that could make an integration due earlier wakes it") {
  Plan plan;
  plan.connect();
  const std::string far = "UPDATE schedule SET look_at_ms = " + std::to_string((plan.clock.now() + 20h).unix_ms);
  const auto wakes = [&](auto event) {
    plan.change(far);
    REQUIRE(plan.next_look() > plan.clock.now());
    event();
    return plan.next_look() <= plan.clock.now();
  };
  CHECK(wakes([&] { plan.ask(std::string(kIntegration), R"({"full":true})"); }));
  CHECK(wakes([&] { plan.sync(); }));
  CHECK(wakes([&] { REQUIRE(admin::set_desired(*plan.database, kIntegration, "paused", plan.clock.now()).ok()); }));
  CHECK(wakes([&] { REQUIRE(admin::set_desired(*plan.database, kIntegration, "enabled", plan.clock.now()).ok()); }));
  CHECK(wakes([&] {
    plan.later(1min);
    plan.connect();
  }));
  CHECK(wakes([&] {
    for (config::Integration& one : plan.config.integrations) one.schedule["invoices"] = *config::parse_timing("5m");
    REQUIRE(plan.registry->sync_declared().ok());
  }));
  CHECK(!wakes([&] { REQUIRE(plan.registry->sync_declared().ok()); }));   // as it was
  plan.change("INSERT INTO lease (integration, owner, fencing, expires_ms) VALUES ('zoho_acme', 'another', 9, 1) ON CONFLICT (integration) DO UPDATE SET owner = 'another'");
  CHECK(wakes([&] { plan.change("UPDATE lease SET owner = ''"); }));
  plan.change("UPDATE integration SET actual = 'needs_reauth'");
  CHECK(wakes([&] { plan.change("UPDATE integration SET actual = 'connected'"); }));
  // One that is new is looked at at once, and what is gone is looked at no more.
  plan.add_without_plugin("new_one");
  CHECK(plan.next_look("new_one") <= plan.clock.now());
  plan.change("DELETE FROM integration WHERE id = 'new_one'");
  CHECK(plan.number("SELECT COUNT(*) FROM schedule WHERE integration = 'new_one'") == 0);
}

TEST_CASE("P1: one that is always due does not keep the others away") {
  Plan plan("{invoices: 1m, customer_payments: 1m, contacts: 1m, items: 1m}");
  plan.connect();
  REQUIRE(plan.unit().setup.id == kIntegration);
  schedule::Scheduler scheduler(plan.host(), {});
  plan.sync(scheduler.take(plan.clock.now(), 1)->front().request);
  plan.later(10min);
  plan.add_many(5);
  int others = 0;
  for (int i = 0; i < 12 && others < 5; ++i) {
    const auto taken = scheduler.take(plan.clock.now(), 1).value();
    REQUIRE(taken.size() == 1);
    if (taken.front().integration == kIntegration) {
      plan.sync(taken.front().request);
    } else {
      ++others;
    }
    plan.later(2min);
  }
  CHECK(others == 5);
}

// Which of them is looked at is decided by a moment that was written earlier: it must never be later than the truth.
TEST_CASE("P1: whatever happens, what is due is taken at the next tick") {
  Plan plan;
  plan.connect();
  REQUIRE(plan.unit().setup.id == kIntegration);
  std::mt19937 random(20260528);
  const auto one_of = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  schedule::Scheduler scheduler(plan.host(), {});
  int taken_runs = 0, died = 0, looked = 0;
  Instant claimed{0};
  for (int minute = 0; minute < 3 * 24 * 60; ++minute) {
    plan.later(1min);
    switch (one_of(120)) {
      case 0: REQUIRE(admin::set_desired(*plan.database, kIntegration, "paused", plan.clock.now()).ok()); break;
      case 1: case 2: case 3: REQUIRE(admin::set_desired(*plan.database, kIntegration, "enabled", plan.clock.now()).ok()); break;
      case 4: plan.ask(std::string(kIntegration)); break;
      case 5: plan.simulator.inject({.kind = zoho_sim::FaultKind::kStatus, .path_prefix = "/books/v3/", .count = 12, .status = 503}); break;
      case 6: (void)plan.try_sync(); break;   // by another process, unless it is paused
      case 7: plan.simulator.clear_faults(); break;
      default: break;
    }
    const bool is_due = scheduler.decide(std::string(kIntegration), plan.clock.now())->run.has_value();
    const bool is_looked_at = plan.next_look() <= plan.clock.now();
    looked += is_looked_at ? 1 : 0;
    const auto taken = scheduler.take(plan.clock.now(), 1).value();
    REQUIRE_MESSAGE((taken.size() == 1) == is_due, "minute " << minute << ", look at " << to_string(plan.next_look()) << ", claimed " << to_string(claimed));
    if (taken.empty()) continue;
    claimed = plan.clock.now();
    if (one_of(10) == 0) {
      ++died;   // the host that took it
      continue;
    }
    ++taken_runs;
    (void)plan.try_sync(taken.front().request);
  }
  CHECK(taken_runs > 80);
  CHECK(died > 3);
  CHECK(looked < 3 * 24 * 60 / 5);   // and it is not looked at for nothing
}

TEST_CASE("P1: items by a cron expression are pulled at three in the morning of that zone, in one run however long nobody looked") {
  Plan plan;
  plan.connect();
  REQUIRE(plan.unit().setup.id == kIntegration);
  schedule::Scheduler scheduler(plan.host(), {});
  plan.sync(scheduler.take(plan.clock.now(), 1)->front().request);
  const auto has_items = [&] {
    const auto decision = scheduler.decide(std::string(kIntegration), plan.clock.now());
    return decision->run && std::count(decision->run->request.phases.begin(), decision->run->request.phases.end(), "items") == 1;
  };
  plan.clock.set(*parse_instant("2026-05-29T02:59:59+0200"));
  CHECK(!has_items());
  plan.clock.set(*parse_instant("2026-05-29T03:01:00+0200"));
  CHECK(has_items());
  plan.clock.set(*parse_instant("2026-06-20T01:00:00+0200"));
  CHECK(has_items());
  plan.sync();
  CHECK(!has_items());
  plan.clock.set(*parse_instant("2026-06-20T03:01:00+0200"));
  CHECK(has_items());
}
