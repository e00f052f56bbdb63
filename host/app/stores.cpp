#include "host/app/stores.hpp"

#include "berth/json.hpp"
#include "host/storage/oauth_states.hpp"

namespace berth::app {

namespace {
constexpr std::string_view kTokens = "oauth_tokens";
/// Codes live two minutes; what is remembered of them is kept much longer than any clock is wrong.
constexpr std::chrono::hours kCodeMemory{24 * 30};
}  // namespace

Result<std::optional<oauth::TokenSet>> VaultTokenStore::load(std::string_view integration) {
  const auto secret = BERTH_TRY(vault_.try_get(integration, kTokens));
  if (!secret) return std::optional<oauth::TokenSet>();
  return std::optional(BERTH_TRY(oauth::from_sealed_json(*secret)));
}

Result<bool> VaultTokenStore::save(std::string_view integration, const oauth::TokenSet& set, std::uint64_t expected) {
  bool is_saved = false;
  BERTH_CHECK(database_.write("oauth.tokens", [&](storage::Connection& connection) -> Status {
    const auto stored = BERTH_TRY(vault_.try_get(connection, integration, kTokens));
    std::uint64_t generation = 0;
    if (stored) generation = BERTH_TRY(oauth::from_sealed_json(*stored)).generation;
    if (generation != expected) return success();
    is_saved = true;
    return vault_.put(connection, integration, kTokens, oauth::to_sealed_json(set));
  }));
  return is_saved;
}

Status VaultTokenStore::remove(std::string_view integration) {
  BERTH_CHECK(vault_.erase(integration, kTokens));
  return success();
}

Status DatabaseStateStore::put(std::string_view state_hash, const oauth::PendingState& state) {
  storage::OauthState row;
  row.state_hash = state_hash;
  row.integration = state.integration;
  row.redirect_uri = state.redirect_uri;
  row.context_json = json::dump(json::Value::object({{"location", state.location}, {"pkce_verifier", state.pkce_verifier}}));
  row.expires = state.expires_at;
  return database_.write("oauth.state_made", [&](storage::Connection& connection) { return storage::oauth_states::put(connection, row, clock_.now()); });
}

Result<std::optional<oauth::PendingState>> DatabaseStateStore::take(std::string_view state_hash) {
  std::optional<oauth::PendingState> found;
  BERTH_CHECK(database_.write("oauth.state_taken", [&](storage::Connection& connection) -> Status {
    // An expired state is handed over too: the caller tells it apart from an unknown one.
    const auto row = BERTH_TRY(storage::oauth_states::take(connection, state_hash, Instant{0}));
    if (!row) return success();
    const json::Parsed context = json::parse(row->context_json);
    found = oauth::PendingState{.integration = row->integration,
                                .redirect_uri = row->redirect_uri,
                                .location = std::string(context.value.text_of("location")),
                                .pkce_verifier = std::string(context.value.text_of("pkce_verifier")),
                                .expires_at = row->expires};
    return success();
  }));
  return found;
}

Result<bool> DatabaseStateStore::claim_code(std::string_view code_hash, Instant forget_at) {
  bool is_first = false;
  BERTH_CHECK(database_.write("oauth.code_used", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(storage::oauth_states::prune_codes(connection, forget_at - kCodeMemory));
    is_first = BERTH_TRY(storage::oauth_states::use_code(connection, code_hash, clock_.now()));
    return success();
  }));
  return is_first;
}

}  // namespace berth::app
