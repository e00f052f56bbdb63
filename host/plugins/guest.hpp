#pragma once
// One connector of a loaded plugin, called through the C tables: what both runners do once the library is in their
// process. Every entry is guarded: a plugin that throws gives an error, sdk.unknown_exception and its like.
//
// Owns the connector and the tables it calls; `services` must outlive it. One thread at a time.
// Errors: those that the plugin returns; plugin.create_failed, plugin.unsupported.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/abi/abi.h"
#include "host/core/result.hpp"
#include "host/plugins/host_tables.hpp"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

class Guest {
 public:
  static Result<std::unique_ptr<Guest>> create(const berth_plugin& table, std::string plugin_id,
                                               std::string_view config_json, Services& services);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  [[nodiscard]] Status check();
  [[nodiscard]] Status run_phase(const PhaseRun& run);
  [[nodiscard]] Result<std::vector<Organization>> organizations();

 private:
  Guest(std::string plugin_id, Services& services) : plugin_id_(std::move(plugin_id)), tables_(services) {}
  template <class Call>
  Status call(std::string_view name, Call&& function);

  std::string plugin_id_;
  HostTables tables_;
  berth_connector* connector_ = nullptr;
};

}  // namespace berth::plugins
