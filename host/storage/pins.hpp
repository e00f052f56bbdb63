#pragma once
// Pinned hashes of plugin libraries: what a person trusted.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct PluginPin {
  std::string plugin{};
  std::string sha256{};
  Instant pinned{};
  std::string pinned_by{};
};

namespace pins {

Status set(Connection& connection, const PluginPin& pin);
Result<std::optional<PluginPin>> find(Connection& connection, std::string_view plugin);
Result<bool> erase(Connection& connection, std::string_view plugin);
Result<std::vector<PluginPin>> list(Connection& connection);

}  // namespace pins
}  // namespace berth::storage
