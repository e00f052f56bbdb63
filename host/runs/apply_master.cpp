// Customers, vendors and items: a record becomes a row that documents name.
#include <fmt/format.h>

#include "host/core/hash.hpp"
#include "host/ledger/queries.hpp"
#include "host/runs/apply_parts.hpp"
#include "host/storage/links.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"

namespace berth::runs {

namespace {

constexpr std::size_t kWaitersMax = 10'000;   // documents that wait for one customer

}  // namespace

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

// A remote does not let a customer with documents be deleted; one that is gone all the same was merged into another. Its documents
// say so in a new version, or are asked for, since a remote may change the customer of a document and not its version.
Status Applier::see_merge(storage::Connection& connection, const storage::LocalRow& customer, Decision& decision) {
  const Setup& setup = dependencies_.setup;
  std::vector<std::string> named = BERTH_TRY(ledger::documents_of_customer(connection, setup.id, customer.id));
  for (const std::int64_t waiter : BERTH_TRY(storage::waiting::waiters(connection, setup.id, fmt::format("customer/{}", customer.remote_id), kWaitersMax))) {
    const auto record = BERTH_TRY(storage::records::find(connection, waiter));
    if (!record) continue;
    for (const std::string& entity : setup.rules->entities_of(record->entity)) named.push_back(fmt::format("{}/{}", entity, record->remote_id));
  }
  std::erase_if(named, [&](const std::string& reference) {
    const auto [kind, remote_id] = split_reference(reference);
    const auto record = storage::records::find(connection, setup.id, setup.remote_entity_of(kind), remote_id);
    return !record.ok() || !*record || (*record)->remote_state == "deleted";
  });
  const std::string after = BERTH_TRY(ledger::customer_after(connection, setup.id, customer.id));
  if (named.empty() && after.empty()) return success();
  BERTH_CHECK(force_fetch(connection, named));
  const auto survivor = after.empty() ? std::nullopt : BERTH_TRY(storage::rows::find(connection, after));
  decision.reason = "berth.customer_merged";
  decision.message = survivor ? fmt::format("{} is gone at the remote; its documents belong to {} ({}) now", customer.name, survivor->name, survivor->remote_id)
                              : fmt::format("{} is gone at the remote, and {} documents still name it: they are fetched again, and will name the customer it was merged into",
                                            customer.name, named.size());
  if (survivor) decision.facts.set("merged_into", survivor->id);
  return success();
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
  if (is_own && row->kind == "customer" && !decision.by_hand) BERTH_CHECK(see_merge(connection, *row, decision));
  return settle(connection, record, std::move(decision));
}

}  // namespace berth::runs
