#pragma once
// What a run would do: the run is made in a scratch copy of the books (runs/scratch.hpp), and what changed in the copy is told.
//
//   BERTH_CHECK(admin::mark_trial(host->database()));                 // before the run; the database is the copy
//   const auto report = engine.run(...);
//   json::Value view = BERTH_TRY(admin::trial_view(host->database(), *report, {.entries = 100}));
//
// `berth sync ID --dry-run`. Any thread. Errors: storage's, ledger.damaged.
#include <cstddef>

#include "berth/json.hpp"
#include "host/runs/report.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// How much of a trial is listed; what is counted and summed up is always all of it.
struct TrialLimits {
  std::size_t entries = 100;
  std::size_t refusals = 100;
};
inline constexpr std::size_t kTrialListMax = 1000;

/// Notes in the copy what it holds before the run. Files of documents decide nothing in the books, so those that are still to
/// be fetched are taken out of the queue: their calls are kept for the sync.
Status mark_trial(storage::Database& scratch);
/// The phases as they are run in a trial: without files.
void without_files(runs::Setup& setup);

/// {"dry_run":true,"calls":{...},"entries":[...],"entries_total":..,"reversals_total":..,"totals":[...],"refusals":[...],
/// "refusals_total":..,"still_refused":..,"outcomes":[...],"unmapped_accounts":[...],"run":{...}}
Result<json::Value> trial_view(storage::Database& scratch, const runs::RunReport& report, const TrialLimits& limits);

}  // namespace berth::admin
