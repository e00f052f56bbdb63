#include "host/storage/secrets.hpp"

namespace berth::storage::secrets {
namespace {

constexpr std::string_view kSelect =
    "SELECT owner, name, version, key_id, sealed_key, sealed_value, updated_ms FROM secret";

SecretRow read(const Row& row) {
  return {row.text(0), row.text(1), row.integer(2), row.text(3), row.bytes(4), row.bytes(5), row.instant(6)};
}

Result<std::vector<SecretRow>> read_all(Connection& connection, std::string_view rest,
                                        std::initializer_list<Parameter> parameters) {
  std::vector<SecretRow> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + std::string(rest), parameters, [&](const Row& row) {
    all.push_back(read(row));
    return true;
  }));
  return all;
}

}  // namespace

Status put(Connection& connection, const SecretRow& row) {
  BERTH_CHECK(connection.execute(
      "INSERT INTO secret (owner, name, version, key_id, sealed_key, sealed_value, updated_ms) VALUES (?, ?, ?, ?, ?, "
      "?, ?) ON CONFLICT "
      "(owner, name) DO UPDATE SET version = excluded.version, key_id = excluded.key_id, sealed_key = "
      "excluded.sealed_key, "
      "sealed_value = excluded.sealed_value, updated_ms = excluded.updated_ms",
      {row.owner, row.name, row.version, row.key_id, Blob{row.sealed_key}, Blob{row.sealed_value}, row.updated}));
  return success();
}

Result<std::optional<SecretRow>> find(Connection& connection, std::string_view owner, std::string_view name) {
  const auto row = BERTH_TRY(connection.first(std::string(kSelect) + " WHERE owner = ? AND name = ?", {owner, name}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<bool> erase(Connection& connection, std::string_view owner, std::string_view name) {
  return BERTH_TRY(connection.execute("DELETE FROM secret WHERE owner = ? AND name = ?", {owner, name})) > 0;
}

Result<std::vector<SecretRow>> list(Connection& connection, std::string_view owner) {
  return read_all(connection, " WHERE owner = ? ORDER BY name", {owner});
}

Result<std::vector<SecretRow>> list_all(Connection& connection) {
  return read_all(connection, " ORDER BY owner, name", {});
}

}  // namespace berth::storage::secrets
