#include "host/storage/looks.hpp"

#include <limits>

#include "host/storage/changes.hpp"

namespace berth::storage::looks {

Result<std::vector<Look>> come(Connection& connection, Instant now, std::size_t limit) {
  std::vector<Look> found;
  // Two ranges of one index; an OR of them would be read as the whole of it.
  for (const auto& [condition, bound] : {std::pair<std::string_view, Instant>{"look_at_ms <= ?", now}, {"look_at_ms > ?", now + kAheadMax}}) {
    if (found.size() >= limit) break;
    BERTH_CHECK(connection.each("SELECT integration, look_at_ms, wakes FROM schedule WHERE " + std::string(condition) + " ORDER BY look_at_ms, integration LIMIT ?",
                                {bound, limit - found.size()}, [&](const Row& row) {
                                  found.push_back({row.text(0), row.instant(1), row.integer(2)});
                                  return true;
                                }));
  }
  return found;
}

Result<bool> move(Connection& connection, const Look& look, Instant to) {
  return BERTH_TRY(connection.execute("UPDATE schedule SET look_at_ms = ? WHERE integration = ? AND wakes = ? AND look_at_ms = ?",
                                      {to, look.integration, look.wakes, look.at})) > 0;
}

Status wake(Connection& connection, std::string_view integration, Instant at) {
  BERTH_CHECK(connection.execute("UPDATE schedule SET look_at_ms = CASE WHEN look_at_ms < ? THEN look_at_ms ELSE ? END, wakes = wakes + 1 WHERE integration = ?",
                                 {at, at, integration}));
  return success();
}

Status declare(Connection& connection, std::string_view integration, std::string_view declared) {
  BERTH_CHECK(connection.execute("UPDATE schedule SET declared = ?, look_at_ms = 0, wakes = wakes + 1 WHERE integration = ? AND declared <> ?",
                                 {declared, integration, declared}));
  return success();
}

Result<Instant> next(Connection& connection, std::string_view integration) {
  const auto at = BERTH_TRY(one_integer(connection, "SELECT look_at_ms FROM schedule WHERE integration = ?", {integration}));
  return Instant{at.value_or(std::numeric_limits<std::int64_t>::max())};
}

}  // namespace berth::storage::looks
