#pragma once
// What a connector written in C++ derives from, and the macro that makes the C entry of it.
//
//   class Shop final : public berth::Connector {
//    public:
//     Shop(berth::Host host, std::string_view config_json);
//     void check() override;
//     void run_phase(const berth::Run& run) override;
//   };
//   BERTH_PLUGIN(Shop, "shop", "1.0.0", kDescriptorJson)       // kDescriptorJson: a string literal or static text
//
// One thread at a time calls one instance; different instances are called at once. Exceptions may leave every method:
// one guard turns Failure into its status, everything else into BERTH_INTERNAL.
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "berth/abi/abi.h"
#include "berth/abi/ext/connect.h"
#include "berth/failure.hpp"
#include "berth/host.hpp"

namespace berth {

/// One call of run_phase; the views live as long as it.
struct Run {
  std::string_view phase;
  std::string_view plan_json;
  std::string_view cursor_json;  // empty: from the start
  std::int64_t deadline_unix_ms = 0;
};

class Connector {
 public:
  Connector() = default;
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  virtual ~Connector() = default;

  /// One cheap call that shows whether the connection works.
  virtual void check() = 0;
  virtual void run_phase(const Run& run) = 0;
};

struct Organization {
  std::string remote_id;
  std::string name;
  std::string json = "{}";  // {"currency":"USD","fiscal_year_start_month":1,"time_zone":"America/New_York"}
};

/// Derive from this as well to say which organisations a fresh token can see (berth.connect/1).
class ConnectExtension {
 public:
  ConnectExtension() = default;
  ConnectExtension(const ConnectExtension&) = delete;
  ConnectExtension& operator=(const ConnectExtension&) = delete;
  virtual ~ConnectExtension() = default;

  /// In the remote's order; the host takes the first unless told otherwise.
  virtual std::vector<Organization> organizations() = 0;
};

namespace detail {

/// Runs `body` and turns whatever it throws into a status.
template <typename Body>
std::int32_t guarded(berth_error* error, Body&& body) noexcept {
  try {
    body();
    return BERTH_OK;
  } catch (const Failure& failure) {
    fill(error, failure.reason(), failure.message(), failure.retry_after_ms());
    return failure.status() == BERTH_OK ? static_cast<std::int32_t>(BERTH_INTERNAL) : failure.status();
  } catch (const std::bad_alloc&) {
    fill(error, "sdk.out_of_memory", "The plugin ran out of memory.");
  } catch (const std::exception& exception) {
    fill(error, "sdk.exception", exception.what());
  } catch (...) {
    fill(error, "sdk.unknown_exception", "The plugin threw something that is not a std::exception.");
  }
  return BERTH_INTERNAL;
}

/// The C tables of one connector class.
template <typename Class>
class Plugin {
 public:
  static const berth_plugin* entry(const berth_identity* host, berth_error* error,
                                   const berth_plugin* plugin) noexcept {
    const std::int32_t status = guarded(error, [&] { refuse_other_hosts(host); });
    return status == BERTH_OK ? plugin : nullptr;
  }

  static berth_connector* create(const berth_host* host, berth_str config_json, berth_error* error) noexcept {
    berth_connector* created = nullptr;
    guarded(error, [&] { created = &(new Instance(host, from_c(config_json)))->table; });  // NOLINT(bugprone-unhandled-exception-at-new)
    return created;
  }

 private:
  struct Instance {
    Instance(const berth_host* host, std::string_view config_json) : connector(Host(host), config_json) {
      table.self = this;
      table.check = &Plugin::check;
      table.run_phase = &Plugin::run_phase;
      table.extension = &Plugin::extension;
      table.destroy = &Plugin::destroy;
    }
    berth_connector table{};
    Class connector;
  };

  static Instance& instance(berth_connector* connector) { return *static_cast<Instance*>(connector->self); }

  static void refuse_other_hosts(const berth_identity* host) {
    if (host == nullptr || host->struct_size != sizeof(berth_identity)) {
      throw Failure(BERTH_UNSUPPORTED, "sdk.host_identity",
                    "The host's identity has " + std::to_string(host == nullptr ? 0u : host->struct_size) +
                        " bytes, this plugin was built for " + std::to_string(sizeof(berth_identity)) + ".");
    }
    const auto version = [](std::uint32_t major, std::uint32_t minor) {
      return std::to_string(major) + "." + std::to_string(minor);
    };
    const std::string theirs_and_ours = "The host has ABI " + version(host->abi_major, host->abi_minor) +
                                        ", this plugin was built for " + version(BERTH_ABI_MAJOR, BERTH_ABI_MINOR) +
                                        ".";
    if (host->abi_major != BERTH_ABI_MAJOR) throw Failure(BERTH_UNSUPPORTED, "sdk.host_major", theirs_and_ours);
    if (BERTH_ABI_MAJOR == 0 && host->abi_minor != BERTH_ABI_MINOR)
      throw Failure(BERTH_UNSUPPORTED, "sdk.host_minor", theirs_and_ours);
  }

  static std::int32_t check(berth_connector* connector, berth_error* error) noexcept {
    return guarded(error, [&] { instance(connector).connector.check(); });
  }
  static std::int32_t run_phase(berth_connector* connector, const berth_run* run, berth_error* error) noexcept {
    return guarded(error, [&] {
      instance(connector).connector.run_phase(
          {from_c(run->phase), from_c(run->plan_json), from_c(run->cursor_json), run->deadline_unix_ms});
    });
  }
  static const void* extension([[maybe_unused]] berth_connector* connector, berth_str id) noexcept {
    if constexpr (std::is_base_of_v<ConnectExtension, Class>) {
      static constexpr berth_plugin_connect kConnect{&Plugin::organizations};
      if (from_c(id) == BERTH_PLUGIN_CONNECT) return &kConnect;
    }
    return nullptr;
  }
  static std::int32_t organizations(berth_connector* connector, void* sink_ctx,
                                    void (*sink)(void*, const berth_organization*), berth_error* error) noexcept {
    return guarded(error, [&] {
      if constexpr (std::is_base_of_v<ConnectExtension, Class>) {
        for (const Organization& one : instance(connector).connector.organizations()) {
          const berth_organization c{to_c(one.remote_id), to_c(one.name), to_c(one.json)};
          sink(sink_ctx, &c);
        }
      }
    });
  }
  static void destroy(berth_connector* connector) noexcept { delete &instance(connector); }
};

}  // namespace detail
}  // namespace berth

/// The one exported symbol of a plugin. Id, version and descriptor must be constant expressions of static storage.
#define BERTH_PLUGIN(Class, Id, Version, DescriptorJson)                                                           \
  extern "C" BERTH_EXPORT const berth_plugin* berth_plugin_entry(const berth_identity* host, berth_error* error) { \
    static constexpr std::string_view kId = Id;                                                                    \
    static constexpr std::string_view kVersion = Version;                                                          \
    static constexpr std::string_view kDescriptor = DescriptorJson;                                                \
    static constexpr berth_identity kIdentity{sizeof(berth_identity),   BERTH_ABI_MAJOR,                           \
                                              BERTH_ABI_MINOR,          0u,                                        \
                                              {kId.data(), kId.size()}, {kVersion.data(), kVersion.size()}};       \
    static constexpr berth_plugin kPlugin{&kIdentity,                                                              \
                                          []() -> berth_str {                                                      \
                                            return {kDescriptor.data(), kDescriptor.size()};                       \
                                          },                                                                       \
                                          &::berth::detail::Plugin<Class>::create};                                \
    return ::berth::detail::Plugin<Class>::entry(host, error, &kPlugin);                                           \
  }
