#include "host/storage/cursors.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage::cursors {
namespace {

constexpr std::string_view kSelect =
    "SELECT integration, phase, mode, cursor_json, pass, under_way, has_rows, passes_complete, last_complete_ms, last_started_ms "
    "FROM phase_cursor";

PhaseCursor read(const Row& row) {
  return {row.text(0),    row.text(1),    row.text(2),    row.text(3),    row.integer(4),
          row.boolean(5), row.boolean(6), row.integer(7), row.instant(8), row.instant(9)};
}

Status expect_under_way(const Result<std::int64_t>& changed, const PhaseCursor& begun) {
  if (!changed.ok()) return changed.error();
  if (*changed > 0) return success();
  return make_error(Code::kConflict, "storage.pass_not_under_way",
                    "Pass " + std::to_string(begun.pass) + " of phase " + begun.phase + " (" + begun.mode + ") of " +
                        begun.integration + " is not under way");
}

}  // namespace

Result<PhaseCursor> load(Connection& connection, std::string_view integration, std::string_view phase,
                         std::string_view mode) {
  const auto row = BERTH_TRY(connection.first(
      std::string(kSelect) + " WHERE integration = ? AND phase = ? AND mode = ?", {integration, phase, mode}));
  if (row) return read(*row);
  PhaseCursor none;
  none.integration = integration;
  none.phase = phase;
  none.mode = mode;
  return none;
}

Result<PhaseCursor> begin(Connection& connection, std::string_view integration, std::string_view phase,
                          std::string_view mode, Instant now) {
  auto cursor = BERTH_TRY(load(connection, integration, phase, mode));
  if (!cursor.under_way || !cursor.has_rows) {
    const auto last = BERTH_TRY(one_integer(
        connection, "SELECT COALESCE(MAX(pass), 0) FROM phase_cursor WHERE integration = ?", {integration}));
    cursor.pass = last.value_or(0) + 1;
    cursor.under_way = true;
    cursor.has_rows = false;
  }
  cursor.last_started = now;
  BERTH_CHECK(
      connection.execute("INSERT INTO phase_cursor (integration, phase, mode, cursor_json, pass, under_way, "
                         "last_started_ms) VALUES (?, ?, ?, ?, ?, 1, ?) "
                         "ON CONFLICT (integration, phase, mode) DO UPDATE SET pass = excluded.pass, under_way = 1, "
                         "has_rows = ?, last_started_ms = excluded.last_started_ms",
                         {integration, phase, mode, cursor.cursor_json, cursor.pass, now, cursor.has_rows}));
  return cursor;
}

Status save(Connection& connection, const PhaseCursor& begun, std::string_view cursor_json, bool has_rows) {
  return expect_under_way(connection.execute("UPDATE phase_cursor SET cursor_json = ?, has_rows = CASE WHEN ? <> 0 THEN 1 ELSE has_rows END "
                                             "WHERE integration = ? AND phase = ? AND mode = ? AND pass = ?",
                                             {cursor_json, has_rows, begun.integration, begun.phase, begun.mode, begun.pass}),
                          begun);
}

Status complete_pass(Connection& connection, const PhaseCursor& begun, std::string_view cursor_json, Instant now) {
  return expect_under_way(
      connection.execute("UPDATE phase_cursor SET cursor_json = ?, under_way = 0, passes_complete = passes_complete + "
                         "1, last_complete_ms = ? "
                         "WHERE integration = ? AND phase = ? AND mode = ? AND pass = ? AND under_way = 1",
                         {cursor_json, now, begun.integration, begun.phase, begun.mode, begun.pass}),
      begun);
}

Status reset(Connection& connection, std::string_view integration, std::string_view phase, std::string_view mode) {
  BERTH_CHECK(connection.execute(
      "UPDATE phase_cursor SET cursor_json = '', under_way = 0, has_rows = 0 WHERE integration = ? AND phase = ? AND mode = ?",
      {integration, phase, mode}));
  return success();
}

Result<std::int64_t> passes_complete(Connection& connection, std::string_view integration, std::string_view phase) {
  const auto sum = BERTH_TRY(
      one_integer(connection,
                  "SELECT COALESCE(SUM(passes_complete), 0) FROM phase_cursor WHERE integration = ? AND phase = ? AND "
                  "mode IN ('changes', 'full', 'window')",
                  {integration, phase}));
  return sum.value_or(0);
}

Result<std::vector<PhaseCursor>> list(Connection& connection, std::string_view integration) {
  std::vector<PhaseCursor> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " WHERE integration = ? ORDER BY phase, mode", {integration},
                              [&](const Row& row) {
                                all.push_back(read(row));
                                return true;
                              }));
  return all;
}

}  // namespace berth::storage::cursors
