#include "host/storage/sqlite/errors.hpp"

#include <sqlite3.h>

#include <string>

namespace berth::storage {

// SQLite, "Result and Error Codes": the low byte is the primary code.
Error sqlite_error(int extended, std::string_view message, std::string_view doing) {
  const std::string said(message);
  const std::string full = std::string(doing) + ": " + said + " (SQLite " + std::to_string(extended) + ")";
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: {
      Error error =
          make_error(Code::kUnavailable, "storage.busy", "Another process keeps the database locked while " + full);
      error.retry_after_ms = 1000;
      return error;
    }
    case SQLITE_FULL:
      return make_error(Code::kEnvironment, "storage.full", "The disk of the database is full while " + full);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return make_error(Code::kEnvironment, "storage.read_only", "The database cannot be written while " + full);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make_error(Code::kEnvironment, "storage.damaged",
                        "The database file is damaged or not a database, found while " + full);
    case SQLITE_CONSTRAINT:
      if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
          extended == SQLITE_CONSTRAINT_ROWID) {
        return make_error(Code::kConflict, "storage.unique", said);
      }
      return make_error(Code::kConflict, "storage.refused", said);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return make_error(Code::kEnvironment, "storage.failed",
                        "The database file cannot be read or written while " + full);
    default:
      return make_error(Code::kInternal, "storage.failed", full);
  }
}

}  // namespace berth::storage
