#pragma once
// Access tokens of one integration that are good: one refresh at a time, five minutes before the end, and once when the
// remote refuses a token.
//
//   IntegrationTokens tokens("zoho_acme", provider, client, transport, store, clock);
//   BERTH_CHECK(tokens.connect(tokens_of_exchange));
//   ApiClient::create({transport, tokens, ...}, ...);
//
// Zoho gives at most 10 access tokens per refresh token in 10 minutes and then refuses for the rest of the window
// (Zoho, "OAuth limits"). So there is one object per integration in a process, which all its callers share; they share
// one refresh, and what another process stored meanwhile is taken instead of asking again. A refresh token that is
// refused for good makes the set `needs reauth`: that is stored, so that nobody asks again until a person reconnects.
// A refused client or redirect URI is a mistake of the settings and not stored: corrected settings work at once.
//
// Reading the stored set and opening it costs more than the rest of a call that goes to a server nearby, so a token that
// was good is taken again for five seconds. What another process stores or removes is noticed after them, or at once when
// the remote refuses the token.
//
// Any thread. Refers to what it is made from.
//
// Errors: oauth.not_connected, oauth.needs_reauth (both kUnauthenticated), those of a token answer in authorization.hpp
// and those of the store. kUnauthenticated and kInvalidConfig need a person; kUnavailable passes, and retry_after_ms
// says when to come back.
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/http/token_source.hpp"
#include "host/http/transport.hpp"
#include "host/oauth/client_settings.hpp"
#include "host/oauth/provider.hpp"
#include "host/oauth/token_store.hpp"

namespace berth::oauth {

class IntegrationTokens final : public http::TokenSource {
 public:
  IntegrationTokens(std::string integration, const Provider& provider, ClientSettings client,
                    http::Transport& transport, TokenStore& store, const Clock& clock);
  IntegrationTokens(const IntegrationTokens&) = delete;
  IntegrationTokens& operator=(const IntegrationTokens&) = delete;

  Result<http::AccessToken> token(std::stop_token stop) override;
  Result<http::AccessToken> refresh(std::uint64_t generation_rejected, std::stop_token stop) override;
  Result<std::string> api_base() override;

  /// Stores what an exchange gave, in place of what was there: a new generation, and no longer `needs reauth`.
  Status connect(TokenSet tokens);
  /// The stored set, as it is. Errors: oauth.not_connected.
  Result<TokenSet> current();
  /// Tells the remote that the refresh token is no longer wanted (at each documented address until one takes it) and
  /// forgets the tokens; they are forgotten also if the remote could not be told, and then the error says so
  /// (oauth.not_revoked).
  Status revoke(std::stop_token stop);

 private:
  Result<TokenSet> fresh(std::optional<std::uint64_t> rejected, std::stop_token stop);
  Result<TokenSet> refreshed(const TokenSet& old, std::stop_token stop);
  Result<bool> store_reauth(const TokenSet& old, const Error& error);
  [[nodiscard]] http::AccessToken as_header(const TokenSet& set) const;
  Result<http::AccessToken> kept(Result<TokenSet> set);
  void forget_kept();

  const std::string integration_;
  const Provider& provider_;
  const ClientSettings client_;
  http::Transport& transport_;
  TokenStore& store_;
  const Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any landed_;
  bool refreshing_ = false;
  Instant throttled_until_;
  struct Kept {
    http::AccessToken token;
    Instant since;
    Instant expires_at;
  };
  std::optional<Kept> kept_;
};

/// Names both data centres when the tokens of one are used at the API of another; nothing when they fit. A token used
/// at the wrong data centre is refused with 401, which looks like a bad token.
[[nodiscard]] std::optional<std::string> data_center_mismatch(const Provider& provider, const TokenSet& set,
                                                              std::string_view api_base);

/// For tests and for hosts without a vault: nothing is kept.
class MemoryTokenStore final : public TokenStore {
 public:
  Result<std::optional<TokenSet>> load(std::string_view integration) override;
  Result<bool> save(std::string_view integration, const TokenSet& set, std::uint64_t expected) override;
  Status remove(std::string_view integration) override;

 private:
  std::mutex mutex_;
  std::map<std::string, TokenSet, std::less<>> sets_;
};

}  // namespace berth::oauth
