// The SQLite engine: one writer session, a small pool of readers, migrations at opening.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "host/core/assert.hpp"
#include "host/core/text.hpp"
#include "host/storage/database.hpp"
#include "host/storage/migrations.hpp"
#include "host/storage/sqlite/errors.hpp"
#include "host/storage/sqlite/session.hpp"

namespace berth::storage {
namespace {

/// Ends the transaction by rolling back unless it was committed, also when the work throws.
class Transaction {
 public:
  explicit Transaction(SqliteSession& session) : session_(session) {}
  ~Transaction() {
    // After a full disk or an I/O error SQLite has rolled back by itself.
    if (session_.in_transaction()) static_cast<void>(session_.run_script("ROLLBACK"));
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Status begin(std::string_view how) { return session_.run_script(how); }
  Status commit() { return session_.run_script("COMMIT"); }

 private:
  SqliteSession& session_;
};

Error busy(std::string_view what, std::chrono::milliseconds limit) {
  Error error = make_error(Code::kUnavailable, "storage.busy",
                           std::string(what) + " was not free within " + std::to_string(limit.count()) + " ms");
  error.retry_after_ms = 1000;
  return error;
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(SqliteOptions options, std::unique_ptr<SqliteSession> writer)
      : options_(std::move(options)), writer_(std::move(writer)) {}

  Status write(const std::function<Status(Connection&)>& work) override {
    const auto self = std::this_thread::get_id();
    BERTH_ASSERT(writing_.load() != self, "Database::write is not called inside Database::write");
    const std::unique_lock lock(writer_mutex_, options_.busy_limit);
    if (!lock.owns_lock()) return busy("The writer of " + options_.path, options_.busy_limit);
    writing_.store(self);
    const struct Reset {
      std::atomic<std::thread::id>& writing;
      ~Reset() { writing.store(std::thread::id()); }
    } reset{writing_};
    Transaction transaction(*writer_);
    BERTH_CHECK(transaction.begin("BEGIN IMMEDIATE"));
    BERTH_CHECK(work(*writer_));
    return transaction.commit();
  }

  Status read(const std::function<Status(Connection&)>& work) override {
    return with_reader([&](SqliteSession& session) -> Status {
      Transaction transaction(session);
      BERTH_CHECK(transaction.begin("BEGIN"));
      return work(session);
    });
  }

  [[nodiscard]] std::string_view engine() const override { return "sqlite"; }
  [[nodiscard]] std::string path() const override { return options_.path; }

  Result<std::unique_ptr<Database>> copy_to(const std::string& path, const Clock& clock) override {
    BERTH_CHECK(with_reader([&](SqliteSession& session) { return session.copy_to(path); }));
    SqliteOptions options = options_;
    options.path = path;
    options.is_durable = false;
    return open_sqlite(options, clock);
  }

  Result<std::vector<std::string>> check() override {
    std::vector<std::string> findings;
    BERTH_CHECK(read([&](Connection& connection) -> Status {
      BERTH_CHECK(connection.each("PRAGMA integrity_check", {}, [&](const Row& row) {
        if (row.text(0) != "ok") findings.push_back(row.text(0));
        return true;
      }));
      return connection.each("PRAGMA foreign_key_check", {}, [&](const Row& row) {
        findings.push_back("row " + std::to_string(row.integer(1)) + " of " + row.text(0) + " names a row of " +
                           row.text(2) + " that is not there");
        return true;
      });
    }));
    return findings;
  }

 private:
  template <class Work>
  Status with_reader(Work work) {
    auto session = BERTH_TRY(take_reader());
    const struct GiveBack {
      SqliteDatabase& database;
      std::unique_ptr<SqliteSession>& session;
      ~GiveBack() { database.give_back(std::move(session)); }
    } give_back{*this, session};
    return work(*session);
  }

  Result<std::unique_ptr<SqliteSession>> take_reader() {
    std::unique_lock lock(readers_mutex_);
    const bool free = reader_free_.wait_for(lock, options_.busy_limit,
                                            [&] { return !idle_readers_.empty() || readers_ < options_.readers_max; });
    if (!free) return busy("A reader of " + options_.path, options_.busy_limit);
    if (!idle_readers_.empty()) {
      auto session = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return session;
    }
    ++readers_;
    lock.unlock();
    auto opened = SqliteSession::open(options_.path, options_.busy_limit, true);
    if (!opened.ok()) give_back(nullptr);
    return opened;
  }

  /// nullptr: one that could not be opened.
  void give_back(std::unique_ptr<SqliteSession> session) {
    {
      const std::lock_guard lock(readers_mutex_);
      if (session == nullptr) {
        --readers_;
      } else {
        idle_readers_.push_back(std::move(session));
      }
    }
    reader_free_.notify_one();
  }

  const SqliteOptions options_;
  std::timed_mutex writer_mutex_;  // guards writer_
  std::atomic<std::thread::id> writing_{};
  std::unique_ptr<SqliteSession> writer_;
  std::mutex readers_mutex_;  // guards the two below
  std::vector<std::unique_ptr<SqliteSession>> idle_readers_;
  std::size_t readers_ = 0;  // open, idle or not
  std::condition_variable reader_free_;
};

/// Makes a database that has its header already, with mode 0600, and gives it its name when it is ready. So an empty file
/// of that name is never a young database, but always one that lost its content. Of two processes at once one is first.
Status create_file(const std::string& path, std::chrono::milliseconds busy_limit) {
  std::string made = path + ".new-XXXXXX";
  const int file = ::mkstemp(made.data());  // mode 0600, whatever the process's mask
  if (file < 0) return cannot_open(path, errno);
  ::close(file);
  const struct Remove {
    const std::string& path;
    ~Remove() { ::unlink(path.c_str()); }
  } remove{made};
  BERTH_TRY(SqliteSession::open(made, busy_limit, false));  // switching to WAL writes the first page
  if (::link(made.c_str(), path.c_str()) != 0 && errno != EEXIST) return cannot_open(path, errno);
  return success();
}

/// Sees to it that the file is there, with content and mode 0600; the -wal and -shm files take its mode.
Status prepare_file(const std::string& path, std::chrono::milliseconds busy_limit) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) BERTH_CHECK(create_file(path, busy_limit));
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return cannot_open(path, errno);
  struct stat status = {};
  if (::fstat(file, &status) == 0 && status.st_size == 0) {
    ::close(file);
    return make_error(Code::kEnvironment, "storage.damaged",
                      "the database " + path +
                          " is an empty file, so its content was lost; restore it from a copy, or remove the file to "
                          "begin with empty books");
  }
  const int changed = ::fchmod(file, 0600);
  const int error = errno;
  ::close(file);
  if (changed != 0) {
    return make_error(Code::kEnvironment, "storage.failed",
                      "Cannot set the mode of " + path + " to 0600: " + std::strerror(error));
  }
  return success();
}

std::string for_sqlite(std::string_view sql) {
  // A row id that is never used again: order of capture and audit rest on it.
  auto text = replace_all(std::string(sql), "@SERIAL@", "INTEGER PRIMARY KEY AUTOINCREMENT");
  text = replace_all(std::move(text), "@SERIAL_COLUMN@", "BIGINT NOT NULL DEFAULT 0");
  text = replace_all(std::move(text), "@NUMBER_KEY@", "INTEGER PRIMARY KEY");   // the row id itself, no second index
  text = replace_all(std::move(text), "@CLUSTERED@", "WITHOUT ROWID");
  return replace_all(std::move(text), "@BLOB@", "BLOB");
}

/// Applies one file in its own transaction; false when there is none left. Other processes may do the same at once.
Result<bool> apply_next(SqliteSession& session, const Clock& clock) {
  Transaction transaction(session);
  BERTH_CHECK(transaction.begin("BEGIN IMMEDIATE"));
  BERTH_CHECK(session.run_script(kMigrationTable));
  std::vector<AppliedMigration> applied;
  BERTH_CHECK(
      session.each("SELECT version, name, checksum FROM schema_migration ORDER BY version", {}, [&](const Row& row) {
        applied.push_back({row.integer(0), row.text(1), row.text(2)});
        return true;
      }));
  const Migration* next = BERTH_TRY(next_migration(embedded_migrations(), applied));
  if (next == nullptr) return false;
  BERTH_TRY_CONTEXT("while applying migration " + std::string(next->name), session.run_script(for_sqlite(next->sql)));
  BERTH_CHECK(session.execute("INSERT INTO schema_migration (version, name, checksum, applied_ms) VALUES (?, ?, ?, ?)",
                              {next->version, next->name, checksum(*next), clock.now()}));
  BERTH_CHECK(transaction.commit());
  return true;
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const SqliteOptions& options, const Clock& clock) {
  BERTH_ASSERT(options.readers_max > 0, "a database has at least one reader");
  BERTH_CHECK(prepare_file(options.path, options.busy_limit));
  auto writer = BERTH_TRY(SqliteSession::open(options.path, options.busy_limit, false));
  while (BERTH_TRY(apply_next(*writer, clock))) {
  }
  if (!options.is_durable) BERTH_CHECK(writer->run_script("PRAGMA synchronous = OFF"));
  return std::unique_ptr<Database>(std::make_unique<SqliteDatabase>(options, std::move(writer)));
}

}  // namespace berth::storage
