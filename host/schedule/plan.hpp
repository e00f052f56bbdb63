#pragma once
// What stands in storage about when one integration runs, and what follows from that: the one answer that the scheduler acts on
// and that people are shown.
//
//   const Facts facts = BERTH_TRY(facts_of(connection, "zoho_acme", clock.now(), is_dead_owner));
//   const Plan plan = plan_of(facts, declared, phases, Options{}.jitter_percent);
//
// All times are those that the hosts of a database agree on (Connection::shared_now). Any thread. Errors of facts_of: storage's;
// the rest is pure.
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/config.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/commands.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::schedule {

/// Whether the process that the owner of a lease stands for is certainly gone; empty: nobody is ever known to be.
using IsDeadOwner = std::function<bool(std::string_view owner)>;

/// A jitter of a tenth of the interval, later, so that hosts do not move in step.
inline constexpr int kJitterPercent = 10;

struct Facts {
  Instant now;                             // the moment for which all this holds
  std::optional<storage::Integration> row;
  std::vector<storage::Command> asked;
  std::vector<storage::PhaseCursor> cursors;
  std::set<std::string> left_over;         // phases of the newest run that did not end well for a reason that passes
  Instant leased_until;                    // 0: nobody who may be alive runs it
  bool has_run_ahead = false;              // one of the newest runs ended at a moment that has not come: a clock was ahead
};
Result<Facts> facts_of(storage::Connection& connection, const std::string& integration, Instant of_machine, const IsDeadOwner& is_dead_owner);

/// Why nothing runs by itself, whatever is due.
struct Standstill {
  enum class Why { kNone, kUnknown, kPaused, kDisabled, kNotConnected, kNeedsReauth, kWaits };
  Why why = Why::kNone;
  Instant until{};   // of kWaits; the others last until a person acts
  [[nodiscard]] bool needs_person() const { return why != Why::kNone && why != Why::kWaits; }
};
[[nodiscard]] Standstill standstill_of(const Facts& facts);

struct PhasePlan {
  std::string phase;
  Instant last_started;           // 0: never
  Instant due;                    // not after facts.now: at once
};

/// A comparison of all ids.
struct ComparisonPlan {
  std::string phase;
  bool is_under_way = false;      // it was cut, and goes on
  Instant last_started, last_complete;
  std::optional<Instant> due;     // nothing: the list of the phase has to be read whole first
};

struct Plan {
  std::vector<PhasePlan> phases;              // that are switched on, in the plugin's order
  std::vector<ComparisonPlan> comparisons;    // none where the schedule does not name `archiving`
};
[[nodiscard]] Plan plan_of(const Facts& facts, const config::Integration& declared, const std::vector<runs::Phase>& phases, int jitter_percent);

/// How much later than `wait` a phase that began at `last` is due; the same for the same phase and start, so that looking
/// twice gives one answer. A share of the wait, and at most a minute where a clock says the time.
[[nodiscard]] std::chrono::milliseconds jitter_of(std::string_view integration, std::string_view phase, Instant last,
                                                  std::chrono::milliseconds wait, int percent, bool is_by_clock);
/// When a phase that began at `last` is due again.
[[nodiscard]] Instant next_due(const config::Integration& declared, std::string_view phase, Instant last, std::string_view zone, int jitter_percent);

}  // namespace berth::schedule
