#include "host/storage/pins.hpp"

namespace berth::storage::pins {
namespace {

constexpr std::string_view kSelect = "SELECT plugin, sha256, pinned_ms, pinned_by FROM plugin_pin";
PluginPin read(const Row& row) {
  return {row.text(0), row.text(1), row.instant(2), row.text(3)};
}

}  // namespace

Status set(Connection& connection, const PluginPin& pin) {
  BERTH_CHECK(
      connection.execute("INSERT INTO plugin_pin (plugin, sha256, pinned_ms, pinned_by) VALUES (?, ?, ?, ?) ON "
                         "CONFLICT (plugin) DO UPDATE "
                         "SET sha256 = excluded.sha256, pinned_ms = excluded.pinned_ms, pinned_by = excluded.pinned_by",
                         {pin.plugin, pin.sha256, pin.pinned, pin.pinned_by}));
  return success();
}

Result<std::optional<PluginPin>> find(Connection& connection, std::string_view plugin) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelect) + " WHERE plugin = ?", {plugin}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<bool> erase(Connection& connection, std::string_view plugin) {
  return BERTH_TRY(connection.execute("DELETE FROM plugin_pin WHERE plugin = ?", {plugin})) > 0;
}

Result<std::vector<PluginPin>> list(Connection& connection) {
  std::vector<PluginPin> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " ORDER BY plugin", {}, [&](const Row& row) {
    all.push_back(read(row));
    return true;
  }));
  return all;
}

}  // namespace berth::storage::pins
