#include "host/storage/brakes.hpp"

namespace berth::storage::brakes {

Status put(Connection& connection, const Brake& brake) {
  BERTH_CHECK(connection.execute("INSERT INTO deletion_brake (integration, phase, entity, pass, missing, alive, since_ms) VALUES (?, ?, ?, ?, ?, ?, ?) "
                                 "ON CONFLICT (integration, phase) DO UPDATE SET pass = excluded.pass, missing = excluded.missing, alive = excluded.alive",
                                 {brake.integration, brake.phase, brake.entity, brake.pass, brake.missing, brake.alive, brake.since}));
  return success();
}

Status release(Connection& connection, std::string_view integration, std::string_view phase) {
  BERTH_CHECK(connection.execute("DELETE FROM deletion_brake WHERE integration = ? AND phase = ?", {integration, phase}));
  return success();
}

Result<std::vector<Brake>> list(Connection& connection, std::string_view integration) {
  std::vector<Brake> all;
  BERTH_CHECK(connection.each("SELECT integration, phase, entity, pass, missing, alive, since_ms FROM deletion_brake WHERE integration = ? ORDER BY phase",
                              {integration}, [&](const Row& row) {
                                all.push_back({row.text(0), row.text(1), row.text(2), row.integer(3), row.integer(4), row.integer(5), row.instant(6)});
                                return true;
                              }));
  return all;
}

}  // namespace berth::storage::brakes
