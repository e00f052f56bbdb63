#pragma once
// SQLite's result codes as errors of this folder (the list is in database.hpp).
#include <string>
#include <string_view>

#include "host/core/result.hpp"

namespace berth::storage {

/// What SQLite said, and where.
struct SqliteFailure {
  int extended = 0;          // sqlite3_extended_errcode
  std::string message;       // sqlite3_errmsg, which names tables and columns, never values
  int system = 0;            // sqlite3_system_errno; 0 where SQLite kept none
  std::string path;          // of the database
};

/// `doing` is the statement; it stands in the message only where it is of use to find a bug, not where the machine is
/// the cause.
Error sqlite_error(const SqliteFailure& failure, std::string_view doing);

/// A database file that the system did not let us open.
Error cannot_open(const std::string& path, int error);

}  // namespace berth::storage
