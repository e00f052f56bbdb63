#include "host/runs/stored_record.hpp"

#include "host/storage/hand_archives.hpp"
#include "host/storage/offers.hpp"
#include "host/storage/reduced.hpp"

namespace berth::runs {

Result<mapping::Record> load_record(storage::Connection& connection, const Setup& setup, const storage::Record& record) {
  mapping::Record loaded;
  loaded.remote_id = record.remote_id;
  loaded.version = record.detail_version.empty() ? record.row_version : record.detail_version;
  // What a person has archived is decided like what is gone.
  loaded.deleted = record.remote_state == "deleted" || BERTH_TRY(storage::hand_archives::find(connection, record.id)).has_value();
  loaded.posted = !record.local_id.empty();
  const Phase* phase = setup.phase_of_entity(record.entity);
  loaded.detail_expected = phase != nullptr && phase->has_detail && !phase->detail_once_per_record;
  loaded.is_reduced = phase != nullptr && phase->reducible && !record.has_detail() && BERTH_TRY(storage::reduced::has(connection, record.id));
  // A detail that is older than its row does not count: the newer one is on its way.
  const bool is_current = !record.has_row() || record.detail_version == record.row_version ||
                          record.detail_fetched >= record.row_fetched || !loaded.detail_expected;
  const mapping::Rules::Reads& reads = setup.rules->reads_of(record.entity);
  const bool wants_row = !record.has_detail() || !is_current || reads.list_beside_detail;
  const storage::Bodies bodies = BERTH_TRY(
      storage::records::load(connection, record.id, wants_row ? storage::records::Wanted::kAll : storage::records::Wanted::kWithoutRow));
  const auto parsed = [&](const storage::StoredBody& body, bool is_part) -> Result<json::Value> {
    json::ParseOptions options{.was_checked = true};
    // Of the hundred members of a document the rules read some twenty.
    if (!is_part) options.keeps = [&reads](std::string_view member) { return reads.has(member); };
    json::Parsed value = json::parse(body.body, options);
    if (!value.ok()) return make_error(Code::kInternal, "storage.body_damaged", value.error.message);
    return std::move(value.value);
  };
  if (bodies.row) loaded.list = BERTH_TRY(parsed(*bodies.row, false));
  if (bodies.detail && is_current) {
    loaded.detail = BERTH_TRY(parsed(*bodies.detail, false));
    for (const auto& [name, body] : bodies.parts) loaded.parts[name] = BERTH_TRY(parsed(body, true));
  }
  loaded.offered = BERTH_TRY(storage::offers::list(connection, record.integration, record.entity, record.remote_id));
  return loaded;
}

Evaluated evaluate_record(const Setup& setup, std::string_view remote_entity, const mapping::Record& loaded, mapping::Lookups& lookups, bool with_trace) {
  Evaluated result;
  for (const std::string& candidate : setup.rules->entities_of(remote_entity)) {
    mapping::Outcome tried = mapping::evaluate(*setup.rules, candidate, loaded, lookups, setup.mapping_context(), with_trace);
    if (result.entity.empty() || tried.kind != mapping::OutcomeKind::kIgnored) {
      result.entity = candidate;
      result.outcome = std::move(tried);
    }
    if (result.outcome.kind != mapping::OutcomeKind::kIgnored) break;
  }
  return result;
}

}  // namespace berth::runs
