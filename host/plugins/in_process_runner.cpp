// Plugins in this process.
#include <map>
#include <mutex>

#include "host/plugins/descriptor.hpp"
#include "host/plugins/gate.hpp"
#include "host/plugins/guest.hpp"
#include "host/plugins/loaded_plugin.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/open_request.hpp"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

namespace {

class InProcessInstance final : public PluginInstance {
 public:
  InProcessInstance(Services& services, Descriptor descriptor) : gate_(services) {
    gate_.set_descriptor(std::move(descriptor));
  }

  Status create(const LoadedPlugin& plugin, const OpenRequest& request, std::stop_token stop) {
    gate_.begin_call(std::move(stop));
    auto guest = Guest::create(*plugin.table, request.manifest->id, request.config_json, gate_);
    BERTH_CHECK(gate_.end_call(guest.ok() ? success() : Status(guest.error())));
    guest_ = std::move(guest).value();
    return success();
  }
  Status check(std::stop_token stop) override {
    gate_.begin_call(std::move(stop));
    return gate_.end_call(guest_->check());
  }
  Status run_phase(const PhaseRun& run, std::stop_token stop) override {
    gate_.begin_phase(run, std::move(stop));
    return gate_.end_call(guest_->run_phase(run));
  }
  Result<std::vector<Organization>> organizations(std::stop_token stop) override {
    gate_.begin_call(std::move(stop));
    auto found = guest_->organizations();
    BERTH_CHECK(gate_.end_call(found.ok() ? success() : Status(found.error())));
    return found;
  }

 private:
  Gate gate_;
  std::unique_ptr<Guest> guest_;  // after the gate, which it calls until its end
};

class InProcessRunner final : public PluginRunner {
 public:
  Result<std::unique_ptr<PluginInstance>> open(const OpenRequest& request, Services& services,
                                               std::stop_token stop) override {
    const LoadedPlugin plugin = BERTH_TRY(load(request));
    auto instance = std::make_unique<InProcessInstance>(
        services, BERTH_TRY(matching_descriptor(*request.manifest, plugin.descriptor_json)));
    BERTH_CHECK(instance->create(plugin, request, std::move(stop)));
    return instance;
  }
  Result<Descriptor> descriptor(const OpenRequest& request) override {
    const LoadedPlugin plugin = BERTH_TRY(load(request));
    return matching_descriptor(*request.manifest, plugin.descriptor_json);
  }
  [[nodiscard]] std::string_view kind() const override { return "in_process"; }

 private:
  /// Libraries stay in the process, each with one open descriptor, so each is loaded once.
  Result<LoadedPlugin> load(const OpenRequest& request) {
    const LoadRequest wanted = BERTH_TRY(load_request(request));
    const std::lock_guard lock(mutex_);
    const auto key = std::pair(wanted.library.string(), wanted.pin_sha256);
    if (const auto it = loaded_.find(key); it != loaded_.end()) return it->second;
    LoadedPlugin plugin = BERTH_TRY(load_plugin(wanted));
    loaded_.emplace(key, plugin);
    return plugin;
  }

  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, LoadedPlugin> loaded_;
};

}  // namespace

std::unique_ptr<PluginRunner> make_in_process_runner() {
  return std::make_unique<InProcessRunner>();
}

}  // namespace berth::plugins
