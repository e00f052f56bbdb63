#include "host/storage/runs.hpp"

#include "host/storage/changes.hpp"
#include "host/storage/conditions.hpp"

namespace berth::storage::runs {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, integration, trigger_kind, phases_json, started_ms, ended_ms, outcome, reason, message, report_json "
    "FROM run";

Run read(const Row& row) {
  return {.id = row.text(0),
          .integration = row.text(1),
          .trigger = row.text(2),
          .phases_json = row.text(3),
          .started = row.instant(4),
          .ended = row.instant(5),
          .outcome = row.text(6),
          .reason = row.text(7),
          .message = row.text(8),
          .report_json = row.text(9)};
}

}  // namespace

Status open(Connection& connection, const Run& run) {
  BERTH_CHECK(connection.execute(
      "INSERT INTO run (id, integration, trigger_kind, phases_json, started_ms, ended_ms, outcome, reason, message, "
      "report_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {run.id, run.integration, run.trigger, run.phases_json, run.started, run.ended, run.outcome, run.reason,
       run.message, run.report_json}));
  return success();
}

Status save_report(Connection& connection, std::string_view id, std::string_view report_json) {
  return expect_changed(connection.execute("UPDATE run SET report_json = ? WHERE id = ?", {report_json, id}), "run",
                        id);
}

Status finish(Connection& connection, std::string_view id, const RunEnd& end) {
  return expect_changed(
      connection.execute(
          "UPDATE run SET outcome = ?, reason = ?, message = ?, report_json = ?, ended_ms = ? WHERE id = ?",
          {end.outcome, end.reason, end.message, end.report_json, end.ended, id}),
      "run", id);
}

Result<std::int64_t> close_abandoned(Connection& connection, std::string_view integration, std::string_view keep_id,
                                     Instant now) {
  return connection.execute(
      "UPDATE run SET outcome = 'crashed', reason = 'berth.run_abandoned', message = 'The process that ran it ended "
      "before the run did', ended_ms = ? WHERE integration = ? AND outcome = 'running' AND id <> ?",
      {now, integration, keep_id});
}

Result<std::int64_t> count_crashed(Connection& connection, std::string_view integration, Instant since) {
  const auto counted = BERTH_TRY(one_integer(connection,
                                             "SELECT COUNT(*) FROM run WHERE integration = ? AND started_ms > ? AND "
                                             "outcome = 'crashed' AND reason <> 'berth.run_abandoned'",
                                             {integration, since}));
  return counted.value_or(0);
}

Result<std::optional<Run>> find(Connection& connection, std::string_view id) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelect) + " WHERE id = ?", {id}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<std::optional<std::string>> at(Connection& connection, std::string_view integration, Instant when) {
  const auto row = BERTH_TRY(connection.first(
      "SELECT id FROM run WHERE integration = ? AND started_ms <= ? AND (ended_ms = 0 OR ended_ms >= ?) ORDER BY started_ms DESC LIMIT 1",
      {integration, when, when}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

Result<Page<Run>> list(Connection& connection, std::string_view integration, const PageRequest& page) {
  Conditions where;
  where.equals("integration", integration);
  if (!page.after.empty()) {
    // Runs may start in one millisecond; the id decides then.
    const auto last = BERTH_TRY(find(connection, page.after));
    if (!last) return make_error(Code::kNotFound, "storage.not_found", "There is no run " + page.after);
    where.add("(started_ms, id) < (?, ?)", last->started);
    where.then(last->id);
  }
  where.then(page.rows() + 1);
  Page<Run> found;
  BERTH_CHECK(connection.each(std::string(kSelect) + where.sql() + " ORDER BY started_ms DESC, id DESC LIMIT ?",
                              where.parameters(), [&](const Row& row) {
                                found.items.push_back(read(row));
                                return true;
                              }));
  return cut_page(std::move(found), page.rows(), [](const Run& run) { return run.id; });
}

}  // namespace berth::storage::runs
