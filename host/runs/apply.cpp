#include "host/runs/apply.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/hash.hpp"
#include "host/core/stable_id.hpp"
#include "host/core/text.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/plan.hpp"
#include "host/runs/per_record.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/offers.hpp"
#include "host/storage/references.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"

namespace berth::runs {

namespace {

constexpr std::size_t kBatchRecords = 256;   // in one transaction
constexpr std::int64_t kForcedPriority = 600;
constexpr std::int64_t kReferencePriority = 400;
/// A record that is decided more often than this in one call keeps its last state; a bug of ours, not of the data.
constexpr int kDecisionsMax = 50;
constexpr std::size_t kLoopingMax = 64;   // such records that are stepped over

json::Value list_of(const std::vector<std::string>& values) {
  json::Value list = json::Value::array();
  for (const std::string& value : values) list.push_back(value);
  return list;
}

/// "invoice/46…" → {"invoice", "46…"}.
std::pair<std::string, std::string> split_reference(std::string_view reference) {
  const auto slash = reference.find('/');
  if (slash == std::string_view::npos) return {std::string(reference), {}};
  return {std::string(reference.substr(0, slash)), std::string(reference.substr(slash + 1))};
}

/// Replaces every "new:…" text of the document by the id it stands for.
void put_ids(json::Value& value, const std::map<std::string, std::string>& ids) {
  if (value.is_string()) {
    const auto found = ids.find(std::string(value.text()));
    if (found != ids.end()) value = json::Value(found->second);
  } else if (value.is_array()) {
    for (json::Value& item : value.make_array()) put_ids(item, ids);
  } else if (value.is_object()) {
    for (json::Member& member : value.make_object()) put_ids(member.second, ids);
  }
}

std::string_view id_prefix(std::string_view entity) {
  if (entity == "customer") return "cus";
  if (entity == "vendor") return "ven";
  if (entity == "item") return "itm";
  if (entity == "invoice") return "inv";
  if (entity == "credit_note") return "crn";
  if (entity == "customer_payment") return "pay";
  if (entity == "classification_line") return "cl";
  return "row";
}

bool is_master(std::string_view entity) { return entity == "customer" || entity == "vendor" || entity == "item"; }

}  // namespace

/// What is written for a record at the end, whatever became of it.
struct Applier::Decision {
  std::string state, reason, message;
  std::vector<std::string> waits_for;
  json::Value facts = json::Value::object();     // detail_json of the record
  std::optional<std::string> local_id, document_hash;
};

const std::vector<std::string>& apply_order() {
  static const std::vector<std::string> order = {"customer", "vendor", "item", "invoice", "credit_note", "customer_payment"};
  return order;
}

Result<ApplyResult> Applier::apply_pending(std::stop_token stop) {
  ApplyResult result;
  const Setup& setup = dependencies_.setup;
  if (!setup.rules) return result;
  std::vector<storage::PendingEntity> order;
  for (const std::string& entity : apply_order()) {
    const std::string remote = setup.remote_entity_of(entity);
    const bool is_there = std::any_of(order.begin(), order.end(), [&](const auto& known) { return known.entity == remote; });
    if (!remote.empty() && !is_there) order.push_back({remote, false});
  }
  PerRecord decisions;
  while (true) {
    if (stop.stop_requested()) {
      result.was_stopped = true;
      break;
    }
    std::vector<storage::Record> batch;
    std::size_t too_often = 0;
    BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
      for (storage::Record& record : BERTH_TRY(storage::records::pending(connection, setup.id, order, kBatchRecords + kLoopingMax))) {
        // One entity at a time: what it wakes or makes comes before the next entity's records.
        if (batch.size() == kBatchRecords || (!batch.empty() && batch.front().entity != record.entity)) break;
        std::uint8_t& times = decisions[record.id];
        if (times >= kDecisionsMax) {
          ++too_often;
          continue;
        }
        ++times;
        batch.push_back(std::move(record));
      }
      return success();
    }));
    if (too_often > 0) {
      dependencies_.log.error("records keep waking each other", {{"integration", setup.id}, {"records", too_often}});
    }
    if (batch.empty()) break;
    BERTH_CHECK(apply_batch(batch, result));
  }
  result.wants_fetch = wants_fetch_;
  return result;
}

Status Applier::apply_batch(const std::vector<storage::Record>& batch, ApplyResult& result) {
  std::vector<std::string> states;
  const auto run = [&](std::span<const storage::Record> records) {
    states.clear();
    books_.reset();   // others may have mapped accounts or closed months since
    return dependencies_.database.write([&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, dependencies_.lease, dependencies_.clock.now()));
      for (const storage::Record& record : records) states.push_back(BERTH_TRY(apply_one(connection, record)));
      return success();
    });
  };
  const auto count = [&](std::span<const storage::Record> records) {
    for (std::size_t i = 0; i < records.size(); ++i) result.decided(records[i].id, records[i].entity, states[i]);
  };
  const Status together = run(batch);
  if (together.ok()) {
    count(batch);
    return success();
  }
  if (together.error().reason == "storage.lease_lost") return together;
  for (const storage::Record& record : batch) {
    const std::span<const storage::Record> one(&record, 1);
    const Status alone = run(one);
    if (alone.ok()) {
      count(one);
      continue;
    }
    const Error& error = alone.error();
    // The machine's trouble is not the record's: it stays pending.
    if (error.code == Code::kEnvironment || error.reason == "storage.lease_lost" || error.reason == "storage.full" ||
        error.reason == "storage.busy") {
      return error;
    }
    dependencies_.log.error("record could not be committed", error, {{"entity", record.entity}, {"remote_id", record.remote_id}});
    BERTH_CHECK(dependencies_.database.write([&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, dependencies_.lease, dependencies_.clock.now()));
      Decision decision;
      decision.state = "failed";
      decision.reason = error.reason;
      decision.message = error.message;
      states.assign(1, BERTH_TRY(settle(connection, record, std::move(decision))));
      return success();
    }));
    count(one);
  }
  return success();
}

Result<mapping::Record> Applier::load(storage::Connection& connection, const storage::Record& record) const {
  mapping::Record loaded;
  loaded.remote_id = record.remote_id;
  loaded.version = record.detail_version.empty() ? record.row_version : record.detail_version;
  loaded.deleted = record.remote_state == "deleted";
  loaded.posted = !record.local_id.empty();
  const Phase* phase = dependencies_.setup.phase_of_entity(record.entity);
  loaded.detail_expected = phase != nullptr && phase->has_detail && !phase->detail_once_per_record;
  const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection, record.id));
  const auto parsed = [&](const storage::StoredBody& body) -> Result<json::Value> {
    json::Parsed value = json::parse(body.body, {.was_checked = true});
    if (!value.ok()) return make_error(Code::kInternal, "storage.body_damaged", value.error.message);
    return std::move(value.value);
  };
  if (bodies.row) loaded.list = BERTH_TRY(parsed(*bodies.row));
  // A detail that is older than its row does not count: the newer one is on its way.
  const bool is_current = !record.has_row() || record.detail_version == record.row_version ||
                          record.detail_fetched >= record.row_fetched || !loaded.detail_expected;
  if (bodies.detail && is_current) {
    loaded.detail = BERTH_TRY(parsed(*bodies.detail));
    for (const auto& [name, body] : bodies.parts) loaded.parts[name] = BERTH_TRY(parsed(body));
  }
  loaded.offered = BERTH_TRY(storage::offers::list(connection, record.integration, record.entity, record.remote_id));
  return loaded;
}

Result<std::string> Applier::apply_one(storage::Connection& connection, const storage::Record& record) {
  const Setup& setup = dependencies_.setup;
  const mapping::Record loaded = BERTH_TRY(load(connection, record));
  StoreLookups lookups(connection, setup);
  std::string entity;
  mapping::Outcome outcome;
  // Several rule entities may be made from one remote entity (contact → customer, vendor): the first that does not
  // ignore the record takes it.
  for (const std::string& candidate : setup.rules->entities_of(record.entity)) {
    mapping::Outcome tried = mapping::evaluate(*setup.rules, candidate, loaded, lookups, setup.mapping_context());
    if (entity.empty() || tried.kind != mapping::OutcomeKind::kIgnored) {
      entity = candidate;
      outcome = std::move(tried);
    }
    if (outcome.kind != mapping::OutcomeKind::kIgnored) break;
  }
  if (lookups.failure()) return *lookups.failure();

  Decision decision;
  if (!outcome.warnings.empty()) {
    json::Value warnings = json::Value::array();
    for (std::size_t i = 0; i < outcome.warnings.size(); ++i) {
      json::Value warning = json::Value::object({{"what", outcome.warnings[i]}});
      if (i < outcome.warning_hints.size() && !outcome.warning_hints[i].empty()) warning.set("hint", outcome.warning_hints[i]);
      warnings.push_back(std::move(warning));
    }
    decision.facts.set("warnings", std::move(warnings));
  }
  if (!outcome.flags.empty()) decision.facts.set("flags", list_of(outcome.flags));
  decision.reason = outcome.reason;
  decision.message = outcome.message;

  switch (outcome.kind) {
    case mapping::OutcomeKind::kMapped:
      return apply_mapped(connection, record, entity, std::move(outcome), std::move(decision));
    case mapping::OutcomeKind::kIgnored:
      if (is_master(entity) && record.remote_state == "deleted" && !record.local_id.empty()) {
        return archive_master(connection, record, std::move(decision));
      }
      decision.state = "ignored";
      break;
    case mapping::OutcomeKind::kFailed:
      decision.state = "failed";
      if (!outcome.at.empty()) decision.facts.set("at", list_of(outcome.at));
      decision.waits_for = outcome.waits_for;
      break;
    case mapping::OutcomeKind::kParked:
      // Waiting for its own detail is not a finding: the record stays pending until the detail is there.
      decision.state = outcome.reason == "berth.detail_missing" ? "pending" : "parked";
      BERTH_CHECK(ask_for_unseen(connection, outcome.unseen));
      for (const std::string& key : outcome.waits_for) {
        decision.waits_for.push_back(key.starts_with("account/") ? BERTH_TRY(awaited_account(connection, key)) : key);
      }
      break;
  }
  return settle(connection, record, std::move(decision));
}

Result<std::string> Applier::apply_mapped(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                          mapping::Outcome outcome, Decision decision) {
  BERTH_CHECK(ask_for_unseen(connection, outcome.unseen));
  if (is_master(entity)) return apply_master(connection, record, entity, outcome, std::move(decision));
  return apply_document(connection, record, entity, outcome, std::move(decision));
}

Result<std::string> Applier::apply_master(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                          const mapping::Outcome& outcome, Decision decision) {
  const Setup& setup = dependencies_.setup;
  const Instant now = dependencies_.clock.now();
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
  if (row) {
    row->state = "deleted";
    row->active = false;
    BERTH_CHECK(storage::rows::update(connection, *row));
  }
  decision.state = "archived";
  decision.local_id = record.local_id;
  return settle(connection, record, std::move(decision));
}

Result<std::string> Applier::apply_document(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                            const mapping::Outcome& outcome, Decision decision) {
  const Setup& setup = dependencies_.setup;
  const Instant now = dependencies_.clock.now();
  const auto existing = BERTH_TRY(storage::rows::find_by_remote(connection, entity, setup.id, record.remote_id));

  // Rows that the document makes get their id now and are written only if it posts.
  std::map<std::string, std::string> ids;
  std::vector<storage::LocalRow> made;
  for (const mapping::Ensure& ensure : outcome.ensured) {
    const auto there = BERTH_TRY(storage::rows::find_by_name(connection, ensure.kind, ensure.scope, ensure.name));
    if (there) {
      ids[ensure.placeholder()] = there->id;
      continue;
    }
    storage::LocalRow row;
    row.id = BERTH_TRY(id_for_new(connection, id_prefix(ensure.kind), {ensure.kind, ensure.scope, ensure.name}));
    row.kind = ensure.kind;
    row.scope = ensure.scope;
    row.name = ensure.name;
    row.document_json = json::dump(json::Value::object({{"name", ensure.name}, {"origin", setup.id}}));
    row.created = now;
    ids[ensure.placeholder()] = row.id;
    made.push_back(std::move(row));
  }
  json::Value canonical = outcome.document;
  put_ids(canonical, ids);
  auto parsed = documents::parse(canonical);
  if (!parsed.ok()) {
    decision.state = "failed";
    decision.reason = parsed.error().reason;
    decision.message = parsed.error().message;
    return settle(connection, record, std::move(decision));
  }
  const documents::Document document = std::move(parsed).value();
  const std::string local_id =
      existing ? existing->id : BERTH_TRY(id_for_new(connection, id_prefix(entity), {entity, setup.id, record.remote_id}));

  // A refusal that current data could lift is final only after that data was fetched.
  const json::Parsed facts_before = json::parse(record.detail_json);
  bool is_confirmed = false;
  if (const json::Value* forced = facts_before.value.find("forced_fetch"); forced != nullptr && !forced->items().empty()) {
    is_confirmed = true;
    const Instant asked{facts_before.value.find("forced_at") ? facts_before.value.find("forced_at")->integer().value_or(0) : 0};
    for (const json::Value& reference : forced->items()) {
      const auto [kind, remote_id] = split_reference(reference.text());
      const auto other = BERTH_TRY(storage::records::find(connection, setup.id, setup.remote_entity_of(kind), remote_id));
      is_confirmed = is_confirmed && other && (other->detail_fetched > asked || other->remote_state == "deleted");
    }
  }

  const ledger::Books& books = *BERTH_TRY(books_of(connection, document, is_confirmed));
  ledger::Planned planned = ledger::plan(document, books);
  const bool was_posted = existing.has_value() && existing->state == "open";
  if (planned.refusal) return refuse(connection, record, *planned.refusal, std::move(decision), was_posted);

  const ledger::Plan& plan = *planned.plan;
  for (const storage::LocalRow& row : made) {
    BERTH_TRY(storage::rows::insert(connection, row));
  }
  const bool is_open = outcome.state == "open";
  storage::LocalRow row;
  if (existing) row = *existing;
  row.id = local_id;
  row.kind = entity;
  row.integration = setup.id;
  row.remote_id = record.remote_id;
  if (is_open) {
    row.name = canonical.text_of("number");
    row.company = canonical.text_of("company");
    row.document_json = json::dump(canonical);
  }
  row.state = is_open ? "open" : (outcome.state == "deleted" ? "deleted" : "void");
  row.active = is_open;
  if (existing) {
    BERTH_CHECK(storage::rows::update(connection, row));
  } else {
    row.created = now;
    BERTH_TRY(storage::rows::insert(connection, row));
  }
  const ledger::Committed committed = BERTH_TRY(ledger::commit(
      connection, plan,
      {.integration = setup.id,
       .source = documents::source_of(document),
       .local_id = local_id,
       .number = row.name,
       .rules_revision = setup.rules->revision(),
       .now = now}));

  if (!plan.flags.empty()) {
    std::vector<std::string> flags = outcome.flags;
    flags.insert(flags.end(), plan.flags.begin(), plan.flags.end());
    decision.facts.set("flags", list_of(flags));
  }
  // A share that waits for its invoice leaves the document posted and subscribed.
  decision.waits_for = plan.pending;
  if (is_open) {
    decision.state = "posted";
    decision.reason.clear();
    decision.message.clear();
  } else {
    decision.state = outcome.state == "deleted" ? "archived" : "ignored";
  }
  decision.local_id = local_id;
  decision.document_hash = blake2b_hex(json::canonical(canonical));
  const std::string state = BERTH_TRY(settle(connection, record, std::move(decision)));
  // Whatever moved may be what another document waits for: its posting, but also an allocation that it took back.
  if (!was_posted || !committed.entries.empty()) BERTH_CHECK(wake(connection, fmt::format("{}/{}", entity, record.remote_id)));
  for (const std::string& moved : committed.moved) {
    if (moved != fmt::format("{}/{}", entity, record.remote_id)) BERTH_CHECK(wake(connection, moved));
  }
  for (const std::string& again : committed.replan) {
    const auto [kind, remote_id] = split_reference(again);
    const auto other = BERTH_TRY(storage::records::find(connection, setup.id, setup.remote_entity_of(kind), remote_id));
    if (other) BERTH_CHECK(storage::records::set_pending(connection, other->id, now));
  }
  return state;
}

Result<const ledger::Books*> Applier::books_of(storage::Connection& connection, const documents::Document& document, bool is_confirmed) {
  const Setup& setup = dependencies_.setup;
  if (!books_) {
    books_.emplace(BERTH_TRY(ledger::load_common(
        connection, {.integration = {setup.id, setup.company->id, std::string(setup.company->base_currency.code())},
                     .companies = dependencies_.companies,
                     .accounts = std::nullopt,
                     .current_data_confirmed = false})));
  }
  books_->current_data_confirmed = is_confirmed;
  BERTH_CHECK(ledger::load_document(connection, document, *books_));
  return &*books_;
}

Result<std::string> Applier::refuse(storage::Connection& connection, const storage::Record& record, const ledger::Refusal& refusal,
                                    Decision decision, bool was_posted) {
  decision.reason = refusal.reason;
  decision.message = refusal.message;
  switch (refusal.consequence) {
    case ledger::Consequence::kFailed: decision.state = "failed"; break;
    case ledger::Consequence::kParked: decision.state = "parked"; break;
    case ledger::Consequence::kSkipped: decision.state = "skipped"; break;
  }
  for (const std::string& key : refusal.waits_for) {
    if (!key.starts_with("account/")) decision.waits_for.push_back(key);
  }
  for (const ledger::MissingAccount& missing : refusal.missing_accounts) {
    const storage::AccountRow row = BERTH_TRY(storage::account_rows::ensure(
        connection, dependencies_.setup.id, missing.kind, missing.label, missing.company, dependencies_.clock.now()));
    decision.waits_for.push_back(row.awaited());
    books_.reset();   // it has that row now
  }
  if (!refusal.forced_fetch.empty() && refusal.consequence == ledger::Consequence::kParked) {
    decision.facts.set("forced_fetch", list_of(refusal.forced_fetch));
    decision.facts.set("forced_at", dependencies_.clock.now().unix_ms);
    BERTH_CHECK(force_fetch(connection, refusal.forced_fetch));
  }
  if (was_posted) {
    // What is posted stays as it is, and a person is told that the newer version is not.
    decision.facts.set("attention", json::Value::object({{"state", decision.state}, {"reason", decision.reason}}));
  }
  return settle(connection, record, std::move(decision));
}

Result<std::string> Applier::settle(storage::Connection& connection, const storage::Record& record, Decision decision) {
  const Instant now = dependencies_.clock.now();
  if (!record.local_id.empty() && decision.state != "posted" && decision.state != "pending" && !decision.local_id) {
    decision.facts.set("attention", json::Value::object({{"state", decision.state}, {"reason", decision.reason}}));
  }
  if (!decision.waits_for.empty()) decision.facts.set("waits_for", list_of(decision.waits_for));
  storage::RecordOutcome outcome;
  outcome.state = decision.state;
  outcome.reason = decision.reason;
  outcome.message = decision.message;
  outcome.detail_json = json::dump(decision.facts);
  outcome.local_id = decision.local_id;
  outcome.rules_revision = dependencies_.setup.rules->revision();
  outcome.document_hash = decision.document_hash;
  BERTH_CHECK(storage::records::set_state(connection, record.id, outcome, now));
  std::sort(decision.waits_for.begin(), decision.waits_for.end());
  decision.waits_for.erase(std::unique(decision.waits_for.begin(), decision.waits_for.end()), decision.waits_for.end());
  BERTH_CHECK(storage::waiting::set_waits(connection, record.id, record.integration, decision.waits_for));
  return decision.state;
}

// A document named something that no list showed: one fetch by id, ever, until somebody asks again.
Status Applier::ask_for_unseen(storage::Connection& connection, const std::vector<std::string>& references) {
  const Setup& setup = dependencies_.setup;
  for (const std::string& reference : references) {
    const auto [kind, remote_id] = split_reference(reference);
    const std::string entity = setup.remote_entity_of(kind);
    if (entity.empty() || remote_id.empty()) continue;
    const bool is_first = BERTH_TRY(
        storage::references::ask_once(connection, setup.id, entity, remote_id, dependencies_.clock.now()));
    if (!is_first) continue;
    storage::QueuedDetail entry;
    entry.integration = setup.id;
    entry.entity = entity;
    entry.remote_id = remote_id;
    entry.priority = kReferencePriority;
    entry.forced = true;
    entry.cause = "reference";
    BERTH_TRY(storage::detail_queue::put(connection, entry));
    wants_fetch_ = true;
  }
  return success();
}

Status Applier::force_fetch(storage::Connection& connection, const std::vector<std::string>& documents) {
  const Setup& setup = dependencies_.setup;
  for (const std::string& reference : documents) {
    const auto [kind, remote_id] = split_reference(reference);
    storage::QueuedDetail entry;
    entry.integration = setup.id;
    entry.entity = setup.remote_entity_of(kind);
    entry.remote_id = remote_id;
    entry.priority = kForcedPriority;
    entry.forced = true;
    entry.cause = "forced";
    if (entry.entity.empty()) continue;
    BERTH_TRY(storage::detail_queue::put(connection, entry));
    wants_fetch_ = true;
  }
  return success();
}

// A row that stands for something else by now (it was renamed) keeps its id.
Result<std::string> Applier::id_for_new(storage::Connection& connection, std::string_view prefix,
                                        std::initializer_list<std::string_view> parts) const {
  std::string id = stable_id(prefix, parts);
  if (!BERTH_TRY(storage::rows::find(connection, id))) return id;
  return new_id(prefix, dependencies_.clock, dependencies_.random);
}

Status Applier::wake(storage::Connection& connection, std::string_view key) {
  BERTH_TRY(storage::waiting::wake(connection, dependencies_.setup.id, key, dependencies_.clock.now()));
  return success();
}

// "account/payment_mode/ACH/WIRE/acme_us": the kind has no slash, the company neither, the key may have some.
Result<std::string> Applier::awaited_account(storage::Connection& connection, const std::string& key) {
  const auto kind_end = key.find('/', 8);
  const auto company_start = key.rfind('/');
  if (kind_end == std::string::npos || company_start <= kind_end) return key;
  const storage::AccountRow row = BERTH_TRY(storage::account_rows::ensure(
      connection, dependencies_.setup.id, key.substr(8, kind_end - 8),
      key.substr(kind_end + 1, company_start - kind_end - 1), key.substr(company_start + 1), dependencies_.clock.now()));
  books_.reset();   // it has that row now
  return row.awaited();
}

}  // namespace berth::runs
