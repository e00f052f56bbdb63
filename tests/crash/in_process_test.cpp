// Durable writes that no life of a few seconds meets (crash_points_test.cpp): a child of this process runs the engine over the
// simulator in virtual time, and is killed with kill -9 at the write. Then this process goes on over the same database, as the next
// process of a host does, and has to end with the journal, balances and versions of a world that nothing disturbed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/schedule/scheduler.hpp"
#include "host/storage/commands.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

const WorldOptions kSmall{.contacts = 5, .items = 4, .invoices = 12, .payments = 6, .credit_notes = 2};

struct Wanted {
  std::string name;
  WriteMoment moment = WriteMoment::kBefore;
  std::atomic<int> left = 0;
};
Wanted g_wanted;

void hear(std::string_view name, WriteMoment moment) {
  if (name == g_wanted.name && moment == g_wanted.moment && --g_wanted.left == 0) kill(getpid(), SIGKILL);
}

std::unique_ptr<storage::Database> open_again(World& world) {
  auto opened = storage::open_sqlite({.path = (world.folder.path() / "berth.db").string()}, world.clock);
  REQUIRE(opened.ok());
  return std::move(*opened);
}

using Act = std::function<void(World&)>;

/// True where the child was killed at the n-th meeting of this moment.
bool cut(World& world, const Act& act, const std::string& name, WriteMoment moment, int nth) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // A connection is of the process that opened it.
    static_cast<void>(world.database.release());
    world.use(open_again(world));
    g_wanted.name = name;
    g_wanted.moment = moment;
    g_wanted.left = nth;
    set_write_hook(hear);
    try {
      act(world);
    } catch (...) {
      _exit(4);
    }
    _exit(3);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  world.use(open_again(world));
  world.restart();   // with another name than the child had
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/// What is known of every document: its state and the hash of its newest detail. A contact is fetched only where no invoice has offered its
/// country before, which depends on the way.
std::vector<std::string> documents_of(World& world) {
  return world.lines("SELECT r.entity || '/' || r.remote_id || ' ' || r.state || ' ' || r.detail_version || ' ' || COALESCE((SELECT v.content_hash FROM record_version AS v "
                     "WHERE v.record = r.id AND v.kind = 'detail' ORDER BY v.id DESC LIMIT 1), '') FROM record AS r WHERE r.entity <> 'contact' ORDER BY 1");
}

struct Ended {
  std::vector<std::string> journal, balances, documents;
  friend bool operator==(const Ended&, const Ended&) = default;
};

/// Runs until nothing is left, with nothing in the way.
Ended settle(World& world) {
  world.transport.before = nullptr;
  world.later(std::chrono::hours(24));   // the child's clock was ahead of this one
  // What failed is tried again, with nothing that refuses it.
  REQUIRE(world.database->write("test.write", [](storage::Connection& connection) -> Status {
    BERTH_TRY(connection.execute("DROP TRIGGER IF EXISTS refuses"));
    BERTH_TRY(connection.execute("UPDATE record SET state = 'pending', reason = '' WHERE state = 'failed'"));
    return success();
  }).ok());
  for (int run = 0; run < 6; ++run) {
    if (world.sync().outcome == runs::RunOutcome::kNothingChanged) break;
    world.later(std::chrono::hours(1));
  }
  world.map_all();
  world.check_books();
  CHECK(world.number("SELECT COUNT(*) FROM run WHERE outcome = 'running'") == 0);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue") == 0);
  for (const storage::Record& record : world.records()) {
    if (record.state != "posted" && record.state != "ignored" && record.state != "failed") MESSAGE(record.entity << "/" << record.remote_id << " " << record.state << " " << record.reason);
  }
  return {world.journal(true), world.balances(), documents_of(world)};
}

/// Before, between and after, at each of these meetings.
void check_cut(const std::string& name, const Act& prepare, const Act& act, std::initializer_list<int> meetings) {
  World undisturbed(kSmall);
  undisturbed.connect();
  prepare(undisturbed);
  act(undisturbed);
  const Ended wanted = settle(undisturbed);
  REQUIRE(wanted.journal.size() > 10);
  for (const int nth : meetings) {
    for (const WriteMoment moment : {WriteMoment::kBefore, WriteMoment::kBetween, WriteMoment::kAfter}) {
      CAPTURE(nth);
      CAPTURE(to_string(moment));
      World world(kSmall);
      world.connect();
      prepare(world);
      CHECK(cut(world, act, name, moment, nth));
      const Ended ended = settle(world);
      CHECK(ended.journal == wanted.journal);
      CHECK(ended.balances == wanted.balances);
      CHECK(ended.documents == wanted.documents);
    }
  }
}

void nothing(World&) {}

}  // namespace

TEST_CASE("B6: kill -9 at lease.renew, in a run of minutes") {
  const Act act = [](World& world) {
    world.transport.takes = std::chrono::seconds(10);
    static_cast<void>(world.try_sync());
    world.transport.takes = kCallTakes;
  };
  check_cut("lease.renew", nothing, act, {1, 2, 3});
}

TEST_CASE("B6: kill -9 at capture.files, of documents with files of many bytes") {
  const Act with_large_files = [](World& world) {
    world.transport.after = [](http::Response& response) {
      const auto first_line = response.body.find('\n') + 1;
      if (response.body.starts_with("%PDF")) response.body.insert(first_line, "%" + std::string(700'000, ' ') + "\n");
    };
  };
  check_cut("capture.files", with_large_files, [](World& world) { static_cast<void>(world.try_sync()); }, {1, 2, 3});
}

TEST_CASE("B6: kill -9 at capture.unanswered, while the remote fails") {
  const Act act = [](World& world) {
    world.transport.before = [](const std::string& call) -> std::optional<http::Response> {
      if (!call.starts_with("GET /books/v3/invoices/")) return std::nullopt;
      http::Response failing;
      failing.status = 500;
      return failing;
    };
    for (int run = 0; run < 3; ++run) {
      static_cast<void>(world.try_sync());
      world.later(std::chrono::hours(2));
    }
    world.transport.before = nullptr;
  };
  check_cut("capture.unanswered", nothing, act, {1, 2, 3});
}

TEST_CASE("B6: kill -9 at apply.failed, of a record that the database refuses") {
  const Act prepare = [](World& world) {
    // As a mistake of a trigger would.
    REQUIRE(world.database->write("test.write", [](storage::Connection& connection) -> Status {
      BERTH_TRY(connection.execute("CREATE TRIGGER refuses BEFORE INSERT ON entry WHEN NEW.entity = 'customer_payment' AND NEW.sequence > 0 "
                                   "BEGIN SELECT RAISE(ABORT, 'no payment is welcome'); END"));
      return success();
    }).ok());
    world.sync();
    for (int i = 0; i < 2; ++i) {
      world.map("default_income", "", "acme_us", "sales");
      world.map("default_expense", "", "acme_us", "cogs");
    }
  };
  check_cut("apply.failed", prepare, [](World& world) { world.map_all(); }, {1, 2, 3});
}

TEST_CASE("B6: kill -9 at command.apply and run.setup_state: what is asked for while a run holds the lease is done at its end") {
  const Act act = [](World& world) {
    auto calls = std::make_shared<std::atomic<int>>(0);
    world.transport.before = [&world, calls](const std::string&) -> std::optional<http::Response> {
      const int call = ++*calls;
      if (call == 5 || call == 15 || call == 25) static_cast<void>(world.engine->apply_or_queue(world.unit().setup, {}));
      return std::nullopt;
    };
    for (int run = 0; run < 3; ++run) {
      static_cast<void>(world.try_sync(everything()));
      *calls = 0;
      world.later(std::chrono::hours(2));
    }
    world.transport.before = nullptr;
  };
  check_cut("command.apply", nothing, act, {1, 2, 3});
  check_cut("run.setup_state", nothing, act, {1, 2, 3});
}

TEST_CASE("B6: kill -9 at lease.take_over, of a process that follows one that was killed") {
  const Act act = [](World& world) { static_cast<void>(world.try_sync()); };
  World undisturbed(kSmall);
  undisturbed.connect();
  const Ended wanted = settle(undisturbed);
  for (const int after : {1, 4, 8}) {
    for (const WriteMoment moment : {WriteMoment::kBefore, WriteMoment::kBetween, WriteMoment::kAfter}) {
      World world(kSmall);
      world.connect();
      CHECK(cut(world, act, "capture.checkpoint", WriteMoment::kAfter, after));
      CHECK(cut(world, act, "lease.take_over", moment, 1));
      CHECK(settle(world) == wanted);
    }
  }
}

TEST_CASE("B6: kill -9 at schedule.wake_left, of a scheduler that follows a process that was killed") {
  const Act act = [](World& world) { static_cast<void>(world.try_sync()); };
  // As the scheduler does it when it starts; what the killed one held is nobody's.
  const Act wake = [](World& world) {
    schedule::Scheduler scheduler({.database = *world.database,
                                   .registry = *world.registry,
                                   .engine = *world.engine,
                                   .clock = world.clock,
                                   .log = world.log,
                                   .owner = "next",
                                   .is_dead_owner = [](std::string_view owner) { return owner != "next"; }},
                                  {});
    static_cast<void>(scheduler.wake_left_behind());
  };
  World undisturbed(kSmall);
  undisturbed.connect();
  const Ended wanted = settle(undisturbed);
  for (const WriteMoment moment : {WriteMoment::kBefore, WriteMoment::kBetween, WriteMoment::kAfter}) {
    CAPTURE(to_string(moment));
    World world(kSmall);
    world.connect();
    CHECK(cut(world, act, "capture.checkpoint", WriteMoment::kAfter, 4));
    const auto far = [&] { return world.number("SELECT look_at_ms FROM schedule WHERE integration = 'zoho_acme'") > world.clock.now().unix_ms; };
    REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(connection.execute("UPDATE schedule SET look_at_ms = ?", {world.clock.now() + std::chrono::minutes(1)}));
      return success();
    }).ok());
    CHECK(cut(world, wake, "schedule.wake_left", moment, 1));
    if (moment != WriteMoment::kBetween) CHECK(far() == (moment == WriteMoment::kBefore));
    wake(world);
    CHECK_FALSE(far());
    CHECK(settle(world) == wanted);
  }
}

TEST_CASE("B6: kill -9 at run.not_begun") {
  const Act act = [](World& world) {
    for (int time = 0; time < 3; ++time) {
      static_cast<void>(world.engine->note_not_begun(kIntegration, {}, make_error(Code::kEnvironment, "runs.plugin_missing", "made up"), {}));
      world.later(std::chrono::hours(1));
    }
  };
  check_cut("run.not_begun", nothing, act, {1, 2, 3});
}
