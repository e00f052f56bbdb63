#include "yaml_json.hpp"

#include <yaml-cpp/yaml.h>

namespace abi_test {
namespace {

namespace json = berth::json;

json::Value json_of(const YAML::Node& node) {
  if (node.IsMap()) {
    json::Value out = json::Value::object();
    for (const auto& member : node) out.set(member.first.Scalar(), json_of(member.second));
    return out;
  }
  if (node.IsSequence()) {
    json::Value out = json::Value::array();
    for (const auto& item : node) out.push_back(json_of(item));
    return out;
  }
  if (!node.IsScalar()) return nullptr;
  if (node.Tag() != "!") {
    const json::Parsed plain = json::parse(node.Scalar());
    if (plain.ok() && (plain.value.is_number() || plain.value.is_boolean() || plain.value.is_null()))
      return plain.value;
  }
  return node.Scalar();
}

}  // namespace

berth::json::Value yaml_as_json(const std::string& file) {
  return json_of(YAML::LoadFile(file));
}

}  // namespace abi_test
