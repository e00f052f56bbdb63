// What is due when. due() is asked with a clock that only the test moves.
#include "host/schedule/scheduler.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "host/storage/commands.hpp"
#include "host/storage/pins.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

struct Plan : World {
  Plan() : World({.contacts = 4, .items = 3, .invoices = 5, .payments = 2, .credit_notes = 1}) {}
  std::vector<schedule::DueRun> due() { return scheduler.due(clock.now()).value(); }
  std::vector<std::string> phases_due() {
    const auto runs = due();
    return runs.empty() ? std::vector<std::string>{} : runs.front().request.phases;
  }
  /// What a queued sync asks for, as `berth sync` and REST queue it.
  void ask(const std::string& argument) {
    REQUIRE(database->write("test.write", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(storage::commands::push(connection, kIntegration, "sync", argument, clock.now()));
      return success();
    }).ok());
  }
  void set_desired(std::string_view desired) { REQUIRE(admin::set_desired(*database, kIntegration, desired, clock.now()).ok()); }
  /// Time passes until something is due, and how much. The scheduler, which would begin it at once, rests from then on.
  std::chrono::milliseconds pass_until_due() {
    scheduler.stop();
    const Instant since = clock.now();
    for (int i = 0; i < 400 && due().empty(); ++i) later(15s);
    return clock.now() - since;
  }
  /// Runs until no run is under way and none is due.
  void settle() {
    scheduler.wake();
    for (int i = 0; i < 2000; ++i) {
      // A run that begins between two looks is not due any more, and one that ends may leave something due: twice.
      if (due().empty() && scheduler.running().empty() && due().empty() && scheduler.running().empty()) return;
      std::this_thread::yield();
      std::this_thread::sleep_for(5ms);
    }
    FAIL("the scheduler does not come to rest");
  }

  schedule::Scheduler scheduler{{.database = *database, .registry = *registry, .engine = *engine, .clock = clock, .log = log}, {.look_every = 5ms}};
};

const std::vector<std::string> kAll = {"invoices", "customer_payments", "contacts", "items", "credit_notes"};

}  // namespace

TEST_CASE("jitter makes a phase at most its share later, always the same for the same start, and different for others") {
  const Instant start{1'780'000'000'000};
  std::set<std::int64_t> seen;
  for (int i = 0; i < 50; ++i) {
    config::Integration declared;
    declared.id = "integration_" + std::to_string(i);
    const Instant due = schedule::next_due(declared, "invoices", start, "", 10);
    CHECK(due >= start + 1h);
    CHECK(due <= start + 1h + 6min);
    CHECK(due == schedule::next_due(declared, "invoices", start, "", 10));
    seen.insert(due.unix_ms);
  }
  CHECK(seen.size() > 25);
  config::Integration declared;
  declared.id = "x";
  CHECK(schedule::next_due(declared, "invoices", start, "", 0) == start + 1h);
  // A time of the day is not moved by a tenth of a month.
  declared.schedule["invoices"] = *config::parse_timing("@monthly");
  const Instant due = schedule::next_due(declared, "invoices", start, "Europe/Berlin", 10);
  CHECK(due >= *parse_instant("2026-06-01T00:00:00+0200"));
  CHECK(due <= *parse_instant("2026-06-01T00:01:00+0200"));
}

TEST_CASE("nothing is due before there is a connection, while paused or disabled, or when a person must reconnect") {
  Plan plan;
  CHECK(plan.due().empty());
  plan.connect();
  CHECK(plan.due().size() == 1);
  plan.set_desired("paused");
  CHECK(plan.due().empty());
  plan.set_desired("disabled");
  CHECK(plan.due().empty());
  plan.set_desired("enabled");
  CHECK(plan.due().size() == 1);
  plan.control("POST", "tokens/revoke");
  plan.control("POST", "tokens/expire");
  plan.later(2h);
  plan.sync();
  REQUIRE(plan.integration().actual == "needs_reauth");
  plan.later(48h);
  CHECK(plan.due().empty());
}

TEST_CASE("D5: a scheduled run takes the phases that are due, in the plugin's order, each by its own interval") {
  Plan plan;
  plan.connect();
  plan.sync();
  REQUIRE(plan.database->write("test.write", [](storage::Connection& connection) -> Status {
    BERTH_TRY(storage::commands::take(connection, kIntegration));
    return success();
  }).ok());
  CHECK(plan.due().empty());
  plan.later(6min);
  CHECK(plan.phases_due() == std::vector<std::string>{"customer_payments"});
  CHECK(plan.due().front().request.trigger == "schedule");
  plan.later(62min);
  CHECK(plan.phases_due() == std::vector<std::string>{"invoices", "customer_payments", "contacts", "credit_notes"});
  // However long nobody looked, it is one run.
  plan.later(24h * 30);
  CHECK(plan.due().size() == 1);
  CHECK(plan.phases_due() == kAll);
  plan.sync();
  CHECK(plan.due().empty());
}

TEST_CASE("an asked-for sync comes first, with what it asks for, and stays queued until its run has begun") {
  Plan plan;
  plan.connect();
  plan.ask(R"({"trigger":"api","full":true,"phases":["items"]})");
  for (int look = 0; look < 2; ++look) {
    const auto runs = plan.due();
    REQUIRE(runs.size() == 1);
    CHECK(runs.front().request.trigger == "connect");   // of the connection; oldest first
  }
  runs::RunRequest begun = plan.due().front().request;
  plan.sync(begun);
  const auto runs = plan.due();
  REQUIRE(runs.size() == 1);
  CHECK(runs.front().request.trigger == "api");
  CHECK(runs.front().request.full);
  CHECK(runs.front().request.phases == std::vector<std::string>{"items"});
  plan.sync(runs.front().request);
  CHECK(plan.due().empty());
}

TEST_CASE("a spent quota waits for its next attempt, and then takes what was left over, whatever the intervals say") {
  Plan plan;
  plan.connect();
  plan.control("POST", "limits", R"({"per_day":4,"used_today":0})");
  CHECK(plan.sync(plan.due().front().request).outcome == runs::RunOutcome::kRateLimited);
  const Instant next = plan.integration().next_attempt;
  REQUIRE(next > plan.clock.now());
  plan.clock.set(next - 1s);
  CHECK(plan.due().empty());
  plan.clock.set(next);
  CHECK(plan.phases_due() == kAll);
}

TEST_CASE("a failed run is repeated soon, with all that it left undone, and later each time, success forgets it") {
  Plan plan;
  plan.connect();
  plan.sync(plan.due().front().request);
  plan.later(24h * 2);
  plan.simulator.inject({.kind = zoho_sim::FaultKind::kStatus, .path_prefix = "/books/v3/", .count = -1, .status = 503});
  plan.scheduler.start();
  plan.settle();
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE outcome = 'failed'") == 1);
  std::int64_t failed = 1;
  std::vector<std::chrono::milliseconds> waits;
  while (failed < 5) {
    waits.push_back(plan.pass_until_due());
    plan.scheduler.start();
    plan.settle();
    failed = plan.number("SELECT COUNT(*) FROM run WHERE outcome = 'failed'");
    if (waits.size() > 8) break;
  }
  REQUIRE(waits.size() == 4);
  CHECK(waits.front() <= 2min);
  CHECK(std::is_sorted(waits.begin(), waits.end()));
  CHECK(waits.back() >= 3 * waits.front());
  plan.simulator.clear_faults();
  plan.pass_until_due();
  CHECK(plan.phases_due() == kAll);   // none of them has succeeded since
  plan.scheduler.start();
  plan.settle();
  CHECK(plan.integration().reason == "berth.setup_incomplete");
  plan.scheduler.stop();
}

// One whose lease ran out after its last phase showed "error" until the next interval.
TEST_CASE("a run that ended badly after its phases were whole is repeated soon, also one that the end of a process stopped") {
  for (const char* outcome : {"failed", "crashed", "cancelled", "running"}) {
    CAPTURE(outcome);
    Plan plan;
    plan.connect();
    plan.sync(plan.due().front().request);
    plan.later(6min);
    REQUIRE(plan.due().size() == 1);
    plan.sync(plan.due().front().request);
    CHECK(plan.due().empty());
    REQUIRE(plan.database->write("test.write", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(connection.execute("UPDATE run SET outcome = ? WHERE trigger_kind = 'schedule'", {outcome}));
      return success();
    }).ok());
    CHECK(plan.phases_due() == std::vector<std::string>{"customer_payments"});
  }
}

// A sync whose plugin was not trusted any more was begun, refused and logged every second for ever.
TEST_CASE("a sync that was asked for and cannot begin is tried again after a while, and at once when it is asked for anew") {
  Plan plan;
  plan.connect();
  plan.scheduler.start();
  plan.settle();
  REQUIRE(plan.database->write("test.write", [](storage::Connection& connection) -> Status {
    BERTH_TRY(storage::pins::erase(connection, "zoho_books"));
    return success();
  }).ok());
  plan.registry->forget(kIntegration);
  const auto refused = [&] {
    const auto entries = plan.sink->entries();
    return std::count_if(entries.begin(), entries.end(), [](const telemetry::Entry& entry) { return entry.message == "run did not begin"; });
  };
  // What is not put together is looked at once by itself; that is no part of what is asked for.
  plan.settle();
  const std::ptrdiff_t before = refused();
  const auto refused_after_rest = [&] {
    plan.settle();  // fails where it is due all the time
    return refused() - before;
  };
  plan.later(1s);
  plan.ask(R"({"trigger":"api"})");
  CHECK(refused_after_rest() == 1);
  plan.later(500ms);
  CHECK(refused_after_rest() == 1);
  plan.ask(R"({"trigger":"command","full":true})");
  CHECK(refused_after_rest() == 2);
  // What was tried often is tried once a minute.
  for (int i = 3; i < 13; ++i) {
    plan.later(1min);
    CHECK(refused_after_rest() == i);
  }
  plan.scheduler.stop();
}

TEST_CASE("what a killed process left under way goes on as soon as its lease is free, not an interval later") {
  Plan plan;
  plan.connect();
  plan.sync(plan.due().front().request);
  plan.later(62min);
  plan.database->die_after(6);
  CHECK(!plan.try_sync(plan.due().front().request).ok());
  plan.database->revive();
  plan.later(1min);
  CHECK(plan.phases_due().size() < 4);   // the lease is still the dead one's
  plan.later(runs::kLeaseTtl);
  CHECK(plan.phases_due() == std::vector<std::string>{"invoices", "customer_payments", "contacts", "credit_notes"});
}

TEST_CASE("an integration that somebody else runs now is asked again, not counted as failed, and its sync stays queued") {
  Plan plan;
  plan.connect();
  REQUIRE(plan.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("INSERT INTO lease (integration, owner, fencing, expires_ms) VALUES (?, 'another', 1, ?) "
                                 "ON CONFLICT (integration) DO UPDATE SET owner = 'another', expires_ms = excluded.expires_ms",
                                 {kIntegration, plan.clock.now() + 1h}));
    return success();
  }).ok());
  plan.scheduler.start();
  for (int i = 0; i < 400 && plan.sink->text().find("another process") == std::string::npos; ++i) std::this_thread::sleep_for(5ms);
  CHECK(plan.number("SELECT COUNT(*) FROM run") == 0);
  CHECK(plan.number("SELECT COUNT(*) FROM command WHERE kind = 'sync'") == 1);
  REQUIRE(plan.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("UPDATE lease SET owner = '', expires_ms = 0"));
    return success();
  }).ok());
  plan.settle();
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE outcome = 'succeeded'") == 1);
  CHECK(plan.number("SELECT COUNT(*) FROM command") == 0);
  plan.scheduler.stop();
}

TEST_CASE("stop asks the run under way to stop at its next checkpoint and waits for it") {
  Plan plan;
  plan.connect();
  std::atomic<bool> is_there = false, may_go = false;
  plan.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (call.starts_with("GET /books/v3/customerpayments") && !is_there.exchange(true)) {
      while (!may_go) std::this_thread::sleep_for(1ms);
    }
    return std::nullopt;
  };
  plan.scheduler.start();
  for (int i = 0; i < 4000 && !is_there; ++i) std::this_thread::sleep_for(1ms);
  REQUIRE(is_there);
  CHECK(plan.scheduler.running() == std::vector<std::string>{std::string(kIntegration)});
  CHECK(plan.due().empty());   // it runs already
  std::jthread stopping([&] { plan.scheduler.stop(); });
  std::this_thread::sleep_for(20ms);
  may_go = true;
  stopping.join();
  CHECK(plan.scheduler.running().empty());
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE outcome = 'cancelled'") == 1);
  CHECK(plan.number("SELECT COUNT(*) FROM lease WHERE owner <> ''") == 0);
}

TEST_CASE("a clock that was a year ahead and is set right keeps nobody waiting for a year") {
  Plan plan;
  plan.connect();
  const Instant right = plan.clock.now();
  plan.clock.set(right + 365 * 24h);
  SUBCASE("after a run that ended well") { plan.sync(); }
  SUBCASE("after one that failed") {
    plan.transport.before = [](const std::string&) -> std::optional<http::Response> {
      http::Response response;
      response.status = 503;
      return response;
    };
    plan.sync();
    REQUIRE(plan.integration().next_attempt > plan.clock.now());
  }
  REQUIRE(plan.database->write("test.write", [](storage::Connection& connection) -> Status {
    BERTH_TRY(storage::commands::take(connection, kIntegration));
    return success();
  }).ok());
  plan.clock.set(right + 26h);
  CHECK(plan.phases_due() == kAll);
}

// A host that was cut off for a while wrote afterwards that a run had failed, over the success of the host that had run it meanwhile.
TEST_CASE("B11: a run that cannot begin because the database is out of reach is tried again, and nothing is written of it") {
  Plan plan;
  plan.connect();
  plan.sync(plan.due().front().request);
  plan.later(6min);
  REQUIRE(plan.due().size() == 1);
  // Out of reach from the moment that it is taken: for the look at the rules in force, which lets that pass, and for what a run needs.
  std::atomic<int> refused = 0;
  plan.database->after_commit = [&] {
    if (refused != 0 || plan.database->refuse_read) return;
    plan.database->refuse_read = [&]() -> std::optional<Error> {
      if (++refused > 2) return std::nullopt;
      return make_error(Code::kUnavailable, "storage.unreachable", "the database does not answer");
    };
  };
  plan.scheduler.start();
  for (int i = 0; i < 400 && refused < 3; ++i) std::this_thread::sleep_for(5ms);
  plan.settle();
  CHECK(plan.sink->text().find("the database does not answer") != std::string::npos);
  plan.later(1min);
  plan.settle();
  plan.scheduler.stop();
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE outcome = 'failed'") == 0);
  CHECK(plan.number("SELECT COUNT(*) FROM run") == 2);
  CHECK(plan.integration().reason != "storage.unreachable");
}

TEST_CASE("B11: that a run could not begin is written under the lease, and not at all where somebody else holds it") {
  Plan plan;
  plan.connect();
  plan.sync(plan.due().front().request);
  // Every row of a run that is written without a lease that is held.
  REQUIRE(plan.database->write("test.write", [](storage::Connection& connection) -> Status {
    BERTH_CHECK(connection.execute("CREATE TABLE unheld (run TEXT)"));
    for (const char* event : {"INSERT", "UPDATE"}) {
      BERTH_CHECK(connection.execute(std::string("CREATE TRIGGER unheld_") + event + " AFTER " + event +
                                     " ON run WHEN NOT EXISTS (SELECT 1 FROM lease WHERE integration = NEW.integration AND owner <> '') "
                                     "BEGIN INSERT INTO unheld VALUES (NEW.id); END"));
    }
    return success();
  }).ok());
  const Error missing = make_error(Code::kEnvironment, "runs.plugin_missing", "made up");
  const auto fencing = [&] { return plan.number("SELECT fencing FROM lease"); };
  const std::int64_t before = fencing();
  REQUIRE(plan.engine->note_not_begun(kIntegration, {}, missing, {}).ok());
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE reason = 'runs.plugin_missing'") == 1);
  CHECK(plan.number("SELECT COUNT(*) FROM unheld") == 0);
  CHECK(fencing() == before + 1);
  CHECK(plan.number("SELECT COUNT(*) FROM lease WHERE owner <> ''") == 0);
  // What was asked for and is noted already is no news, and leaves no lease behind either.
  runs::RunRequest asked_for;
  asked_for.commands = {1};
  REQUIRE(plan.engine->note_not_begun(kIntegration, asked_for, missing, {}).ok());
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE reason = 'runs.plugin_missing'") == 1);
  CHECK(plan.number("SELECT COUNT(*) FROM lease WHERE owner <> ''") == 0);
  REQUIRE(plan.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("UPDATE lease SET owner = 'another', expires_ms = ?", {plan.clock.now() + 1h}));
    return success();
  }).ok());
  REQUIRE(plan.engine->note_not_begun(kIntegration, {}, missing, {}).ok());
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE reason = 'runs.plugin_missing'") == 1);
}

// It stayed the newest run, so that its phases were asked for again after every success: 360 runs an hour.
TEST_CASE("a run that was killed while the clock was ahead leaves nothing over once another has taken its work") {
  Plan plan;
  plan.connect();
  plan.sync(plan.due().front().request);
  plan.later(62min);
  const Instant right = plan.clock.now();
  plan.clock.set(right + 3h);
  plan.database->die_after(6);
  CHECK(!plan.try_sync(plan.due().front().request).ok());
  plan.database->revive();
  plan.clock.set(right + 3min);   // its lease has run out by the time of the database
  REQUIRE(plan.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("UPDATE lease SET owner = '', expires_ms = 0"));
    return success();
  }).ok());
  int runs = 0;
  for (int minute = 0; minute < 50; ++minute) {
    for (const auto& run : plan.due()) {
      if (run.request.phases != std::vector<std::string>{"customer_payments"}) ++runs;
      plan.sync(run.request);
    }
    plan.later(1min);
  }
  CHECK(runs <= 2);
}

TEST_CASE("B11: nothing is begun of an integration that another process runs, and it is looked at again within a minute") {
  Plan plan;
  plan.connect();
  plan.sync(plan.due().front().request);
  plan.later(62min);
  REQUIRE(plan.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("UPDATE lease SET owner = 'another', expires_ms = ?", {plan.clock.now() + 2min}));
    return success();
  }).ok());
  CHECK(plan.due().empty());
  plan.later(2min + 1s);
  CHECK(plan.due().size() == 1);
}

TEST_CASE("one integration that cannot be put together does not keep the others from running") {
  Plan plan;
  plan.connect();
  plan.add_without_plugin("a_broken");
  plan.scheduler.start();
  plan.settle();
  plan.scheduler.stop();
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE integration = 'zoho_acme' AND outcome = 'succeeded'") == 1);
  // It is said where a person looks, and not tried again every second.
  CHECK(plan.number("SELECT COUNT(*) FROM run WHERE integration = 'a_broken' AND outcome = 'failed'") == 1);
  CHECK(plan.integration("a_broken").reason == "runs.plugin_missing");
  CHECK(plan.integration("a_broken").next_attempt > plan.clock.now());
  CHECK(plan.sink->text().find("a_broken") != std::string::npos);
}
