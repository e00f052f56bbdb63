#include "host/storage/sqlite/errors.hpp"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace berth::storage {

namespace {

/// SQLite's write-ahead log and its index grow in pieces of 32 KiB; with less than two of them nothing can be committed.
constexpr std::uint64_t kRoomMin = 64U << 10U;

/// A file that the limit of file sizes (`ulimit -f`) keeps from growing.
bool is_at_limit(const std::string& path) {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  for (const char* part : {"", "-wal", "-shm"}) {
    struct stat facts = {};
    if (::stat((path + part).c_str(), &facts) == 0 && static_cast<std::uint64_t>(facts.st_size) + kRoomMin > limit.rlim_cur) return true;
  }
  return false;
}

/// A full disk shows itself as any I/O error: the file that could not grow may be the index of the write-ahead log, whose
/// cause SQLite forgets (SQLITE_IOERR_SHMSIZE).
bool is_disk_full(const SqliteFailure& failure) {
  if (failure.system == ENOSPC || failure.system == EDQUOT || failure.system == EFBIG) return true;
  if (is_at_limit(failure.path)) return true;
  const auto slash = failure.path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : failure.path.substr(0, slash + 1);
  struct statvfs facts = {};
  return ::statvfs(folder.c_str(), &facts) == 0 && static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize < kRoomMin;
}

}  // namespace

// SQLite, "Result and Error Codes": the low byte is the primary code.
Error sqlite_error(const SqliteFailure& failure, std::string_view doing) {
  const int primary = failure.extended & 0xff;
  std::string said = failure.message + " (SQLite " + std::to_string(failure.extended) + ")";
  if (failure.system != 0 && primary != SQLITE_BUSY) said += std::string(", ") + std::strerror(failure.system);
  const std::string database = "the database " + failure.path + " ";
  const auto full = [&] { return make_error(Code::kEnvironment, "storage.full", "the disk of the database " + failure.path + " is full: " + said); };
  const auto read_only = [&] { return make_error(Code::kEnvironment, "storage.read_only", database + "cannot be written: " + said); };
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: {
      Error error = make_error(Code::kUnavailable, "storage.busy", database + "is locked by another process for too long: " + said);
      error.retry_after_ms = 1000;
      return error;
    }
    case SQLITE_FULL:
      return full();
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return read_only();
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make_error(Code::kEnvironment, "storage.damaged", database + "is damaged, or the file is none: " + said);
    case SQLITE_CONSTRAINT:
      if (failure.extended == SQLITE_CONSTRAINT_UNIQUE || failure.extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
          failure.extended == SQLITE_CONSTRAINT_ROWID) {
        return make_error(Code::kConflict, "storage.unique", failure.message);
      }
      return make_error(Code::kConflict, "storage.refused", failure.message);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (is_disk_full(failure)) return full();
      if (failure.system == EROFS || failure.system == EACCES) return read_only();
      return make_error(Code::kEnvironment, "storage.failed", database + "cannot be read or written: " + said);
    default:
      return make_error(Code::kInternal, "storage.failed", std::string(doing) + ": " + said);
  }
}

Error cannot_open(const std::string& path, int error) {
  const std::string why = "the database " + path + " cannot be opened: " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) return make_error(Code::kEnvironment, "storage.full", why);
  return make_error(Code::kEnvironment, error == EACCES || error == EROFS ? "storage.read_only" : "storage.failed", why);
}

}  // namespace berth::storage
