// Keeping what the remote answered, and what was seen of it.
#include <algorithm>
#include <array>
#include <optional>

#include "host/core/assert.hpp"
#include "host/storage/body.hpp"
#include "host/storage/changes.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/record_row.hpp"
#include "host/storage/records.hpp"

namespace berth::storage::records {
namespace {

enum class Kind { kRow, kDetail, kPart };

Result<std::int64_t> insert_record(Connection& connection, const Capture& capture) {
  const auto id = BERTH_TRY(one_integer(
      connection,
      "INSERT INTO record (integration, entity, remote_id, state_since_ms) VALUES (?, ?, ?, ?) RETURNING id",
      {capture.integration, capture.entity, capture.remote_id, capture.fetched}));
  return id.value_or(0);
}

/// The id of a new version, or nothing where the newest of its kind has this content already. `is_new`: the record has no
/// version at all.
Result<std::optional<std::int64_t>> keep_body(Connection& connection, std::int64_t record, bool is_new, const std::string& kind,
                                              const Capture& capture) {
  std::optional<Row> newest;
  if (!is_new) {
    newest = BERTH_TRY(connection.first(
        "SELECT id, content_hash FROM record_version WHERE record = ? AND kind = ? ORDER BY id DESC LIMIT 1",
        {record, kind}));
  }
  if (newest && newest->text(1) == capture.content_hash) {
    BERTH_CHECK(connection.execute("UPDATE record_version SET version = ?, fetched_ms = ? WHERE id = ?",
                                   {capture.version, capture.fetched, newest->integer(0)}));
    return std::optional<std::int64_t>();
  }
  auto body = BERTH_TRY_CONTEXT(std::string(capture.entity) + " " + std::string(capture.remote_id),
                                compress_body(capture.body));
  return one_integer(connection,
                     "INSERT INTO record_version (record, kind, version, content_hash, body, fetched_ms) VALUES (?, ?, "
                     "?, ?, ?, ?) RETURNING id",
                     {record, kind, capture.version, capture.content_hash, std::move(body), capture.fetched});
}

/// Whether the stored version is the one that is meant; times are compared as times, whatever their offset.
bool is_same_version(const std::string& stored, std::string_view version, const std::optional<Instant>& version_time) {
  if (stored == version) return true;
  if (!version_time) return false;
  const auto time = parse_instant(stored);
  return time.ok() && *time == *version_time;
}

/// Whether nothing can have changed since under the version that is captured. Only the remote's clock says how old its versions are: a
/// host whose own is wrong by an hour would take every edit for an old one.
bool is_settled(const Capture& capture, Kind kind, const std::optional<Record>& before) {
  if (!capture.version_time) return true;
  const Instant version = *capture.version_time;
  if (capture.as_of.unix_ms != 0) {
    if (capture.as_of - version > kFreshVersion) return true;
    if (version - capture.as_of <= kFreshVersion) return false;
  }
  // Nothing to compare it with. What came before had this version already, so any change under it is in what came now.
  if (!before || kind == Kind::kPart) return false;
  const bool is_row = kind == Kind::kRow;
  const Instant last = is_row ? before->row_fetched : before->detail_fetched;
  const Instant asked = capture.asked.unix_ms != 0 ? capture.asked : capture.fetched;
  return last.unix_ms != 0 && is_same_version(is_row ? before->row_version : before->detail_version, capture.version, capture.version_time) &&
         asked - last > kFreshVersion;
}

/// All that a capture says of its record, in one statement. `captured`: id of a new version, 0 keeps the old place.
Status note_capture(Connection& connection, std::int64_t record, Kind kind, const Capture& capture, bool settled, bool pending, std::int64_t captured) {
  const std::string_view versions = kind == Kind::kRow      ? "row_version = ?, row_fetched_ms = ?, row_settled = ?, "
                                    : kind == Kind::kDetail ? "detail_version = ?, detail_fetched_ms = ?, detail_settled = ?, "
                                                            : "";
  std::vector<Parameter> parameters;
  if (!versions.empty()) {
    parameters.emplace_back(capture.version);
    parameters.emplace_back(capture.fetched);
    parameters.emplace_back(settled);
  }
  parameters.emplace_back(capture.pass);
  parameters.emplace_back(capture.pass);
  if (pending) {
    parameters.emplace_back(capture.fetched);
    parameters.emplace_back(captured);
  }
  parameters.emplace_back(record);
  BERTH_CHECK(connection.execute("UPDATE record SET " + std::string(versions) + "remote_state = 'alive', seen_pass = CASE WHEN seen_pass < ? THEN ? ELSE seen_pass END" +
                                     (pending ? ", state_since_ms = CASE WHEN state = 'pending' THEN state_since_ms ELSE ? END, state = "
                                                "'pending', reason = '', message = '', captured = COALESCE(NULLIF(?, 0), captured)"
                                              : "") +
                                     " WHERE id = ?",
                                 std::span<const Parameter>(parameters)));
  return success();
}

Result<Captured> keep(Connection& connection, const Capture& capture, Kind kind, const std::string& kind_text) {
  BERTH_ASSERT(capture.fetched.unix_ms != 0, "a capture says when it was fetched");
  const auto before = BERTH_TRY(find(connection, capture.integration, capture.entity, capture.remote_id));
  Captured captured;
  captured.record = before ? before->id : BERTH_TRY(insert_record(connection, capture));
  const auto version = BERTH_TRY(keep_body(connection, captured.record, !before, kind_text, capture));
  const bool came_back = before && before->remote_state == "deleted";
  const bool detail_says_more =
      kind == Kind::kRow && before && before->has_detail() && before->detail_version == capture.version;
  captured.effect = !before                ? CaptureEffect::kNew
                    : version || came_back ? CaptureEffect::kChanged
                                           : CaptureEffect::kUnchanged;
  // Whoever waits for the detail has it now, also where it says what it said before.
  const bool was_awaited = kind == Kind::kDetail && before && before->state == "pending" && before->reason == "berth.detail_missing";
  captured.pending = came_back || was_awaited || (version && !detail_says_more);
  Capture noted = capture;
  // A detail that comes is newer than the row that is here, also where a clock was set back in between, or is another host's.
  if (kind == Kind::kDetail && before) noted.fetched = std::max(capture.fetched, before->row_fetched);
  BERTH_CHECK(note_capture(connection, captured.record, kind, noted, is_settled(capture, kind, before), captured.pending, version.value_or(0)));
  if (before && before->remote_state == "suspect") {
    BERTH_CHECK(detail_queue::drop_confirming(connection, capture.integration, capture.entity, std::array{before->remote_id}));
  }
  return captured;
}

bool is_current(const std::string& stored, bool is_settled, const KnownQuery& query) {
  return is_same_version(stored, query.version, query.version_time) && (is_settled || !query.version_time);
}

}  // namespace

Result<Captured> capture_row(Connection& connection, const Capture& capture) {
  return keep(connection, capture, Kind::kRow, "row");
}

Result<Captured> capture_detail(Connection& connection, const Capture& capture) {
  return keep(connection, capture, Kind::kDetail, "detail");
}

Result<Captured> capture_part(Connection& connection, const Capture& capture, std::string_view part) {
  return keep(connection, capture, Kind::kPart, "part:" + std::string(part));
}

Status mark_suspect(Connection& connection, std::string_view integration, std::string_view entity,
                    std::string_view remote_id) {
  BERTH_CHECK(
      connection.execute("UPDATE record SET remote_state = 'suspect' WHERE integration = ? AND entity = ? AND "
                         "remote_id = ? AND remote_state = 'alive'",
                         {integration, entity, remote_id}));
  return success();
}

Status mark_alive(Connection& connection, std::string_view integration, std::string_view entity, std::string_view remote_id) {
  BERTH_CHECK(connection.execute("UPDATE record SET remote_state = 'alive' WHERE integration = ? AND entity = ? AND remote_id = ? AND remote_state = 'suspect'",
                                 {integration, entity, remote_id}));
  return success();
}

Result<bool> mark_deleted(Connection& connection, std::string_view integration, std::string_view entity,
                          std::string_view remote_id, Instant now) {
  const auto record = BERTH_TRY(find(connection, integration, entity, remote_id));
  if (!record || record->remote_state == "deleted") return false;
  BERTH_CHECK(connection.execute("UPDATE record SET remote_state = 'deleted' WHERE id = ?", {record->id}));
  BERTH_CHECK(set_pending(connection, record->id, now));
  return true;
}

Result<std::vector<KnownAs>> known(Connection& connection, std::string_view integration, std::string_view entity,
                                   std::span<const KnownQuery> queries) {
  std::vector<KnownAs> answers;
  answers.reserve(queries.size());
  for (const auto& query : queries) {
    const auto record = BERTH_TRY(find(connection, integration, entity, query.remote_id));
    auto answer = KnownAs::kNone;
    if (record && record->remote_state != "deleted") {
      if (record->has_detail() && is_current(record->detail_version, record->is_detail_settled, query)) {
        answer = KnownAs::kDetail;
      } else if (record->has_row() && is_current(record->row_version, record->is_row_settled, query)) {
        answer = KnownAs::kRow;
      }
    }
    answers.push_back(answer);
  }
  return answers;
}

Status touch_seen(Connection& connection, std::string_view integration, std::string_view entity,
                  const std::vector<std::string>& remote_ids, std::int64_t pass) {
  for (const auto& remote_id : remote_ids) {
    BERTH_CHECK(
        connection.execute("UPDATE record SET seen_pass = CASE WHEN seen_pass < ? THEN ? ELSE seen_pass END, "
                           "remote_state = CASE WHEN remote_state = 'suspect' "
                           "THEN 'alive' ELSE remote_state END WHERE integration = ? AND entity = ? AND remote_id = ? "
                           "AND (seen_pass < ? OR remote_state = 'suspect')",
                           {pass, pass, integration, entity, remote_id, pass}));
  }
  return detail_queue::drop_confirming(connection, integration, entity, remote_ids);
}

Result<std::vector<MissingRecord>> missing_since_pass(Connection& connection, std::string_view integration,
                                                      std::string_view entity, std::int64_t pass, std::size_t limit) {
  std::vector<MissingRecord> missing;
  BERTH_CHECK(
      connection.each("SELECT id, remote_id, state, (SELECT COUNT(*) FROM archived_by_hand AS h WHERE h.record = record.id) FROM record "
                      "WHERE integration = ? AND entity = ? AND seen_pass < ? AND (remote_state = 'alive' OR (remote_state = 'suspect' AND NOT EXISTS "
                      "(SELECT 1 FROM detail_queue AS q WHERE q.integration = record.integration AND q.entity = record.entity AND q.remote_id = record.remote_id AND q.want = ?))) "
                      "ORDER BY id LIMIT ?",
                      {integration, entity, pass, kWantDetail, limit}, [&](const Row& row) {
                        missing.push_back({row.integer(0), row.text(1), row.text(2), row.integer(3) > 0});
                        return true;
                      }));
  return missing;
}

Result<std::vector<std::string>> shown_again(Connection& connection, std::string_view integration, std::string_view entity, std::int64_t pass, std::size_t limit) {
  std::vector<std::string> ids;
  BERTH_CHECK(connection.each("SELECT remote_id FROM record WHERE integration = ? AND entity = ? AND remote_state = 'deleted' AND seen_pass >= ? ORDER BY id LIMIT ?",
                              {integration, entity, pass, limit}, [&](const Row& row) {
                                ids.push_back(row.text(0));
                                return true;
                              }));
  return ids;
}

Result<AliveCount> alive_count(Connection& connection, std::string_view integration, std::string_view entity) {
  AliveCount count;
  BERTH_CHECK(
      connection.each("SELECT remote_state, COUNT(*) FROM record WHERE integration = ? AND entity = ? AND remote_state "
                      "IN ('alive', 'suspect') AND NOT EXISTS (SELECT 1 FROM archived_by_hand AS h WHERE h.record = record.id) GROUP BY remote_state",
                      {integration, entity}, [&](const Row& row) {
                        (row.text(0) == "alive" ? count.alive : count.suspect) = row.integer(1);
                        return true;
                      }));
  return count;
}

}  // namespace berth::storage::records
