// Plugins in worker processes.
#include <csignal>

#include "host/plugins/descriptor.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/runner.hpp"
#include "host/plugins/worker_instance.hpp"
#include "host/plugins/worker_process.hpp"

namespace berth::plugins {

namespace {

/// Services for a worker that only reads a descriptor: no connector exists that could use them.
class NoServices final : public Services {
 public:
  void log(int, std::string_view, std::string_view) override {}
  Status send_batch(std::span<const HttpRequest>, const std::function<bool(HttpReply&&)>&) override {
    return refused();
  }
  Status emit(EmittedRecord&&) override { return refused(); }
  Status checkpoint(std::string_view, bool) override { return refused(); }
  Result<std::vector<KnownAs>> known(std::span<const Ref>) override { return refused(); }
  Status need_detail(const Ref&, std::int32_t) override { return refused(); }
  Result<std::vector<Wanted>> next_details(std::uint32_t) override { return refused(); }
  Status attach(const Ref&, std::string_view, std::string_view, std::string_view) override { return refused(); }
  bool should_stop() override { return false; }
  Instant now() override { return {}; }
  void progress(std::int64_t, std::int64_t) override {}

 private:
  static Error refused() {
    return make_error(Code::kUnsupported, "plugin.unsupported",
                      "no host service may be used while a descriptor is read");
  }
};

class WorkerRunner final : public PluginRunner {
 public:
  explicit WorkerRunner(WorkerOptions options) : options_(std::move(options)), launcher_(make_launcher()) {
    struct sigaction now {};
    if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
  }

  Result<std::unique_ptr<PluginInstance>> open(const OpenRequest& request, Services& services,
                                               std::stop_token stop) override {
    auto instance = BERTH_TRY(load(request, services, stop));
    const Status created = instance->create(request, std::move(stop));
    keep_crash(request, *instance);
    BERTH_CHECK(created);
    return std::unique_ptr<PluginInstance>(std::move(instance));
  }

  Result<Descriptor> descriptor(const OpenRequest& request) override {
    NoServices services;
    return BERTH_TRY(load(request, services, {}))->descriptor();
  }

  [[nodiscard]] std::string_view kind() const override { return "worker"; }

 private:
  Result<std::unique_ptr<WorkerInstance>> load(const OpenRequest& request, Services& services, std::stop_token stop) {
    auto process = BERTH_TRY(WorkerProcess::start(launcher_, options_.executable, options_.arguments));
    auto instance = std::make_unique<WorkerInstance>(std::move(process), request.manifest->id, services, options_);
    const Status loaded = instance->load(request, std::move(stop));
    keep_crash(request, *instance);
    BERTH_CHECK(loaded);
    return instance;
  }
  static void keep_crash(const OpenRequest& request, const WorkerInstance& instance) {
    if (request.crash != nullptr && instance.crash() != nullptr) *request.crash = *instance.crash();
  }

  const WorkerOptions options_;
  const std::shared_ptr<Launcher> launcher_;  // shared with the processes it started, which must not outlive its thread
};

}  // namespace

std::unique_ptr<PluginRunner> make_worker_runner(WorkerOptions options) {
  return std::make_unique<WorkerRunner>(std::move(options));
}

}  // namespace berth::plugins
