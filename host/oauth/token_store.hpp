#pragma once
// Where the tokens of an integration live between calls and between processes. The host's keeps them in the vault.
// Implementations may be called from any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"

namespace berth::oauth {

struct TokenSet {
  Secret access = {};
  Secret refresh = {};
  std::string accounts_server = {};  // of the table: "https://accounts.zoho.eu"
  std::string api_domain = {};       // of the table: "https://www.zohoapis.eu"
  std::string location = {};         // of the table: "eu"
  Instant expires_at = {};           // of the access token
  std::uint64_t generation = 0;      // of this set; save() decides the next one
  std::string reauth_reason = {};    // not empty: a person must connect again, because of this (a reason id)
  std::string reauth_message = {};
};

/// The set as JSON text, to be encrypted: it has the tokens in plain.
[[nodiscard]] Secret to_sealed_json(const TokenSet& set);
/// Errors: oauth.tokens_unreadable.
[[nodiscard]] Result<TokenSet> from_sealed_json(const Secret& text);

class TokenStore {
 public:
  virtual ~TokenStore() = default;
  /// Nothing: not connected.
  virtual Result<std::optional<TokenSet>> load(std::string_view integration) = 0;
  /// Stores `set` as `set.generation` only if the stored generation is still `expected` (0: nothing is stored); false
  /// when somebody else was faster. Durable when it returns.
  virtual Result<bool> save(std::string_view integration, const TokenSet& set, std::uint64_t expected) = 0;
  /// Forgets the tokens.
  virtual Status remove(std::string_view integration) = 0;
};

}  // namespace berth::oauth
