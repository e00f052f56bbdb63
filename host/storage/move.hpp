#pragma once
// Everything from one database into another, whatever their engines: for a move to PostgreSQL and back, for backups, which are
// SQLite files, and for trials. Both have the same migrations, so rows go over as they are; the ledger's triggers judge every
// entry again on the way in.
//
//   auto target = BERTH_TRY(storage::open_postgresql({.url = url}, clock));
//   const storage::Moved moved = BERTH_TRY(storage::copy_all(*source, *target));        // moved.rows of moved.tables
//
// One snapshot of the source, one transaction of the target: all or nothing. Nobody waits for it at the source.
#include <cstdint>
#include <string>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct MovedTable {
  std::string name;
  std::int64_t rows = 0;
};
struct Moved {
  std::vector<MovedTable> tables;  // in the order in which they were written
  std::int64_t rows = 0;
};
/// Errors: storage.not_empty (the target has rows already), those of both engines, and storage.refused where the source's own
/// rows break a rule.
Result<Moved> copy_all(Database& source, Database& target);

/// A digest of every row of every table, in the order of their keys: equal for two databases that hold the same.
Result<std::string> digest_of(Database& database);

}  // namespace berth::storage
