// What people are told of a schedule is what the scheduler does; and what a dead process of this machine leaves behind is not waited for.
#include <doctest/doctest.h>

#include "host/admin/hosts.hpp"
#include "host/admin/schedule.hpp"
#include "host/schedule/scheduler.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/hosts.hpp"
#include "host/storage/looks.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

/// The file names two phases of four, and the comparisons.
struct Shown : World {
  explicit Shown(std::string schedule = "{invoices: 1h, items: \"0 3 * * *\", archiving: 1d, zone: Europe/Berlin}")
      : World({.contacts = 3, .items = 2, .invoices = 3, .payments = 1, .credit_notes = 0, .schedule = std::move(schedule)}) {}

  schedule::Scheduler::Dependencies host(std::string owner = {}, schedule::IsDeadOwner is_dead = {}) {
    return {.database = *database, .registry = *registry, .engine = *engine, .clock = clock, .log = log, .owner = std::move(owner), .is_dead_owner = std::move(is_dead)};
  }
  json::Value view() {
    json::Value view;
    REQUIRE(database->read([&](storage::Connection& connection) -> Status {
      view = BERTH_TRY(admin::schedule_view(connection, *config.find_integration(kIntegration), registry->discovered(), std::string(kIntegration), clock.now(), {}));
      return success();
    }).ok());
    return view;
  }
  /// One row of a list of the view; fails the test if it is not there.
  json::Value row(std::string_view list, std::string_view phase) {
    const json::Value all = view();
    for (const json::Value& one : all.find(list)->items()) {
      if (one.text_of("phase") == phase) return one;
    }
    FAIL_CHECK("no " << phase << " in " << json::dump(all));
    return {};
  }
  std::string why() {
    const json::Value all = view();
    return all.find("nothing_runs")->is_null() ? std::string() : std::string(all.find("nothing_runs")->text_of("why"));
  }
  void change(const std::string& sql) {
    REQUIRE(database->write("test.change", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(connection.execute(sql));
      return success();
    }).ok());
  }
  std::ptrdiff_t said(std::string_view message) {
    const auto entries = sink->entries();
    return std::count_if(entries.begin(), entries.end(), [&](const telemetry::Entry& entry) { return entry.message == message; });
  }
};

bool is_due(const json::Value& row) { return row.find("is_due")->boolean(); }

std::vector<std::string> due_of(const json::Value& view, std::string_view list) {
  std::vector<std::string> due;
  for (const json::Value& one : view.find(list)->items()) {
    if (is_due(one)) due.emplace_back(one.text_of("phase"));
  }
  return due;
}

}  // namespace

TEST_CASE("P1: before the first run the schedule shows every phase of the plugin, also those that the file does not name") {
  Shown shown;
  CHECK(shown.why() == "not_connected");
  shown.connect();
  const json::Value view = shown.view();
  CHECK(view.find("nothing_runs")->is_null());
  CHECK(due_of(view, "phases") == std::vector<std::string>{"invoices", "customer_payments", "contacts", "items"});
  CHECK(shown.row("phases", "contacts").text_of("timing") == "1h");
  CHECK(shown.row("phases", "contacts").find("last_started")->is_null());
  CHECK_FALSE(shown.row("phases", "contacts").find("is_cron")->boolean());
  CHECK(shown.row("phases", "items").find("is_cron")->boolean());
  CHECK(view.find("sync_asked_for")->boolean());   // of the connection
}

TEST_CASE("P1: a comparison shows before its first start: after the first pass, and then a day after the connection") {
  Shown shown;
  shown.connect();
  CHECK(shown.row("comparisons", "invoices").find("next_due")->is_null());
  CHECK_FALSE(is_due(shown.row("comparisons", "invoices")));
  shown.sync();
  const Instant due = *parse_instant(shown.row("comparisons", "invoices").text_of("next_due"));
  CHECK(due >= shown.clock.now() + 23h);
  CHECK(due <= shown.clock.now() + 27h);
  shown.change("DELETE FROM command");
  schedule::Scheduler scheduler(shown.host(), {});
  shown.unit();
  shown.clock.set(due);
  CHECK(is_due(shown.row("comparisons", "invoices")));
  const auto decision = scheduler.decide(std::string(kIntegration), shown.clock.now());
  REQUIRE(decision->run);
  CHECK(std::count(decision->run->request.sweep.begin(), decision->run->request.sweep.end(), "invoices") == 1);
  Shown without("{invoices: 1h}");
  without.connect();
  CHECK(without.view().find("comparisons")->items().empty());
  CHECK(without.view().find("archiving")->is_null());
}

TEST_CASE("P1: what is paused, disabled, disconnected or waiting shows why nothing runs and how it goes on, and no time that is not true") {
  Shown shown;
  shown.connect();
  shown.sync();
  const auto message = [&] { return std::string(shown.view().find("nothing_runs")->text_of("message")); };
  const auto desired = [&](std::string_view wanted) { REQUIRE(admin::set_desired(*shown.database, kIntegration, wanted, shown.clock.now()).ok()); };
  shown.later(2h);
  REQUIRE(is_due(shown.row("phases", "invoices")));
  desired("paused");
  CHECK(shown.why() == "paused");
  CHECK(message() == "zoho_acme is paused: nothing runs until `berth resume zoho_acme`");
  CHECK_FALSE(is_due(shown.row("phases", "invoices")));
  CHECK(shown.row("phases", "invoices").find("next_due")->is_null());
  desired("disabled");
  CHECK(message() == "zoho_acme is disabled: nothing runs until `berth enable zoho_acme`");
  desired("enabled");
  CHECK(shown.why().empty());
  shown.change("UPDATE integration SET actual = 'needs_reauth'");
  CHECK(shown.why() == "needs_reauth");
  const Instant until = shown.clock.now() + 7min;
  shown.change("UPDATE integration SET actual = 'connected', next_attempt_ms = " + std::to_string(until.unix_ms));
  CHECK(shown.why() == "waits");
  CHECK_FALSE(is_due(shown.row("phases", "invoices")));
  CHECK(shown.row("phases", "invoices").text_of("next_due") == to_string(until));
  CHECK(shown.view().find("nothing_runs")->text_of("until") == to_string(until));
}

// It was told by computing it a second time: later than the scheduler's after a crash, for one.
TEST_CASE("P1: whatever happens, the schedule shows as due what the scheduler takes, and nothing else") {
  Shown shown("{invoices: 2h, customer_payments: 30m, items: \"0 3 * * *\", archiving: 6h, zone: Europe/Berlin}");
  shown.connect();
  shown.unit();
  schedule::Scheduler scheduler(shown.host(), {});
  std::uint64_t state = 20260529;
  const auto one_of = [&](std::uint64_t count) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % count;
  };
  int dues = 0, deaths = 0;
  for (int step = 0; step < 600; ++step) {
    shown.later(5min);
    switch (one_of(40)) {
      case 0: REQUIRE(admin::set_desired(*shown.database, kIntegration, "paused", shown.clock.now()).ok()); break;
      case 1: case 2: case 3: REQUIRE(admin::set_desired(*shown.database, kIntegration, "enabled", shown.clock.now()).ok()); break;
      case 4: shown.simulator.inject({.kind = zoho_sim::FaultKind::kStatus, .path_prefix = "/books/v3/", .count = 12, .status = 503}); break;
      case 5: shown.simulator.clear_faults(); break;
      case 6:
        shown.database->die_after(static_cast<int>(1 + one_of(6)));
        static_cast<void>(shown.try_sync());
        shown.database->revive();
        ++deaths;
        break;
      default: break;
    }
    shown.change("DELETE FROM command");   // that of the connection would be taken whatever is due
    const json::Value view = shown.view();
    const auto decision = scheduler.decide(std::string(kIntegration), shown.clock.now());
    REQUIRE(decision.ok());
    const runs::RunRequest wanted = decision->run ? decision->run->request : runs::RunRequest{};
    if (!view.find("is_running")->boolean()) {
      REQUIRE_MESSAGE(due_of(view, "phases") == wanted.phases, "step " << step << ": " << json::dump(view));
      REQUIRE_MESSAGE(due_of(view, "comparisons") == wanted.sweep, "step " << step << ": " << json::dump(view));
    }
    if (!decision->run) continue;
    ++dues;
    static_cast<void>(shown.try_sync(wanted));
  }
  CHECK(dues > 40);
  CHECK(deaths > 3);
}

TEST_CASE("B11: what a process of this machine ran when it was killed is begun at once by the next one, not when its lease ends") {
  Shown shown;
  shown.connect();
  shown.sync();
  shown.change("DELETE FROM command");
  shown.unit();
  shown.later(2h);
  const auto is_dead = [](std::string_view owner) { return owner.starts_with("books1:4711:"); };
  schedule::Scheduler killed(shown.host("books1:4711:a"), {});
  REQUIRE(killed.take(shown.clock.now(), 4)->size() == 1);
  shown.change("UPDATE lease SET owner = 'books1:4711:a:run_x', expires_ms = " + std::to_string((shown.clock.now() + 2min).unix_ms));
  shown.change("INSERT INTO run (id, integration, trigger_kind, phases_json, started_ms, outcome) VALUES ('zz', 'zoho_acme', 'schedule', '[\"items\"]', " +
               std::to_string(shown.clock.now().unix_ms) + ", 'running')");
  shown.later(1s);
  const json::Value seen = shown.view();   // by somebody of another machine
  CHECK(seen.find("is_running")->boolean());
  schedule::Scheduler other(shown.host("books2:1:b"), {});
  REQUIRE(other.wake_left_behind().ok());
  CHECK(other.take(shown.clock.now(), 4)->empty());
  schedule::Scheduler next(shown.host("books1:4712:c", is_dead), {});
  CHECK(next.take(shown.clock.now(), 4)->empty());   // the moment of its next look is a minute ahead
  REQUIRE(next.wake_left_behind().ok());
  const auto taken = next.take(shown.clock.now(), 4);
  REQUIRE(taken->size() == 1);
  const auto& phases = taken->front().request.phases;
  CHECK(std::count(phases.begin(), phases.end(), "items") == 1);   // which the schedule has at three in the morning
}

TEST_CASE("B11: what a process of this machine had taken and not begun when it was killed is taken by the next one at once") {
  Shown shown;
  shown.connect();
  shown.unit();
  schedule::Scheduler killed(shown.host("books1:4711:a"), {});
  REQUIRE(killed.take(shown.clock.now(), 4)->size() == 1);
  shown.later(1s);
  schedule::Scheduler next(shown.host("books1:4712:b", [](std::string_view owner) { return owner == "books1:4711:a"; }), {.look_every = 5ms});
  next.start();
  for (int i = 0; i < 2000 && shown.number("SELECT COUNT(*) FROM run WHERE outcome <> 'running'") == 0; ++i) std::this_thread::sleep_for(5ms);
  next.stop();
  CHECK(shown.number("SELECT COUNT(*) FROM run WHERE outcome <> 'running'") == 1);
  CHECK(shown.said("a process of this machine is gone: what it ran is looked at now") == 1);
}

TEST_CASE("B11: a dead process of this machine is gone in the list of hosts, before its lease has ended") {
  Shown shown;
  shown.connect();
  REQUIRE(shown.database->write("test.beat", [&](storage::Connection& connection) -> Status {
    for (const char* owner : {"books1:4711:a", "books1:4712:b"}) {
      BERTH_CHECK(storage::hosts::beat(connection, {.owner = owner, .state = "serving", .address = "http://books1"}, 2min, shown.clock.now()));
    }
    return success();
  }).ok());
  shown.change("INSERT INTO lease (integration, owner, fencing, expires_ms) VALUES ('zoho_acme', 'books1:4713:c:run', 9, " +
               std::to_string((shown.clock.now() + 2min).unix_ms) + ") ON CONFLICT (integration) DO UPDATE SET owner = excluded.owner, expires_ms = excluded.expires_ms");
  std::map<std::string, std::string> states;
  REQUIRE(shown.database->read([&](storage::Connection& connection) -> Status {
    const json::Value view = BERTH_TRY(admin::hosts_view(connection, shown.clock.now(), [](std::string_view owner) { return !owner.starts_with("books1:4712"); }));
    for (const json::Value& host : view.find("hosts")->items()) states[std::string(host.text_of("process"))] = host.text_of("state");
    return success();
  }).ok());
  CHECK(states == std::map<std::string, std::string>{{"4711", "gone"}, {"4712", "serving"}, {"4713", "gone"}});
}

// One line a second, for as long as the database was away.
TEST_CASE("B11: a database that cannot be used is said once, asked less and less often, and runs begin when it can be used again") {
  Shown shown;
  shown.connect();
  shown.unit();
  std::atomic<int> asked = 0;
  std::atomic<bool> is_away = true;
  shown.database->refuse_read = [&]() -> std::optional<Error> {
    if (!is_away) return std::nullopt;
    ++asked;
    return make_error(Code::kUnavailable, "storage.unreachable", "the database does not answer");
  };
  schedule::Scheduler scheduler(shown.host(), {.look_every = 5ms, .look_every_max = 80ms});
  const auto began = std::chrono::steady_clock::now();
  scheduler.start();
  while (asked < 8) std::this_thread::sleep_for(1ms);
  // 5, 10, 20, 40 and then 80 milliseconds.
  CHECK(std::chrono::steady_clock::now() - began > 200ms);
  CHECK(shown.said("no run begins: what is due cannot be read or noted") == 1);
  is_away = false;
  for (int i = 0; i < 2000 && shown.number("SELECT COUNT(*) FROM run WHERE outcome = 'succeeded'") == 0; ++i) std::this_thread::sleep_for(5ms);
  scheduler.stop();
  CHECK(shown.number("SELECT COUNT(*) FROM run WHERE outcome = 'succeeded'") == 1);
  CHECK(shown.said("no run begins: what is due cannot be read or noted") == 1);
  CHECK(shown.said("the database can be used again: runs begin as they are due") == 1);
}
