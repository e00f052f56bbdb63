// What only SQLite has: files, modes, errors of the disk, migrations of a file that another Berth made.
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "contract/storage/engines.hpp"
#include "host/core/hash.hpp"
#include "host/storage/quota.hpp"
#include "host/storage/records.hpp"

using namespace berth;
using namespace berth::test;
using storage::Connection;

namespace {

struct Fixture {
  TemporaryFolder folder;
  ManualClock clock{kNow};
  std::string path = folder.file("berth.db");

  Result<std::unique_ptr<storage::Database>> open() {
    return storage::open_sqlite({.path = path, .busy_limit = std::chrono::milliseconds(50)}, clock);
  }
  unsigned mode_of(const std::string& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_mode & 0777u;
  }
};

}  // namespace

TEST_CASE("a file that is not a database is storage.damaged, and a folder that is not there storage.failed") {
  Fixture fixture;
  std::ofstream(fixture.path) << std::string(5000, 'x');
  CHECK(fixture.open().error().reason == "storage.damaged");
  fixture.path = fixture.folder.file("no/such/folder/berth.db");
  CHECK(fixture.open().error().reason == "storage.failed");
}

TEST_CASE("a database file that is there but empty is storage.damaged and stays as it is, a missing one is made") {
  Fixture fixture;
  std::ofstream(fixture.path).close();
  const auto opened = fixture.open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().reason == "storage.damaged");
  CHECK(opened.error().code == Code::kEnvironment);
  CHECK(opened.error().message.find("remove the file") != std::string::npos);
  CHECK(std::filesystem::file_size(fixture.path) == 0);
  std::filesystem::remove(fixture.path);
  REQUIRE(fixture.open().ok());
  CHECK(std::filesystem::file_size(fixture.path) > 0);
  CHECK(fixture.mode_of(fixture.path) == 0600);
  // Nothing is left of the way it was made.
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(fixture.path).parent_path()))
    CHECK(entry.path().string().starts_with(fixture.path));
  CHECK(std::distance(std::filesystem::directory_iterator(std::filesystem::path(fixture.path).parent_path()), {}) == 1);
}

TEST_CASE("several processes that make the same database at once open the same one") {
  Fixture fixture;
  const storage::SqliteOptions options{.path = fixture.path, .busy_limit = std::chrono::seconds(10)};
  std::array<std::unique_ptr<storage::Database>, 6> databases;
  std::vector<std::thread> threads;
  for (auto& database : databases) {
    threads.emplace_back([&] {
      if (auto opened = storage::open_sqlite(options, fixture.clock)) database = std::move(*opened);
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& database : databases) REQUIRE(database != nullptr);
  write(*databases[0], [](Connection& c) { return storage::quota::save(c, "x", "kept", kNow); });
  for (auto& database : databases) CHECK(*read(*database, [](Connection& c) { return storage::quota::load(c, "x"); }) == "kept");
}

TEST_CASE(
    "the database and its write-ahead log are readable by their owner only, whatever the mask and the mode before") {
  Fixture fixture;
  must(fixture.open()).reset();
  REQUIRE(::chmod(fixture.path.c_str(), 0644) == 0);
  const auto mask = ::umask(0);
  const auto database = must(fixture.open());
  write(*database, [](Connection& c) { return storage::quota::save(c, "x", "{}", kNow); });
  ::umask(mask);
  for (const char* end : {"", "-wal", "-shm"}) CHECK(fixture.mode_of(fixture.path + end) == 0600);
}

TEST_CASE("a database of a newer Berth is not opened") {
  Fixture fixture;
  write(*must(fixture.open()), [](Connection& c) {
    return c.execute(
        "INSERT INTO schema_migration (version, name, checksum, applied_ms) VALUES (9000, '9000_later', '', 0)");
  });
  const auto opened = fixture.open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().reason == "storage.newer");
  CHECK(opened.error().message.find("9000_later") != std::string::npos);
}

TEST_CASE("a database whose applied migration had another text is not opened") {
  Fixture fixture;
  write(*must(fixture.open()),
        [](Connection& c) { return c.execute("UPDATE schema_migration SET checksum = 'other' WHERE version = 1"); });
  CHECK(fixture.open().error().reason == "storage.migration_changed");
}

TEST_CASE("a database that is opened again keeps its content, and two may have it open") {
  Fixture fixture;
  write(*must(fixture.open()), [](Connection& c) { return storage::quota::save(c, "x", "kept", kNow); });
  const auto one = must(fixture.open());
  const auto two = must(fixture.open());
  write(*one, [](Connection& c) { return storage::quota::save(c, "x", "changed", kNow); });
  CHECK(*read(*two, [](Connection& c) { return storage::quota::load(c, "x"); }) == "changed");
}

TEST_CASE("a writer of another process is waited for until the busy limit") {
  Fixture fixture;
  const auto one = must(fixture.open());
  const auto two = must(fixture.open());  // its own writer, as another process would have
  write(*one, [&](Connection&) -> Result<Unit> {
    CHECK(refusal(*two, [](Connection& c) { return storage::quota::save(c, "x", "{}", kNow); }) == "storage.busy");
    return success();
  });
  CHECK(refusal(*two, [](Connection& c) { return storage::quota::save(c, "x", "{}", kNow); }).empty());
}

TEST_CASE(
    "a full disk is storage.full, keeps nothing of the transaction, and the database goes on when there is room") {
  Fixture fixture;
  const auto database = must(fixture.open());
  const auto fill = [](Connection& c) -> Status {
    BERTH_CHECK(storage::quota::save(c, "before", "{}", kNow));
    return storage::quota::save(c, "large", std::string(2'000'000, 'x'), kNow);
  };
  std::int64_t pages = 0;
  write(*database, [&](Connection& c) -> Result<Unit> {
    pages = BERTH_TRY(c.query("PRAGMA page_count")).front().integer(0);
    return success();
  });
  write(*database, [&](Connection& c) { return c.query("PRAGMA max_page_count = " + std::to_string(pages + 10)); });
  CHECK(refusal(*database, fill) == "storage.full");
  CHECK_FALSE(read(*database, [](Connection& c) { return storage::quota::load(c, "before"); }));
  write(*database, [&](Connection& c) { return c.query("PRAGMA max_page_count = 1000000"); });
  CHECK(refusal(*database, fill).empty());
}

TEST_CASE("a trigger's words are the message of storage.refused") {
  Fixture fixture;
  const auto database = must(fixture.open());
  write(*database, [](Connection& c) {
    return c.execute(
        "CREATE TRIGGER quota_kept BEFORE DELETE ON quota BEGIN SELECT RAISE(ABORT, 'a quota is never deleted'); END");
  });
  write(*database, [](Connection& c) { return storage::quota::save(c, "x", "{}", kNow); });
  const auto status = database->write("test.write", [](Connection& c) -> Status {
    BERTH_CHECK(c.execute("DELETE FROM quota"));
    return success();
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "storage.refused");
  CHECK(status.error().message == "a quota is never deleted");
}

TEST_CASE("a damaged file is reported by check or by reading") {
  Fixture fixture;
  write(*must(fixture.open()), [](Connection& c) -> Result<Unit> {
    for (int i = 0; i < 500; ++i)
      BERTH_CHECK(storage::quota::save(c, "key " + std::to_string(i), std::string(300, 'x'), kNow));
    return success();
  });
  const auto size = std::filesystem::file_size(fixture.path);
  {
    std::fstream file(fixture.path, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uintmax_t at = size / 2; at + 600 < size; at += 600) {
      file.seekp(static_cast<std::streamoff>(at));
      file << std::string(300, '\x5a');
    }
  }
  const auto opened = fixture.open();
  if (!opened.ok()) {
    CHECK(opened.error().reason == "storage.damaged");
  } else {
    const auto findings = (*opened)->check();
    CHECK((!findings.ok() || !findings->empty()));
  }
}

TEST_CASE("a stored body that was damaged is storage.body_damaged") {
  Fixture fixture;
  const auto database = must(fixture.open());
  const std::string bodies[] = {"", "not zstd", std::string("\x28\xb5\x2f\xfd\x20\x05", 6)};
  for (const auto& body : bodies) {
    CHECK(refusal(*database, [&](Connection& c) -> Result<Unit> {
            const auto id = BERTH_TRY(storage::records::capture_detail(
                                          c, {"i", "invoice", "1", "1", to_hex(body) + "h", "{}", kNow, 1}))
                                .record;
            BERTH_CHECK(c.execute("UPDATE record_version SET body = ?", {storage::Blob{body}}));
            BERTH_TRY(storage::records::load(c, id));
            return success();
          }) == "storage.body_damaged");
  }
}

TEST_CASE("readers beyond the pool wait and give up at the busy limit") {
  Fixture fixture;
  const auto database = must(storage::open_sqlite(
      {.path = fixture.path, .readers_max = 1, .busy_limit = std::chrono::milliseconds(50)}, fixture.clock));
  read(*database, [&](Connection&) -> Result<Unit> {
    std::string reason;
    std::thread([&] { reason = database->read([](Connection&) { return success(); }).error().reason; }).join();
    CHECK(reason == "storage.busy");
    return success();
  });
  CHECK(database->read([](Connection&) { return success(); }).ok());
}
