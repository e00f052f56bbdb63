#pragma once
// A YAML file as the JSON that a host hands to a connector.
#include <string>

#include "berth/json.hpp"

namespace abi_test {

/// Plain scalars that are JSON numbers, booleans or null are read as such, quoted ones are texts. Throws on bad YAML.
berth::json::Value yaml_as_json(const std::string& file);

}  // namespace abi_test
