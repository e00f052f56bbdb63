#pragma once
// A plugin, wherever it runs: in a worker process (the rule) or in this process (tests and debugging only). Both
// runners implement this one interface, and one test suite runs over both.
//
//   auto runner = plugins::make_worker_runner({...});
//   auto plugin = BERTH_TRY(runner->open({loaded_manifest, config_json}, services, stop));
//   BERTH_CHECK(plugin->run_phase({"invoices", plan_json, cursor_json, deadline}, stop));
//
// Threads: an instance is used by one thread at a time. Services are called on the thread that called run_phase/check/
// organizations, except should_stop, now and log, which any thread may call.
// A crash, hang or protocol error of the plugin is an Error of that call (plugin.crashed, plugin.out_of_memory,
// plugin.cpu_limit, plugin.hang, plugin.deadline, plugin.flood, plugin.protocol); the host goes on. Errors a plugin
// returned keep their reason; the code follows the status.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::plugins {

struct Manifest;    // manifest.hpp
struct Descriptor;  // descriptor.hpp

struct Ref {
  std::string entity, remote_id, version;
};
struct HttpRequest {
  std::string method, path;
  std::vector<std::pair<std::string, std::string>> query, headers;
  std::string body, cost;
  std::uint32_t kind = 0;  // BERTH_CALL_*
};
struct HttpReply {
  std::uint32_t index = 0;
  std::optional<Error> error;  // set: nothing else is
  std::int32_t status = 0;
  std::uint32_t verdict = 0;  // BERTH_VERDICT_*
  std::string remote_code;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
struct EmittedRecord {
  Ref ref;
  std::string part;
  std::string json;  // empty when deleted
  bool deleted = false;
  bool list_only = false;
};
enum class KnownAs : std::uint8_t { kNone = 0, kRow = 1, kDetail = 2 };
struct Wanted {
  Ref ref;
  std::uint32_t want = 0;  // BERTH_WANT_*
};
struct Organization {
  std::string remote_id, name, json;
};

/// What a plugin may ask of the host. Implemented by the run engine; limits of the boundary (record and cursor sizes,
/// checkpoint spacing, UTF-8, known entities) are enforced by the runners before these are called.
class Services {
 public:
  virtual ~Services() = default;
  virtual void log(int level, std::string_view message, std::string_view fields_json) = 0;
  /// `on_reply` is called on the calling thread once per request; it returns false to start no further request.
  /// Success only if all were sent.
  virtual Status send_batch(std::span<const HttpRequest> requests,
                            const std::function<bool(HttpReply&&)>& on_reply) = 0;
  /// Begins them and returns at once; only while a phase runs. Who offers no stream refuses both.
  virtual Status add_calls(std::span<const HttpRequest> requests);
  /// Waits for a reply to one of them and hands over those that are there; none where nothing is under way. `index` is the
  /// place among all that were added in this phase.
  virtual Status take_replies(const std::function<void(HttpReply&&)>& on_reply);
  /// Nothing more of them is begun in this phase, at once; also within on_reply.
  virtual void stop_calls() {}
  virtual Status emit(EmittedRecord&& record) = 0;
  virtual Status checkpoint(std::string_view cursor_json, bool pass_complete) = 0;
  virtual Result<std::vector<KnownAs>> known(std::span<const Ref> refs) = 0;
  virtual Status need_detail(const Ref& ref, std::int32_t priority) = 0;
  virtual Result<std::vector<Wanted>> next_details(std::uint32_t n) = 0;
  virtual Status attach(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) = 0;
  virtual bool should_stop() = 0;
  virtual Instant now() = 0;
  virtual void progress(std::int64_t done, std::int64_t total_or_minus_1) = 0;
};

/// How a worker ended that should not have.
struct Crash {
  int signal = 0;  // 0: it exited by itself
  int exit_code = 0;
  std::string phase;             // empty: outside of run_phase
  std::string last_request;      // "GET /invoices/46"; empty: none yet
  std::string stderr_tail;
  std::int64_t cpu_ms = 0;       // processor time it had used
  std::uint64_t memory = 0;      // bytes of address space in use at the end; 0: not known
  std::uint64_t memory_limit = 0;
};

struct OpenRequest {
  const Manifest* manifest = nullptr;  // checked, with the pinned hash
  std::string pin_sha256;
  std::string config_json;
  std::optional<Crash>* crash = nullptr;  // set when the worker ended before there was an instance
};
struct PhaseRun {
  std::string phase, plan_json, cursor_json;
  Instant deadline;
};

class PluginInstance {
 public:
  virtual ~PluginInstance() = default;
  virtual Status check(std::stop_token stop) = 0;
  virtual Status run_phase(const PhaseRun& run, std::stop_token stop) = 0;
  /// plugin.unsupported when the plugin does not offer berth.connect/1.
  virtual Result<std::vector<Organization>> organizations(std::stop_token stop) = 0;
  /// Set after a call that ended the worker; the instance is of no use then.
  [[nodiscard]] virtual const Crash* crash() const { return nullptr; }
  /// "on", or "off: ..." with the reason why a plugin's system calls are not restricted.
  [[nodiscard]] virtual std::string system_call_lock() const { return "off: in process"; }
};

class PluginRunner {
 public:
  virtual ~PluginRunner() = default;
  /// Loads, checks the handshake and creates one connector. `services` must outlive the instance.
  virtual Result<std::unique_ptr<PluginInstance>> open(const OpenRequest& request, Services& services,
                                                       std::stop_token stop) = 0;
  /// Loads, checks the handshake and returns the plugin's descriptor, without a connector; `config_json` is not used.
  /// With the worker runner no code of the plugin runs in this process.
  virtual Result<Descriptor> descriptor(const OpenRequest& request) = 0;
  [[nodiscard]] virtual std::string_view kind() const = 0;  // "worker" | "in_process"
};

struct WorkerOptions {
  std::string executable = "/proc/self/exe";        // a program whose main calls worker_main() ...
  std::vector<std::string> arguments = {"worker"};  // ... when it gets these
  std::chrono::milliseconds stall_after{60'000};    // silence of a plugin that waits for nothing
  std::chrono::milliseconds stop_grace{5'000};      // from asking to stop (also at the deadline) to SIGTERM
  std::chrono::milliseconds term_grace{1'000};      // from SIGTERM to SIGKILL
  std::chrono::milliseconds close_grace{2'000};     // for destroy() when an instance goes
};

/// Plugins in worker processes. Instances may outlive the runner. Sets SIGPIPE to be ignored where it still has its
/// default, because a worker may die at any moment.
[[nodiscard]] std::unique_ptr<PluginRunner> make_worker_runner(WorkerOptions options = {});
/// Plugins in this process, without any of the worker's protection: tests and debugging only.
[[nodiscard]] std::unique_ptr<PluginRunner> make_in_process_runner();

}  // namespace berth::plugins
