#include "host/runs/explain.hpp"

#include <fmt/format.h>

#include "host/core/stable_id.hpp"
#include "host/core/text.hpp"
#include "host/documents/documents.hpp"
#include "host/ledger/plan.hpp"
#include "host/runs/apply_parts.hpp"
#include "host/runs/hand_archive.hpp"
#include "host/runs/lookups.hpp"
#include "host/runs/made_rows.hpp"
#include "host/runs/record_names.hpp"
#include "host/runs/stored_record.hpp"

namespace berth::runs {

namespace {

/// What the ledger would say of the mapped document, with the books as they are.
Result<mapping::Judgement> judge_mapped(storage::Connection& connection, const Setup& setup, const ledger::Companies& companies, Explained& explained) {
  const mapping::Outcome& outcome = explained.outcome;
  mapping::Judgement judgement;
  judgement.state = "posted";
  judgement.reason = outcome.reason;
  judgement.message = outcome.message;
  if (is_master(explained.entity)) return judgement;
  if (outcome.state != "open") judgement.state = outcome.state == "deleted" ? "archived" : "ignored";
  // The ids that deciding the record would give them.
  const auto make_id = [](std::string_view prefix, std::initializer_list<std::string_view> parts) -> Result<std::string> { return stable_id(prefix, parts); };
  explained.document = BERTH_TRY(with_made_rows(connection, setup, outcome, {}, make_id)).document;
  const auto document = documents::parse(explained.document);
  if (!document.ok()) {
    judgement.state = "failed";
    judgement.reason = document.error().reason;
    judgement.message = document.error().message;
    return judgement;
  }
  const ledger::Books books = BERTH_TRY(ledger::load_books(
      connection, *document,
      {.integration = {setup.id, setup.company->id, std::string(setup.company->base_currency.code())}, .companies = companies, .accounts = std::nullopt, .current_data_confirmed = false}));
  const ledger::Planned planned = ledger::plan(*document, books);
  if (planned.plan) {
    for (const std::string& key : planned.plan->pending) judgement.waits_for.push_back({key, {}});
    return judgement;
  }
  const ledger::Refusal& refusal = *planned.refusal;
  judgement.reason = refusal.reason;
  judgement.message = refusal.message;
  judgement.state = refusal.consequence == ledger::Consequence::kFailed ? "failed" : refusal.consequence == ledger::Consequence::kParked ? "parked" : "skipped";
  for (const std::string& key : refusal.waits_for) {
    if (!key.starts_with("account/")) judgement.waits_for.push_back({key, {}});
  }
  for (const ledger::MissingAccount& missing : refusal.missing_accounts) judgement.waits_for.push_back({missing.awaited(), {}});
  return judgement;
}

}  // namespace

Result<Explained> explain(storage::Connection& connection, const Setup& setup, const ledger::Companies& companies, std::string_view reference) {
  if (!setup.rules) return make_error(Code::kInvalidConfig, "mapping.no_rules", setup.id + " has no mapping rules; name a file under `mapping:`");
  std::optional<storage::Record> record =
      BERTH_TRY(find_document(connection, setup.id, reference, [&](std::string_view kind) { return setup.remote_entity_of(kind); })).record;
  if (!record) {
    return make_error(Code::kNotFound, "runs.record_unknown",
                      fmt::format("\"{}\" is in the books of {} and no answer about it is stored, so no rules decided it; see `berth records show {} {}`", shortened(reference, 80),
                                  setup.id, setup.id, shortened(reference, 80)));
  }

  Explained explained;
  explained.record = std::move(*record);
  explained.loaded = BERTH_TRY(load_record(connection, setup, explained.record));
  StoreLookups lookups(connection, setup);
  auto [entity, outcome] = evaluate_record(setup, explained.record.entity, explained.loaded, lookups, true);
  if (lookups.failure()) return *lookups.failure();
  explained.entity = std::move(entity);
  explained.outcome = std::move(outcome);
  const bool is_mapped = explained.outcome.kind == mapping::OutcomeKind::kMapped;
  explained.judgement = is_mapped ? BERTH_TRY(judge_mapped(connection, setup, companies, explained)) : mapping::judgement_of(explained.outcome);
  if (explained.loaded.deleted && explained.judgement.state == "ignored") explained.judgement.state = "archived";
  if (explained.loaded.deleted && explained.record.remote_state != "deleted") {
    const auto archived = BERTH_TRY(storage::hand_archives::find(connection, explained.record.id));
    // What keeps it from being archived is the better answer.
    if (archived && explained.judgement.state == "archived") {
      explained.judgement.reason = kArchivedByHand;
      explained.judgement.message = archived_text(*archived, explained.record);
    }
  }
  for (mapping::AwaitedThing& awaited : explained.judgement.waits_for) awaited.why = BERTH_TRY(why_not_there(connection, setup, awaited.key));
  return explained;
}

}  // namespace berth::runs
