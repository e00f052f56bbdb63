#pragma once
// What a plugin says beside a log line, as fields of that line: {"reason":"shop.list.repeated","page":3} becomes
// plugin.reason=shop.list.repeated plugin.page=3. Under names of their own, so that none stands for a field of the host's.
//
// Pure; any thread. Text that is no object is one field, plugin_fields. At most kPluginFieldsMax are kept.
#include <cstddef>
#include <string_view>
#include <vector>

#include "host/telemetry/log.hpp"

namespace berth::runs {

inline constexpr std::size_t kPluginFieldsMax = 20;

[[nodiscard]] std::vector<telemetry::Field> plugin_fields(std::string_view fields_json);

}  // namespace berth::runs
