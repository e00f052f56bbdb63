#pragma once
// The run engine: one sync run of one integration, from the lease to the report.
//
//   Engine engine({...});
//   RunReport report = BERTH_TRY(engine.run(setup, access, {.trigger = "command"}, stop));
//
// A run takes the phases in order, in slices of at most kSliceMax; after each slice everything captured is applied. It
// may be killed at any moment: what is committed stays, the next run goes on at the last checkpoint.
//
// Threads: run() and apply() may be called by several threads for different integrations; the lease keeps two of them from
// running the same one.
//
// Errors of run() (a run that began always ends with a report instead):
//   runs.not_connected   no tokens yet: connect first
//   runs.paused, runs.disabled   the integration is paused or disabled
//   plugin.crash_loop    it is paused because its plugin crashed too often
//   runs.busy            another process or thread runs it now
//   runs.phase_unknown   the request names a phase that the plugin does not have, or that is not switched on
//   runs.since_invalid   `since` is no date
//   storage.lease_lost   another host has taken the integration over meanwhile; what was committed before stays
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <set>
#include <string>
#include <vector>

#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/http/api_client.hpp"
#include "host/ledger/books.hpp"
#include "host/plugins/runner.hpp"
#include "host/runs/apply.hpp"
#include "host/runs/capture.hpp"
#include "host/runs/remap.hpp"
#include "host/runs/report.hpp"
#include "host/runs/retry.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"
#include "host/telemetry/log.hpp"
#include "host/telemetry/metrics.hpp"

namespace berth::runs {

inline constexpr std::chrono::milliseconds kSliceMax{5 * 60'000};
/// Rounds in which references found while applying are fetched within the same run.
inline constexpr int kFollowUpRoundsMax = 3;

/// How to reach the remote system of one integration; outlives the run.
struct RemoteAccess {
  http::TokenSource* tokens = nullptr;
  std::shared_ptr<http::QuotaGate> gate; // shared by all integrations of the remote organisation
  std::string quota_key;                 // under which the database of the run keeps its state; "": another one keeps it
  std::vector<std::string> sharers{};    // other integrations that draw on the same quota and run by themselves
  http::ErrorRules rules;
  bool allow_http_loopback = false;
  /// What a refusal of the tokens may come from: the tokens of one data centre used at another. "" if they fit.
  std::string data_center_mismatch;
};

struct RunRequest {
  std::string trigger = "command";       // schedule | command | api | connect
  std::vector<std::string> phases;       // empty: all that are enabled
  bool full = false;                     // list everything and compare
  std::string since;                     // a date: list what changed since then, once, whatever the watermark says
  std::vector<std::int64_t> commands{};  // queued ones that this run answers; gone once it has begun
  std::vector<std::string> sweep{};      // phases whose ids are compared after that, as far as their budget goes
  bool only_sweep = false;               // and nothing else
};

class Engine {
 public:
  struct Dependencies {
    storage::Database& database;
    http::Transport& transport;
    plugins::PluginRunner& runner;
    Clock& clock;
    Random& random;
    telemetry::Log log;
    const ledger::Companies& companies;
    std::string owner;                   // of leases: names this process
    /// Whether the process that such a name stands for is certainly gone: one of this machine that ended. Its lease need
    /// not run out first. Empty: nobody is ever known to be gone.
    std::function<bool(std::string_view owner)> is_dead_owner{};
    telemetry::Metrics* metrics = nullptr;   // nullptr: nothing is counted
    RetryPolicy retry{};
    std::chrono::milliseconds lease_ttl = kLeaseTtl;
  };
  explicit Engine(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  Result<RunReport> run(const Setup& setup, const RemoteAccess& access, const RunRequest& request, std::stop_token stop,
                        const OnProgress& on_progress = {});
  /// Notes a run that could not begin, because its plugin could not be opened or it has no tokens: a run with that outcome,
  /// and the wait before the next one. A crash answers the queued commands of the request; else they stay, and are noted
  /// once. What refuses for a moment (runs.busy) is not noted. Errors: storage's.
  Status note_not_begun(std::string_view integration, const RunRequest& request, const Error& error,
                        const std::optional<plugins::Crash>& crash);
  /// Applies what is pending, with no remote call. Errors: runs.busy, storage's.
  Result<ApplyResult> apply(const Setup& setup, std::stop_token stop);
  /// Applies the rules of the setup to all stored records that other rules decided, with no remote call, and tells which
  /// ones changed; remap.hpp says more. Errors: runs.busy, storage's, and what `on_change` returns.
  Result<Remapped> remap(const Setup& setup, const RemapRequest& request, const OnRecordChange& on_change, std::stop_token stop);
  /// What remap() would change, without a change: the same in a copy of the books that is thrown away. Nobody waits for it.
  /// Errors: storage.scratch_space, storage's, and what `on_change` returns.
  Result<Remapped> foretell(const Setup& setup, const RemapRequest& request, const OnRecordChange& on_change, std::stop_token stop);
  /// An engine like this one that works on another database, such as a Scratch.
  [[nodiscard]] Engine over(storage::Database& database) const;
  /// The same; where somebody runs the integration now, it is queued for the end of that run: false. Errors: storage's.
  Result<bool> apply_or_queue(const Setup& setup, std::stop_token stop);
  /// Lists the organisations the fresh tokens can see, through the plugin. Errors: the plugin's and the remote's.
  Result<std::vector<plugins::Organization>> organizations(const Setup& setup, const RemoteAccess& access, std::stop_token stop);
  /// One cheap call that proves that credentials and remote work.
  Status check(const Setup& setup, const RemoteAccess& access, std::stop_token stop);

 private:
  struct Running;
  [[nodiscard]] std::string new_owner() const;
  Result<HeldLease> take_lease(const Setup& setup);
  Status note_rules_in_force(storage::Connection& connection, const Setup& setup);
  void give_lease(const HeldLease& lease);
  Result<bool> take_queued_work(const HeldLease& lease);
  Result<storage::Integration> ready(const Setup& setup, const RunRequest& request);
  Status open_run(Running& running);
  Status apply_late(const Setup& setup, std::stop_token stop);
  Status run_phases(Running& running);
  Status run_round(Running& running, const std::string& mode);
  Status run_phase(Running& running, const Phase& phase, PhaseReport& report, const std::string& mode,
                   const std::vector<std::string>& ids);
  Result<storage::PhaseCursor> begin_slice(const Running& running, const Phase& phase, const std::string& mode,
                                           const std::string& own_cursor);
  static std::string plan_json(const Running& running, const std::string& mode, const std::vector<std::string>& ids, bool goes_on);
  struct SliceEnd {
    std::string cursor;                                // of the last checkpoint; "" before the first
    std::set<std::string, std::less<>> answered;       // ids of documents that came, or about which the plugin has said why not
  };
  Status run_slice(Running& running, const Phase& phase, PhaseReport& report, const std::string& mode, const storage::PhaseCursor& cursor, const std::string& plan,
                   Instant deadline, SliceEnd& end);
  Status run_sweeps(Running& running);
  Status sweep_phase(Running& running, const Phase& phase);
  Status confirm_gone(Running& running);
  Status confirm_gone_of(Running& running, const Phase& phase);
  Status follow_up(Running& running);
  Status share_the_day(Running& running);
  // Of engine_backfill.cpp.
  static bool is_history_asked_for(const Running& running);
  Status begin_history(Running& running);
  Status pull_history(Running& running);
  Status list_history(Running& running);
  Status list_history_of(Running& running, const Phase& phase);
  Status fetch_history(Running& running, const std::set<std::string, std::less<>>& files);
  static Status end_history(storage::Connection& connection, Running& running);
  [[nodiscard]] bool is_history_due_later(const Running& running) const;
  Status apply_slice(Running& running);
  static bool count_records(Running& running, bool is_whole);
  Status count_derived(Running& running);
  Status count_reduced(Running& running);
  Status finish(Running& running, const Status& ended);
  Status decide_next(storage::Connection& connection, const storage::Integration& integration, const Error* error, RunReport& report);
  Status mark_crash_loop(storage::Connection& connection, const RunReport& report);
  template <class Call>
  auto with_plugin(const Setup& setup, const RemoteAccess& access, std::stop_token stop, Call call)
      -> decltype(call(std::declval<plugins::PluginInstance&>()));

  Dependencies dependencies_;
};

/// Whether the phases and the date of a request are ones that the integration has. Errors: runs.phase_unknown,
/// runs.since_invalid.
Status check_request(const Setup& setup, const RunRequest& request);

/// The configuration JSON that the plugin is created with.
[[nodiscard]] std::string plugin_config(const Setup& setup, const storage::Integration& integration);

}  // namespace berth::runs
