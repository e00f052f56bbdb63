#include "host/runs/plugin_fields.hpp"

#include "berth/json.hpp"

namespace berth::runs {

std::vector<telemetry::Field> plugin_fields(std::string_view fields_json) {
  std::vector<telemetry::Field> fields;
  if (fields_json.empty()) return fields;
  const json::Parsed parsed = json::parse(fields_json);
  if (!parsed.ok() || !parsed.value.is_object()) {
    fields.emplace_back("plugin_fields", fields_json);
    return fields;
  }
  for (const json::Member& member : parsed.value.members()) {
    if (fields.size() == kPluginFieldsMax) break;
    const std::string key = "plugin." + member.first;
    if (const auto number = member.second.integer()) {
      fields.emplace_back(key, *number);
    } else if (member.second.is_boolean()) {
      fields.emplace_back(key, member.second.boolean());
    } else if (member.second.is_array() || member.second.is_object()) {
      fields.emplace_back(key, json::dump(member.second));
    } else {
      fields.emplace_back(key, member.second.text());
    }
  }
  return fields;
}

}  // namespace berth::runs
