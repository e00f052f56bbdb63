#include "host/storage/integrations.hpp"

#include "host/storage/changes.hpp"
#include "host/storage/conditions.hpp"

namespace berth::storage::integrations {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, plugin, company, tenant, environment, mode, origin, settings_json, desired, actual, reason, message, "
    "who_acts, since_ms, "
    "next_attempt_ms, name, remote_id, organization_json, created_ms, connected_ms, last_sync_ms, backfill_floor_ms, resumed_ms "
    "FROM integration";

Integration read(const Row& row) {
  return {.id = row.text(0),
          .plugin = row.text(1),
          .company = row.text(2),
          .tenant = row.text(3),
          .environment = row.text(4),
          .mode = row.text(5),
          .origin = row.text(6),
          .settings_json = row.text(7),
          .desired = row.text(8),
          .actual = row.text(9),
          .reason = row.text(10),
          .message = row.text(11),
          .who_acts = row.text(12),
          .since = row.instant(13),
          .next_attempt = row.instant(14),
          .name = row.text(15),
          .remote_id = row.text(16),
          .organization_json = row.text(17),
          .created = row.instant(18),
          .connected = row.instant(19),
          .last_sync = row.instant(20),
          .backfill_floor = row.instant(21),
          .resumed = row.instant(22)};
}

Error taken(std::string_view id, std::string_view why) {
  return make_error(Code::kConflict, "storage.integration_taken",
                    "The integration " + std::string(id) + " " + std::string(why));
}

}  // namespace

Status upsert_declared(Connection& connection, const Integration& declared) {
  const auto before = BERTH_TRY(find(connection, declared.id));
  if (!before) return insert(connection, declared);
  if (before->origin != declared.origin)
    return taken(declared.id, "exists already and was not declared by the file; choose another id");
  if (before->plugin != declared.plugin) {
    return taken(declared.id,
                 "is stored with the plugin " + before->plugin + ", not " + declared.plugin + "; choose another id");
  }
  return expect_changed(
      connection.execute(
          "UPDATE integration SET company = ?, tenant = ?, environment = ?, mode = ?, settings_json = ? WHERE id = ?",
          {declared.company, declared.tenant, declared.environment, declared.mode, declared.settings_json,
           declared.id}),
      "integration", declared.id);
}

Status insert(Connection& connection, const Integration& integration) {
  if (BERTH_TRY(find(connection, integration.id))) return taken(integration.id, "exists already");
  const auto& i = integration;
  BERTH_CHECK(connection.execute(
      "INSERT INTO integration (id, plugin, company, tenant, environment, mode, origin, settings_json, desired, "
      "actual, reason, message, "
      "who_acts, since_ms, next_attempt_ms, name, remote_id, organization_json, created_ms, connected_ms, "
      "last_sync_ms, backfill_floor_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {i.id,       i.plugin,        i.company,      i.tenant,        i.environment, i.mode,
       i.origin,   i.settings_json, i.desired,      i.actual,        i.reason,      i.message,
       i.who_acts, i.since,         i.next_attempt, i.name,          i.remote_id,   i.organization_json,
       i.created,  i.connected,     i.last_sync,    i.backfill_floor}));
  return success();
}

Result<std::optional<Integration>> find(Connection& connection, std::string_view id) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelect) + " WHERE id = ?", {id}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<std::vector<Integration>> list(Connection& connection, std::string_view reason) {
  Conditions where;
  where.equals("reason", reason);
  std::vector<Integration> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + where.sql() + " ORDER BY id", where.parameters(), [&](const Row& row) {
    all.push_back(read(row));
    return true;
  }));
  return all;
}

Result<std::vector<Integration>> connected_like(Connection& connection, std::string_view remote_id) {
  std::vector<Integration> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " WHERE remote_id = ? AND connected_ms > 0 ORDER BY id", {remote_id}, [&](const Row& row) {
    all.push_back(read(row));
    return true;
  }));
  return all;
}

Status set_desired(Connection& connection, std::string_view id, std::string_view desired) {
  return expect_changed(connection.execute("UPDATE integration SET desired = ? WHERE id = ?", {desired, id}),
                        "integration", id);
}

Status resume(Connection& connection, std::string_view id, Instant now) {
  return expect_changed(
      connection.execute("UPDATE integration SET desired = 'enabled', next_attempt_ms = 0, resumed_ms = ? WHERE id = ?", {now, id}),
      "integration", id);
}

Status set_status(Connection& connection, std::string_view id, const IntegrationStatus& status, Instant now) {
  return expect_changed(
      connection.execute(
          "UPDATE integration SET since_ms = CASE WHEN actual = ? AND reason = ? THEN since_ms ELSE ? END, actual = ?, "
          "reason = ?, message = ?, who_acts = ?, next_attempt_ms = ? WHERE id = ?",
          {status.actual, status.reason, now, status.actual, status.reason, status.message, status.who_acts,
           status.next_attempt, id}),
      "integration", id);
}

Status set_organization(Connection& connection, std::string_view id, std::string_view remote_id, std::string_view name,
                        std::string_view organization_json) {
  return expect_changed(
      connection.execute("UPDATE integration SET remote_id = ?, name = ?, organization_json = ? WHERE id = ?",
                         {remote_id, name, organization_json, id}),
      "integration", id);
}

Status set_connected(Connection& connection, std::string_view id, Instant connected) {
  return expect_changed(connection.execute("UPDATE integration SET connected_ms = ? WHERE id = ?", {connected, id}),
                        "integration", id);
}

Status set_last_sync(Connection& connection, std::string_view id, Instant last_sync) {
  return expect_changed(connection.execute("UPDATE integration SET last_sync_ms = ? WHERE id = ?", {last_sync, id}),
                        "integration", id);
}

Status set_backfill_floor(Connection& connection, std::string_view id, Instant floor) {
  return expect_changed(connection.execute("UPDATE integration SET backfill_floor_ms = ? WHERE id = ?", {floor, id}),
                        "integration", id);
}

Result<bool> erase_unconnected(Connection& connection, std::string_view id) {
  return BERTH_TRY(connection.execute("DELETE FROM integration WHERE id = ? AND origin = 'api' AND connected_ms = 0", {id})) > 0;
}

Result<std::optional<std::string>> connected_to(Connection& connection, std::string_view plugin, std::string_view remote_id,
                                                std::string_view but) {
  const auto row = BERTH_TRY(connection.first(
      "SELECT id FROM integration WHERE plugin = ? AND remote_id = ? AND connected_ms <> 0 AND id <> ? ORDER BY id LIMIT 1",
      {plugin, remote_id, but}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

}  // namespace berth::storage::integrations
