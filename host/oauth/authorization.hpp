#pragma once
// The authorisation-code flow: from "connect" to a set of tokens.
//
//   Authorizer authorizer(provider, transport, states, clock, random);
//   auto begun = BERTH_TRY(authorizer.begin("zoho_acme", client, phases));          // send the browser to begun.url
//   ...
//   Grant grant = BERTH_TRY(authorizer.accept_redirect(query, client.redirect_uri)); // nothing is sent yet
//   TokenSet tokens = BERTH_TRY(authorizer.exchange(grant, client, stop));           // the code is sent, once, ever
//
// The redirect is untrusted input: everything in it is checked before anything is sent, its state is good for one use
// within 15 minutes, and its accounts server must be an entry of the provider's table. Whether an exchange succeeded is
// judged by the body of the answer, never by its status, since Zoho sends errors with HTTP 200.
//
// Any thread. Refers to what it is made from.
//
// Errors, by reason (the causes that an operator must be able to tell apart):
//   oauth.redirect_invalid         the redirect's query is not one that the remote sends: broken, doubled, missing, too
//   long oauth.state_unknown            nobody here began this authorisation, or it was used already
//   oauth.state_expired            begun more than 15 minutes ago
//   oauth.access_denied            the person refused, or more than 10 codes were asked for in 10 minutes
//   oauth.accounts_server_refused  the accounts server is not in the table of data centres
//   oauth.code_expired_or_used     the code is older than its lifetime (2 minutes), was used, or belongs elsewhere
//   oauth.clock                    the same, and this machine's clock is wrong by more than the code's lifetime
//   oauth.client_rejected          client id or secret are not right at this data centre; both data centres are named
//   oauth.redirect_uri             the redirect URI is not the registered one
//   oauth.no_refresh_token         the answer has no refresh token: offline access was not granted
//   oauth.throttled                too many token requests; retry_after_ms is 15 minutes
//   oauth.unreachable              no answer, or HTTP 5xx
//   oauth.answer_unreadable        an answer that is neither tokens nor an error
//   oauth.rejected                 an error that is none of the above; the message has its text
//   oauth.client_missing           client id, secret or redirect URI are not set
//   oauth.data_center_unknown      the client's home is not in the table of data centres; the nearest location is named
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "host/core/random.hpp"
#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"
#include "host/http/transport.hpp"
#include "host/oauth/client_settings.hpp"
#include "host/oauth/provider.hpp"
#include "host/oauth/state_store.hpp"
#include "host/oauth/token_store.hpp"

namespace berth::oauth {

inline constexpr std::chrono::milliseconds kStateLifetime{15 * 60'000};
/// A state is 32 random bytes as base64url.
inline constexpr std::size_t kStateBytes = 32;
inline constexpr std::size_t kRedirectQueryBytesMax = 4'096;
inline constexpr std::chrono::milliseconds kThrottleWait{15 * 60'000};

struct Authorization {
  std::string url = {};  // for the browser
  Instant expires_at = {};
};

/// What an accepted redirect, or a pasted code, entitles to.
struct Grant {
  std::string integration = {};
  Secret code = {};
  std::string redirect_uri = {};  // empty: a self client's code, which has none
  std::string location = {};      // data centre where the code is good
  std::string began_at = {};      // data centre where the authorisation began; empty: not known
  Secret pkce_verifier = {};
};

class Authorizer {
 public:
  Authorizer(const Provider& provider, http::Transport& transport, StateStore& states, const Clock& clock,
             Random& random)
      : provider_(provider), transport_(transport), states_(states), clock_(clock), random_(random) {}

  /// The address to send a browser to. Offline access and consent are always asked for.
  Result<Authorization> begin(std::string_view integration, const ClientSettings& client,
                              std::span<const std::string> phases);

  /// Reads the query of the redirect ("state=…&code=…&location=eu&accounts-server=…&") and consumes its state.
  /// `redirect_uri` is the address at which it arrived, as configured.
  Result<Grant> accept_redirect(std::string_view query, std::string_view redirect_uri);

  /// A code that came another way: by REST or CLI with its accounts server (percent-encoded or plain), or pasted from a
  /// self client, which has no redirect URI. An empty `accounts_server` means the client's home.
  enum class CodeOf { kRedirect, kSelfClient };
  Result<Grant> accept_code(std::string_view integration, Secret code, std::string_view accounts_server,
                            const ClientSettings& client, CodeOf origin);

  /// Sends the code, which can never be sent again, whatever comes of it. The set's generation is 0; the caller saves
  /// it.
  Result<TokenSet> exchange(const Grant& grant, const ClientSettings& client, std::stop_token stop);

 private:
  const Provider& provider_;
  http::Transport& transport_;
  StateStore& states_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace berth::oauth
