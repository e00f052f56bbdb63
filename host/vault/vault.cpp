#include "host/vault/vault.hpp"

#include <algorithm>
#include <mutex>

#include "host/core/text.hpp"
#include "host/vault/envelope.hpp"

namespace berth::vault {
namespace {

using storage::Connection;
using storage::SecretRow;

Status check_name(std::string_view owner, std::string_view name) {
  const bool valid = !name.empty() && name.size() <= kNameBytesMax && owner.size() <= kNameBytesMax &&
                     is_valid_utf8(name) && is_valid_utf8(owner) && name.find('\0') == std::string_view::npos &&
                     owner.find('\0') == std::string_view::npos;
  if (valid) return success();
  return make_error(Code::kInvalidArgument, "vault.name_invalid",
                    "A secret's name and owner are text of 1 to 200 bytes");
}

Error wrong_key(const SecretRow& row, const MasterKey& key) {
  return make_error(Code::kInvalidConfig, "vault.wrong_key",
                    "The secret " + row.name + " of \"" + row.owner + "\" is sealed with the vault key " + row.key_id +
                        ", but the key in use is " + key.id());
}

Identity identity_of(const SecretRow& row) {
  return {row.owner, row.name, row.version};
}

}  // namespace

Vault::Vault(storage::Database& database, MasterKey key, Random& random, const Clock& clock)
    : database_(database), key_(std::move(key)), random_(random), clock_(clock) {}

Status Vault::put(Connection& connection, std::string_view owner, std::string_view name, const Secret& value) {
  BERTH_CHECK(check_name(owner, name));
  if (value.reveal().size() > kSecretBytesMax) {
    return make_error(Code::kInvalidArgument, "vault.too_large",
                      "The secret " + std::string(name) + " has " + std::to_string(value.reveal().size()) +
                          " bytes, more than " + std::to_string(kSecretBytesMax));
  }
  const auto before = BERTH_TRY(storage::secrets::find(connection, owner, name));
  SecretRow row{std::string(owner), std::string(name), before ? before->version + 1 : 1, {}, {}, {}, clock_.now()};
  {
    const std::shared_lock lock(key_mutex_);
    auto envelope = seal(key_, identity_of(row), value.reveal(), random_);
    row.key_id = key_.id();
    row.sealed_key = std::move(envelope.sealed_key);
    row.sealed_value = std::move(envelope.sealed_value);
  }
  return storage::secrets::put(connection, row);
}

Result<std::optional<Secret>> Vault::try_get(Connection& connection, std::string_view owner,
                                             std::string_view name) const {
  auto row = BERTH_TRY(storage::secrets::find(connection, owner, name));
  if (!row) return std::optional<Secret>();
  const std::shared_lock lock(key_mutex_);
  if (row->key_id != key_.id()) return wrong_key(*row, key_);
  return std::optional(BERTH_TRY(open(key_, identity_of(*row), {row->sealed_key, row->sealed_value})));
}

Result<bool> Vault::erase(Connection& connection, std::string_view owner, std::string_view name) {
  return storage::secrets::erase(connection, owner, name);
}

Status Vault::put(std::string_view owner, std::string_view name, const Secret& value) {
  return database_.write("vault.put", [&](Connection& connection) { return put(connection, owner, name, value); });
}

Result<std::optional<Secret>> Vault::try_get(std::string_view owner, std::string_view name) const {
  std::optional<Secret> found;
  const auto work = [&](Connection& connection) -> Status {
    found = BERTH_TRY(try_get(connection, owner, name));
    return success();
  };
  auto status = database_.read(work);
  // A rotation may have come between the snapshot and the key; no rotation comes into a write.
  if (!status.ok() && status.error().reason == "vault.wrong_key") status = database_.write("vault.look_again", work);
  BERTH_CHECK(status);
  return found;
}

Result<Secret> Vault::get(std::string_view owner, std::string_view name) const {
  auto found = BERTH_TRY(try_get(owner, name));
  if (found) return std::move(*found);
  return make_error(Code::kNotFound, "vault.not_found",
                    "The vault has no secret " + std::string(name) + " of \"" + std::string(owner) + "\"");
}

Result<bool> Vault::erase(std::string_view owner, std::string_view name) {
  bool erased = false;
  BERTH_CHECK(database_.write("vault.erase", [&](Connection& connection) -> Status {
    erased = BERTH_TRY(erase(connection, owner, name));
    return success();
  }));
  return erased;
}

Result<std::vector<SecretName>> Vault::list(std::string_view owner) const {
  std::vector<SecretName> names;
  BERTH_CHECK(database_.read([&](Connection& connection) -> Status {
    for (auto& row : BERTH_TRY(storage::secrets::list(connection, owner))) {
      names.push_back({std::move(row.owner), std::move(row.name), row.version, row.updated});
    }
    return success();
  }));
  return names;
}

Result<VaultStatus> Vault::status() const {
  std::vector<SecretRow> rows;
  BERTH_CHECK(database_.read([&](Connection& connection) -> Status {
    rows = BERTH_TRY(storage::secrets::list_all(connection));
    return success();
  }));
  const std::shared_lock lock(key_mutex_);
  VaultStatus status{key_.id(), static_cast<std::int64_t>(rows.size()), 0, {}};
  for (const auto& row : rows) {
    if (row.key_id == key_.id()) continue;
    ++status.other_key;
    if (std::ranges::find(status.other_key_ids, row.key_id) == status.other_key_ids.end())
      status.other_key_ids.push_back(row.key_id);
  }
  return status;
}

Result<std::int64_t> Vault::rotate(MasterKey new_key) {
  std::int64_t resealed = 0;
  // Taken inside the transaction and held over its commit: put() takes the database first and the key second, and must
  // not seal with the old key between the commit and the swap.
  std::unique_lock lock(key_mutex_, std::defer_lock);
  BERTH_CHECK(database_.write("vault.rotate", [&](Connection& connection) -> Status {
    lock.lock();
    for (auto& row : BERTH_TRY(storage::secrets::list_all(connection))) {
      if (row.key_id != key_.id()) return wrong_key(row, key_);
      row.sealed_key = BERTH_TRY(reseal_key(key_, new_key, identity_of(row), row.sealed_key, random_));
      row.key_id = new_key.id();
      BERTH_CHECK(storage::secrets::put(connection, row));
      ++resealed;
    }
    return success();
  }));
  key_ = std::move(new_key);
  return resealed;
}

}  // namespace berth::vault
