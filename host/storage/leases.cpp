#include "host/storage/leases.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage::leases {
namespace {

Error lost(std::string_view integration, std::int64_t fencing) {
  return make_error(Code::kConflict, "storage.lease_lost",
                    "The lease of " + std::string(integration) + " with fencing number " + std::to_string(fencing) +
                        " is no longer ours");
}

}  // namespace

// The row stays when the lease is given back, so that the fencing number grows for ever.
Result<std::optional<std::int64_t>> acquire(Connection& connection, std::string_view integration,
                                            std::string_view owner, std::chrono::milliseconds ttl, Instant of_machine) {
  const Instant now = connection.shared_now(of_machine);
  return one_integer(connection,
                     "INSERT INTO lease (integration, owner, fencing, expires_ms) VALUES (?, ?, 1, ?) ON CONFLICT "
                     "(integration) DO UPDATE "
                     "SET owner = excluded.owner, fencing = lease.fencing + 1, expires_ms = excluded.expires_ms "
                     "WHERE lease.owner = excluded.owner OR lease.expires_ms <= ? RETURNING fencing",
                     {integration, owner, now + ttl, now});
}

Status renew(Connection& connection, std::string_view integration, std::string_view owner, std::int64_t fencing,
             std::chrono::milliseconds ttl, Instant of_machine) {
  const Instant now = connection.shared_now(of_machine);
  const auto changed = BERTH_TRY(
      connection.execute("UPDATE lease SET expires_ms = ? WHERE integration = ? AND owner = ? AND fencing = ?",
                         {now + ttl, integration, owner, fencing}));
  if (changed == 0) return lost(integration, fencing);
  return success();
}

Status release(Connection& connection, std::string_view integration, std::string_view owner, std::int64_t fencing) {
  BERTH_CHECK(connection.execute(
      "UPDATE lease SET owner = '', expires_ms = 0 WHERE integration = ? AND owner = ? AND fencing = ?",
      {integration, owner, fencing}));
  return success();
}

Status require(Connection& connection, std::string_view integration, std::string_view owner, std::int64_t fencing) {
  const auto held = BERTH_TRY(connection.first(
      "SELECT 1 FROM lease WHERE integration = ? AND owner = ? AND fencing = ?", {integration, owner, fencing}));
  if (!held) return lost(integration, fencing);
  return success();
}

Result<std::optional<Lease>> find(Connection& connection, std::string_view integration, Instant of_machine) {
  const Instant now = connection.shared_now(of_machine);
  const auto row =
      BERTH_TRY(connection.first("SELECT integration, owner, fencing, expires_ms FROM lease WHERE integration = ? AND "
                                 "owner <> '' AND expires_ms > ?",
                                 {integration, now}));
  return row ? std::optional(Lease{row->text(0), row->text(1), row->integer(2), of_machine + (row->instant(3) - now)}) : std::nullopt;
}

Result<std::vector<HeldSince>> list(Connection& connection, Instant of_machine) {
  const Instant now = connection.shared_now(of_machine);
  std::vector<HeldSince> held;
  for (const Row& row : BERTH_TRY(connection.query(
           "SELECT integration, owner, fencing, expires_ms, COALESCE((SELECT MAX(started_ms) FROM run WHERE run.integration = lease.integration AND "
           "outcome = 'running'), 0) FROM lease WHERE owner <> '' AND expires_ms > ? ORDER BY integration",
           {now}))) {
    held.push_back({{row.text(0), row.text(1), row.integer(2), of_machine + (row.instant(3) - now)}, row.instant(4)});
  }
  return held;
}

}  // namespace berth::storage::leases
