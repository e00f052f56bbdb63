#pragma once
// A plugin, wherever it runs: in a worker process (the rule) or in this process (tests and debugging only). Both runners
// implement this one interface, and one test suite runs over both.
//
//   auto runner = plugins::make_worker_runner({...});
//   auto plugin = BERTH_TRY(runner->open({loaded_manifest, config_json}, services, stop));
//   BERTH_CHECK(plugin->run_phase({"invoices", plan_json, cursor_json, deadline}, stop));
//
// Threads: an instance is used by one thread at a time. Services are called on the thread that called run_phase/check/
// organizations, except should_stop, now and log, which any thread may call.
// A crash, hang or protocol error of the plugin is an Error of that call (plugin.crashed, plugin.hang, plugin.deadline,
// plugin.protocol); the host goes on. Errors a plugin returned keep their reason; the code follows the status.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::plugins {

struct Manifest;  // manifest.hpp

struct Ref {
  std::string entity, remote_id, version;
};
struct HttpRequest {
  std::string method, path;
  std::vector<std::pair<std::string, std::string>> query, headers;
  std::string body, cost;
  std::uint32_t kind = 0;     // BERTH_CALL_*
};
struct HttpReply {
  std::uint32_t index = 0;
  std::optional<Error> error;  // set: nothing else is
  std::int32_t status = 0;
  std::uint32_t verdict = 0;   // BERTH_VERDICT_*
  std::string remote_code;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
struct EmittedRecord {
  Ref ref;
  std::string part;
  std::string json;            // empty when deleted
  bool deleted = false;
  bool list_only = false;
};
enum class KnownAs : std::uint8_t { kNone = 0, kRow = 1, kDetail = 2 };
struct Wanted {
  Ref ref;
  std::uint32_t want = 0;      // BERTH_WANT_*
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
  virtual Status send_batch(std::span<const HttpRequest> requests, const std::function<bool(HttpReply&&)>& on_reply) = 0;
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

struct OpenRequest {
  const Manifest* manifest = nullptr;   // checked, with the pinned hash
  std::string pin_sha256;
  std::string config_json;
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
};

class PluginRunner {
 public:
  virtual ~PluginRunner() = default;
  /// Loads, checks the handshake and creates one connector. `services` must outlive the instance.
  virtual Result<std::unique_ptr<PluginInstance>> open(const OpenRequest& request, Services& services, std::stop_token stop) = 0;
  [[nodiscard]] virtual std::string_view kind() const = 0;   // "worker" | "in_process"
};

}  // namespace berth::plugins
