#include "host/storage/commands.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage::commands {

Result<std::int64_t> push(Connection& connection, std::string_view integration, std::string_view kind,
                          std::string_view argument_json, Instant now) {
  const auto waiting = BERTH_TRY(list(connection, integration));
  for (const auto& command : waiting) {
    if (command.kind == kind && command.argument_json == argument_json) return command.id;
  }
  if (waiting.size() >= kQueuedMax) {
    return make_error(Code::kConflict, "storage.commands_full",
                      std::to_string(waiting.size()) + " commands wait already for " + std::string(integration));
  }
  const auto id = BERTH_TRY(one_integer(
      connection, "INSERT INTO command (integration, kind, argument_json, created_ms) VALUES (?, ?, ?, ?) RETURNING id",
      {integration, kind, argument_json, now}));
  return id.value_or(0);
}

Result<std::vector<Command>> take(Connection& connection, std::string_view integration) {
  auto taken = BERTH_TRY(list(connection, integration));
  BERTH_CHECK(connection.execute("DELETE FROM command WHERE integration = ?", {integration}));
  return taken;
}

Result<std::vector<Command>> list(Connection& connection, std::string_view integration) {
  std::vector<Command> waiting;
  BERTH_CHECK(connection.each(
      "SELECT id, integration, kind, argument_json, created_ms FROM command WHERE integration = ? ORDER BY id",
      {integration}, [&](const Row& row) {
        waiting.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.instant(4)});
        return true;
      }));
  return waiting;
}

Status erase(Connection& connection, const std::vector<std::int64_t>& ids) {
  for (const std::int64_t id : ids) BERTH_CHECK(connection.execute("DELETE FROM command WHERE id = ?", {id}));
  return success();
}

}  // namespace berth::storage::commands
