#include "host/storage/looks.hpp"

#include <algorithm>
#include <limits>

#include "host/storage/changes.hpp"

namespace berth::storage::looks {

Result<std::vector<Look>> come(Connection& connection, Instant now, std::size_t limit) {
  std::vector<Look> found;
  struct Range {
    std::string_view column, condition;
    Instant bound;
  };
  // Ranges of indexes; an OR of them would be read as the whole of the table.
  const Range ranges[] = {{"look_at_ms", "<= ?", now}, {"look_at_ms", "> ?", now + kAheadMax}, {"decided_ms", "> ?", now + kClocksDifferMax}};
  for (const Range& range : ranges) {
    if (found.size() >= limit) break;
    const std::string column(range.column);
    BERTH_CHECK(connection.each("SELECT integration, look_at_ms, wakes FROM schedule WHERE " + column + " " + std::string(range.condition) + " ORDER BY " + column +
                                    ", integration LIMIT ?",
                                {range.bound, limit - found.size()}, [&](const Row& row) {
                                  Look look{row.text(0), row.instant(1), row.integer(2)};
                                  const auto is_same = [&](const Look& other) { return other.integration == look.integration; };
                                  // What the last range finds may be due as well.
                                  if (range.column == "look_at_ms" || std::none_of(found.begin(), found.end(), is_same)) found.push_back(std::move(look));
                                  return true;
                                }));
  }
  return found;
}

Result<bool> move(Connection& connection, const Look& look, const Move& move) {
  return BERTH_TRY(connection.execute("UPDATE schedule SET look_at_ms = ?, decided_ms = ?, taken_by = ? WHERE integration = ? AND wakes = ? AND look_at_ms = ?",
                                      {move.to, move.now, move.taken_by, look.integration, look.wakes, look.at})) > 0;
}

Result<std::vector<Taken>> taken(Connection& connection, Instant now) {
  std::vector<Taken> all;
  for (const Row& row : BERTH_TRY(connection.query("SELECT integration, taken_by FROM schedule WHERE taken_by <> '' AND look_at_ms > ? ORDER BY integration", {now}))) {
    all.push_back({row.text(0), row.text(1)});
  }
  return all;
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
