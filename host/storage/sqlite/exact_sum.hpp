#pragma once
// exact_sum(x) of database.hpp for SQLite, whose own SUM fails beyond 64 bits. PostgreSQL's does not.
#include "host/core/result.hpp"

struct sqlite3;

namespace berth::storage {

/// Once for each session. Errors: storage.failed.
Status add_exact_sum(sqlite3* handle);

}  // namespace berth::storage
