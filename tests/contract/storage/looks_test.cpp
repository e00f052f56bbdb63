// When integrations are looked at, and what wakes them: the triggers of both engines.
#include "contract/storage/engines.hpp"
#include "host/storage/brakes.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/looks.hpp"
#include "host/storage/runs.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using storage::Connection;
namespace looks = storage::looks;

namespace {

void add(storage::Database& database, const std::string& id) {
  storage::Integration row;
  row.id = id;
  row.plugin = "zoho_books";
  row.created = kNow;
  write(database, [&](Connection& c) { return storage::integrations::insert(c, row); });
}

/// So that nothing is looked at before, and then what happens.
template <class Event>
Instant woken_by(storage::Database& database, Event event) {
  write(database, [&](Connection& c) -> Status {
    BERTH_TRY(c.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = 'one'", {kNow + 5h}));
    return success();
  });
  write(database, event);
  return read(database, [](Connection& c) { return looks::next(c, "one"); });
}

}  // namespace

TEST_CASE("P1: those whose moment has come are read in the order of time, with those whose moment cannot be right") {
  on_every_engine([](storage::Database& database) {
    for (const char* id : {"one", "two", "three", "four"}) add(database, id);
    write(database, [&](Connection& c) -> Status {
      BERTH_TRY(c.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = 'one'", {kNow}));
      BERTH_TRY(c.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = 'two'", {kNow - 1h}));
      BERTH_TRY(c.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = 'three'", {kNow + 1ms}));
      BERTH_TRY(c.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = 'four'", {kNow + 24h * 365}));   // a clock was wrong
      return success();
    });
    const auto come = read(database, [](Connection& c) { return looks::come(c, kNow, 10); });
    REQUIRE(come.size() == 3);
    CHECK(come[0].integration == "two");
    CHECK(come[1].integration == "one");
    CHECK(come[2].integration == "four");
    CHECK(read(database, [](Connection& c) { return looks::come(c, kNow, 1); }).size() == 1);
    CHECK(write(database, [&](Connection& c) { return looks::move(c, come[0], {.to = kNow + 1h, .now = kNow}); }));
    CHECK_FALSE(write(database, [&](Connection& c) { return looks::move(c, come[0], {.to = kNow + 2h, .now = kNow}); }));   // somebody has moved it
    write(database, [](Connection& c) { return looks::wake(c, "one", kNow); });
    CHECK_FALSE(write(database, [&](Connection& c) { return looks::move(c, come[1], {.to = kNow + 1h, .now = kNow}); }));   // something happened since
  });
}

TEST_CASE("B11: a look that a host with a fast clock set comes for one whose clock is right, and who took what is remembered") {
  on_every_engine([](storage::Database& database) {
    for (const char* id : {"one", "two"}) add(database, id);
    const auto come = [&](Instant now) { return read(database, [&](Connection& c) { return looks::come(c, now, 10); }); };
    const auto first = come(kNow);
    REQUIRE(first.size() == 2);
    // An hour ahead, for what is due five minutes after that; and one whose clock differs as clocks do.
    CHECK(write(database, [&](Connection& c) { return looks::move(c, first[0], {.to = kNow + 1h + 5min, .now = kNow + 1h}); }));
    CHECK(write(database, [&](Connection& c) { return looks::move(c, first[1], {.to = kNow + 1min, .now = kNow + 500ms, .taken_by = "books1:4711:x"}); }));
    const auto again = come(kNow + 1s);
    REQUIRE(again.size() == 1);
    CHECK(again[0].integration == "one");
    CHECK(come(kNow + 2h).size() == 2);   // each once
    const auto taken = read(database, [](Connection& c) { return looks::taken(c, kNow + 1s); });
    CHECK(read(database, [](Connection& c) { return looks::taken(c, kNow + 1min); }).empty());   // it is looked at anyway
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].integration == "two");
    CHECK(taken[0].by == "books1:4711:x");
    CHECK(write(database, [&](Connection& c) { return looks::move(c, again[0], {.to = kNow + 6min, .now = kNow + 1s}); }));
    CHECK(come(kNow + 1s).empty());
  });
}

TEST_CASE("P1: commands, people, ends of runs, leases and declarations wake an integration, and nothing else does") {
  on_every_engine([](storage::Database& database) {
    add(database, "one");
    add(database, "other");
    CHECK(read(database, [](Connection& c) { return looks::next(c, "one"); }).unix_ms == 0);
    CHECK(woken_by(database, [](Connection& c) { return storage::commands::push(c, "one", "sync", "{}", kNow); }).unix_ms == 0);
    CHECK(woken_by(database, [](Connection& c) { return storage::commands::push(c, "other", "sync", "{}", kNow); }) == kNow + 5h);
    CHECK(woken_by(database, [](Connection& c) { return storage::integrations::set_desired(c, "one", "paused"); }).unix_ms == 0);
    CHECK(woken_by(database, [](Connection& c) { return storage::integrations::set_desired(c, "one", "paused"); }) == kNow + 5h);   // as it was
    CHECK(woken_by(database, [](Connection& c) { return storage::integrations::resume(c, "one", kNow); }).unix_ms == 0);
    CHECK(woken_by(database, [](Connection& c) { return storage::integrations::set_connected(c, "one", kNow); }).unix_ms == 0);
    CHECK(woken_by(database, [](Connection& c) { return storage::integrations::set_organization(c, "one", "60", "Acme", "{}"); }).unix_ms == 0);
    const auto status = [](std::string actual, Instant next) {
      return [=](Connection& c) { return storage::integrations::set_status(c, "one", {.actual = actual, .reason = "", .message = "", .who_acts = "", .next_attempt = next}, kNow); };
    };
    CHECK(woken_by(database, status("needs_reauth", kNow + 1h)) == kNow + 5h);
    CHECK(woken_by(database, status("connected", kNow + 1h)).unix_ms == 0);
    CHECK(woken_by(database, status("connected", kNow + 2h)) == kNow + 5h);
    CHECK(woken_by(database, status("connected", {})).unix_ms == 0);   // it need not wait any more
    CHECK(woken_by(database, [](Connection& c) { return storage::runs::open(c, {.id = "run_1", .integration = "one", .trigger = "schedule", .started = kNow}); }) == kNow + 5h);
    CHECK(woken_by(database, [](Connection& c) { return storage::runs::save_report(c, "run_1", "{}"); }) == kNow + 5h);
    CHECK(woken_by(database, [](Connection& c) { return storage::runs::finish(c, "run_1", {.outcome = "succeeded", .reason = "", .message = "", .ended = kNow + 1min}); }) == kNow + 1min);
    CHECK(woken_by(database, [](Connection& c) { return looks::declare(c, "one", "invoices=1h"); }).unix_ms == 0);
    CHECK(woken_by(database, [](Connection& c) { return looks::declare(c, "one", "invoices=1h"); }) == kNow + 5h);
    // A lease that is given back wakes whoever waits with a sync, and nobody else.
    const auto lease = [](Connection& c) { return storage::leases::acquire(c, "one", "host", 2min, kNow); };
    const auto fencing = *write(database, lease);
    CHECK(woken_by(database, [&](Connection& c) { return storage::leases::renew(c, "one", "host", fencing, 2min, kNow); }) == kNow + 5h);
    CHECK(woken_by(database, [&](Connection& c) { return storage::leases::release(c, "one", "host", fencing); }).unix_ms == 0);
    write(database, [](Connection& c) { return storage::commands::take(c, "one"); });
    const auto next = *write(database, lease);
    CHECK(woken_by(database, [&](Connection& c) { return storage::leases::release(c, "one", "host", next); }) == kNow + 5h);
    write(database, [](Connection& c) -> Status {
      BERTH_TRY(c.execute("DELETE FROM integration WHERE id = 'one'"));
      return success();
    });
    CHECK(read(database, [](Connection& c) { return looks::next(c, "one"); }) > kNow + 24h * 365);
  });
}

TEST_CASE("P7: a deletion brake holds with the newest comparison, since the first one, until it is released") {
  on_every_engine([](storage::Database& database) {
    const storage::Brake brake{.integration = "one", .phase = "invoices", .entity = "invoice", .pass = 4, .missing = 30, .alive = 100, .since = kNow};
    write(database, [&](Connection& c) { return storage::brakes::put(c, brake); });
    auto newer = brake;
    newer.pass = 9;
    newer.missing = 31;
    newer.since = kNow + 1h;
    write(database, [&](Connection& c) { return storage::brakes::put(c, newer); });
    const auto held = read(database, [](Connection& c) { return storage::brakes::list(c, "one"); });
    REQUIRE(held.size() == 1);
    CHECK(held[0].pass == 9);
    CHECK(held[0].missing == 31);
    CHECK(held[0].since == kNow);
    CHECK(read(database, [](Connection& c) { return storage::brakes::list(c, "two"); }).empty());
    write(database, [](Connection& c) { return storage::brakes::release(c, "one", "invoices"); });
    CHECK(read(database, [](Connection& c) { return storage::brakes::list(c, "one"); }).empty());
  });
}
