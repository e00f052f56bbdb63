// Invoices, credit notes and payments: a record becomes entries, or waits, or is refused.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host/core/edit_distance.hpp"
#include "host/core/hash.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/plan.hpp"
#include "host/runs/apply_parts.hpp"
#include "host/runs/made_rows.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

namespace {

constexpr std::int64_t kForcedPriority = 600;
constexpr std::size_t kHintCandidatesMax = 1'000;

}  // namespace

Result<std::string> Applier::apply_document(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                            const mapping::Outcome& outcome, Decision decision) {
  const Setup& setup = dependencies_.setup;
  const Instant now = dependencies_.clock.now();
  const auto existing = BERTH_TRY(storage::rows::find_by_remote(connection, entity, setup.id, record.remote_id));

  // Rows that the document makes get their id now and are written only if it posts.
  const auto make_id = [&](std::string_view prefix, std::initializer_list<std::string_view> parts) { return id_for_new(connection, prefix, parts); };
  const auto [canonical, made] = BERTH_TRY(with_made_rows(connection, setup, outcome, now, make_id));
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

  // What a person has said does not become another thing by asking the remote.
  const bool is_known = decision.by_hand || BERTH_TRY(is_confirmed(connection, record));
  const ledger::Books& books = *BERTH_TRY(books_of(connection, document, is_known));
  ledger::Planned planned = ledger::plan(document, books);
  const bool was_posted = existing.has_value() && existing->state == "open";
  if (planned.refusal) return refuse(connection, record, *planned.refusal, std::move(decision), was_posted);

  const ledger::Plan& plan = *planned.plan;
  for (const storage::LocalRow& row : made) {
    BERTH_CHECK(storage::rows::insert(connection, row));
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
    BERTH_CHECK(storage::rows::insert(connection, row));
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

// A refusal that current data could lift is final only after that data was fetched, and as long as that is the data: other rules
// decide what was skipped by what is stored, and a new answer about any of the documents is asked for once more.
Result<bool> Applier::is_confirmed(storage::Connection& connection, const storage::Record& record) const {
  const Setup& setup = dependencies_.setup;
  const json::Parsed facts = json::parse(record.detail_json);
  const json::Value* forced = facts.value.find("forced_fetch");
  if (forced == nullptr || forced->items().empty()) return false;
  const json::Value* at = facts.value.find("forced_at");
  const Instant asked{at != nullptr ? at->integer().value_or(0) : 0};
  const json::Value* confirmed = facts.value.find("confirmed_at");
  for (const json::Value& reference : forced->items()) {
    const auto [kind, remote_id] = split_reference(reference.text());
    const auto other = BERTH_TRY(storage::records::find(connection, setup.id, setup.remote_entity_of(kind), remote_id));
    if (!other || (other->detail_fetched <= asked && other->remote_state != "deleted")) return false;
    if (confirmed != nullptr && other->detail_fetched.unix_ms > confirmed->integer().value_or(0)) return false;
  }
  return true;
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

/// "Strpe" waits, and "Stripe" is mapped: then somebody mistyped it at the remote, or would map it the same way.
Status Applier::hint_at_mapped_row(storage::Connection& connection, const storage::AccountRow& row, Decision& decision) const {
  if (row.label.empty() || row.label == "-") return success();
  std::vector<std::string> labels;
  std::map<std::string, std::string> accounts;
  for (auto& [label, account] : BERTH_TRY(storage::account_rows::mapped(connection, dependencies_.setup.id, row.kind, row.company, kHintCandidatesMax))) {
    labels.push_back(label);
    accounts[label] = std::move(account);
  }
  const std::string near = near_miss(row.label, labels);
  if (near.empty()) return success();
  const std::string hint = fmt::format("{}, which posts to {}", near_miss_hint(row.label, near), accounts[near]);
  decision.message += fmt::format(" ({})", hint);
  if (decision.facts.find("warnings") == nullptr) decision.facts.set("warnings", json::Value::array());
  decision.facts.find("warnings")->push_back(json::Value::object({{"what", row.awaited()}, {"hint", hint}}));
  return success();
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
    BERTH_CHECK(hint_at_mapped_row(connection, row, decision));
    books_.reset();   // it has that row now
  }
  if (!refusal.forced_fetch.empty() && refusal.consequence == ledger::Consequence::kParked) {
    decision.facts.set("forced_fetch", list_of(refusal.forced_fetch));
    decision.facts.set("forced_at", dependencies_.clock.now().unix_ms);
    BERTH_CHECK(force_fetch(connection, refusal.forced_fetch));
  }
  if (refusal.is_confirmed) {
    const json::Parsed before = json::parse(record.detail_json);
    for (const char* fact : {"forced_fetch", "forced_at"}) {
      if (const json::Value* known = before.value.find(fact)) decision.facts.set(fact, *known);
    }
    if (before.value.find("forced_fetch") != nullptr) decision.facts.set("confirmed_at", dependencies_.clock.now().unix_ms);
  }
  if (was_posted) {
    // What is posted stays as it is, and a person is told that the newer version is not.
    decision.facts.set("attention", json::Value::object({{"state", decision.state}, {"reason", decision.reason}}));
  }
  return settle(connection, record, std::move(decision));
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
    BERTH_CHECK(storage::detail_queue::put(connection, entry));
    wants_fetch_ = true;
  }
  return success();
}

}  // namespace berth::runs
