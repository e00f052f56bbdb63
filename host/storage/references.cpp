#include "host/storage/references.hpp"

namespace berth::storage::references {

Result<bool> ask_once(Connection& connection, std::string_view integration, std::string_view entity,
                      std::string_view remote_id, Instant now) {
  return BERTH_TRY(connection.execute(
             "INSERT INTO reference_fetch (integration, entity, remote_id, asked_ms) VALUES (?, ?, ?, ?) "
             "ON CONFLICT DO NOTHING",
             {integration, entity, remote_id, now})) > 0;
}

Result<bool> was_asked(Connection& connection, std::string_view integration, std::string_view entity,
                       std::string_view remote_id) {
  const auto row =
      BERTH_TRY(connection.first("SELECT 1 FROM reference_fetch WHERE integration = ? AND entity = ? AND remote_id = ?",
                                 {integration, entity, remote_id}));
  return row.has_value();
}

Status forget(Connection& connection, std::string_view integration, std::string_view entity,
              std::string_view remote_id) {
  BERTH_CHECK(connection.execute("DELETE FROM reference_fetch WHERE integration = ? AND entity = ? AND remote_id = ?",
                                 {integration, entity, remote_id}));
  return success();
}

}  // namespace berth::storage::references
