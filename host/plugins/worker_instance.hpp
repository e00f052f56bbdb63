#pragma once
// A plugin in a worker process, seen from the host: sends calls, serves what the plugin calls meanwhile, watches
// deadline, silence and stop, and turns every way of ending into an error.
//
// Everything runs on the thread that made the call. Errors of any call besides the plugin's own: plugin.crashed,
// plugin.out_of_memory, plugin.cpu_limit, plugin.hang, plugin.deadline, plugin.flood, plugin.protocol,
// plugin.worker_failed; after one of them the instance is of no use and gives plugin.crashed.
// The worker is not believed: a plugin shares its memory, and may write to the pipe what it likes.
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugins/frame.hpp"
#include "host/plugins/gate.hpp"
#include "host/plugins/library_file.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/runner.hpp"
#include "host/plugins/worker_process.hpp"

namespace berth::plugins {

class WorkerInstance final : public PluginInstance {
 public:
  /// Replies of a batch that are with the plugin at the same time, and their bytes.
  static constexpr std::size_t kReplyWindow = 16;
  static constexpr std::size_t kReplyWindowBytes = 32u << 20u;
  static constexpr std::size_t kStderrLinesMax = 1'000;  // per call, into the log; the rest is counted

  WorkerInstance(std::unique_ptr<WorkerEnd> process, std::string plugin_id, Services& services,
                 const WorkerOptions& options);
  ~WorkerInstance() override;

  /// Loads the library in the worker and takes its descriptor.
  Status load(const OpenRequest& request, std::stop_token stop);
  Status create(const OpenRequest& request, std::stop_token stop);
  [[nodiscard]] const Descriptor& descriptor() const { return gate_.descriptor(); }

  Status check(std::stop_token stop) override;
  Status run_phase(const PhaseRun& run, std::stop_token stop) override;
  Result<std::vector<Organization>> organizations(std::stop_token stop) override;
  [[nodiscard]] const Crash* crash() const override { return crash_ ? &*crash_ : nullptr; }
  [[nodiscard]] std::string system_call_lock() const override { return lock_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  enum class Ended { kByItself, kStopIgnored, kDeadline, kSilent, kFlood, kProtocol };

  Result<std::string> call(Name name, std::string_view arguments, std::stop_token stop);
  Status pump(const std::function<bool()>& done);
  Status pump_what_is_there();
  Status take(std::chrono::milliseconds timeout, bool& took);
  Status watch();
  Status handle(Frame&& frame);
  void host_has_worked();
  Status serve(const Frame& frame);
  Result<std::string> answer(Name name, Decoder& arguments);
  Result<std::string> send_batch(Decoder& arguments);
  Result<std::string> take_replies(Decoder& arguments);
  Status send(std::string_view frame);
  Error end_worker(Ended how);
  Error describe_end(Ended how, const ProcessEnd& end);
  [[nodiscard]] std::string describe_flood() const;
  void stderr_line(std::string_view line);

  const std::string plugin_id_;
  const WorkerOptions options_;
  Gate gate_;
  std::unique_ptr<WorkerEnd> process_;
  OpenFile wake_;  // an eventfd: readable when a stop was asked for
  std::string lock_ = "off: not loaded yet";

  std::uint32_t last_id_ = 0;
  std::set<std::uint32_t> awaited_;         // calls whose return has not come yet
  std::map<std::uint32_t, Frame> returns_;  // that came and were not taken yet
  Limits limits_;                           // of the worker, known once it is loading
  std::optional<Error> broken_;             // set once the worker is gone
  std::optional<Crash> crash_;

  // Of the current call:
  Time last_sign_;  // when the plugin last said something or got an answer
  Time next_look_;  // when stop and deadline are looked at again
  std::optional<Time> stop_sent_;
  bool stopped_by_deadline_ = false;
  std::size_t stderr_lines_ = 0;
  std::size_t stderr_bytes_before_ = 0;
  std::size_t posted_ = 0;  // calls without an answer since the last one with an answer
  bool in_batch_ = false;   // the plugin waits for a batch; another one inside would never end
  std::deque<std::string> taken_;  // replies of the stream that the plugin has not asked for yet: what one take of the services gave
};

}  // namespace berth::plugins
