#pragma once
// What both runners do with an OpenRequest before and after the library is loaded. Pure; any thread.
#include <string_view>

#include "host/core/result.hpp"
#include "host/plugins/descriptor.hpp"
#include "host/plugins/loaded_plugin.hpp"
#include "host/plugins/runner.hpp"

namespace berth::plugins {

struct Manifest;

/// Errors: plugin.abi_mismatch.
[[nodiscard]] Result<LoadRequest> load_request(const OpenRequest& request);
/// Errors: plugin.descriptor_invalid, plugin.descriptor_mismatch.
[[nodiscard]] Result<Descriptor> matching_descriptor(const Manifest& manifest, std::string_view descriptor_json);

}  // namespace berth::plugins
