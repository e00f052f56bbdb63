#include "host/storage/backup.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "host/storage/sqlite/session.hpp"

namespace berth::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRestorePrefix = "restore-";   // of copies of a backup, in the data folder

Error failed(const std::string& what, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return make_error(Code::kEnvironment, is_full ? "storage.full" : "storage.failed", what + ": " + std::strerror(error));
}
Error exists(const std::string& file) {
  return make_error(Code::kConflict, "storage.file_exists", file + " is there already; nothing was written");
}

void remove_database(const std::string& path) {
  std::error_code ignored;
  for (const char* part : {"", "-wal", "-shm"}) fs::remove(path + part, ignored);
}

Status make_durable(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed("Cannot open " + path, errno);
  const int synced = ::fsync(file);
  const int error = errno;
  ::close(file);
  return synced == 0 ? success() : Status(failed("Cannot write " + path, error));
}

/// A name that is taken by nobody in between; the other one goes.
Status give_name(const DurableWrite& durable, const std::string& made, const std::string& name) {
  BERTH_CHECK(make_durable(made));
  durable.is_written();
  if (::link(made.c_str(), name.c_str()) != 0) return errno == EEXIST ? exists(name) : failed("Cannot make " + name, errno);
  ::unlink(made.c_str());
  const std::string folder = fs::path(name).parent_path().string();
  BERTH_CHECK(make_durable(folder.empty() ? "." : folder));
  durable.is_durable();
  return success();
}

/// A log beside a file that is not there is of another database, and would be taken into the one that gets the name.
Status check_free(const std::string& path) {
  for (const char* part : {"", "-wal", "-shm"}) {
    if (::access((path + part).c_str(), F_OK) == 0) return exists(path + part);
  }
  return success();
}

/// The file alone, which nobody uses any more, holds everything. Closing a database says nothing where the log did not fit
/// into the file (SQLite, "PRAGMA wal_checkpoint": the answer is busy, pages in the log, pages taken over).
Status take_log_in(const std::string& path) {
  constexpr std::chrono::milliseconds kWait{1000};
  {
    const auto session = BERTH_TRY(SqliteSession::open(path, kWait, false));
    for (const Row& row : BERTH_TRY(session->query("PRAGMA wal_checkpoint(TRUNCATE)"))) {
      if (row.integer(0) == 0 && row.integer(1) == row.integer(2)) continue;
      return make_error(Code::kEnvironment, "storage.failed", "the log of " + path + " could not be taken into the file, because somebody else has it open");
    }
  }
  std::error_code none;
  if (const auto log = fs::file_size(path + "-wal", none); none || log == 0) return success();
  return make_error(Code::kEnvironment, "storage.failed", "the log of " + path + " could not be taken into the file");
}

Status check_copy(Database& copy, const std::string& what) {
  const auto findings = BERTH_TRY(copy.check());
  if (findings.empty()) return success();
  return make_error(Code::kEnvironment, "storage.damaged", what + " is damaged: " + findings.front());
}

}  // namespace

Result<Backup> backup(Database& database, const std::string& file, const Clock& clock) {
  if (::access(file.c_str(), F_OK) == 0) return exists(file);
  const DurableWrite durable("backup.file");
  // A folder that nobody else can enter or has made, in the file system of the file.
  std::string folder = file + ".part-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return failed("Cannot make a folder for the copy beside " + file, errno);
  const struct Remove {
    const std::string& path;
    ~Remove() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } remove{folder};
  const std::string part = folder + "/copy.db";
  {
    const auto copy = BERTH_TRY(database.copy_to(part, clock));
    BERTH_CHECK(check_copy(*copy, "the copy"));
  }
  BERTH_CHECK(take_log_in(part));
  if (::chmod(part.c_str(), 0600) != 0) return failed("Cannot set the mode of " + part, errno);
  BERTH_CHECK(give_name(durable, part, file));
  std::error_code unknown;
  return Backup{file, fs::file_size(file, unknown)};
}

RestoredBackup::RestoredBackup(std::string copy, std::unique_ptr<Database> database)
    : copy_(std::move(copy)), database_(std::move(database)) {}
RestoredBackup::RestoredBackup(RestoredBackup&& other) noexcept
    : copy_(std::exchange(other.copy_, {})), database_(std::move(other.database_)) {}
RestoredBackup::~RestoredBackup() {
  database_.reset();
  if (!copy_.empty()) remove_database(copy_);
}

Result<RestoredBackup> RestoredBackup::open(const std::string& file, const std::string& folder, const Clock& clock) {
  std::error_code failure;
  if (!fs::is_regular_file(file, failure)) return make_error(Code::kNotFound, "storage.backup_missing", "there is no file " + file);
  if (const auto log = fs::file_size(file + "-wal", failure); !failure && log > 0) {
    return make_error(Code::kUnavailable, "storage.busy",
                      file + " is a database that is in use, with changes in " + file + "-wal; make a backup of it with `berth db backup`");
  }
  std::string copy = (fs::path(folder) / (std::string(kRestorePrefix) + "XXXXXX")).string();
  const int made = ::mkstemp(copy.data());
  if (made < 0) return failed("Cannot make a copy in " + folder, errno);
  ::close(made);
  RestoredBackup restored(copy, nullptr);
  if (!fs::copy_file(file, copy, fs::copy_options::overwrite_existing, failure)) return failed("Cannot copy " + file, failure.value());
  if (::chmod(copy.c_str(), 0600) != 0) return failed("Cannot set the mode of " + copy, errno);
  restored.database_ = BERTH_TRY_CONTEXT("opening the backup " + file, open_sqlite({.path = copy}, clock));
  BERTH_CHECK(check_copy(*restored.database_, file));
  return restored;
}

void RestoredBackup::remove_left_over(const std::string& folder) {
  std::error_code ignored;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->path().filename().string().starts_with(kRestorePrefix)) files.push_back(at->path());
  }
  for (const fs::path& file : files) fs::remove(file, ignored);
}

Status RestoredBackup::become(const std::string& path) {
  BERTH_CHECK(check_free(path));
  const DurableWrite durable("restore.file");
  database_.reset();
  BERTH_CHECK(take_log_in(copy_));
  BERTH_CHECK(give_name(durable, copy_, path));
  copy_.clear();
  return success();
}

}  // namespace berth::storage
