// The SQLite engine: one writer session, a small pool of readers, migrations at opening.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "host/core/assert.hpp"
#include "host/core/text.hpp"
#include "host/storage/database.hpp"
#include "host/storage/migrations.hpp"
#include "host/storage/sessions.hpp"
#include "host/storage/sqlite/errors.hpp"
#include "host/storage/sqlite/session.hpp"

namespace berth::storage {
namespace {

constexpr std::string_view kBeginWrite = "BEGIN IMMEDIATE";

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(SqliteOptions options, std::unique_ptr<SqliteSession> writer)
      : options_(std::move(options)),
        sessions_({.database = options_.path,
                   .readers_max = options_.readers_max,
                   .busy_limit = options_.busy_limit,
                   .begin_write = std::string(kBeginWrite),
                   .begin_read = "BEGIN"},
                  std::move(writer), [this](bool is_reader) { return SqliteSession::open(options_.path, options_.busy_limit, is_reader); }) {}

  Status write(WriteName name, const std::function<Status(Connection&)>& work) override { return sessions_.write(name, work); }
  Status read(const std::function<Status(Connection&)>& work) override { return sessions_.read(work); }

  [[nodiscard]] std::string_view engine() const override { return "sqlite"; }
  [[nodiscard]] std::string folder() const override {
    const auto slash = options_.path.rfind('/');
    return slash == std::string::npos ? "." : options_.path.substr(0, slash);
  }
  Result<std::uint64_t> size() override {
    std::uint64_t bytes = 0;
    for (const char* part : {"", "-wal"}) {
      struct stat facts = {};
      if (::stat((options_.path + part).c_str(), &facts) == 0) bytes += static_cast<std::uint64_t>(facts.st_size);
    }
    return bytes;
  }

  Result<std::unique_ptr<Database>> copy_to(const std::string& path, const Clock& clock) override {
    BERTH_CHECK(sessions_.with_reader([&](SqliteSession& session) { return session.copy_to(path); }));
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
  const SqliteOptions options_;
  Sessions<SqliteSession> sessions_;
};

/// Makes a database that has its header already, with mode 0600, and gives it its name when it is ready. So an empty file
/// of that name is never a young database, but always one that lost its content. Of two processes at once one is first.
Status create_file(const std::string& path, std::chrono::milliseconds busy_limit) {
  // The log of a database that is gone would be taken into the new one. Where another process was first, the file is there.
  for (const char* part : {"-wal", "-shm"}) {
    if (::access((path + part).c_str(), F_OK) != 0 || ::access(path.c_str(), F_OK) == 0) continue;
    return make_error(Code::kConflict, "storage.file_exists",
                      path + part + " is there, but " + path +
                          " is not: it belongs to a database that is gone. Put that back, or move the rest of it away to begin with empty books");
  }
  const DurableWrite durable("storage.create");
  std::string made = path + ".new-XXXXXX";
  const int file = ::mkstemp(made.data());  // mode 0600, whatever the process's mask
  if (file < 0) return cannot_open(path, errno);
  ::close(file);
  const struct Remove {
    const std::string& path;
    ~Remove() { ::unlink(path.c_str()); }
  } remove{made};
  BERTH_TRY(SqliteSession::open(made, busy_limit, false));  // switching to WAL writes the first page
  durable.is_written();
  if (::link(made.c_str(), path.c_str()) != 0 && errno != EEXIST) return cannot_open(path, errno);
  durable.is_durable();
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

std::string for_sqlite(const Migration& migration) {
  // A row id that is never used again: order of capture and audit rest on it.
  auto text = replace_all(std::string(migration.sql), "@SERIAL@", "INTEGER PRIMARY KEY AUTOINCREMENT");
  text = replace_all(std::move(text), "@SERIAL_COLUMN@", "BIGINT NOT NULL DEFAULT 0");
  text = replace_all(std::move(text), "@NUMBER_KEY@", "INTEGER PRIMARY KEY");   // the row id itself, no second index
  text = replace_all(std::move(text), "@CLUSTERED@", "WITHOUT ROWID");
  return replace_all(std::move(text), "@BLOB@", "BLOB") + std::string(migration.sqlite);
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const SqliteOptions& options, const Clock& clock) {
  BERTH_ASSERT(options.readers_max > 0, "a database has at least one reader");
  BERTH_CHECK(prepare_file(options.path, options.busy_limit));
  auto writer = BERTH_TRY(SqliteSession::open(options.path, options.busy_limit, false));
  BERTH_CHECK(migrate(*writer, kBeginWrite, for_sqlite, clock));
  if (!options.is_durable) BERTH_CHECK(writer->run_script("PRAGMA synchronous = OFF"));
  return std::unique_ptr<Database>(std::make_unique<SqliteDatabase>(options, std::move(writer)));
}

}  // namespace berth::storage
