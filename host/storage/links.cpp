#include "host/storage/links.hpp"

namespace berth::storage::links {

Status set(Connection& connection, const Link& link) {
  BERTH_CHECK(connection.execute("INSERT INTO row_link (kind, integration, remote_id, local_row, linked_ms) VALUES (?, ?, ?, ?, ?) "
                                 "ON CONFLICT (kind, integration, remote_id) DO UPDATE SET local_row = excluded.local_row, linked_ms = excluded.linked_ms",
                                 {link.kind, link.integration, link.remote_id, link.row, link.linked}));
  return success();
}

Result<std::optional<LocalRow>> find(Connection& connection, std::string_view kind, std::string_view integration, std::string_view remote_id) {
  const auto found = BERTH_TRY(connection.first("SELECT local_row FROM row_link WHERE kind = ? AND integration = ? AND remote_id = ?", {kind, integration, remote_id}));
  if (!found) return std::optional<LocalRow>();
  return rows::find(connection, found->text(0));
}

Result<bool> remove(Connection& connection, std::string_view kind, std::string_view integration, std::string_view remote_id) {
  return BERTH_TRY(connection.execute("DELETE FROM row_link WHERE kind = ? AND integration = ? AND remote_id = ?", {kind, integration, remote_id})) > 0;
}

Result<std::vector<Link>> list(Connection& connection, std::string_view kind, std::string_view integration) {
  std::vector<Link> all;
  BERTH_CHECK(connection.each("SELECT kind, integration, remote_id, local_row, linked_ms FROM row_link WHERE kind = ? AND integration = ? ORDER BY remote_id",
                              {kind, integration}, [&](const Row& row) {
                                all.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.instant(4)});
                                return true;
                              }));
  return all;
}

}  // namespace berth::storage::links
