#pragma once
// Records that a person has archived, with who, when and why. What is in here is decided as if the remote had deleted it.
//
//   BERTH_CHECK(storage::hand_archives::put(c, {.record = record.id, .actor = "cli", .why = "a duplicate", .at = now, .captured = record.captured}));
//   if (const auto archived = BERTH_TRY(storage::hand_archives::find(c, record.id))) ...
//
// Threads and errors: database.hpp.
#include <cstdint>
#include <optional>
#include <string>

#include "host/storage/database.hpp"

namespace berth::storage {

struct HandArchive {
  std::int64_t record = 0;
  std::string actor{};          // as in the audit log: "cli", the name of a token
  std::string why{};
  Instant at{};
  std::int64_t captured = 0;    // of the record at that time: another one says that the remote has changed it since
};

namespace hand_archives {

Result<std::optional<HandArchive>> find(Connection& connection, std::int64_t record);
/// Errors: the database's where it is there already.
Status put(Connection& connection, const HandArchive& archive);
/// False if it was not there.
Result<bool> remove(Connection& connection, std::int64_t record);

}  // namespace hand_archives
}  // namespace berth::storage
