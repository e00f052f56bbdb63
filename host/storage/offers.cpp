#include "host/storage/offers.hpp"

namespace berth::storage::offers {

Result<bool> put(Connection& connection, std::string_view integration, std::string_view entity,
                 std::string_view remote_id, std::string_view name, std::string_view value, Instant now) {
  return BERTH_TRY(connection.execute(
             "INSERT INTO offer (integration, entity, remote_id, name, value, offered_ms) VALUES (?, ?, ?, ?, ?, ?) "
             "ON CONFLICT (integration, entity, remote_id, name) DO UPDATE SET value = excluded.value, offered_ms = "
             "excluded.offered_ms "
             "WHERE offer.value <> excluded.value",
             {integration, entity, remote_id, name, value, now})) > 0;
}

Result<std::optional<std::string>> find(Connection& connection, std::string_view integration, std::string_view entity,
                                        std::string_view remote_id, std::string_view name) {
  const auto row = BERTH_TRY(
      connection.first("SELECT value FROM offer WHERE integration = ? AND entity = ? AND remote_id = ? AND name = ?",
                       {integration, entity, remote_id, name}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

Result<std::map<std::string, std::string>> list(Connection& connection, std::string_view integration,
                                                std::string_view entity, std::string_view remote_id) {
  std::map<std::string, std::string> all;
  BERTH_CHECK(connection.each("SELECT name, value FROM offer WHERE integration = ? AND entity = ? AND remote_id = ?",
                              {integration, entity, remote_id}, [&](const Row& row) {
                                all.emplace(row.text(0), row.text(1));
                                return true;
                              }));
  return all;
}

}  // namespace berth::storage::offers
