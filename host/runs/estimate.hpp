#pragma once
// What a sync would cost in calls, from what is stored: how many rows each list has, what waits in the queue, what was listed
// before. It asks nobody, so what changed at the remote since is not in it; for that there are a lower bound, what it would be
// if everything stored had changed, and the bounds that quota and budgets set anyway.
//
//   const Estimate estimate = BERTH_TRY(estimate_sync(connection, setup, {.phases = {"invoices"}}));
//
// Calls are counted as the report of the run counts them (report.hpp), so the two can be compared. Reads only. Any thread.
// Errors: runs.phase_unknown, runs.since_invalid, storage's.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/runs/engine.hpp"
#include "host/runs/lower_bound.hpp"

namespace berth::runs {

struct PhaseEstimate {
  std::string phase, entity;
  bool is_first = false;            // nothing was ever listed whole: how many rows there are is not known
  std::int64_t stored = 0;          // documents that are stored and not gone
  std::int64_t page_size = 0;
  std::int64_t queued = 0;          // details that wait to be fetched, or are fetched once more because they had just changed
  std::int64_t queued_files = 0;
  CallCounts at_least;              // if nothing changed at the remote
  CallCounts at_most;               // the same, with every part and file that what waits may have
  std::optional<CallCounts> if_all_changed;   // every stored document, and nothing new; nothing before the first pass
  std::int64_t parts = 0;           // further calls that a detail may need
  std::int64_t files = 0;           // files that a document may have
  bool has_detail = false;
  bool is_reduced = false;          // rows stand for documents, where they are enough
};

struct Estimate {
  std::string mode;                 // changes | full | since
  std::vector<PhaseEstimate> phases;
  std::optional<std::int64_t> run_cap;   // of the budget for all calls of a run, where it is a number
  [[nodiscard]] std::int64_t at_least() const;
  [[nodiscard]] std::int64_t at_most() const;
  [[nodiscard]] std::optional<std::int64_t> if_all_changed() const;
};

Result<Estimate> estimate_sync(storage::Connection& connection, const Setup& setup, const RunRequest& request);

}  // namespace berth::runs
