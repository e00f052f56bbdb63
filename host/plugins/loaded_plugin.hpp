#pragma once
// A plugin's library, loaded and shaken hands with: file checks, pin, dlopen with all symbols bound, entry, identity,
// descriptor equal to the manifest. Code of the plugin runs here, in whichever process this is called.
//
// Loaded libraries are never unloaded: a thread-local destructor or a callback may still point into them. The tables
// and the descriptor are therefore valid until the process ends. Any thread, one at a time for one plugin. Errors, in
// the order in which they are looked for: those of library_file.hpp, plugin.load_failed, plugin.no_entry, the plugin's
// own reason for refusing this host (plugin.entry_refused without one), plugin.identity_invalid, plugin.abi_mismatch,
// plugin.descriptor_invalid, plugin.descriptor_mismatch.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/abi/abi.h"
#include "host/core/result.hpp"

namespace berth::plugins {

/// What loading needs to know of a manifest; crosses the worker's pipe.
struct LoadRequest {
  std::string id;
  std::string version;
  std::filesystem::path library;
  std::string pin_sha256;
};

struct LoadedPlugin {
  const berth_plugin* table = nullptr;
  std::string descriptor_json;
};

/// Who this host is, as plugins see it.
[[nodiscard]] const berth_identity& host_identity();

[[nodiscard]] Result<LoadedPlugin> load_plugin(const LoadRequest& request);

}  // namespace berth::plugins
