#include "host/runs/relink.hpp"

#include "host/storage/records.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

namespace {
constexpr std::string_view kCustomer = "customer";
}  // namespace

Result<std::int64_t> posted_in_name_of(storage::Connection& connection, const Setup& setup, std::string_view row) {
  const auto found = BERTH_TRY(connection.first("SELECT COUNT(DISTINCT local_id) FROM open_item WHERE integration = ? AND customer = ? AND posts > 0", {setup.id, row}));
  return found ? found->integer(0) : 0;
}

Result<std::int64_t> decide_again(storage::Connection& connection, const Setup& setup, std::string_view remote_id, std::string_view row, Instant now) {
  const std::string entity = setup.remote_entity_of(kCustomer);
  if (const auto own = BERTH_TRY(storage::records::find(connection, setup.id, entity, remote_id))) {
    // Ignored, skipped and archived ones stay as somebody decided.
    if (own->state == "posted" || own->state == "parked" || own->state == "failed") BERTH_CHECK(storage::records::set_pending(connection, own->id, now));
  }
  // Those that were refused since, too: what they posted before stands until they are decided.
  return connection.execute(
      "UPDATE record SET state = 'pending', reason = '', message = '', state_since_ms = ? WHERE integration = ? AND state IN ('posted', 'parked', 'failed') "
      "AND local_id <> '' AND local_id IN (SELECT local_id FROM open_item WHERE integration = ? AND customer = ? AND posts > 0)",
      {now, setup.id, setup.id, row});
}

Result<std::vector<std::string>> openings_kept(storage::Connection& connection, const Setup& setup, std::string_view row, std::size_t limit) {
  std::vector<std::string> kept;
  BERTH_CHECK(connection.each(
      "SELECT CASE WHEN o.number = '' THEN o.remote_id ELSE o.number END FROM open_item AS o WHERE o.integration = ? AND o.customer = ? AND o.posts > 0 "
      "AND o.entity = 'invoice' AND NOT EXISTS (SELECT 1 FROM record AS r WHERE r.integration = o.integration AND r.entity = ? AND r.remote_id = o.remote_id) "
      "ORDER BY o.remote_id LIMIT ?",
      {setup.id, row, setup.remote_entity_of("invoice"), limit}, [&](const storage::Row& found) {
        kept.push_back(found.text(0));
        return true;
      }));
  return kept;
}

Result<bool> is_by_itself(storage::Connection& connection, const Setup& setup, std::string_view remote_id) {
  const auto row = BERTH_TRY(storage::rows::find_by_remote(connection, kCustomer, setup.id, remote_id));
  if (row) return row->state == "open";
  const auto record = BERTH_TRY(storage::records::find(connection, setup.id, setup.remote_entity_of(kCustomer), remote_id));
  return record && record->remote_state != "deleted" && (record->state == "pending" || record->state == "posted");
}

}  // namespace berth::runs
