#include "host/storage/hosts.hpp"

namespace berth::storage::hosts {

Status beat(Connection& connection, const Host& host, std::chrono::milliseconds ttl, Instant of_machine) {
  const Instant now = connection.shared_now(of_machine);
  BERTH_CHECK(connection.execute("DELETE FROM host WHERE expires_ms < ?", {now - kRemembered}));
  BERTH_CHECK(connection.execute(
      "INSERT INTO host (owner, state, address, clock_ahead_ms, started_ms, seen_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner) "
      "DO UPDATE SET state = excluded.state, address = excluded.address, clock_ahead_ms = excluded.clock_ahead_ms, seen_ms = excluded.seen_ms, "
      "expires_ms = excluded.expires_ms",
      {host.owner, host.state, host.address, (host.clock_ahead - connection.shared_ahead()).count(), now, now, now + ttl}));
  return success();
}

Status remove(Connection& connection, std::string_view owner) {
  BERTH_CHECK(connection.execute("DELETE FROM host WHERE owner = ?", {owner}));
  return success();
}

Result<std::vector<Host>> list(Connection& connection) {
  std::vector<Host> hosts;
  for (const Row& row : BERTH_TRY(connection.query("SELECT owner, state, address, clock_ahead_ms, started_ms, seen_ms, expires_ms FROM host "
                                                   "ORDER BY started_ms, owner"))) {
    hosts.push_back({row.text(0), row.text(1), row.text(2), std::chrono::milliseconds(row.integer(3)), row.instant(4), row.instant(5), row.instant(6)});
  }
  return hosts;
}

}  // namespace berth::storage::hosts
