#pragma once
// The vault: secrets of integrations and of the host, each in an envelope in the database.
//
// An envelope is the secret sealed with a random data key of its own, and that key sealed with the master key, both by
// XChaCha20-Poly1305 with owner, name and version as associated data: an envelope that was changed, moved to another
// name or put back from an older version does not open.
//
//   Vault vault(database, std::move(master_key), random, clock);
//   BERTH_CHECK(vault.put("zoho_acme", "refresh_token", Secret(token)));
//   auto token = BERTH_TRY(vault.get("zoho_acme", "refresh_token"));          // Secret
//
// Threads: any. Errors: vault.not_found, vault.wrong_key (sealed by another master key; its id is named), vault.damaged
// (does not open: changed or moved), vault.too_large, vault.name_invalid, and those of storage.
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/random.hpp"
#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"
#include "host/storage/secrets.hpp"
#include "host/vault/master_key.hpp"

namespace berth::vault {

constexpr std::size_t kSecretBytesMax = 64u << 10u;
constexpr std::size_t kNameBytesMax = 200;

struct SecretName {
  std::string owner;
  std::string name;
  std::int64_t version = 0;
  Instant updated;
};
struct VaultStatus {
  std::string key_id;  // of the master key in use
  std::int64_t secrets = 0;
  std::int64_t other_key = 0;  // sealed by another master key
  std::vector<std::string> other_key_ids;
};

class Vault {
 public:
  /// All four must outlive the vault.
  Vault(storage::Database& database, MasterKey key, Random& random, const Clock& clock);

  /// `owner`: integration id, "" for the host. A new value gets the next version.
  Status put(std::string_view owner, std::string_view name, const Secret& value);
  Result<Secret> get(std::string_view owner, std::string_view name) const;
  /// Nothing where there is none; an envelope that does not open is an error all the same.
  Result<std::optional<Secret>> try_get(std::string_view owner, std::string_view name) const;
  /// False if there was none.
  Result<bool> erase(std::string_view owner, std::string_view name);
  Result<std::vector<SecretName>> list(std::string_view owner) const;
  Result<VaultStatus> status() const;
  /// Seals every data key with the new master key, in one transaction, and uses it from then on. Returns how many.
  /// Nothing changes if one envelope does not open.
  Result<std::int64_t> rotate(MasterKey new_key);

  /// The same inside a transaction of the caller, so that a token and what belongs to it are committed together.
  Status put(storage::Connection& connection, std::string_view owner, std::string_view name, const Secret& value);
  Result<std::optional<Secret>> try_get(storage::Connection& connection, std::string_view owner,
                                        std::string_view name) const;
  Result<bool> erase(storage::Connection& connection, std::string_view owner, std::string_view name);

 private:
  storage::Database& database_;
  mutable std::shared_mutex key_mutex_;  // guards key_
  MasterKey key_;
  Random& random_;
  const Clock& clock_;
};

}  // namespace berth::vault
