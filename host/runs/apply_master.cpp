// Customers, vendors and items: a record becomes a row that documents name.
#include <fmt/format.h>

#include "host/core/hash.hpp"
#include "host/runs/apply_parts.hpp"
#include "host/storage/links.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

Result<std::string> Applier::apply_master(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                          const mapping::Outcome& outcome, Decision decision) {
  const Setup& setup = dependencies_.setup;
  const Instant now = dependencies_.clock.now();
  if (const auto linked = BERTH_TRY(storage::links::find(connection, entity, setup.id, record.remote_id))) {
    // It is a row of somebody else's, which this document does not change.
    decision.state = "posted";
    decision.local_id = linked->id;
    decision.facts.set("linked", linked->id);
    const std::string state = BERTH_TRY(settle(connection, record, std::move(decision)));
    BERTH_CHECK(wake(connection, fmt::format("{}/{}", entity, record.remote_id)));
    return state;
  }
  const auto existing = BERTH_TRY(storage::rows::find_by_remote(connection, entity, setup.id, record.remote_id));
  json::Value document = outcome.document;
  storage::LocalRow row;
  if (existing) {
    row = *existing;
    // Fields of on_create were written when the row was made; a person may have changed them since.
    const json::Parsed stored = json::parse(row.document_json);
    if (stored.ok()) {
      for (const json::Member& member : outcome.on_create.members()) {
        if (const json::Value* value = stored.value.find(member.first)) document.set(member.first, *value);
      }
    }
  } else {
    for (const json::Member& member : outcome.on_create.members()) document.set(member.first, member.second);
    row.id = BERTH_TRY(id_for_new(connection, id_prefix(entity), {entity, setup.id, record.remote_id}));
    row.kind = entity;
    row.integration = setup.id;
    row.remote_id = record.remote_id;
    row.created = now;
    row.company = entity == "item" ? setup.company->id : std::string();
  }
  row.name = document.text_of("name");
  row.state = "open";
  const json::Value* active = document.find("active");
  row.active = active == nullptr || active->boolean();
  row.document_json = json::dump(document);
  if (existing) {
    BERTH_CHECK(storage::rows::update(connection, row));
  } else {
    row = BERTH_TRY(storage::rows::insert(connection, row)).row;
  }
  decision.state = "posted";
  decision.local_id = row.id;
  decision.document_hash = blake2b_hex(json::canonical(document));
  const std::string state = BERTH_TRY(settle(connection, record, std::move(decision)));
  BERTH_CHECK(wake(connection, fmt::format("{}/{}", entity, record.remote_id)));
  return state;
}

// What was posted in its name stays; nothing new is.
Result<std::string> Applier::archive_master(storage::Connection& connection, const storage::Record& record, Decision decision) {
  auto row = BERTH_TRY(storage::rows::find(connection, record.local_id));
  const bool is_own = row && row->integration == record.integration && row->remote_id == record.remote_id;   // not one that it is linked to
  if (is_own) {
    row->state = "deleted";
    row->active = false;
    BERTH_CHECK(storage::rows::update(connection, *row));
  }
  decision.state = "archived";
  decision.local_id = record.local_id;
  return settle(connection, record, std::move(decision));
}

}  // namespace berth::runs
