#include "host/storage/reduced.hpp"

#include "host/storage/changes.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::storage::reduced {
namespace {

constexpr std::string_view kOfIntegration =
    " FROM reduced_record WHERE EXISTS (SELECT 1 FROM record WHERE record.id = reduced_record.record AND record.remote_state <> 'deleted') AND integration = ?";
const std::string kOfEntity = std::string(kOfIntegration) + " AND entity = ?";
constexpr std::string_view kNotAskedFor =
    " AND NOT EXISTS (SELECT 1 FROM detail_queue JOIN record ON record.integration = detail_queue.integration AND record.entity = detail_queue.entity "
    "AND record.remote_id = detail_queue.remote_id WHERE record.id = reduced_record.record AND detail_queue.want = ?)";

}  // namespace

Result<bool> has(Connection& connection, std::int64_t record) {
  return BERTH_TRY(connection.first("SELECT 1 FROM reduced_record WHERE record = ?", {record})).has_value();
}

Status put(Connection& connection, const Record& record) {
  BERTH_CHECK(connection.execute("INSERT INTO reduced_record (record, integration, entity) VALUES (?, ?, ?) ON CONFLICT (record) DO NOTHING",
                                 {record.id, record.integration, record.entity}));
  return success();
}

Result<bool> remove(Connection& connection, std::int64_t record) {
  return BERTH_TRY(connection.execute("DELETE FROM reduced_record WHERE record = ?", {record})) > 0;
}

Result<std::int64_t> count(Connection& connection, std::string_view integration, std::string_view entity) {
  const auto found = entity.empty() ? BERTH_TRY(one_integer(connection, "SELECT COUNT(*)" + std::string(kOfIntegration), {integration}))
                                    : BERTH_TRY(one_integer(connection, "SELECT COUNT(*)" + kOfEntity, {integration, entity}));
  return found.value_or(0);
}

Result<std::vector<Record>> not_asked_for(Connection& connection, std::string_view integration, std::string_view entity, std::size_t limit) {
  std::vector<std::int64_t> ids;
  BERTH_CHECK(connection.each("SELECT record" + kOfEntity + std::string(kNotAskedFor) + " ORDER BY record LIMIT ?",
                              {integration, entity, kWantDetail, limit}, [&](const Row& row) {
                                ids.push_back(row.integer(0));
                                return true;
                              }));
  std::vector<Record> all;
  all.reserve(ids.size());
  for (const std::int64_t id : ids) {
    if (auto record = BERTH_TRY(records::find(connection, id))) all.push_back(std::move(*record));
  }
  return all;
}

Result<std::int64_t> count_not_asked_for(Connection& connection, std::string_view integration, std::string_view entity) {
  const auto found = BERTH_TRY(one_integer(connection, "SELECT COUNT(*)" + kOfEntity + std::string(kNotAskedFor), {integration, entity, kWantDetail}));
  return found.value_or(0);
}

}  // namespace berth::storage::reduced
