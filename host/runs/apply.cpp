// Takes pending records in batches, asks the rules what each becomes, and settles it. What a row becomes stands in
// apply_master.cpp, what a document becomes in apply_document.cpp.
#include <algorithm>

#include "host/core/stable_id.hpp"
#include "host/runs/apply_parts.hpp"
#include "host/runs/hand_archive.hpp"
#include "host/runs/per_record.hpp"
#include "host/runs/stored_record.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/references.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"

namespace berth::runs {

namespace {

constexpr std::size_t kBatchRecords = 256;   // in one transaction
constexpr std::int64_t kOwnDetailPriority = 100;
constexpr std::int64_t kReferencePriority = 400;
/// A record that is decided more often than this in one call keeps its last state; a bug of ours, not of the data.
constexpr int kDecisionsMax = 50;
constexpr std::size_t kLoopingMax = 64;   // such records that are stepped over

/// Nothing that another record would not meet: the machine, the database's server, or a lease that is gone. What the database
/// refuses of this record alone is the record's own.
bool is_of_the_machine(const Error& error) {
  return error.code == Code::kEnvironment || error.reason == "storage.lease_lost" ||
         (error.code == Code::kUnavailable && error.reason.starts_with("storage."));
}

}  // namespace

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
  std::int64_t decided = 0;
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
    if (dependencies_.on_batch) dependencies_.on_batch(decided += static_cast<std::int64_t>(batch.size()));
  }
  result.wants_fetch = wants_fetch_;
  return result;
}

Status Applier::apply_batch(const std::vector<storage::Record>& batch, ApplyResult& result) {
  std::vector<std::string> states;
  const auto run = [&](std::span<const storage::Record> records) {
    states.clear();
    books_.reset();   // others may have mapped accounts or closed months since
    found_rows_.answers.clear();
    return dependencies_.database.write("apply.batch", [&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, dependencies_.lease, dependencies_.clock.now()));
      for (const storage::Record& record : records) states.push_back(BERTH_TRY(apply_one(connection, record)));
      return success();
    });
  };
  const auto count = [&](std::span<const storage::Record> records) {
    for (std::size_t i = 0; i < records.size(); ++i) result.decided(records[i].id, records[i].entity, states[i]);
  };
  Status together = run(batch);
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
    if (is_of_the_machine(error)) return error;
    dependencies_.log.error("record could not be committed", error, {{"entity", record.entity}, {"remote_id", record.remote_id}});
    BERTH_CHECK(dependencies_.database.write("apply.failed", [&](storage::Connection& connection) -> Status {
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

Result<std::string> Applier::apply_one(storage::Connection& connection, const storage::Record& record) {
  const Setup& setup = dependencies_.setup;
  const mapping::Record loaded = BERTH_TRY(load_record(connection, setup, record));
  const std::vector<std::string> candidates = setup.rules->entities_of(record.entity);
  const bool makes_rows = std::any_of(candidates.begin(), candidates.end(), [](const std::string& one) { return is_master(one); });
  StoreLookups lookups(connection, setup, makes_rows ? nullptr : &found_rows_);
  const auto [entity, outcome] = evaluate_record(setup, record.entity, loaded, lookups);
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
  if (loaded.is_reduced) decision.facts.set("known_by_row", true);
  decision.reason = outcome.reason;
  decision.message = outcome.message;
  if (loaded.deleted && record.remote_state != "deleted") {
    decision.by_hand = BERTH_TRY(storage::hand_archives::find(connection, record.id));
    decision.reason = kArchivedByHand;
    decision.message = archived_text(*decision.by_hand, record);
    decision.facts.set("archived_by_hand", archived_fact(*decision.by_hand, record));
  }

  switch (outcome.kind) {
    case mapping::OutcomeKind::kMapped:
      return apply_mapped(connection, record, entity, outcome, std::move(decision));
    case mapping::OutcomeKind::kIgnored:
      if (is_master(entity) && loaded.deleted && !record.local_id.empty()) {
        return archive_master(connection, record, std::move(decision));
      }
      // What is gone at the remote is archived whether it had posted or not: a draft, or what waited, too.
      decision.state = loaded.deleted ? "archived" : "ignored";
      break;
    case mapping::OutcomeKind::kFailed:
      decision.state = "failed";
      if (!outcome.at.empty()) decision.facts.set("at", list_of(outcome.at));
      decision.waits_for = outcome.waits_for;
      break;
    case mapping::OutcomeKind::kParked:
      // Waiting for its own detail is not a finding: the record stays pending until the detail is there.
      decision.state = outcome.reason == "berth.detail_missing" ? "pending" : "parked";
      if (decision.state == "pending") BERTH_CHECK(ask_for_own_detail(connection, record));
      BERTH_CHECK(ask_for_unseen(connection, outcome.unseen));
      for (const std::string& key : outcome.waits_for) {
        decision.waits_for.push_back(key.starts_with("account/") ? BERTH_TRY(awaited_account(connection, key)) : key);
      }
      break;
  }
  return settle(connection, record, std::move(decision));
}

Result<std::string> Applier::apply_mapped(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                          const mapping::Outcome& outcome, Decision decision) {
  BERTH_CHECK(ask_for_unseen(connection, outcome.unseen));
  if (is_master(entity)) return apply_master(connection, record, entity, outcome, std::move(decision));
  return apply_document(connection, record, entity, outcome, std::move(decision));
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

// Other rules, or another attempt, want a detail for which nobody has asked, or which was given up. The list may never show
// the record again.
Status Applier::ask_for_own_detail(storage::Connection& connection, const storage::Record& record) {
  const auto queued = BERTH_TRY(storage::detail_queue::find(connection, record.integration, record.entity, record.remote_id, storage::kWantDetail));
  if (queued) return success();
  storage::QueuedDetail entry;
  entry.integration = record.integration;
  entry.entity = record.entity;
  entry.remote_id = record.remote_id;
  entry.version = record.row_version;
  entry.priority = kOwnDetailPriority;
  entry.forced = true;
  BERTH_CHECK(storage::detail_queue::put(connection, entry));
  return success();
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
    BERTH_CHECK(storage::detail_queue::put(connection, entry));
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
  BERTH_CHECK(storage::waiting::wake(connection, dependencies_.setup.id, key, dependencies_.clock.now()));
  return success();
}

Result<std::string> Applier::awaited_account(storage::Connection& connection, const std::string& key) {
  const auto name = storage::account_rows::parse_name(key);
  if (!name) return key;
  const storage::AccountRow row = BERTH_TRY(
      storage::account_rows::ensure(connection, dependencies_.setup.id, name->kind, name->label, name->company, dependencies_.clock.now()));
  books_.reset();   // it has that row now
  return row.awaited();
}

}  // namespace berth::runs
