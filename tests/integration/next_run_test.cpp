// A run after one that ended early: what it reads, and that what was granted is used.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stop_token>

#include "host/storage/commands.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

TEST_CASE("a run five minutes after one that was stopped or killed among its details reads the list, and brings what is new") {
  // That the queue was being worked off stood in the cursor for ten minutes, whoever asked: the second run read no list, said
  // that it had succeeded, and the new invoice was not there.
  for (const bool is_killed : {false, true}) {
    CAPTURE(is_killed);
    WorldOptions options;
    options.invoices = 120;
    World world(options);
    world.connect();
    std::stop_source stop;
    std::atomic<int> details = 0;
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      if (!call.starts_with("GET /books/v3/invoices/") || ++details != 60) return std::nullopt;
      if (is_killed) {
        world.database->die_after(0);
      } else {
        stop.request_stop();
      }
      return std::nullopt;
    };
    const auto first = world.try_sync({}, stop.get_token());
    CHECK((!first.ok() || first->outcome != runs::RunOutcome::kSucceeded));
    world.transport.before = nullptr;
    if (is_killed) {
      world.database->revive();
      world.restart();
    }
    world.later(5min);
    const std::string fresh = world.make_invoice("70.00");
    const runs::RunReport second = world.sync();
    CHECK_MESSAGE(second.outcome == runs::RunOutcome::kSucceeded, second.reason);
    CHECK(phase_of(second, "invoices").calls.list > 0);
    CHECK(world.find_record("invoice", fresh).has_value());
  }
}

TEST_CASE("D5: the cap of a run is used to its last call, also by those that wait for their minute when it is reached") {
  // At 100 calls a minute, 103 of them: the last three wait while the one after them is refused.
  for (const bool is_paced : {false, true}) {
    CAPTURE(is_paced);
    WorldOptions options;
    options.invoices = 400;
    options.payments = 10;
    options.is_paced = is_paced;
    options.limits = "{per_minute: 100, concurrent: 5, per_day: 4000}";
    options.more = "    budgets: {run: 103}\n";
    World world(options);
    world.connect();
    for (int run = 0; run < 3; ++run) {
      world.transport.forget_calls();
      const runs::RunReport report = world.sync();
      CHECK(report.reason == "berth.run_cap");
      CHECK(world.transport.api_calls().size() == 103);
      world.later(1h);
    }
  }
}

TEST_CASE("a sync that was asked for and waits is the one that a person starts by hand: it is not done once more after it") {
  World world({.invoices = 5, .payments = 0, .credit_notes = 0});
  const auto waiting = [&] {
    std::vector<std::string> arguments;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      for (const storage::Command& one : BERTH_TRY(storage::commands::list(connection, kIntegration))) arguments.push_back(one.kind + " " + one.argument_json);
      return success();
    }).ok());
    return arguments;
  };
  const auto ask = [&](std::string_view kind, std::string_view argument) {
    REQUIRE(world.database->write("test.ask", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(storage::commands::push(connection, kIntegration, kind, argument, world.clock.now()));
      return success();
    }).ok());
  };
  world.connect();
  ask("sync", R"({"trigger":"connect"})");
  const std::string some = R"({"trigger":"api","phases":["invoices"]})", full = R"({"trigger":"api","full":true})";
  ask("sync", some);
  ask("sync", full);
  runs::RunRequest only;
  only.trigger = "command";
  only.phases = {"items"};
  world.sync(only);
  CHECK(waiting().size() == 3);   // of one phase: that is not what was asked for
  world.sync();
  CHECK(waiting() == std::vector<std::string>{"sync " + some, "sync " + full});
  runs::RunRequest all;
  all.trigger = "command";
  all.full = true;
  world.sync(all);
  CHECK(waiting() == std::vector<std::string>{"sync " + some});
}

TEST_CASE("the log of a good run has no empty reason") {
  World world({.invoices = 5, .payments = 0, .credit_notes = 0});
  world.connect();
  REQUIRE(world.sync().outcome == runs::RunOutcome::kSucceeded);
  int ends = 0;
  for (const telemetry::Entry& one : world.sink->entries()) {
    if (one.message != "run ended") continue;
    ++ends;
    for (const telemetry::Field& field : one.fields) CHECK(field.key != "reason");
  }
  CHECK(ends == 1);
}
