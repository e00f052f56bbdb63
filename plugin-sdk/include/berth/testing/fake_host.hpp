#pragma once
// A host for tests of connectors: scripted HTTP, a clock that stands still until it is moved, records, queue and
// cursors kept as a real host keeps them, and ways to cut a run anywhere. It also checks the connector: what breaks the
// rules of the boundary (no checkpoint in time, host calls inside a reply, bad paths) is answered with BERTH_INTERNAL
// and a reason that begins with "fake_host.".
//
//   berth::testing::FakeHost host;
//   host.serve = [](const auto& request) { return berth::testing::Answer::json(R"({"things":[]})"); };
//   const auto outcome = host.run([&](const berth::Run& run) { berth::pull(host.host(), config, run); }, "things",
//   "changes");
//
// One thread.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/connector.hpp"
#include "berth/host.hpp"

namespace berth::testing {

/// What the script makes of one request.
struct Answer {
  std::int32_t status = BERTH_OK;  // anything else: no response, `reason` is the error
  std::string reason;
  std::int64_t retry_after_ms = -1;
  Response response;

  static Answer json(std::string body, std::int32_t http_status = 200);
  static Answer gone();  // 404 that the rules call BERTH_VERDICT_GONE
  static Answer refused(std::string code, std::int32_t http_status = 400);
  static Answer failure(std::int32_t status, std::string reason, std::int64_t retry_after_ms = -1);
};

struct Stored {
  std::string row_version, row;  // from a list
  std::string detail_version, detail;
  std::map<std::string, std::string> parts;
  std::map<std::string, std::string> files;
  bool deleted = false;
  bool operator==(const Stored&) const = default;
};

struct LogLine {
  Level level = Level::kInfo;
  std::string message;
  json::Value fields;
};

struct Outcome {
  std::int32_t status = BERTH_OK;
  std::string reason;
  std::string message;
  std::int64_t retry_after_ms = -1;
};

class FakeHost {
 public:
  FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost();

  /// The C tables, for plugins; and the same as C++ code sees them.
  [[nodiscard]] const berth_host* c_host() const;
  [[nodiscard]] Host host() const { return Host(c_host()); }

  std::function<Answer(const Request&)> serve;
  std::int64_t now_ms = 0;
  std::int64_t ms_per_request = 0;
  /// Replies of a batch come last one first, and of the calls that were added the last one is answered first.
  bool reverse_replies = false;
  /// Without: a host that has batches only.
  bool has_stream = true;
  /// The n-th checkpoint (from 1) fails and nothing since the one before is kept, as if the process had died. 0: never.
  int cut_at_checkpoint = 0;
  /// After so many requests the host wants to stop and starts no more. -1: never.
  int stop_after_requests = -1;
  /// Of these entities a detail is asked for once in the life of a record.
  std::set<std::string, std::less<>> once_per_record;

  // What happened.
  std::vector<Request> requests;
  std::vector<LogLine> logs;
  std::map<std::pair<std::string, std::string>, Stored> records;       // by entity and id; committed
  std::map<std::pair<std::string, std::string>, std::string> cursors;  // by phase and mode; committed
  std::set<std::string> seen;                                          // ids seen in the last pass that was completed
  int checkpoints = 0;
  int passes_completed = 0;

  [[nodiscard]] std::size_t count(CallKind kind) const;
  [[nodiscard]] std::size_t logged(std::string_view reason) const;
  [[nodiscard]] const Stored* find(std::string_view entity, std::string_view id) const;
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  /// Puts an entry into the queue as the host itself does, for a webhook or a missing file.
  void want(Ref ref, bool detail, bool attachments, std::int32_t priority);
  /// Forgets requests, logs and counters, not what is stored.
  void forget_calls();

  /// One run_phase with the cursor of that phase and mode. `plan` holds further members of the plan.
  Outcome run(const std::function<void(const Run&)>& body, std::string_view phase, std::string_view mode,
              const json::Value& plan = json::Value::object(), std::int64_t deadline_ms = 0);

 private:
  friend struct FakeTables;
  struct Entry {
    Ref ref;
    bool detail = false;
    bool attachments = false;
    std::int32_t priority = 0;
    std::uint64_t order = 0;
    bool handed_out = false;
  };
  using Key = std::pair<std::string, std::string>;

  void begin_run();
  void drop_uncommitted();
  Answer answer(const Request& request);
  Outcome deliver(const Request& request, std::uint32_t index, void* ctx, berth_http_reply_fn reply, bool& goes_on);
  void deliver_unsent(std::uint32_t index, void* ctx, berth_http_reply_fn reply);
  std::int32_t emit(const berth_record& record, berth_error* error);
  std::int32_t checkpoint(std::string_view cursor, bool complete, berth_error* error);
  Known known(const Ref& ref) const;
  void need_detail(const Ref& ref, std::int32_t priority);
  std::vector<Wanted> next_details(std::uint32_t n);
  std::int32_t attach(const Ref& ref, std::string_view name, std::string_view bytes);
  void settle(const Key& key);

  struct Added {
    Request request;
    std::uint32_t index = 0;
  };
  struct Tables;
  std::unique_ptr<Tables> tables_;
  std::vector<Added> under_way_;
  std::uint32_t added_ = 0;
  bool is_stream_stopped_ = false;
  std::map<Key, Stored> pending_;  // as it will be after the next checkpoint; only what changed
  std::map<Key, Entry> queue_;
  std::vector<Entry> pending_queue_;
  std::set<Key> settled_detail_, settled_files_;
  std::set<std::string> pending_seen_;
  std::map<Key, std::set<std::string>> seen_so_far_;  // by phase and mode, as cursors are
  std::size_t pending_records_ = 0;
  std::size_t pending_bytes_ = 0;
  std::uint64_t order_ = 0;
  bool in_reply_ = false;
  bool dead_ = false;
  Key running_;
};

}  // namespace berth::testing
