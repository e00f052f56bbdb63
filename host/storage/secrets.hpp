#pragma once
// Envelopes of the vault as they lie in the database: nothing here can open them. Only host/vault uses this.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct SecretRow {
  std::string owner{};  // integration id, "" for the host
  std::string name{};
  std::int64_t version = 0;
  std::string key_id{};        // of the master key that sealed sealed_key
  std::string sealed_key{};    // bytes
  std::string sealed_value{};  // bytes
  Instant updated{};
};

namespace secrets {

Status put(Connection& connection, const SecretRow& row);
Result<std::optional<SecretRow>> find(Connection& connection, std::string_view owner, std::string_view name);
/// False if there was none.
Result<bool> erase(Connection& connection, std::string_view owner, std::string_view name);
/// Of one owner, by name.
Result<std::vector<SecretRow>> list(Connection& connection, std::string_view owner);
/// Of all owners.
Result<std::vector<SecretRow>> list_all(Connection& connection);

}  // namespace secrets
}  // namespace berth::storage
