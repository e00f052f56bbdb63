#pragma once
// What a run did, phase by phase: the numbers behind `berth sync`, `berth run show` and GET /api/v1/runs/{id}.
// Plain data.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "berth/json.hpp"
#include "host/core/time.hpp"
#include "host/http/budget.hpp"
#include "host/http/call_report.hpp"
#include "host/plugins/runner.hpp"

namespace berth::runs {

enum class RunOutcome { kSucceeded, kNothingChanged, kIncomplete, kRateLimited, kFailed, kCrashed, kCancelled };
/// "succeeded", "nothing_changed", ... as the database, JSON and the command line print it.
[[nodiscard]] std::string_view to_string(RunOutcome outcome);

/// Calls of a phase by kind, as sent (repeats included).
struct CallCounts {
  std::int64_t list = 0, detail = 0, file = 0, other = 0;
  [[nodiscard]] std::int64_t total() const { return list + detail + file + other; }
  void add(const CallCounts& more) {
    list += more.list;
    detail += more.detail;
    file += more.file;
    other += more.other;
  }
};

/// Something that the connector noticed and went on from: a record it could not read, a list that lost rows.
struct PhaseNote {
  std::string reason, message;  // of the last one
  std::string about;            // the record and what was wrong with it, of the last one
  std::int64_t times = 0;
};
inline constexpr std::size_t kPhaseNotesMax = 16;   // kinds

/// The comparison of all ids of a phase (`archiving` in a schedule). Its calls count in the row of the phase, too.
struct SweepReport {
  std::string outcome;             // "": there was none | complete | incomplete (the next one goes on) | braked
  std::int64_t listed = 0;         // rows compared in this run
  std::int64_t list_calls = 0;
  std::int64_t missing = 0;        // what a comparison that is complete did not find
  std::int64_t confirming_calls = 0;   // one for each that is missing, to ask whether it is gone
};

/// Documents that are known by their list rows alone (`pull: reduced`), and what they lack for that.
struct ReducedReport {
  std::vector<std::string> missing;   // as the connector names it: "line_items"; none: the phase is pulled in full
  std::int64_t documents = 0;         // that are stored, after the run
};

struct PhaseReport {
  std::string phase;
  std::string entity;
  std::string outcome;             // succeeded | incomplete | rate_limited | failed | crashed | cancelled | not_begun | derived
  std::string reason, message;     // where it is not succeeded
  std::int64_t listed = 0;         // rows seen in lists
  std::int64_t fetched = 0;        // details received
  std::int64_t parts = 0;          // further answers kept beside details
  std::int64_t files = 0;          // attachments stored
  std::int64_t unchanged = 0;      // rows that were known already
  std::int64_t gone = 0;           // documents that the remote has no more, for certain
  SweepReport sweep;
  ReducedReport reduced;
  std::int64_t posted = 0, parked = 0, skipped = 0, failed = 0, ignored = 0;   // records that this run moved there
  CallCounts calls;
  CallCounts fewest;               // fewest calls that could have brought the same (lower_bound.hpp)
  std::int64_t wall_ms = 0;
  std::vector<PhaseNote> notes;    // by reason
};

struct RunReport {
  std::string run;
  std::string integration;
  std::string trigger;
  RunOutcome outcome = RunOutcome::kSucceeded;
  std::string reason, message;
  Instant started, ended;
  bool is_history_done = false;    // this run completed the history (docs/decisions/0018)
  bool is_crash_loop = false;      // this crash was one too many: the integration is paused
  Instant next_attempt;            // when it goes on by itself; 0: as scheduled
  std::vector<PhaseReport> phases;
  std::vector<http::BudgetUse> budgets;    // what of them was used
  json::Value forecast;                    // what is still to be called, and until when (forecast.hpp); null: not foretold
  std::vector<http::RemoteError> errors;   // of the remote, whole
  std::string last_request;
  std::optional<plugins::Crash> crash;     // how the worker ended, where it did
  std::string system_call_filter;          // "on", or "off: ..." with the reason; "" where no plugin was opened
  [[nodiscard]] json::Value to_json() const;
};

/// {"signal":11,"signal_name":"Segmentation fault","exit_code":0,"phase":"invoices",...}
[[nodiscard]] json::Value crash_json(const plugins::Crash& crash);
/// What crash_json() made, for people: "signal 11 (Segmentation fault) in phase invoices, last request GET /invoices/46".
[[nodiscard]] std::string crash_text(const json::Value& crash);

}  // namespace berth::runs
