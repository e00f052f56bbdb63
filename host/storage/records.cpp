// Reading, states and lists of records; capturing is in records_capture.cpp.
#include "host/storage/records.hpp"

#include "host/storage/body.hpp"
#include "host/storage/changes.hpp"
#include "host/storage/conditions.hpp"
#include "host/storage/record_row.hpp"

namespace berth::storage::records {
namespace {

constexpr std::string_view kSelectVersion =
    "SELECT id, kind, version, content_hash, fetched_ms, body FROM record_version";
constexpr std::string_view kPartPrefix = "part:";

StoredBody read_version(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), {}, row.instant(4)};
}

Conditions conditions_of(const RecordFilter& filter) {
  Conditions where;
  where.equals("integration", filter.integration);
  where.equals("entity", filter.entity);
  where.equals("state", filter.state);
  where.equals("reason", filter.reason);
  where.equals("remote_state", filter.remote_state);
  return where;
}

}  // namespace

Result<std::optional<Record>> find(Connection& connection, std::int64_t id) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelectRecord) + " WHERE id = ?", {id}));
  return row ? std::optional(read_record(*row)) : std::nullopt;
}

Result<std::optional<Record>> find(Connection& connection, std::string_view integration, std::string_view entity,
                                   std::string_view remote_id) {
  const auto row =
      BERTH_TRY(connection.first(std::string(kSelectRecord) + " WHERE integration = ? AND entity = ? AND remote_id = ?",
                                 {integration, entity, remote_id}));
  return row ? std::optional(read_record(*row)) : std::nullopt;
}

Result<Bodies> load(Connection& connection, std::int64_t id, Wanted wanted) {
  Bodies bodies;
  Status read = success();
  BERTH_CHECK(connection.each(
      std::string(kSelectVersion) +
          " AS v WHERE record = ? AND id = (SELECT MAX(id) FROM record_version AS w WHERE w.record = v.record AND w.kind = v.kind)" +
          (wanted == Wanted::kWithoutRow ? " AND kind <> 'row'" : ""),
      {id}, [&](const Row& row) {
        auto stored = read_version(row);
        auto body = decompress_body(row.bytes(5));
        if (!body.ok()) {
          read = std::move(body).error().with_context("Record " + std::to_string(id));
          return false;
        }
        stored.body = std::move(*body);
        if (stored.kind == "row") {
          bodies.row = std::move(stored);
        } else if (stored.kind == "detail") {
          bodies.detail = std::move(stored);
        } else {
          auto name = stored.kind.substr(kPartPrefix.size());
          bodies.parts.emplace(std::move(name), std::move(stored));
        }
        return true;
      }));
  BERTH_CHECK(read);
  return bodies;
}

Result<std::vector<StoredBody>> versions(Connection& connection, std::int64_t id) {
  std::vector<StoredBody> all;
  BERTH_CHECK(connection.each(
      "SELECT id, kind, version, content_hash, fetched_ms FROM record_version WHERE record = ? ORDER BY id LIMIT ?",
      {id, kPageRowsMax}, [&](const Row& row) {
        all.push_back(read_version(row));
        return true;
      }));
  return all;
}

Result<StoredBody> version(Connection& connection, std::int64_t version_id) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelectVersion) + " WHERE id = ?", {version_id}));
  if (!row)
    return make_error(Code::kNotFound, "storage.not_found",
                      "There is no version " + std::to_string(version_id) + " of a record");
  auto stored = read_version(*row);
  stored.body = BERTH_TRY_CONTEXT("Version " + std::to_string(version_id), decompress_body(row->bytes(5)));
  return stored;
}

Status set_state(Connection& connection, std::int64_t id, const RecordOutcome& outcome, Instant now) {
  const auto optional = [](const std::optional<std::string>& text) {
    return text ? Parameter(*text) : Parameter(nullptr);
  };
  return expect_changed(connection.execute("UPDATE record SET state_since_ms = CASE WHEN state = ? THEN state_since_ms "
                                           "ELSE ? END, state = ?, reason = ?, "
                                           "message = ?, detail_json = ?, local_id = COALESCE(?, local_id), "
                                           "rules_revision = COALESCE(?, rules_revision), "
                                           "document_hash = COALESCE(?, document_hash) WHERE id = ?",
                                           {outcome.state, now, outcome.state, outcome.reason, outcome.message,
                                            outcome.detail_json, optional(outcome.local_id),
                                            optional(outcome.rules_revision), optional(outcome.document_hash), id}),
                        "record", std::to_string(id));
}

Status set_pending(Connection& connection, std::int64_t id, Instant now) {
  return expect_changed(
      connection.execute(
          "UPDATE record SET state_since_ms = CASE WHEN state = 'pending' THEN state_since_ms ELSE ? END, "
          "state = 'pending', reason = '', message = '' WHERE id = ?",
          {now, id}),
      "record", std::to_string(id));
}

Result<std::int64_t> requeue(Connection& connection, const RecordFilter& filter, Instant now) {
  if (filter.integration.empty()) {
    return make_error(Code::kInvalidArgument, "storage.filter_too_wide",
                      "Records are made pending for one integration at a time");
  }
  auto where = conditions_of(filter);
  where.add("state <> 'pending'");
  // Those two are a person's decision.
  if (filter.state.empty()) where.add("state NOT IN ('archived', 'skipped')");
  std::vector<Parameter> parameters{now};
  parameters.insert(parameters.end(), where.parameters().begin(), where.parameters().end());
  return connection.execute(
      "UPDATE record SET state = 'pending', reason = '', message = '', state_since_ms = ?" + where.sql(),
      std::span<const Parameter>(parameters));
}

Result<std::int64_t> requeue_for_rules(Connection& connection, std::string_view integration, std::string_view revision, bool all, Instant now) {
  // A pending record with a reason waits for its detail, which other rules may not need.
  return connection.execute(
      "UPDATE record SET state_since_ms = CASE WHEN state = 'pending' THEN state_since_ms ELSE ? END, state = 'pending', reason = '', message = '' "
      "WHERE integration = ? AND (state NOT IN ('archived', 'pending') OR (state = 'pending' AND reason <> '')) "
      "AND (rules_revision <> ? OR ? = 1)",
      {now, integration, revision, all ? 1 : 0});
}

Status each(Connection& connection, std::string_view integration, const std::function<Status(const Record&)>& visit) {
  Status outcome = success();
  BERTH_CHECK(connection.each(std::string(kSelectRecord) + " WHERE integration = ? ORDER BY id", {integration}, [&](const Row& row) {
    outcome = visit(read_record(row));
    return outcome.ok();
  }));
  return outcome;
}

Result<std::vector<Record>> pending(Connection& connection, std::string_view integration,
                                    const std::vector<PendingEntity>& order, std::size_t limit) {
  std::vector<Record> found;
  for (const auto& wanted : order) {
    if (found.size() >= limit) break;
    // A deleted document needs no detail to be reversed.
    const std::string detail = wanted.needs_detail ? " AND (detail_fetched_ms <> 0 OR remote_state = 'deleted')" : "";
    BERTH_CHECK(connection.each(std::string(kSelectRecord) +
                                    " WHERE integration = ? AND state = 'pending' AND reason <> 'berth.detail_missing' AND entity = ?" +
                                    detail +
                                    " ORDER BY captured, id LIMIT ?",
                                {integration, wanted.entity, limit - found.size()}, [&](const Row& row) {
                                  found.push_back(read_record(row));
                                  return true;
                                }));
  }
  return found;
}

Result<std::vector<RecordCount>> counts(Connection& connection, std::string_view integration) {
  std::vector<RecordCount> all;
  BERTH_CHECK(connection.each(
      "SELECT entity, state, COUNT(*) FROM record WHERE integration = ? GROUP BY entity, state ORDER BY entity, state",
      {integration}, [&](const Row& row) {
        all.push_back({row.text(0), row.text(1), row.integer(2)});
        return true;
      }));
  return all;
}

Result<Page<Record>> list(Connection& connection, const RecordFilter& filter, const PageRequest& page) {
  auto where = conditions_of(filter);
  if (!page.after.empty()) {
    const auto place = BERTH_TRY(parse_place(page.after, "records"));
    where.add("id > ?", place);
  }
  where.then(page.rows() + 1);
  Page<Record> found;
  BERTH_CHECK(connection.each(std::string(kSelectRecord) + where.sql() + " ORDER BY id LIMIT ?", where.parameters(),
                              [&](const Row& row) {
                                found.items.push_back(read_record(row));
                                return true;
                              }));
  return cut_page(std::move(found), page.rows(), [](const Record& record) { return std::to_string(record.id); });
}

}  // namespace berth::storage::records
