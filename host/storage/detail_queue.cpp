#include "host/storage/detail_queue.hpp"

#include <array>
#include <cstdlib>

#include "host/core/hash.hpp"
#include "host/storage/backfills.hpp"
#include "host/storage/changes.hpp"
#include "host/storage/records.hpp"

namespace berth::storage::detail_queue {
namespace {

constexpr std::string_view kSelect =
    "SELECT integration, entity, remote_id, want, version, priority, forced, attempts, cause, position, "
    "last_error_json FROM detail_queue";
/// Of a document that others want as well and that is alive after all.
constexpr std::int64_t kWantedAgain = 600;
constexpr std::string_view kByKey = " WHERE integration = ? AND entity = ? AND remote_id = ? AND want = ?";

QueuedDetail read(const Row& row) {
  return {.integration = row.text(0),
          .entity = row.text(1),
          .remote_id = row.text(2),
          .want = static_cast<std::uint32_t>(row.integer(3)),
          .version = row.text(4),
          .priority = row.integer(5),
          .forced = row.boolean(6),
          .attempts = row.integer(7),
          .cause = row.text(8),
          .position = row.integer(9),
          .last_error_json = row.text(10),
          .version_time = std::nullopt};
}

Result<bool> is_known(Connection& connection, const QueuedDetail& entry) {
  if (entry.want == kWantAttachments) {
    const auto held =
        BERTH_TRY(connection.first("SELECT 1 FROM attachment WHERE version = ? AND record = (SELECT id FROM record "
                                   "WHERE integration = ? AND entity = ? AND remote_id = ?)",
                                   {entry.version, entry.integration, entry.entity, entry.remote_id}));
    return held.has_value();
  }
  if (entry.version.empty()) {
    const auto record = BERTH_TRY(records::find(connection, entry.integration, entry.entity, entry.remote_id));
    return record && record->has_detail() && record->remote_state != "deleted";
  }
  const std::array queries{KnownQuery{entry.remote_id, entry.version, entry.version_time}};
  return BERTH_TRY(records::known(connection, entry.integration, entry.entity, queries)).front() == KnownAs::kDetail;
}

}  // namespace

HandedOut::Key HandedOut::key_of(const QueuedDetail& entry) {
  constexpr std::size_t kDigits = 16;
  const std::string hash = blake2b_hex(entry.entity + '/' + std::to_string(entry.want) + '/' + entry.remote_id);
  const auto number = [&](std::size_t from) { return std::strtoull(hash.substr(from, kDigits).c_str(), nullptr, 16); };
  return {number(0), number(kDigits)};
}

Result<bool> put(Connection& connection, const QueuedDetail& entry) {
  if (!entry.forced && BERTH_TRY(is_known(connection, entry))) return false;
  BERTH_CHECK(connection.execute(
      "INSERT INTO detail_queue (integration, entity, remote_id, want, version, priority, forced, cause, position) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(position), 0) + 1 FROM detail_queue)) "
      "ON CONFLICT (integration, entity, remote_id, want) DO UPDATE SET "
      "attempts = CASE WHEN excluded.version <> '' AND excluded.version <> detail_queue.version THEN 0 ELSE "
      "detail_queue.attempts END, "
      "version = CASE WHEN excluded.version <> '' THEN excluded.version ELSE detail_queue.version END, "
      // One that confirms a deletion stays that, or whoever names the document over and over would keep it from being confirmed. That
      // others want it, too, stands in `forced`.
      "cause = CASE WHEN detail_queue.cause NOT IN ('confirm_deletion', 'confirm_deletion_asked') AND excluded.priority > detail_queue.priority "
      "THEN excluded.cause ELSE detail_queue.cause END, "
      "priority = CASE WHEN detail_queue.cause NOT IN ('confirm_deletion', 'confirm_deletion_asked') AND excluded.priority > detail_queue.priority "
      "THEN excluded.priority ELSE detail_queue.priority END, "
      "forced = CASE WHEN excluded.forced <> 0 OR detail_queue.cause IN ('confirm_deletion', 'confirm_deletion_asked') THEN 1 ELSE detail_queue.forced END",
      {entry.integration, entry.entity, entry.remote_id, entry.want, entry.version, entry.priority, entry.forced,
       entry.cause}));
  return true;
}

Result<std::vector<QueuedDetail>> take(Connection& connection, std::string_view integration,
                                       const std::vector<std::string>& entities, std::size_t n, HandedOut& handed_out, const Filter& filter) {
  std::vector<QueuedDetail> taken;
  if (entities.empty() || n == 0) return taken;
  std::string marks = "?";
  std::vector<Parameter> parameters{integration, entities.front()};
  for (std::size_t i = 1; i < entities.size(); ++i) {
    marks += ", ?";
    parameters.emplace_back(entities[i]);
  }
  parameters.emplace_back(filter.wants);
  std::string every = std::string(kSelect) + " WHERE integration = ? AND entity IN (" + marks + ") AND (want & ?) <> 0";
  if (!filter.with_history) every += " AND cause <> '" + std::string(kBackfillCause) + "'";
  using Deletions = Filter::Deletions;
  if (filter.deletions != Deletions::kAlso) {
    every += filter.deletions == Deletions::kNot ? " AND cause NOT IN (" : " AND cause IN (";
    every += "'" + std::string(kConfirmAskedCause) + "'" + (filter.deletions == Deletions::kOnlyAsked ? "" : ", '" + std::string(kConfirmCause) + "'") + ")";
  }
  if (filter.at_least) {
    every += " AND priority >= ?";
    parameters.emplace_back(*filter.at_least);
  }
  const auto scan = [&](std::string_view condition, std::initializer_list<std::int64_t> bounds, bool moves_on) -> Status {
    if (taken.size() >= n) return success();
    std::vector<Parameter> all = parameters;
    for (const std::int64_t bound : bounds) all.emplace_back(bound);
    return connection.each(every + std::string(condition) + " ORDER BY priority DESC, position", all, [&](const Row& row) {
      auto entry = read(row);
      if (moves_on) handed_out.place = HandedOut::Place{entry.priority, entry.position};
      if (handed_out.insert(entry)) taken.push_back(std::move(entry));
      return taken.size() < n;
    });
  };
  if (const auto place = handed_out.place) {
    BERTH_CHECK(scan(" AND priority > ?", {place->priority}, false));   // what was put meanwhile; it is behind all of its priority
    BERTH_CHECK(scan(" AND priority = ? AND position > ?", {place->priority, place->position}, true));
    BERTH_CHECK(scan(" AND priority < ?", {place->priority}, true));
  } else {
    BERTH_CHECK(scan("", {}, true));
  }
  return taken;
}

Result<bool> done(Connection& connection, std::string_view integration, std::string_view entity,
                  std::string_view remote_id, std::uint32_t want) {
  return BERTH_TRY(connection.execute("DELETE FROM detail_queue" + std::string(kByKey),
                                      {integration, entity, remote_id, want})) > 0;
}

namespace {

Result<FailEffect> count_attempt(Connection& connection, std::string_view integration, std::string_view entity, std::string_view remote_id,
                                 std::uint32_t want, std::string_view error_json, std::int64_t attempts_max) {
  const auto attempts = BERTH_TRY(one_integer(
      connection,
      "UPDATE detail_queue SET attempts = attempts + 1, last_error_json = ?, "
      "position = (SELECT MAX(position) + 1 FROM detail_queue)" +
          std::string(kByKey) + " RETURNING attempts",
      {error_json, integration, entity, remote_id, want}));
  if (!attempts || *attempts < attempts_max) return FailEffect::kKept;
  BERTH_CHECK(done(connection, integration, entity, remote_id, want));
  return FailEffect::kGaveUp;
}

}  // namespace

Result<FailEffect> fail(Connection& connection, std::string_view integration, std::string_view entity,
                        std::string_view remote_id, std::uint32_t want, std::string_view error_json) {
  return count_attempt(connection, integration, entity, remote_id, want, error_json, kAttemptsMax);
}

Result<FailEffect> put_off(Connection& connection, std::string_view integration, std::string_view entity,
                           std::string_view remote_id, std::uint32_t want, std::string_view error_json) {
  return count_attempt(connection, integration, entity, remote_id, want, error_json, kPutOffMax);
}

Result<std::optional<QueuedDetail>> find(Connection& connection, std::string_view integration, std::string_view entity,
                                         std::string_view remote_id, std::uint32_t want) {
  const auto row =
      BERTH_TRY(connection.first(std::string(kSelect) + std::string(kByKey), {integration, entity, remote_id, want}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<std::optional<std::int64_t>> history_priority(Connection& connection, std::string_view integration, const std::vector<std::string>& entities,
                                                     std::int64_t below) {
  std::optional<std::int64_t> highest;
  for (const std::string& entity : entities) {
    const auto row = BERTH_TRY(connection.first("SELECT priority FROM detail_queue WHERE integration = ? AND entity = ? AND priority < ? AND cause = ? AND want = ? "
                                                "ORDER BY priority DESC LIMIT 1",
                                                {integration, entity, below, kBackfillCause, kWantDetail}));
    if (row) highest = std::max(highest.value_or(row->integer(0)), row->integer(0));
  }
  return highest;
}

Status end_history(Connection& connection, std::string_view integration) {
  BERTH_CHECK(connection.execute("UPDATE detail_queue SET cause = 'list' WHERE integration = ? AND cause = ?", {integration, kBackfillCause}));
  return success();
}

Status drop_offered(Connection& connection, std::string_view integration, std::string_view entity, std::string_view name) {
  BERTH_CHECK(connection.execute("DELETE FROM detail_queue WHERE integration = ? AND entity = ? AND want = ? AND cause IN ('list', 'backfill') AND forced = 0 "
                                 "AND EXISTS (SELECT 1 FROM offer WHERE offer.integration = detail_queue.integration AND offer.entity = detail_queue.entity "
                                 "AND offer.remote_id = detail_queue.remote_id AND offer.name = ?)",
                                 {integration, entity, kWantDetail, name}));
  return success();
}

Result<std::vector<QueueCount>> counts(Connection& connection, std::string_view integration) {
  std::vector<QueueCount> all;
  BERTH_CHECK(
      connection.each("SELECT entity, want, COUNT(*) FROM detail_queue WHERE integration = ? GROUP BY entity, want "
                      "ORDER BY entity, want",
                      {integration}, [&](const Row& row) {
                        all.push_back({row.text(0), static_cast<std::uint32_t>(row.integer(1)), row.integer(2)});
                        return true;
                      }));
  return all;
}

Result<std::vector<std::string>> named(Connection& connection, std::string_view integration, std::string_view entity,
                                       std::size_t limit) {
  std::vector<std::string> ids;
  BERTH_CHECK(connection.each(
      "SELECT remote_id FROM detail_queue WHERE integration = ? AND entity = ? AND want = ? AND cause IN ('reference', 'forced') "
      "ORDER BY priority DESC, position LIMIT ?",
      {integration, entity, kWantDetail, limit}, [&](const Row& row) {
        ids.push_back(row.text(0));
        return true;
      }));
  return ids;
}

Result<std::vector<std::string>> listed(Connection& connection, std::string_view integration, std::string_view entity) {
  std::vector<std::string> ids;
  BERTH_CHECK(connection.each("SELECT remote_id FROM detail_queue WHERE integration = ? AND entity = ? AND want = ? AND cause IN ('list', 'backfill') AND forced = 0",
                              {integration, entity, kWantDetail}, [&](const Row& row) {
                                ids.push_back(row.text(0));
                                return true;
                              }));
  return ids;
}

Result<Confirming> confirming(Connection& connection, std::string_view integration, std::string_view entity) {
  Confirming count;
  BERTH_CHECK(connection.each("SELECT cause, COUNT(*) FROM detail_queue WHERE integration = ? AND entity = ? AND priority = ? AND want = ? GROUP BY cause",
                              {integration, entity, kConfirmDeletion, kWantDetail}, [&](const Row& row) {
                                count.in_all += row.integer(1);
                                if (row.text(0) == kConfirmAskedCause) count.asked += row.integer(1);
                                if (row.text(0) == kConfirmCause) count.found += row.integer(1);
                                return true;
                              }));
  if (count.found == 0) return count;
  const auto by_hand = BERTH_TRY(one_integer(connection,
                                             "SELECT COUNT(*) FROM archived_by_hand AS h JOIN record AS r ON r.id = h.record "
                                             "JOIN detail_queue AS q ON q.integration = r.integration AND q.entity = r.entity AND q.remote_id = r.remote_id "
                                             "WHERE r.integration = ? AND r.entity = ? AND q.want = ? AND q.cause = ?",
                                             {integration, entity, kWantDetail, kConfirmCause}));
  count.found -= by_hand.value_or(0);
  return count;
}

Result<std::int64_t> ask_confirming(Connection& connection, std::string_view integration, std::string_view entity) {
  return BERTH_TRY(connection.execute("UPDATE detail_queue SET cause = ? WHERE integration = ? AND entity = ? AND want = ? AND cause = ?",
                                      {kConfirmAskedCause, integration, entity, kWantDetail, kConfirmCause}));
}

Status put_confirming(Connection& connection, std::string_view integration, std::string_view entity, std::string_view remote_id) {
  QueuedDetail entry;
  entry.integration = integration;
  entry.entity = entity;
  entry.remote_id = remote_id;
  entry.priority = kConfirmDeletion;
  entry.forced = true;   // whatever is known of it
  entry.cause = kConfirmCause;
  if (BERTH_TRY(find(connection, integration, entity, remote_id, kWantDetail))) return success();
  BERTH_TRY(put(connection, entry));
  BERTH_CHECK(connection.execute("UPDATE detail_queue SET forced = 0" + std::string(kByKey), {integration, entity, remote_id, kWantDetail}));   // nobody else wants it yet
  return success();
}

Status drop_confirming(Connection& connection, std::string_view integration, std::string_view entity, std::span<const std::string> remote_ids) {
  // As a rule there is none, and every page of a list comes through here.
  const auto any = BERTH_TRY(connection.first("SELECT 1 FROM detail_queue WHERE integration = ? AND entity = ? AND priority = ? LIMIT 1", {integration, entity, kConfirmDeletion}));
  if (!any) return success();
  for (const std::string& remote_id : remote_ids) {
    BERTH_CHECK(connection.execute("UPDATE detail_queue SET cause = 'forced', priority = ?" + std::string(kByKey) + " AND cause IN (?, ?) AND forced <> 0",
                                   {kWantedAgain, integration, entity, remote_id, kWantDetail, kConfirmCause, kConfirmAskedCause}));
    BERTH_CHECK(connection.execute("DELETE FROM detail_queue" + std::string(kByKey) + " AND cause IN (?, ?)",
                                   {integration, entity, remote_id, kWantDetail, kConfirmCause, kConfirmAskedCause}));
  }
  return success();
}

}  // namespace berth::storage::detail_queue
