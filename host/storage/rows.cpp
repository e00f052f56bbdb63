#include "host/storage/rows.hpp"

#include "host/core/text.hpp"
#include "host/storage/changes.hpp"
#include "host/storage/conditions.hpp"

namespace berth::storage::rows {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, kind, scope, name, company, integration, remote_id, state, active, document_json, created_ms FROM "
    "local_row";

LocalRow read(const Row& row) {
  return {.id = row.text(0),
          .kind = row.text(1),
          .scope = row.text(2),
          .name = row.text(3),
          .company = row.text(4),
          .integration = row.text(5),
          .remote_id = row.text(6),
          .state = row.text(7),
          .active = row.boolean(8),
          .document_json = row.text(9),
          .created = row.instant(10)};
}

Result<std::optional<LocalRow>> first(Connection& connection, std::string_view rest,
                                      std::initializer_list<Parameter> parameters) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelect) + std::string(rest), parameters));
  return row ? std::optional(read(*row)) : std::nullopt;
}

}  // namespace

Result<std::optional<LocalRow>> find(Connection& connection, std::string_view id) {
  return first(connection, " WHERE id = ?", {id});
}

Result<std::optional<LocalRow>> find_by_remote(Connection& connection, std::string_view kind,
                                               std::string_view integration, std::string_view remote_id) {
  if (remote_id.empty()) return std::optional<LocalRow>();
  return first(connection, " WHERE kind = ? AND integration = ? AND remote_id = ? AND remote_id <> ''",
               {kind, integration, remote_id});
}

Result<std::optional<LocalRow>> find_by_name(Connection& connection, std::string_view kind, std::string_view scope,
                                             std::string_view name) {
  return first(connection, " WHERE kind = ? AND scope = ? AND name = ? ORDER BY active DESC, created_ms, id LIMIT 1",
               {kind, scope, name});
}

Result<std::vector<LocalRow>> all_by_name(Connection& connection, std::string_view kind, std::string_view scope,
                                          std::string_view name, std::size_t limit) {
  std::vector<LocalRow> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " WHERE kind = ? AND scope = ? AND name = ? AND state = 'open' "
                                                     "ORDER BY active DESC, created_ms, id LIMIT ?",
                              {kind, scope, name, limit}, [&](const Row& row) {
                                all.push_back(read(row));
                                return true;
                              }));
  return all;
}

Result<std::optional<LocalRow>> find_nearest_name(Connection& connection, std::string_view kind, std::string_view scope,
                                                  std::string_view name) {
  std::vector<std::string> names;
  BERTH_CHECK(connection.each(
      "SELECT DISTINCT name FROM local_row WHERE kind = ? AND scope = ? AND active = 1 ORDER BY name LIMIT ?",
      {kind, scope, kNameCandidatesMax}, [&](const Row& row) {
        names.push_back(row.text(0));
        return true;
      }));
  const auto found = nearest(name, names);
  if (found.empty()) return std::optional<LocalRow>();
  return find_by_name(connection, kind, scope, found);
}

Result<InsertedRow> insert(Connection& connection, const LocalRow& row) {
  const auto changed =
      BERTH_TRY(connection.execute("INSERT INTO local_row (id, kind, scope, name, company, integration, remote_id, "
                                   "state, active, document_json, created_ms) "
                                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                   {row.id, row.kind, row.scope, row.name, row.company, row.integration, row.remote_id,
                                    row.state, row.active, row.document_json, row.created}));
  if (changed > 0) return InsertedRow{row, true};
  auto there = BERTH_TRY(find_by_remote(connection, row.kind, row.integration, row.remote_id));
  if (!there) there = BERTH_TRY(find(connection, row.id));
  if (!there)
    return make_error(Code::kInternal, "storage.failed",
                      "The row " + row.id + " was refused although none is in its way");
  return InsertedRow{std::move(*there), false};
}

Status update(Connection& connection, const LocalRow& row) {
  return expect_changed(connection.execute("UPDATE local_row SET scope = ?, name = ?, company = ?, integration = ?, "
                                           "remote_id = ?, state = ?, active = ?, "
                                           "document_json = ? WHERE id = ?",
                                           {row.scope, row.name, row.company, row.integration, row.remote_id, row.state,
                                            row.active, row.document_json, row.id}),
                        "row", row.id);
}

Result<Page<LocalRow>> list(Connection& connection, const RowFilter& filter, const PageRequest& page) {
  Conditions where;
  where.equals("kind", filter.kind);
  where.equals("scope", filter.scope);
  where.equals("company", filter.company);
  where.equals("integration", filter.integration);
  if (!page.after.empty()) where.add("id > ?", page.after);
  where.then(page.rows() + 1);
  Page<LocalRow> found;
  BERTH_CHECK(connection.each(std::string(kSelect) + where.sql() + " ORDER BY id LIMIT ?", where.parameters(),
                              [&](const Row& row) {
                                found.items.push_back(read(row));
                                return true;
                              }));
  return cut_page(std::move(found), page.rows(), [](const LocalRow& row) { return row.id; });
}

Result<bool> remove(Connection& connection, std::string_view id) {
  return BERTH_TRY(connection.execute("DELETE FROM local_row WHERE id = ?", {id})) > 0;
}

Result<std::int64_t> count(Connection& connection, std::string_view kind, std::string_view scope) {
  const auto row = BERTH_TRY(connection.first("SELECT COUNT(*) FROM local_row WHERE kind = ? AND scope = ?", {kind, scope}));
  return row ? row->integer(0) : 0;
}

}  // namespace berth::storage::rows
