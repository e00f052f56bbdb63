#include "host/storage/waiting.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage::waiting {

Status set_waits(Connection& connection, std::int64_t record, std::string_view integration,
                 const std::vector<std::string>& keys) {
  BERTH_CHECK(connection.execute("DELETE FROM waiting WHERE record = ?", {record}));
  for (const auto& key : keys) {
    BERTH_CHECK(
        connection.execute("INSERT INTO waiting (record, integration, awaited) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                           {record, integration, key}));
  }
  return success();
}

Result<std::int64_t> wake(Connection& connection, std::string_view integration, std::string_view key, Instant now, Sleepers which) {
  // Mostly nobody waits, and this is asked for every document that posts.
  const auto anybody =
      BERTH_TRY(connection.first("SELECT 1 FROM waiting WHERE integration = ? AND awaited = ? LIMIT 1", {integration, key}));
  if (!anybody) return 0;
  const auto woken =
      BERTH_TRY(connection.execute("UPDATE record SET state = 'pending', reason = '', message = '', state_since_ms = ? "
                                   "WHERE state IN ('parked', 'failed', 'posted', ?) AND "
                                   "id IN (SELECT record FROM waiting WHERE integration = ? AND awaited = ?)",
                                   {now, which == Sleepers::kAll ? "skipped" : "parked", integration, key}));
  BERTH_CHECK(connection.execute("DELETE FROM waiting WHERE integration = ? AND awaited = ? AND NOT EXISTS "
                                 "(SELECT 1 FROM record AS r WHERE r.id = waiting.record AND r.state = 'skipped')",
                                 {integration, key}));
  return woken;
}

Result<std::vector<Awaited>> awaited(Connection& connection, std::string_view integration, std::string_view prefix) {
  std::vector<Awaited> all;
  BERTH_CHECK(connection.each(
      "SELECT awaited, COUNT(*) AS records FROM waiting WHERE integration = ? AND substr(awaited, 1, CAST(? AS INTEGER)) = ? GROUP BY "
      "awaited ORDER BY records DESC, awaited",
      {integration, prefix.size(), prefix}, [&](const Row& row) {
        all.push_back({row.text(0), row.integer(1)});
        return true;
      }));
  return all;
}

Result<std::vector<std::int64_t>> waiters(Connection& connection, std::string_view integration, std::string_view key, std::size_t limit) {
  std::vector<std::int64_t> records;
  BERTH_CHECK(connection.each("SELECT record FROM waiting WHERE integration = ? AND awaited = ? ORDER BY record LIMIT ?", {integration, key, limit},
                              [&](const Row& row) {
                                records.push_back(row.integer(0));
                                return true;
                              }));
  return records;
}

Result<std::vector<std::string>> waits_of(Connection& connection, std::int64_t record) {
  std::vector<std::string> keys;
  BERTH_CHECK(
      connection.each("SELECT awaited FROM waiting WHERE record = ? ORDER BY awaited", {record}, [&](const Row& row) {
        keys.push_back(row.text(0));
        return true;
      }));
  return keys;
}

}  // namespace berth::storage::waiting
