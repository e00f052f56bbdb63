#pragma once
// The host's side of the boundary, in front of the Services of a run: checks everything a plugin passes, keeps what is
// wrong with a posted call for the next call that has an answer, and counts what was emitted since the last checkpoint.
//
// Posted calls (log, emit, need_detail, attach, progress) never fail by themselves. Once one of them was refused the
// phase cannot end well: every later call that has an answer gives the same error, and so does the phase, because
// committing a cursor past a lost record would lose it for good. What was checkpointed before stays.
//
// Threads: log, should_stop and now: any; everything else: the thread of the current call. Owned by a runner's
// instance. Errors: those of boundary.hpp, sdk.checkpoint_overdue, sdk.no_phase, and those of the services.
#include <atomic>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugins/boundary.hpp"
#include "host/plugins/descriptor.hpp"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

class Gate final : public Services {
 public:
  explicit Gate(Services& services) : services_(services) {}

  /// Known once the library is loaded; before that no ref passes.
  void set_descriptor(Descriptor descriptor) { descriptor_ = std::move(descriptor); }
  [[nodiscard]] const Descriptor& descriptor() const { return descriptor_; }

  // One call of the plugin: begin_call or begin_phase, the call, end_call.
  void begin_call(std::stop_token stop);
  void begin_phase(const PhaseRun& run, std::stop_token stop);
  /// What the call comes to: the plugin's answer, unless a posted call was refused and the plugin says that all is
  /// well. An error that a service gave and the plugin passed on gets back the code it had.
  [[nodiscard]] Status end_call(Status answer);

  /// The reason of the first posted call that was refused in this call; empty: none.
  [[nodiscard]] std::string refused_reason() const { return refused_ ? refused_->reason : std::string(); }
  /// Keeps an error for the next answer, as if a posted call had been refused.
  void refuse_posted(Error error);
  /// "GET /invoices/46", of the last request that was asked for; empty: none yet.
  [[nodiscard]] const std::string& last_request() const { return last_request_; }
  [[nodiscard]] const std::string& phase() const { return phase_; }
  /// The end of the slice; nothing outside of a phase.
  [[nodiscard]] std::optional<Instant> deadline() const { return deadline_; }

  void log(int level, std::string_view message, std::string_view fields_json) override;
  Status send_batch(std::span<const HttpRequest> requests, const std::function<bool(HttpReply&&)>& on_reply) override;
  Status add_calls(std::span<const HttpRequest> requests) override;
  Status take_replies(const std::function<void(HttpReply&&)>& on_reply) override;
  void stop_calls() override;
  Status emit(EmittedRecord&& record) override;
  Status checkpoint(std::string_view cursor_json, bool pass_complete) override;
  Result<std::vector<KnownAs>> known(std::span<const Ref> refs) override;
  Status need_detail(const Ref& ref, std::int32_t priority) override;
  Result<std::vector<Wanted>> next_details(std::uint32_t n) override;
  Status attach(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) override;
  /// Also true when the call was asked to stop or its slice has ended.
  bool should_stop() override;
  Instant now() override { return services_.now(); }
  void progress(std::int64_t done, std::int64_t total_or_minus_1) override;

 private:
  [[nodiscard]] Status posted_so_far() const;
  [[nodiscard]] Status needs_phase() const;
  Status remember(Status answer);
  Status try_emit(EmittedRecord&& record);
  Status try_need_detail(const Ref& ref, std::int32_t priority);

  Services& services_;
  Descriptor descriptor_;
  std::stop_token stop_;
  std::optional<Instant> deadline_;
  std::string phase_;  // empty outside of run_phase
  std::string last_request_;
  std::optional<Error> refused_;       // the first refusal of a posted call in this call
  std::optional<Error> last_failure_;  // the last error that a service gave
  std::map<std::uint32_t, std::string> under_way_;  // request lines of the stream, by index
  std::uint32_t added_ = 0;                         // to the stream, in this phase
  std::size_t records_ = 0;            // since the last checkpoint; so the next four
  std::size_t record_bytes_ = 0;
  std::size_t wanted_ = 0;
  std::size_t files_ = 0;
  std::size_t file_bytes_ = 0;
  std::atomic<std::size_t> log_lines_{0};  // in this call
};

}  // namespace berth::plugins
