#include "host/storage/hand_archives.hpp"

namespace berth::storage::hand_archives {

Result<std::optional<HandArchive>> find(Connection& connection, std::int64_t record) {
  const auto row = BERTH_TRY(connection.first("SELECT record, actor, why, at_ms, captured FROM archived_by_hand WHERE record = ?", {record}));
  if (!row) return std::optional<HandArchive>();
  return std::optional(HandArchive{row->integer(0), row->text(1), row->text(2), row->instant(3), row->integer(4)});
}

Status put(Connection& connection, const HandArchive& archive) {
  BERTH_CHECK(connection.execute("INSERT INTO archived_by_hand (record, actor, why, at_ms, captured) VALUES (?, ?, ?, ?, ?)",
                                 {archive.record, archive.actor, archive.why, archive.at, archive.captured}));
  return success();
}

Result<bool> remove(Connection& connection, std::int64_t record) {
  return BERTH_TRY(connection.execute("DELETE FROM archived_by_hand WHERE record = ?", {record})) > 0;
}

}  // namespace berth::storage::hand_archives
