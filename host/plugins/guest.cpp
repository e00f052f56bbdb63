#include "host/plugins/guest.hpp"

#include <fmt/format.h>

#include "berth/abi/ext/connect.h"
#include "host/plugins/boundary.hpp"
#include "host/plugins/status.hpp"

namespace berth::plugins {

namespace {

berth_str str(std::string_view text) {
  return {text.data(), text.size()};
}

std::string copy(berth_str text) {
  return text.ptr == nullptr ? std::string() : std::string(text.ptr, text.len);
}

/// What `organizations` fills; its sink must not throw into the plugin.
struct Sink {
  std::vector<Organization> found;
  Status status = success();

  static void add(void* ctx, const berth_organization* organization) noexcept {
    auto& sink = *static_cast<Sink*>(ctx);
    try {
      if (organization == nullptr || !sink.status.ok()) return;
      Organization one{copy(organization->remote_id), copy(organization->name), copy(organization->json)};
      sink.status = check_organization(one);
      if (sink.found.size() >= limits::kOrganizations) {
        sink.status = plugin_bug("sdk.organization_invalid",
                                 fmt::format("a plugin listed more than {} organisations", limits::kOrganizations));
      }
      if (sink.status.ok()) sink.found.push_back(std::move(one));
    } catch (...) {
      sink.status = current_exception_error("the list of organisations");
    }
  }
};

}  // namespace

/// Runs one function of the plugin on this thread: `function(error)` returns its status.
template <class Call>
Status Guest::call(std::string_view name, Call&& function) {
  berth_error raw = empty_error();
  std::int32_t status = BERTH_OK;
  try {
    const auto scope = tables_.enter();
    status = function(&raw);
  } catch (...) {
    return current_exception_error(fmt::format("{} of plugin {}", name, plugin_id_));
  }
  if (status == BERTH_OK) return success();
  return read_error(status, raw, plugin_id_);
}

Result<std::unique_ptr<Guest>> Guest::create(const berth_plugin& table, std::string plugin_id,
                                             std::string_view config_json, Services& services) {
  std::unique_ptr<Guest> guest(new Guest(std::move(plugin_id), services));
  berth_error raw = empty_error();
  BERTH_CHECK(guest->call("create", [&](berth_error* error) {
    guest->connector_ = table.create(guest->tables_.host(), str(config_json), error);
    raw = *error;
    return BERTH_OK;
  }));
  if (guest->connector_ == nullptr) {
    // `create` has no status. What a plugin dislikes at this point is its configuration; what the SDK or the host says
    // under its own names is a bug.
    Error error = read_error(BERTH_INVALID_CONFIG, raw, guest->plugin_id_);
    if (raw.reason[0] == '\0') error.reason = "plugin.create_failed";
    if (error.reason.starts_with("sdk.")) error.code = Code::kInternal;
    return error;
  }
  const berth_connector& connector = *guest->connector_;
  if (connector.check == nullptr || connector.run_phase == nullptr || connector.destroy == nullptr) {
    return make_error(Code::kInternal, "plugin.create_failed",
                      fmt::format("plugin {} made a connector with empty places", guest->plugin_id_));
  }
  return guest;
}

Guest::~Guest() {
  if (connector_ == nullptr || connector_->destroy == nullptr) return;
  // Best effort: what a destructor of a plugin throws has nobody left to tell.
  const Status ignored = call("destroy", [&](berth_error*) {
    connector_->destroy(connector_);
    return BERTH_OK;
  });
  static_cast<void>(ignored);
}

Status Guest::check() {
  return call("check", [&](berth_error* error) { return connector_->check(connector_, error); });
}

Status Guest::run_phase(const PhaseRun& run) {
  const berth_run c_run{str(run.phase), str(run.plan_json), str(run.cursor_json), run.deadline.unix_ms};
  return call("run_phase", [&](berth_error* error) { return connector_->run_phase(connector_, &c_run, error); });
}

Result<std::vector<Organization>> Guest::organizations() {
  Sink sink;
  bool is_offered = false;
  BERTH_CHECK(call("organizations", [&](berth_error* error) -> std::int32_t {
    if (connector_->extension == nullptr) return BERTH_OK;
    const auto* connect =
        static_cast<const berth_plugin_connect*>(connector_->extension(connector_, str(BERTH_PLUGIN_CONNECT)));
    if (connect == nullptr || connect->organizations == nullptr) return BERTH_OK;
    is_offered = true;
    return connect->organizations(connector_, &sink, &Sink::add, error);
  }));
  if (!is_offered) {
    return make_error(Code::kUnsupported, "plugin.unsupported",
                      fmt::format("plugin {} does not offer {}", plugin_id_, BERTH_PLUGIN_CONNECT));
  }
  BERTH_CHECK(sink.status);
  return std::move(sink.found);
}

}  // namespace berth::plugins
