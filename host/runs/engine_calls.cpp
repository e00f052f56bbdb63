// Calls of a plugin outside of a run: is the remote there, and which organisations are seen.
#include <fmt/format.h>

#include <algorithm>

#include "host/runs/engine.hpp"
#include "host/runs/plugin_fields.hpp"

namespace berth::runs {

namespace {

/// Services of a plugin that is only checked or asked for its organisations: HTTP and nothing else.
class CallOnlyServices final : public plugins::Services {
 public:
  CallOnlyServices(http::ApiClient& api, Clock& clock, telemetry::Log log, std::stop_token stop)
      : api_(api), clock_(clock), log_(std::move(log)), stop_(std::move(stop)) {}

  void log(int level, std::string_view message, std::string_view fields_json) override {
    log_.write(static_cast<telemetry::Level>(std::clamp(level, 0, 3)), message, plugin_fields(fields_json));
  }
  Status send_batch(std::span<const plugins::HttpRequest> requests,
                    const std::function<bool(plugins::HttpReply&&)>& on_reply) override {
    return send_for_plugin(api_, requests, stop_, on_reply);
  }
  Status emit(plugins::EmittedRecord&&) override { return refused("emit"); }
  Status checkpoint(std::string_view, bool) override { return refused("checkpoint"); }
  Result<std::vector<plugins::KnownAs>> known(std::span<const plugins::Ref>) override { return refused("known"); }
  Status need_detail(const plugins::Ref&, std::int32_t) override { return refused("need_detail"); }
  Result<std::vector<plugins::Wanted>> next_details(std::uint32_t) override { return refused("next_details"); }
  Status attach(const plugins::Ref&, std::string_view, std::string_view, std::string_view) override { return refused("attach"); }
  bool should_stop() override { return stop_.stop_requested(); }
  Instant now() override { return clock_.now(); }
  void progress(std::int64_t, std::int64_t) override {}

 private:
  static Error refused(std::string_view what) {
    return make_error(Code::kInternal, "sdk.no_phase", fmt::format("`{}` may be called only while a phase runs", what));
  }
  http::ApiClient& api_;
  Clock& clock_;
  telemetry::Log log_;
  std::stop_token stop_;
};

}  // namespace

template <class Call>
auto Engine::with_plugin(const Setup& setup, const RemoteAccess& access, std::stop_token stop, Call call)
    -> decltype(call(std::declval<plugins::PluginInstance&>())) {
  http::Budgets budgets;
  http::ApiOptions options;
  options.base_url = BERTH_TRY(access.tokens->api_base());
  options.allow_http_loopback = access.allow_http_loopback;
  const auto api = BERTH_TRY(http::ApiClient::create({.transport = dependencies_.transport,
                                                      .tokens = *access.tokens,
                                                      .gate = *access.gate,
                                                      .budgets = budgets,
                                                      .clock = dependencies_.clock,
                                                      .random = dependencies_.random},
                                                     access.rules, options));
  std::optional<storage::Integration> integration;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    integration = BERTH_TRY(storage::integrations::find(connection, setup.id));
    return success();
  }));
  CallOnlyServices services(*api, dependencies_.clock, dependencies_.log.with({{"integration", setup.id}}), stop);
  const auto plugin = BERTH_TRY(dependencies_.runner.open(
      {.manifest = setup.manifest,
       .pin_sha256 = setup.pin_sha256,
       .config_json = plugin_config(setup, integration.value_or(storage::Integration{}))},
      services, stop));
  return call(*plugin);
}

Result<std::vector<plugins::Organization>> Engine::organizations(const Setup& setup, const RemoteAccess& access, std::stop_token stop) {
  return with_plugin(setup, access, stop, [&](plugins::PluginInstance& plugin) { return plugin.organizations(stop); });
}

Status Engine::check(const Setup& setup, const RemoteAccess& access, std::stop_token stop) {
  return with_plugin(setup, access, stop, [&](plugins::PluginInstance& plugin) { return plugin.check(stop); });
}

}  // namespace berth::runs
