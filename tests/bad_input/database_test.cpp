// Data folders and databases that are damaged, locked, full, not ours: the host says which and stops; with the good file
// back, or with room, the next sync ends with the same books.
#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "bad_input/fixture.hpp"
#include "bad_input/table.hpp"

using namespace bad_input;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSync = "berth sync zoho";

const Row kText(Section::kDatabase, "database.text", "a file that is no database", kSync, "storage.damaged");
const Row kHeader(Section::kDatabase, "database.header", "the first page overwritten", kSync, "storage.damaged");
const Row kTruncated(Section::kDatabase, "database.truncated", "a database that was cut off", kSync, "storage.damaged");
const Row kEmpty(Section::kDatabase, "database.empty", "an empty file", kSync, "storage.damaged");
const Row kRecords(Section::kDatabase, "database.records", "a page of records overwritten: a sync meets it", "berth sync zoho --full", "storage.damaged");
const Row kRecordsStatus(Section::kDatabase, "database.status", "the same, afterwards", "berth status", "storage.damaged");
const Row kEntries(Section::kDatabase, "database.entries", "a page of journal lines overwritten", "berth ledger check", "storage.damaged");
const Row kNewer(Section::kDatabase, "database.newer", "a database of a newer Berth", kSync, "storage.newer");
const Row kOtherBuild(Section::kDatabase, "database.other_build", "a database whose tables were made by another build", kSync, "storage.migration_changed");
const Row kFolder(Section::kDatabase, "database.folder", "a folder instead of the database", kSync, "storage.failed");
const Row kDataFile(Section::kDatabase, "data.file", "a file instead of the data folder", kSync, "app.data_dir");
const Row kDataOwner(Section::kDatabase, "data.owner", "a data folder of another user", kSync, "app.data_dir");
const Row kFileOwner(Section::kDatabase, "database.owner", "a database of another user", kSync, "storage.read_only");
const Row kReadOnly(Section::kDatabase, "data.read_only", "a data folder on a disk that is mounted read-only", kSync, "storage.read_only");
const Row kReadOnlyServe(Section::kDatabase, "data.read_only_serve", "the same, when the host is started", "berth serve", "storage.read_only");
const Row kLocked(Section::kDatabase, "database.locked", "another program keeps the database locked", kSync, "storage.busy");
const Row kLimit(Section::kDatabase, "disk.limit", "the database may not grow further (`ulimit -f`), in the middle of a first sync", kSync, "storage.full");
const Row kFull(Section::kDatabase, "disk.full", "the disk is full, in the middle of a first sync", kSync, "storage.full");
const Row kFullStatus(Section::kDatabase, "disk.full_status", "the same, afterwards", "berth status", "storage.full");

/// What SQLite says of a damaged page depends on where in it the next read begins.
const Replacements kCodes{{"\\(SQLite \\d+\\)", "(SQLite 11)"}, {"phase  [\\s\\S]*?run_", "run_"}, {"run_[0-9a-f]+", "run_01a2"}};

std::size_t page_of(const fs::path& database, const std::string& table) {
  return static_cast<std::size_t>(std::stoul(sql(database, "SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'")));
}

/// A small disk of its own; needs root.
class SmallDisk {
 public:
  SmallDisk(const fs::path& at, const std::string& size) : at_(at) {
    fs::create_directories(at_);
    is_there_ = mount("none", at_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_there_) umount2(at_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] bool make_read_only() const { return mount("none", at_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0; }

 private:
  fs::path at_;
  bool is_there_ = false;
};

/// The journal that a first sync makes when nothing is in its way.
std::string undisturbed(const e2e::Simulator& simulator) {
  const e2e::Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  return berth.sorted_journal();
}

/// Runs the sync again, now that there is room, and compares the books with those of a host that always had it.
void check_same_books(const e2e::Simulator& simulator, const e2e::Workspace& berth) {
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  CHECK(berth.sorted_journal() == undisturbed(simulator));
  CHECK(berth.run({"ledger", "check"}).exit == 0);
}

}  // namespace

TEST_CASE("a database that is damaged is named, is never replaced by an empty one, and a copy of it goes on") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  const fs::path database = books.database(), copy = berth.folder() / "copy.db";
  fs::copy_file(database, copy);
  const auto restore = [&] {
    for (const char* file : {"data/berth.db-wal", "data/berth.db-shm", "data/berth.db"}) fs::remove_all(berth.folder() / file);
    fs::copy_file(copy, database);
  };
  const auto refused = [&](const Row& row, int exit = 3) {
    CAPTURE(row.id());
    const std::string before = fs::is_directory(database) ? "" : bytes_of(database);
    row.refused(berth, exit, kCodes);
    // A damaged file stays as it was, for whoever can still read something out of it.
    if (!before.empty() && exit == 3) CHECK(bytes_of(database) == before);
    restore();
  };
  write_bytes(database, "this is no database, but it has the name of one; somebody has saved a note here\n");
  refused(kText);
  scribble(database, 0, 4096);
  refused(kHeader);
  fs::resize_file(database, fs::file_size(database) / 2 / 4096 * 4096);
  refused(kTruncated);
  fs::resize_file(database, 0);
  refused(kEmpty);
  fs::remove(database);
  fs::create_directory(database);
  refused(kFolder);
  sql(database, "INSERT INTO schema_migration (version, name, checksum, applied_ms) VALUES (9999, '9999_tomorrow', 'abc', 1)");
  refused(kNewer);
  sql(database, "UPDATE schema_migration SET checksum = 'abc' WHERE version = 2");
  refused(kOtherBuild);
  scribble(database, (page_of(database, "entry_line") - 1) * 4096, 4096);
  refused(kEntries);
  // The run ends, and what it says stays readable.
  scribble(database, (page_of(database, "record") - 1) * 4096, 4096);
  kRecords.refused(berth, 1, kCodes);
  Replacements of_status = kCodes;
  of_status.emplace_back("\\d+ (ignored|parked|posted)", "9 $1");
  kRecordsStatus.refused(berth, 0, of_status);
  restore();
  books.check_recovered();
}

TEST_CASE("a write-ahead log that is damaged loses at most what was not copied yet, and that is fetched again") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  const auto serve = berth.serve();
  REQUIRE(e2e::eventually([&] { return berth.run({"sync", "zoho", "--full"}).exit == 0; }));  // the host itself may be at it
  serve->signal(SIGKILL);  // leaves the log behind
  serve->wait();
  const fs::path log = berth.folder() / "data/berth.db-wal";
  REQUIRE(fs::exists(log));
  REQUIRE(fs::file_size(log) > 4096);
  scribble(log, fs::file_size(log) / 2, fs::file_size(log) / 2);
  books.check_recovered();
}

TEST_CASE("a data folder that cannot be used says why") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  fs::rename(berth.folder() / "data", berth.folder() / "away");
  write_bytes(berth.folder() / "data", "a file");
  kDataFile.refused(berth, 3);
  fs::remove(berth.folder() / "data");
  fs::rename(berth.folder() / "away", berth.folder() / "data");
  books.check_recovered();
}

TEST_CASE("a data folder or a database of somebody else is not used") {
  const OtherUser other;
  if (geteuid() != 0 || !other.is_possible) {
    MESSAGE("skipped: files can be given to another user only by root");
    return;
  }
  const Books books;
  const e2e::Workspace& berth = books.berth;
  give_to_other_user(berth.folder());
  const fs::path data = berth.folder() / "data";
  REQUIRE(lchown(data.c_str(), 0, 0) == 0);
  kDataOwner.answered(berth, berth.run_by(other.starter, {"sync", "zoho"}), 3);
  give_to_other_user(berth.folder());
  REQUIRE(lchown(books.database().c_str(), 0, 0) == 0);
  kFileOwner.answered(berth, berth.run_by(other.starter, {"sync", "zoho"}), 3);
  give_to_other_user(berth.folder());
  CHECK(berth.run_by(other.starter, {"sync", "zoho", "--full"}).exit == 0);
  CHECK(berth.run_by(other.starter, {"ledger", "check"}).exit == 0);
}

TEST_CASE("a data folder that cannot be written is said so at once, and works when it can") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  const fs::path data = berth.folder() / "data", away = berth.folder() / "away";
  fs::rename(data, away);
  {
    const SmallDisk disk(data, "16m");
    if (!disk.is_there()) {
      MESSAGE("skipped: a disk can be mounted only by root");
      return;
    }
    fs::copy_file(away / "berth.db", data / "berth.db");
    chmod(data.c_str(), S_IRWXU);
    REQUIRE(disk.make_read_only());
    kReadOnly.refused(berth, 3);
    kReadOnlyServe.refused(berth, 3);
  }
  fs::remove(data);
  fs::rename(away, data);
  books.check_recovered();
}

TEST_CASE("a database that another program keeps locked ends the command in time, and is free afterwards") {
  const Books books;
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(books.database().c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) == SQLITE_OK);
  kLocked.refused(books.berth, 3);
  REQUIRE(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  books.check_recovered();
}

TEST_CASE("a database that may not grow further stops a first sync, which goes on with the same books when it may") {
  const e2e::Simulator simulator(kSmall);
  const e2e::Workspace berth(simulator);
  berth.connect();
  const auto size = fs::file_size(berth.folder() / "data/berth.db");
  const e2e::Outcome outcome = berth.run_by({"prlimit", "--fsize=" + std::to_string(size + 200'000)}, {"sync", "zoho"});
  kLimit.answered(berth, outcome, 1, {{"(?:\\S+ +warning .*\n)", ""}, {"phase  [\\s\\S]*?run_", "run_"}, {"run_[0-9a-f]+", "run_01a2"}, {"\\(SQLite \\d+\\)", "(SQLite 778)"}});
  CHECK(simulator.calls("list") > 0);  // it was in the middle
  check_same_books(simulator, berth);
}

TEST_CASE("a full disk stops a first sync, which goes on with the same books when there is room") {
  const e2e::Simulator simulator(kSmall);
  const e2e::Workspace berth(simulator);
  berth.connect();
  const fs::path data = berth.folder() / "data", away = berth.folder() / "away";
  fs::rename(data, away);
  const SmallDisk disk(data, "8m");
  if (!disk.is_there()) {
    MESSAGE("skipped: a disk can be mounted only by root");
    return;
  }
  fs::copy(away, data, fs::copy_options::recursive);
  // Something else fills the disk, but for some pages.
  const fs::path filler = data / "filler";
  write_bytes(filler, std::string(fs::space(data).available - 300'000, 'x'));
  const Replacements more{{"(?:\\S+ +warning .*\n)", ""}, {"phase  [\\s\\S]*?run_", "run_"}, {"run_[0-9a-f]+", "run_01a2"}, {"\\(SQLite \\d+\\)(, No space left on device)?", "(SQLite 13)"}, {": (disk I/O error|database or disk is full)", ": database or disk is full"}};
  kFull.answered(berth, berth.run({"sync", "zoho"}), 1, more);
  CHECK(simulator.calls("list") > 0);
  write_bytes(data / "more", std::string(fs::space(data).available, 'x'));
  kFullStatus.answered(berth, berth.run({"status"}), 0, more);
  fs::remove(filler);
  fs::remove(data / "more");
  check_same_books(simulator, berth);
}
