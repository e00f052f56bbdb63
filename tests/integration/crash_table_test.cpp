// What lies on disk when a run is cut, and what the next one makes of it: a test for each way to be cut. Each compares with
// a run that nothing disturbed. Real processes that are killed are in tests/e2e/crash_moments_test.cpp; here the database
// dies, before or inside a commit, and time is virtual.
#include <algorithm>
#include <map>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

const WorldOptions kSmall{.contacts = 5, .items = 4, .invoices = 10, .payments = 6, .credit_notes = 2, .drafts = 1000, .voids = 1000};

/// What an undisturbed first sync and mapping give.
struct Undisturbed {
  std::vector<std::string> journal, balances, versions;
  int commits = 0;   // of the sync
};

/// Every version of every document as it was stored: what it is of, and the hash of its content.
std::vector<std::string> versions_of(World& world) {
  return world.lines("SELECT r.entity || '/' || r.remote_id || ' ' || v.kind || ' ' || v.version || ' ' || v.content_hash "
                     "FROM record_version AS v JOIN record AS r ON r.id = v.record ORDER BY 1");
}

Undisturbed undisturbed(const WorldOptions& options = kSmall) {
  World world(options);
  world.connect();
  Undisturbed result;
  const int before = world.database->commits();
  world.sync();
  result.commits = world.database->commits() - before;
  result.versions = versions_of(world);
  world.map_all();
  world.check_books();
  result.journal = world.journal();
  result.balances = world.balances();
  return result;
}

/// The next process after a crash, when the lease of the dead one has run out.
void begin_again(World& world) {
  world.database->revive();
  world.restart();
  world.later(runs::kLeaseTtl + std::chrono::seconds(1));
}

bool ended_well(const runs::RunReport& report) {
  return report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged;
}

void check_like(World& world, const Undisturbed& wanted) {
  world.map_all();
  CHECK(world.journal() == wanted.journal);
  CHECK(world.balances() == wanted.balances);
  CHECK(versions_of(world) == wanted.versions);
  world.check_books();
  CHECK(world.records({}, "pending").empty());
  CHECK(world.number("SELECT COUNT(*) FROM run WHERE outcome = 'running'") == 0);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue") == 0);
}

/// Cursors, records and queue: all that a checkpoint moves.
std::vector<std::string> captured(World& world) {
  std::vector<std::string> all;
  for (const char* sql : {"SELECT phase || ' ' || mode || ' ' || cursor_json || ' ' || pass || ' ' || under_way FROM phase_cursor ORDER BY 1",
                          "SELECT v.id || ' ' || r.entity || '/' || r.remote_id || ' ' || r.detail_version || ' ' || v.content_hash "
                          "FROM record AS r JOIN record_version AS v ON v.record = r.id ORDER BY v.id",
                          "SELECT entity || '/' || remote_id || ' ' || want || ' ' || version || ' ' || attempts FROM detail_queue ORDER BY 1"}) {
    for (std::string& line : world.lines(sql)) all.push_back(std::move(line));
  }
  return all;
}

/// Documents, by call, that were answered more than once.
std::vector<std::string> fetched_twice(const World& world) {
  std::map<std::string, int> times;
  for (const std::string& call : world.transport.calls()) {
    const auto path = call.find("/books/v3/");
    const bool is_document = path != std::string::npos && call.find('/', path + std::string_view("/books/v3/").size()) != std::string::npos;
    if (call.starts_with("200 GET") && is_document) ++times[call];
  }
  std::vector<std::string> twice;
  for (const auto& [call, count] : times) {
    if (count > 1) twice.push_back(call);
  }
  return twice;
}

}  // namespace

TEST_CASE("before CAPTURE commits: cursor, records and queue are those of the last checkpoint, and what lies after it is repeated") {
  const Undisturbed wanted = undisturbed();
  int inside_checkpoint = 0;
  for (int after = 0; after < wanted.commits; after += kEvery) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    std::vector<std::string> before;
    world.database->die_inside(after, [&] { before = captured(world); });
    const auto died = world.try_sync();
    REQUIRE(world.database->is_dead());
    world.database->revive();
    CHECK(captured(world) == before);
    if (!before.empty()) ++inside_checkpoint;
    begin_again(world);
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(ended_well(report), report.reason << ": " << report.message);
    CHECK(fetched_twice(world).size() <= 40);   // a batch of 20, with files
    check_like(world, wanted);
  }
  CHECK(inside_checkpoint * kEvery > 5);
}

TEST_CASE("a host that dies after any commit of the first sync ends with the same journal") {
  const Undisturbed wanted = undisturbed();
  REQUIRE(wanted.commits > 10);
  for (int after = 1; after <= wanted.commits; after += kEvery) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    world.database->die_after(after);
    const auto died = world.try_sync();
    REQUIRE(world.database->is_dead());
    begin_again(world);
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(ended_well(report), report.reason << ": " << report.message);
    check_like(world, wanted);
  }
}

TEST_CASE("between CAPTURE and APPLY: records are pending, and the next slice applies them with no call") {
  World world(kSmall);
  world.connect();
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.database->after_commit = [&] {
    if (world.database->is_dead() || world.number("SELECT COUNT(*) FROM record WHERE entity = 'item' AND state = 'pending'") == 0) return;
    world.database->die_after(0);
  };
  CHECK(!world.try_sync(only("items")).ok());
  world.database->after_commit = nullptr;
  REQUIRE(world.database->is_dead());
  begin_again(world);
  CHECK(world.records("item", "pending").size() == 4);

  SUBCASE("by applying alone") {
    world.transport.forget_calls();
    world.apply();
    CHECK(world.transport.calls().empty());
    CHECK(world.records("item", "posted").size() == 4);
  }
  SUBCASE("by a run, before its first call") {
    std::atomic<std::size_t> posted_before_call = 0;
    world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
      if (posted_before_call == 0) posted_before_call = world.records("item", "posted").size();
      return std::nullopt;
    };
    CHECK(ended_well(world.sync(only("items"))));
    world.transport.before = nullptr;
    CHECK(posted_before_call == 4);
  }
}

TEST_CASE("inside APPLY: what was in the transaction is rolled back, applied again, and posted once") {
  const Undisturbed wanted = undisturbed();
  const auto begin = [](World& world) {
    world.connect();
    world.sync();
    world.map("default_income", "", "acme_us", "sales");
    world.map("default_expense", "", "acme_us", "cogs");
  };
  int commits = 0;
  {
    World world(kSmall);
    begin(world);
    commits = -world.database->commits();
    world.apply();
    commits += world.database->commits();
  }
  REQUIRE(commits > 4);
  constexpr std::string_view kEntries = "SELECT COUNT(*) FROM entry";
  int rolled_back = 0;
  for (int after = 0; after < commits; after += kEvery) {
    for (const bool is_inside : {true, false}) {
      CAPTURE(after);
      CAPTURE(is_inside);
      World world(kSmall);
      begin(world);
      std::int64_t entries = -1;
      std::int64_t made = 0;
      if (is_inside) {
        world.database->die_inside(after, [&] { entries = world.number(kEntries); }, [&](storage::Connection& connection) {
          const auto row = connection.first(kEntries);
          made = row.ok() && *row ? (*row)->integer(0) : -1;
        });
      } else {
        world.database->die_after(after + 1);
      }
      const auto died = world.engine->apply(world.unit().setup, {});
      REQUIRE(world.database->is_dead());
      world.database->revive();
      if (is_inside) CHECK(world.number(kEntries) == entries);
      if (made > entries) ++rolled_back;
      begin_again(world);
      world.sync();
      check_like(world, wanted);
      CHECK(world.number("SELECT COUNT(*) FROM (SELECT 1 FROM entry GROUP BY integration, entity, remote_id, event, sequence HAVING COUNT(*) > 1) AS twice") == 0);
    }
  }
  CHECK(rolled_back > 0);   // some commit that was cut held entries
}

TEST_CASE("inside APPLY: everything applied a second time posts nothing") {
  World world(kSmall);
  world.connect();
  world.sync();
  world.map_all();
  const auto journal = world.journal();
  const Status again = world.database->write("test.write", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("UPDATE record SET state = 'pending' WHERE state = 'posted'"));
    return success();
  });
  REQUIRE(again.ok());
  world.apply();
  CHECK(world.records({}, "pending").empty());
  CHECK(world.journal() == journal);
}

TEST_CASE("end of a slice: every answer that was paid for is on disk, and the next slice goes on at cursor and queue") {
  // A call takes ten seconds: a slice of five minutes ends in the middle of the invoices, again and again.
  World world({.invoices = 60, .payments = 20, .credit_notes = 6});
  world.connect();
  world.transport.forget_calls();
  world.transport.takes = std::chrono::seconds(10);
  const Instant begun = world.clock.now();
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason);
  CHECK(world.clock.now() - begun > 2 * runs::kSliceMax);
  CHECK(fetched_twice(world).empty());
  for (const char* list : {"invoices", "customerpayments", "contacts", "items", "creditnotes"}) {
    CHECK(world.transport.count(std::string("GET /books/v3/") + list, 200) == world.transport.count(std::string("GET /books/v3/") + list + "/", 200) + 1);
  }
}

TEST_CASE("shutdown: a stop after any call keeps every answer that was paid for, and the next run goes on where it was") {
  const Undisturbed wanted = undisturbed();
  int cancelled = 0;
  for (int after = 1; after <= 40; after += 3) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    world.transport.forget_calls();
    std::stop_source stop;
    std::atomic<int> left = after;   // calls and commits come from several threads
    world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
      if (--left == 0) stop.request_stop();   // while this answer is on its way
      return std::nullopt;
    };
    const runs::RunReport stopped = world.sync({}, stop.get_token());
    world.transport.before = nullptr;
    CHECK((stopped.outcome == runs::RunOutcome::kCancelled || ended_well(stopped)));
    if (stopped.outcome == runs::RunOutcome::kCancelled) ++cancelled;
    CHECK(ended_well(world.sync()));
    CHECK(fetched_twice(world).empty());
    check_like(world, wanted);
  }
  CHECK(cancelled > 8);
}

TEST_CASE("shutdown: a stop after any commit is cancelled, and the next run goes on where it was") {
  const Undisturbed wanted = undisturbed();
  for (int after = 1; after <= wanted.commits; after += 2 * kEvery) {
    CAPTURE(after);
    World world(kSmall);
    world.connect();
    world.transport.forget_calls();
    std::stop_source stop;
    std::atomic<int> left = after;   // calls and commits come from several threads
    world.database->after_commit = [&] {
      if (--left == 0) stop.request_stop();
    };
    const runs::RunReport stopped = world.sync({}, stop.get_token());
    world.database->after_commit = nullptr;
    // A stop that comes after the last call changes nothing.
    CHECK((stopped.outcome == runs::RunOutcome::kCancelled || (stopped.outcome == runs::RunOutcome::kSucceeded && world.records({}, "pending").empty())));
    if (after < 5) CHECK(stopped.outcome == runs::RunOutcome::kCancelled);
    CHECK(ended_well(world.sync()));
    CHECK(fetched_twice(world).empty());
    check_like(world, wanted);
  }
}

TEST_CASE("pause: a run ends at its next checkpoint, with what was paid for, and goes on when it is resumed") {
  World world({.invoices = 70, .payments = 10, .credit_notes = 0});
  world.connect();
  world.transport.forget_calls();
  const auto set = [&](const char* desired) {
    REQUIRE(admin::set_desired(*world.database, kIntegration, desired, world.clock.now()).ok());
  };
  std::atomic<int> calls = 0;
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (++calls == 30) set("paused");
    return std::nullopt;
  };
  const runs::RunReport paused = world.sync();
  world.transport.before = nullptr;
  CHECK(paused.outcome == runs::RunOutcome::kCancelled);
  CHECK(paused.reason == "runs.paused");
  CHECK(calls < 30 + 40);   // the batch that was under way, with its files
  CHECK(world.try_sync().error().reason == "runs.paused");
  set("enabled");
  CHECK(ended_well(world.sync()));
  CHECK(fetched_twice(world).empty());
  world.map_all();
  world.check_books();
}

TEST_CASE("lease lost to another host: the commit with the old number fails, and nothing of the run is kept after that") {
  World world;
  world.connect();
  std::vector<std::string> before;
  std::atomic<int> calls = 0;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (!call.starts_with("GET /books/v3/customerpayments/") || ++calls != 2) return std::nullopt;
    // What another host does when it believes that this one is gone.
    const Status stolen = world.database->write("test.write", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(connection.execute("UPDATE lease SET owner = 'thief', fencing = fencing + 1, expires_ms = ?",
                                   {world.clock.now() + runs::kLeaseTtl}));
      return success();
    });
    REQUIRE(stolen.ok());
    before = captured(world);
    return std::nullopt;
  };
  const auto lost = world.try_sync();
  world.transport.before = nullptr;
  REQUIRE(!lost.ok());
  CHECK(lost.error().reason == "storage.lease_lost");
  CHECK(before.size() > 10);
  CHECK(captured(world) == before);
  CHECK(world.number("SELECT COUNT(*) FROM lease WHERE owner = 'thief'") == 1);   // not freed for the thief

  world.later(runs::kLeaseTtl + std::chrono::seconds(1));
  CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.number("SELECT COUNT(*) FROM run WHERE outcome = 'crashed'") == 1);   // the lost one was closed by the next
  check_like(world, undisturbed({}));
}

TEST_CASE("budget of a phase: cursor and queue are kept, the next phase goes on, and this one resumes in the next run") {
  WorldOptions options;
  options.more = "    budgets: {invoices.detail: 7}\n";
  World world(options);
  world.connect();
  world.transport.forget_calls();
  const runs::RunReport first = world.sync();
  CHECK(first.outcome == runs::RunOutcome::kIncomplete);
  CHECK(phase_of(first, "invoices").outcome == "incomplete");
  CHECK(phase_of(first, "customer_payments").outcome == "succeeded");
  const auto queued = world.number("SELECT COUNT(*) FROM detail_queue WHERE entity = 'invoice' AND want = 1");
  CHECK(queued > 5);
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE entity = 'invoice' AND detail_version <> ''") == 7);
  CHECK(world.number("SELECT COUNT(*) FROM phase_cursor WHERE phase = 'invoices' AND passes_complete = 1") == 1);
  world.restart();
  CHECK(world.sync().outcome == runs::RunOutcome::kIncomplete);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE entity = 'invoice' AND want = 1") == queued - 7);
  CHECK(fetched_twice(world).empty());
}

TEST_CASE("budget of a phase: one that is smaller than a document with its parts still brings it, call by call") {
  WorldOptions options;
  options.credit_notes = 8;
  options.more = "    budgets: {credit_notes.detail: 1}\n";
  World world(options);
  world.connect();
  world.transport.forget_calls();
  runs::RunReport report = world.sync();
  int runs = 1;
  for (; report.outcome == runs::RunOutcome::kIncomplete && runs < 60; ++runs) {
    world.later(std::chrono::minutes(5));
    report = world.sync();
  }
  CHECK_MESSAGE(ended_well(report), report.reason << ": " << report.message);
  CHECK(runs > 8);
  CHECK(world.transport.count("GET /books/v3/creditnotes/", 200) > 8);   // some had parts
  CHECK(fetched_twice(world).empty());
  WorldOptions at_once;
  at_once.credit_notes = 8;
  check_like(world, undisturbed(at_once));
}

TEST_CASE("quota: cursor and queue are kept, and the next run resumes when the quota is back, with nothing fetched twice") {
  WorldOptions options;
  options.credit_notes = 8;   // with parts: the day may end inside a document
  World world(options);
  world.connect();
  world.transport.forget_calls();
  world.control("POST", "limits", R"({"per_day":29,"used_today":0})");
  runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kRateLimited);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue") > 0);
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE detail_version <> ''") > 0);
  int runs = 1;
  for (; !ended_well(report) && runs < 90; ++runs) {
    world.restart();
    world.clock.set(std::max(world.clock.now() + std::chrono::hours(1), world.integration().next_attempt));
    report = world.sync();
  }
  CHECK_MESSAGE(ended_well(report), report.reason << ": " << report.message);
  CHECK(fetched_twice(world).empty());
  WorldOptions at_once;
  at_once.credit_notes = 8;
  check_like(world, undisturbed(at_once));
}
