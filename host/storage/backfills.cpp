#include "host/storage/backfills.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage {
namespace backfills {
namespace {

constexpr std::string_view kSelect =
    "SELECT integration, phase, from_ms, to_ms, expected, listed, in_window, done_ms FROM backfill_list";

BackfillList read(const Row& row) {
  return {.integration = row.text(0),
          .phase = row.text(1),
          .from = row.instant(2),
          .to = row.instant(3),
          .expected = row.integer(4),
          .listed = row.integer(5),
          .in_window = row.integer(6),
          .done = row.instant(7)};
}

}  // namespace

Status wish(Connection& connection, std::string_view integration) {
  BERTH_CHECK(connection.execute("INSERT INTO backfill (integration) VALUES (?) ON CONFLICT (integration) DO NOTHING", {integration}));
  return success();
}

Result<std::optional<Backfill>> find(Connection& connection, std::string_view integration) {
  const auto row = BERTH_TRY(connection.first("SELECT integration, began_ms, done_ms FROM backfill WHERE integration = ?", {integration}));
  if (!row) return std::optional<Backfill>();
  return std::optional(Backfill{row->text(0), row->instant(1), row->instant(2)});
}

Status set_began(Connection& connection, std::string_view integration, Instant now) {
  return expect_changed(connection.execute("UPDATE backfill SET began_ms = ? WHERE integration = ?", {now, integration}), "backfill of", integration);
}

Status set_done(Connection& connection, std::string_view integration, Instant now) {
  return expect_changed(connection.execute("UPDATE backfill SET done_ms = ? WHERE integration = ?", {now, integration}), "backfill of", integration);
}

Result<std::vector<BackfillList>> lists(Connection& connection, std::string_view integration) {
  std::vector<BackfillList> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " WHERE integration = ? ORDER BY phase", {integration}, [&](const Row& row) {
    all.push_back(read(row));
    return true;
  }));
  return all;
}

Result<std::optional<BackfillList>> find_list(Connection& connection, std::string_view integration, std::string_view phase) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelect) + " WHERE integration = ? AND phase = ?", {integration, phase}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Status save(Connection& connection, const BackfillList& list) {
  BERTH_CHECK(connection.execute(
      "INSERT INTO backfill_list (integration, phase, from_ms, to_ms, expected, listed, in_window, done_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (integration, phase) DO UPDATE SET from_ms = excluded.from_ms, to_ms = excluded.to_ms, expected = excluded.expected, "
      "listed = excluded.listed, in_window = excluded.in_window, done_ms = excluded.done_ms",
      {list.integration, list.phase, list.from, list.to, list.expected, list.listed, list.in_window, list.done}));
  return success();
}

}  // namespace backfills

namespace forecasts {

Result<std::optional<StoredForecast>> find(Connection& connection, std::string_view integration) {
  const auto row = BERTH_TRY(connection.first("SELECT at_ms, forecast_json FROM forecast WHERE integration = ?", {integration}));
  if (!row) return std::optional<StoredForecast>();
  return std::optional(StoredForecast{row->instant(0), row->text(1)});
}

Status save(Connection& connection, std::string_view integration, std::string_view json, Instant now) {
  BERTH_CHECK(connection.execute("INSERT INTO forecast (integration, at_ms, forecast_json) VALUES (?, ?, ?) "
                                 "ON CONFLICT (integration) DO UPDATE SET at_ms = excluded.at_ms, forecast_json = excluded.forecast_json",
                                 {integration, now, json}));
  return success();
}

}  // namespace forecasts
}  // namespace berth::storage
