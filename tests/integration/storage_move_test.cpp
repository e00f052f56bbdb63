// The books from one engine to the other: everything arrives, and work goes on there.
#include <doctest/doctest.h>

#include "host/ledger/queries.hpp"
#include "host/storage/backup.hpp"
#include "host/storage/move.hpp"
#include "integration/world.hpp"
#include "support/postgresql_server.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().reason << ": " << result.error().message);
  return std::move(result).value();
}

void check_sound(storage::Database& database) {
  CHECK(must(database.check()).empty());
  const Status read = database.read([](storage::Connection& c) -> Status {
    for (const ledger::CheckFinding& finding : BERTH_TRY(ledger::check(c))) FAIL_CHECK(finding.invariant << ": " << finding.message);
    return success();
  });
  CHECK(read.ok());
}

}  // namespace

TEST_CASE("P2: the books move from SQLite to PostgreSQL and back with the ledger identical, and syncs go on there") {
  if (const auto why = test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  World world({.foreign = 2000, .write_offs = 500});
  world.connect();
  REQUIRE(world.sync().outcome == runs::RunOutcome::kSucceeded);
  world.map_all();
  const auto journal = world.journal();
  REQUIRE(journal.size() > 20);
  const std::string digest = must(storage::digest_of(*world.database));

  auto postgresql = must(storage::open_postgresql({.url = test::PostgresqlServer::shared().create_database(), .folder = world.folder.path().string(), .is_time_of_server = false}, world.clock));
  const storage::Moved moved = must(storage::copy_all(*world.database, *postgresql));
  CHECK(moved.rows > 500);
  CHECK(must(storage::digest_of(*postgresql)) == digest);
  check_sound(*postgresql);
  CHECK(storage::copy_all(*world.database, *postgresql).error().reason == "storage.not_empty");

  world.use(std::move(postgresql));
  CHECK(world.journal() == journal);
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  const std::string added = world.make_invoice("100.00");
  REQUIRE(world.sync().outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.record("invoice", added).state == "posted");
  CHECK(world.journal().size() == journal.size() + 1);
  check_sound(*world.database);

  const std::string file = (world.folder.path() / "monday.db").string();
  CHECK(must(storage::backup(*world.database, file, world.clock)).bytes > 0);
  CHECK(storage::backup(*world.database, file, world.clock).error().reason == "storage.file_exists");
  auto restored = must(storage::RestoredBackup::open(file, world.folder.path().string(), world.clock));
  CHECK(must(storage::digest_of(restored.database())) == must(storage::digest_of(*world.database)));
  check_sound(restored.database());
  const std::string again = (world.folder.path() / "again.db").string();
  REQUIRE(restored.become(again).ok());
  const auto after = world.journal();
  world.use(must(storage::open_sqlite({.path = again}, world.clock)));
  CHECK(world.journal() == after);
  // What changed in the second in which it was fetched may have changed again, so it is fetched once more.
  world.later(std::chrono::minutes(5));
  CHECK(world.sync().outcome != runs::RunOutcome::kFailed);
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  CHECK(world.journal() == after);
}

TEST_CASE("a copy whose entries do not balance is refused by the other engine") {
  if (const auto why = test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  World world;
  world.connect();
  REQUIRE(world.sync().outcome == runs::RunOutcome::kSucceeded);
  world.map_all();
  const Status spoilt = world.database->write("test.write", [](storage::Connection& c) -> Status {
    BERTH_TRY(c.execute("DROP TRIGGER entry_line_immutable_update"));
    BERTH_TRY(c.execute("UPDATE entry_line SET base_minor = base_minor + 1 WHERE entry = 1 AND position = 0"));
    return success();
  });
  REQUIRE(spoilt.ok());
  auto target = must(storage::open_postgresql({.url = test::PostgresqlServer::shared().create_database(), .is_time_of_server = false}, world.clock));
  const auto moved = storage::copy_all(*world.database, *target);
  REQUIRE_FALSE(moved.ok());
  CHECK(moved.error().reason == "storage.refused");
  CHECK(moved.error().message.find("ledger.") != std::string::npos);
  const Status left = target->read([](storage::Connection& c) -> Status {
    CHECK_FALSE(BERTH_TRY(c.first("SELECT 1 FROM record")));
    return success();
  });
  CHECK(left.ok());
}
