#pragma once
// A worker's end of the pipe: a reader thread that sorts what the host sends, and the Services that a plugin's tables
// call there, which turn into frames.
//
// The reader keeps the stop flag, so asking it costs nothing, and ends the process at once when the pipe ends: that is
// how a worker learns that its host is gone. Posted calls are gathered to kGatherBytes or kGatherAge. Threads: send,
// post, call: any; next_call: the run thread (the one that made the link). Lives until the process ends.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "host/core/result.hpp"
#include "host/plugins/frame.hpp"
#include "host/plugins/runner.hpp"
#include "host/plugins/worker_lock.hpp"

namespace berth::plugins {

class HostLink {
 public:
  static constexpr std::size_t kGatherBytes = 256u << 10u;
  static constexpr std::chrono::milliseconds kGatherAge{500};

  explicit HostLink(PipeEnds ends);
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  /// A call without an answer. Sent later with others, unless `at_once`.
  void post(Name name, std::string_view arguments, bool at_once = false);
  /// A call with an answer. `on_call` handles what the host calls meanwhile; only on the run thread.
  Result<std::string> call(Name name, std::string_view arguments,
                           const std::function<void(const Frame&)>& on_call = {});
  void give_back(std::uint32_t id, const Result<std::string>& results);
  /// The next call of the host; waits as long as it takes.
  Frame next_call();
  [[nodiscard]] bool stop_requested() const { return stop_; }

 private:
  void read_all(int from_host);
  void take(Frame frame);
  void send(std::string_view frame, bool at_once);
  void write_out();

  const int to_host_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint32_t> last_id_{0};

  std::mutex out_mutex_;  // guards the next two
  std::string out_;
  std::chrono::steady_clock::time_point last_write_;

  std::mutex in_mutex_;  // guards the next two
  std::deque<Frame> calls_;
  std::map<std::uint32_t, Frame> returns_;
  std::condition_variable arrived_;
  std::thread reader_;
};

/// The host's services as a plugin in a worker reaches them. Sizes are checked here, before anything is copied; the
/// host checks everything again.
class RemoteServices final : public Services {
 public:
  explicit RemoteServices(HostLink& link) : link_(link), run_thread_(std::this_thread::get_id()) {}
  void log(int level, std::string_view message, std::string_view fields_json) override;
  Status send_batch(std::span<const HttpRequest> requests, const std::function<bool(HttpReply&&)>& on_reply) override;
  Status add_calls(std::span<const HttpRequest> requests) override;
  Status take_replies(const std::function<void(HttpReply&&)>& on_reply) override;
  void stop_calls() override { link_.post(Name::kStopCalls, {}, true); }
  Status emit(EmittedRecord&& record) override;
  Status checkpoint(std::string_view cursor_json, bool pass_complete) override;
  Result<std::vector<KnownAs>> known(std::span<const Ref> refs) override;
  Status need_detail(const Ref& ref, std::int32_t priority) override;
  Result<std::vector<Wanted>> next_details(std::uint32_t n) override;
  Status attach(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) override;
  bool should_stop() override { return link_.stop_requested(); }
  Instant now() override;
  void progress(std::int64_t done, std::int64_t total_or_minus_1) override;

 private:
  /// Sends a posted call, or the refusal of one whose arguments are too large to be sent.
  Status post_checked(const Status& check, Name name, const std::function<void(Encoder&)>& fill);

  HostLink& link_;
  const std::thread::id run_thread_;
  std::optional<Instant> reply_time_;  // while a reply is handled: asking the host would wait for the whole batch
};

}  // namespace berth::plugins
