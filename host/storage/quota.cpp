#include "host/storage/quota.hpp"

namespace berth::storage::quota {

Result<std::optional<std::string>> load(Connection& connection, std::string_view shared_by) {
  const auto row = BERTH_TRY(connection.first("SELECT state_json FROM quota WHERE shared_by = ?", {shared_by}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

Status save(Connection& connection, std::string_view shared_by, std::string_view state_json, Instant now) {
  BERTH_CHECK(connection.execute(
      "INSERT INTO quota (shared_by, state_json, updated_ms) VALUES (?, ?, ?) ON CONFLICT (shared_by) DO UPDATE SET "
      "state_json = excluded.state_json, updated_ms = excluded.updated_ms",
      {shared_by, state_json, now}));
  return success();
}

}  // namespace berth::storage::quota
