#pragma once
// Where oauth keeps what it must remember: tokens in the vault, open authorisations in the database.
// Any thread; both refer to the database and vault they are made from.
#include "host/oauth/state_store.hpp"
#include "host/oauth/token_store.hpp"
#include "host/storage/database.hpp"
#include "host/vault/vault.hpp"

namespace berth::app {

/// One secret per integration, "oauth_tokens". Replaced only if its generation is still the expected one, in one
/// transaction, so that two processes that refresh at the same time do not overwrite each other.
class VaultTokenStore final : public oauth::TokenStore {
 public:
  VaultTokenStore(storage::Database& database, vault::Vault& vault) : database_(database), vault_(vault) {}
  Result<std::optional<oauth::TokenSet>> load(std::string_view integration) override;
  Result<bool> save(std::string_view integration, const oauth::TokenSet& set, std::uint64_t expected) override;
  Status remove(std::string_view integration) override;

 private:
  storage::Database& database_;
  vault::Vault& vault_;
};

class DatabaseStateStore final : public oauth::StateStore {
 public:
  DatabaseStateStore(storage::Database& database, const Clock& clock) : database_(database), clock_(clock) {}
  Status put(std::string_view state_hash, const oauth::PendingState& state) override;
  Result<std::optional<oauth::PendingState>> take(std::string_view state_hash) override;
  Result<bool> claim_code(std::string_view code_hash, Instant forget_at) override;

 private:
  storage::Database& database_;
  const Clock& clock_;
};

}  // namespace berth::app
