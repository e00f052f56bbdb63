#pragma once
// CAPTURE: the host's side of one run_phase. What the plugin emits, wants and attaches is gathered here and committed at
// each checkpoint in one transaction together with the cursor, valid only while the lease is still ours. Nothing is
// applied here.
//
// One object for one phase and slice; used on the thread that runs the phase (should_stop, now and log: any thread).
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/core/time.hpp"
#include "host/http/api_client.hpp"
#include "host/plugins/runner.hpp"
#include "host/runs/backfill.hpp"
#include "host/runs/day_calls.hpp"
#include "host/runs/lease.hpp"
#include "host/runs/report.hpp"
#include "host/runs/setup.hpp"
#include "host/runs/timing.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/database.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/records.hpp"
#include "host/telemetry/log.hpp"

namespace berth::runs {

using OnProgress = std::function<void(std::string_view phase, std::int64_t done, std::int64_t total_or_minus_1)>;

/// Sends what a plugin asks for through the API client and hands the answers back in the plugin's form.
Status send_for_plugin(http::ApiClient& api, std::span<const plugins::HttpRequest> requests, std::stop_token stop,
                       const std::function<bool(plugins::HttpReply&&)>& on_reply, std::string_view list_cost = {});

class CaptureSession final : public plugins::Services {
 public:
  struct Dependencies {
    storage::Database& database;
    http::ApiClient& api;
    http::QuotaGate& gate;
    Clock& clock;
    telemetry::Log log;
    const Setup& setup;
    HeldLease lease;
    LeaseKeeper& keeper;
    std::string quota_key;              // under which the gate's state is kept in this database; "": in another
    DayCalls& day;                      // calls of the day that the integration has made
    Instant& foretold;                  // when the forecast was last computed in this run
    OnProgress on_progress;
    std::optional<Window> window;       // of the history that is listed
    std::optional<storage::detail_queue::Filter> queue;   // what of the queue is given out; nothing: none of it
    storage::detail_queue::HandedOut& refused;   // what the remote refused in this run; a later slice does not ask again
  };
  /// `cursor` is that of the pass under way; a session of mode "ids" has none to move (mode decides).
  CaptureSession(Dependencies dependencies, const Phase& phase, storage::PhaseCursor cursor, PhaseReport& report,
                 Instant deadline, std::stop_token stop);

  void log(int level, std::string_view message, std::string_view fields_json) override;
  Status send_batch(std::span<const plugins::HttpRequest> requests,
                    const std::function<bool(plugins::HttpReply&&)>& on_reply) override;
  Status add_calls(std::span<const plugins::HttpRequest> requests) override;
  Status take_replies(const std::function<void(plugins::HttpReply&&)>& on_reply) override;
  void stop_calls() override;
  Status emit(plugins::EmittedRecord&& record) override;
  Status checkpoint(std::string_view cursor_json, bool pass_complete) override;
  Result<std::vector<plugins::KnownAs>> known(std::span<const plugins::Ref> refs) override;
  Status need_detail(const plugins::Ref& ref, std::int32_t priority) override;
  Result<std::vector<plugins::Wanted>> next_details(std::uint32_t n) override;
  Status attach(const plugins::Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) override;
  bool should_stop() override;
  Instant now() override { return dependencies_.clock.now(); }
  void progress(std::int64_t done, std::int64_t total_or_minus_1) override;

  /// After a run_phase that ended well: counts an attempt for each queue entry that was handed out and brought nothing;
  /// a document that was tried too often is failed with the remote's last error. Errors: storage's.
  Status settle_queue();
  /// After one that ended early: the same for those alone about which the plugin has said why they did not come. Otherwise
  /// documents that the remote refuses would stay the first of the queue. Errors: storage's.
  Status settle_refused();
  /// After one that ended because the remote failed at one document after the other: those are put behind the others, so
  /// that documents which never come do not keep all others away. True if there were any. Errors: storage's.
  Result<bool> put_off_failed();

  /// A sweep found more missing records than the brake lets through.
  [[nodiscard]] bool brake_pulled() const { return brake_pulled_; }
  [[nodiscard]] bool pass_completed() const { return pass_completed_; }
  /// The cursor of the last checkpoint; "" before the first.
  [[nodiscard]] const std::string& last_cursor() const { return last_cursor_; }
  /// Remote ids of documents that were committed, or about which the plugin has said why they did not come.
  [[nodiscard]] std::set<std::string, std::less<>> answered() const;
  [[nodiscard]] const std::optional<Error>& storage_failure() const { return storage_failure_; }
  /// Set when a checkpoint found that a person has paused or disabled the integration meanwhile; the phase ends then.
  [[nodiscard]] const std::optional<Error>& halted() const { return halted_; }

 private:
  /// In a failed record's facts: the version whose detail could not be had. Lists show it again; only another is asked for.
  static constexpr std::string_view kGaveUp = "gave_up";

  void note(std::string_view message, std::string_view fields_json);
  void learn_time(const plugins::HttpReply& reply);
  bool keeps_lease();
  /// A comparison of all ids has a budget of its own.
  [[nodiscard]] std::string_view list_cost() const { return cursor_.mode == "sweep" ? kArchiving : std::string_view(); }
  struct Need {
    plugins::Ref ref;
    std::int32_t priority = 0;
  };
  struct Link {
    plugins::Ref ref;
    std::string name, media_type, hash;
    std::string bytes;   // until they are stored, which gives the hash
  };
  Status commit(storage::Connection& connection, std::string_view cursor_json, bool pass_complete);
  enum class Settle { kAll, kRemoteFailing, kRefused };
  Result<bool> settle(Settle which);
  Status store_files(storage::Connection& connection);
  Status commit_record(storage::Connection& connection, const plugins::EmittedRecord& record);
  Status commit_deleted(storage::Connection& connection, const plugins::EmittedRecord& record);
  Status commit_offers(storage::Connection& connection, const plugins::EmittedRecord& record, json::Value detail);
  Status commit_need(storage::Connection& connection, const Need& need);
  Status want_files_of_row(storage::Connection& connection, const Phase& phase, const storage::Record& record);
  Status commit_wanted_files(storage::Connection& connection, const plugins::EmittedRecord& record, const json::Value& document,
                             const std::string& cause);
  Status wake_whoever_forced(storage::Connection& connection, const plugins::Ref& ref);
  Status finish_entry(storage::Connection& connection, const plugins::Ref& ref, std::uint32_t want);
  Status compare_pass(storage::Connection& connection);
  Status ask_for_shown_again(storage::Connection& connection);
  std::int64_t calls_today();
  Status advance_history(storage::Connection& connection, bool pass_complete);
  Status foretell(storage::Connection& connection);
  [[nodiscard]] std::vector<std::string> only_seen();
  Status see_pause(storage::Connection& connection);
  [[nodiscard]] std::optional<Instant> version_time(std::string_view entity, std::string_view version) const;
  [[nodiscard]] Error kept(Error error);

  Dependencies dependencies_;
  const Phase& phase_;
  storage::PhaseCursor cursor_;
  PhaseReport& report_;
  const Instant deadline_;
  const std::stop_token stop_;
  const bool are_files_wanted_;
  const Instant began_;                                      // before the first call
  const std::chrono::steady_clock::time_point began_steady_ = std::chrono::steady_clock::now();
  Instant remote_began_;                                     // the same by the remote's clock; 0: no answer has told its time
  storage::detail_queue::HandedOut handed_out_;
  std::set<std::string, std::less<>> confirming_;       // remote ids handed out to confirm a deletion
  std::map<std::pair<std::string, std::uint32_t>, storage::QueuedDetail> open_entries_;   // handed out, brought nothing yet

  // Since the last checkpoint:
  std::vector<plugins::EmittedRecord> emitted_;
  std::unordered_map<std::string, std::pair<std::string, plugins::KnownAs>> emitted_known_;   // entity/id → version
  std::vector<Need> needs_;
  std::vector<Link> links_;
  std::size_t held_bytes_ = 0;   // of files that are not stored yet
  std::vector<std::string> seen_;

  std::unique_ptr<http::ApiStream> stream_;   // opened with the first calls that are added
  std::int64_t list_total_ = -1;              // rows that the remote says the list has; -1: it does not
  std::string last_cursor_;
  std::set<std::string, std::less<>> committed_ids_;   // of a pass by id
  bool brake_pulled_ = false;
  bool pass_completed_ = false;
  std::optional<Error> storage_failure_;
  std::optional<Error> halted_;
  std::atomic<bool> is_halted_ = false;   // the same, for any thread
  std::map<std::string, PhaseNote, std::less<>> noticed_;  // by remote id: the last thing noticed about it
};

}  // namespace berth::runs
