#pragma once
// What the tests of the runners share: services that remember everything, and a plugin opened by one runner or the
// other.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/core/time.hpp"
#include "host/plugins/descriptor.hpp"
#include "host/plugins/library_file.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/runner.hpp"

namespace runner_tests {

using namespace berth;
using namespace berth::plugins;
namespace fs = std::filesystem;

#ifdef BERTH_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
/// A silence after which a worker is ended soon, where that is what a test waits for. Its start has to fit: a sanitized
/// one takes up to a second on a busy machine.
inline constexpr std::chrono::milliseconds kShortSilence{kSanitized ? 3'000 : 500};

/// A run engine that keeps what it is given. Every request is answered with 200 and its path, but for a few paths.
class RecordingServices final : public Services {
 public:
  struct Checkpoint {
    std::string cursor;
    bool pass_complete = false;
    bool are_calls_stopped = false;      // the plugin had said stop to a reply
    std::vector<std::string> committed;  // ids of the records since the one before
  };
  struct Log {
    int level = 0;
    std::string message, fields;
  };

  std::vector<EmittedRecord> records;
  std::vector<Checkpoint> checkpoints;
  std::vector<std::string> requests;  // "GET /things/1", those that were started
  std::vector<std::pair<std::string, std::int32_t>> wanted;
  std::string attached;
  std::vector<std::pair<std::int64_t, std::int64_t>> progresses;
  std::vector<Wanted> queue;
  std::optional<Error> emit_error;  // what emit answers
  std::optional<Instant> fixed_now;
  std::atomic<bool> stop{false};
  std::chrono::milliseconds first_answer_takes{0};   // of real time, which the host's patience with a plugin is measured in
  std::stop_source* stop_on_log = nullptr;  // stopped when the plugin logs "started"

  [[nodiscard]] std::vector<Log> logs() const {
    const std::lock_guard lock(mutex_);
    return logs_;
  }
  [[nodiscard]] bool logged(std::string_view text) const {
    const auto all = logs();
    return std::any_of(all.begin(), all.end(),
                       [&](const Log& log) { return log.message.find(text) != std::string::npos; });
  }
  /// The text that an act of the probe found out.
  [[nodiscard]] std::string report() const {
    for (const auto& record : records) {
      if (record.ref.remote_id == "report") return std::string(json::parse(record.json).value.text_of("found"));
    }
    return "no report";
  }

  void log(int level, std::string_view message, std::string_view fields_json) override {
    if (message == "started" && stop_on_log != nullptr) stop_on_log->request_stop();
    const std::lock_guard lock(mutex_);
    logs_.push_back({level, std::string(message), std::string(fields_json)});
  }
  Status send_batch(std::span<const HttpRequest> batch, const std::function<bool(HttpReply&&)>& on_reply) override {
    std::this_thread::sleep_for(std::exchange(first_answer_takes, {}));
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      if (!on_reply(answer(batch[i], i)) && i + 1 < batch.size())
        return make_error(Code::kCancelled, "berth.stopped", "the plugin said stop");
    }
    return success();
  }
  /// Two replies at a time.
  Status add_calls(std::span<const HttpRequest> more) override {
    for (const auto& request : more) under_way_.emplace_back(added_++, request);
    return success();
  }
  Status take_replies(const std::function<void(HttpReply&&)>& on_reply) override {
    for (int i = 0; i < 2 && !under_way_.empty(); ++i) {
      const auto [index, request] = std::move(under_way_.front());
      under_way_.pop_front();
      if (!are_calls_stopped_) {
        on_reply(answer(request, index));
        continue;
      }
      HttpReply reply;
      reply.index = index;
      reply.error = make_error(Code::kCancelled, "berth.cancelled", "the plugin said stop");
      on_reply(std::move(reply));
    }
    return success();
  }
  void stop_calls() override { are_calls_stopped_ = true; }
  /// As the engine has services of their own for each phase.
  void begin_phase() {
    are_calls_stopped_ = false;
    under_way_.clear();
    added_ = 0;
  }
  Status emit(EmittedRecord&& record) override {
    if (emit_error) return *emit_error;
    since_.push_back(record.ref.remote_id);
    records.push_back(std::move(record));
    return success();
  }
  Status checkpoint(std::string_view cursor_json, bool pass_complete) override {
    checkpoints.push_back({std::string(cursor_json), pass_complete, are_calls_stopped_, std::move(since_)});
    since_.clear();
    return success();
  }
  Result<std::vector<KnownAs>> known(std::span<const Ref> refs) override {
    std::vector<KnownAs> answers;
    for (const auto& ref : refs) {
      answers.push_back(ref.remote_id == "row"      ? KnownAs::kRow
                        : ref.remote_id == "detail" ? KnownAs::kDetail
                                                    : KnownAs::kNone);
    }
    return answers;
  }
  Status need_detail(const Ref& ref, std::int32_t priority) override {
    wanted.emplace_back(ref.remote_id, priority);
    queue.push_back({ref, 3});
    return success();
  }
  Result<std::vector<Wanted>> next_details(std::uint32_t) override { return std::exchange(queue, {}); }
  Status attach(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) override {
    attached = ref.remote_id + " " + std::string(name) + " " + std::string(media_type) + " " + std::string(bytes);
    return success();
  }
  bool should_stop() override { return stop; }
  Instant now() override { return fixed_now ? *fixed_now : SystemClock().now(); }
  void progress(std::int64_t done, std::int64_t total_or_minus_1) override {
    progresses.emplace_back(done, total_or_minus_1);
  }

 private:
  HttpReply answer(const HttpRequest& request, std::uint32_t index) {
    requests.push_back(request.method + " " + request.path);
    HttpReply reply;
    reply.index = index;
    if (request.path == "/fail") {
      reply.error = Error{Code::kEnvironment, "http.no_route", "there is no route to the remote", 1'500};
    } else {
      reply.status = 200;
      reply.headers = {{"x-test", "yes"}};
      reply.body = request.path == "/large" ? std::string(15u << 20u, '\xff') : request.path;
    }
    return reply;
  }

  mutable std::mutex mutex_;
  std::deque<std::pair<std::uint32_t, HttpRequest>> under_way_;
  std::uint32_t added_ = 0;
  bool are_calls_stopped_ = false;
  std::vector<Log> logs_;
  std::vector<std::string> since_;
};

struct InProcess {
  static std::unique_ptr<PluginRunner> make() { return make_in_process_runner(); }
  static constexpr bool kIsWorker = false;
};
struct Worker {
  static WorkerOptions options() {
    WorkerOptions options;
    options.executable = BERTH_TEST_WORKER;
    options.arguments = {};
    options.stop_grace = std::chrono::milliseconds(300);
    options.term_grace = std::chrono::milliseconds(300);
    options.stall_after = std::chrono::seconds(20);
    return options;
  }
  static std::unique_ptr<PluginRunner> make() { return make_worker_runner(options()); }
  static constexpr bool kIsWorker = true;
};

inline fs::path folder_of(const std::string& plugin) {
  return fs::path(BERTH_TEST_PLUGINS) / plugin;
}

/// The manifest as the build made it; its hash is the pin.
inline Manifest manifest_of(const std::string& plugin) {
  auto loaded = load_manifest(folder_of(plugin) / "plugin.yaml");
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  return std::move(loaded).value();
}

/// A plugin, opened. Members in the order of their life.
struct Opened {
  std::unique_ptr<PluginRunner> runner;
  std::unique_ptr<RecordingServices> services = std::make_unique<RecordingServices>();
  Manifest manifest;
  std::unique_ptr<PluginInstance> plugin;

  Status run(const std::string& plan, std::stop_token stop = {}, const std::string& cursor = "",
             Instant deadline = Instant{std::int64_t{1} << 50}) const {
    services->begin_phase();
    return plugin->run_phase({manifest.phase_ids ? "acts" : "things", plan, cursor, deadline}, std::move(stop));
  }
};

inline Opened open_with(std::unique_ptr<PluginRunner> runner, const std::string& plugin,
                        const std::string& config = "{}") {
  Opened opened;
  opened.runner = std::move(runner);
  opened.manifest = manifest_of(plugin);
  auto instance = opened.runner->open({&opened.manifest, opened.manifest.sha256, config}, *opened.services, {});
  REQUIRE_MESSAGE(instance.ok(), instance.error().reason << ": " << instance.error().message);
  opened.plugin = std::move(instance).value();
  return opened;
}

template <class Runner>
Opened open(const std::string& plugin = "probe", const std::string& config = "{}") {
  return open_with(Runner::make(), plugin, config);
}

/// What opening a plugin fails with.
inline Error refusal(PluginRunner& runner, const Manifest& manifest, const std::string& pin,
                     const std::string& config = "{}") {
  RecordingServices services;
  auto instance = runner.open({&manifest, pin, config}, services, {});
  REQUIRE_FALSE(instance.ok());
  return instance.error();
}

inline std::string reason_of(const Status& status) {
  return status.ok() ? "ok" : status.error().reason;
}
inline Code code_of(const Status& status) {
  return status.error().code;
}

}  // namespace runner_tests
