// Backups that cannot be whole, and names beside which a log of another database lies: nothing is written, nothing is left.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "contract/storage/engines.hpp"
#include "host/storage/backup.hpp"
#include "host/storage/postgresql/errors.hpp"
#include "host/storage/quota.hpp"
#include "host/storage/sqlite/session.hpp"

using namespace berth;
using namespace berth::test;
using storage::Connection;

namespace {

Status save(Connection& c, const std::string& key, const std::string& value = "{}") { return storage::quota::save(c, key, value, kNow); }

std::vector<std::string> files_of(const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.file(""))) names.push_back(entry.path().filename().string());
  return names;
}

/// A database whose copies keep their log, as one does whose checkpoint does not fit on the disk.
class WithLog final : public storage::Database {
 public:
  explicit WithLog(storage::Database& real) : real_(real) {}
  Status write(WriteName name, const std::function<Status(Connection&)>& work) override { return real_.write(name, work); }
  Status read(const std::function<Status(Connection&)>& work) override { return real_.read(work); }
  [[nodiscard]] std::string_view engine() const override { return real_.engine(); }
  [[nodiscard]] std::string folder() const override { return real_.folder(); }
  Result<std::uint64_t> size() override { return real_.size(); }
  Result<std::vector<std::string>> check() override { return real_.check(); }
  Result<std::unique_ptr<storage::Database>> copy_to(const std::string& path, const Clock& clock) override {
    auto copy = BERTH_TRY(real_.copy_to(path, clock));
    struct stat facts = {};
    if (::stat(path.substr(0, path.rfind('/')).c_str(), &facts) == 0) mode_of_folder = facts.st_mode & 0777U;
    reader_ = BERTH_TRY(storage::SqliteSession::open(path, std::chrono::milliseconds(100), true));
    BERTH_CHECK(reader_->run_script("BEGIN"));
    BERTH_TRY(reader_->query("SELECT 1 FROM quota"));
    BERTH_CHECK(copy->write("test.write", [](Connection& c) { return save(c, "in the log"); }));
    return copy;
  }
  unsigned mode_of_folder = 0;

 private:
  storage::Database& real_;
  std::unique_ptr<storage::SqliteSession> reader_;
};

/// While it lives this process's files do not grow further.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    const rlimit less{bytes, limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &less) == 0);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int);
};

}  // namespace

TEST_CASE("a backup whose log cannot be taken into its file is refused and leaves nothing") {
  on_every_engine([](storage::Database& database) {
    const TemporaryFolder folder;
    const ManualClock clock(kNow);
    must(database.write("test.write", [](Connection& c) { return save(c, "kept"); }));
    WithLog stubborn(database);
    const auto made = storage::backup(stubborn, folder.file("monday.db"), clock);
    REQUIRE_FALSE(made.ok());
    CHECK_MESSAGE((made.error().reason == "storage.failed" || made.error().reason == "storage.busy"), made.error().message);
    CHECK(files_of(folder).empty());
    CHECK(stubborn.mode_of_folder == 0700);  // nobody else looks into it meanwhile
  });
}

TEST_CASE("a backup that does not fit is refused and leaves nothing, and one that fits holds everything in its file") {
  on_every_engine([](storage::Database& database) {
    const TemporaryFolder folder;
    const ManualClock clock(kNow);
    constexpr std::size_t kRow = 100'000;
    for (int i = 0; i < 20; ++i) must(database.write("test.write", [&](Connection& c) { return save(c, "row" + std::to_string(i), std::string(kRow, 'x')); }));
    for (const rlim_t limit : {rlim_t{100'000}, rlim_t{1'000'000}}) {
      const FileLimit limited(limit);
      const auto made = storage::backup(database, folder.file("monday.db"), clock);
      REQUIRE_FALSE(made.ok());
      CHECK_MESSAGE(made.error().reason == "storage.full", made.error().message);
      CHECK(files_of(folder).empty());
    }
    const storage::Backup made = must(storage::backup(database, folder.file("monday.db"), clock));
    CHECK(made.bytes > 20 * kRow);
    CHECK(files_of(folder) == std::vector<std::string>{"monday.db"});
    CHECK((std::filesystem::status(made.file).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    const auto back = must(storage::RestoredBackup::open(made.file, folder.file(""), clock));
  });
}

TEST_CASE("a database is not made, nor restored, beside the log of one that is gone") {
  const TemporaryFolder folder;
  const ManualClock clock(kNow);
  const std::string file = folder.file("monday.db");
  {
    const auto database = must(storage::open_sqlite({.path = folder.file("books.db")}, clock));
    must(storage::backup(*database, file, clock));
  }
  for (const char* part : {"-wal", "-shm"}) {
    CAPTURE(part);
    const std::string left = folder.file("berth.db") + part;
    std::ofstream(left) << "of another database";
    auto restored = must(storage::RestoredBackup::open(file, folder.file(""), clock));
    const Status became = restored.become(folder.file("berth.db"));
    REQUIRE_FALSE(became.ok());
    CHECK(became.error().reason == "storage.file_exists");
    const auto made = storage::open_sqlite({.path = folder.file("berth.db")}, clock);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().reason == "storage.file_exists");
    CHECK(made.error().message.find(left) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.file("berth.db")));
    std::filesystem::remove(left);
  }
  auto restored = must(storage::RestoredBackup::open(file, folder.file(""), clock));
  must(restored.become(folder.file("berth.db")));
}

TEST_CASE("what a server cannot do is the machine's trouble, not a bug") {
  const auto reason = [](const char* state) {
    const Error error = storage::postgresql_error({.state = state, .message = "made up"}, "testing");
    CHECK(error.code != Code::kInternal);
    return error.reason;
  };
  CHECK(reason("53100") == "storage.full");
  CHECK(reason("53200") == "storage.failed");  // out of memory
  CHECK(reason("53300") == "storage.busy");    // too many connections
  CHECK(reason("53400") == "storage.failed");
  CHECK(reason("58030") == "storage.failed");  // a file of the server
  CHECK(reason("57014") == "storage.busy");    // ended by an administrator
  CHECK(reason("57P01") == "storage.unreachable");
}
