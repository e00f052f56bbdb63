#include "host/oauth/authorization.hpp"

#include "host/core/hash.hpp"
#include "host/core/one_line.hpp"
#include "host/core/text.hpp"
#include "host/oauth/redirect.hpp"
#include "host/oauth/token_answer.hpp"

namespace berth::oauth {
namespace {

Error accounts_server_refused(std::string_view server) {
  return make_error(Code::kForbidden, "oauth.accounts_server_refused",
                    "The accounts server \"" + one_line(server, 120) +
                        "\" is not in the table of data centres; nothing was sent to it.");
}

Status check_client(std::string_view integration, const ClientSettings& client, bool needs_redirect) {
  const auto missing = [&](std::string_view what) {
    return make_error(Code::kInvalidConfig, "oauth.client_missing",
                      "The " + std::string(what) + " of integration " + std::string(integration) + " is not set.");
  };
  if (client.client_id.empty()) return missing("client id");
  if (client.client_secret.empty()) return missing("client secret");
  if (needs_redirect && client.redirect_uri.empty()) return missing("redirect URI");
  return success();
}

/// RFC 7636, S256.
std::string pkce_challenge(std::string_view verifier) {
  return to_base64url(from_hex(sha256_hex(verifier)).value_or(std::string{}));
}

}  // namespace

Result<Authorization> Authorizer::begin(std::string_view integration, const ClientSettings& client,
                                        std::span<const std::string> phases) {
  BERTH_CHECK(check_client(integration, client, true));
  const auto& home = *BERTH_TRY(provider_.home(client.home));
  const auto state = random_.token(kStateBytes);
  PendingState pending;
  pending.integration = integration;
  pending.redirect_uri = client.redirect_uri;
  pending.location = home.location;
  pending.expires_at = clock_.now() + kStateLifetime;
  auto url = with_accounts(provider_.authorize_url, home);
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    url += separator + percent_encode(name) + "=" + percent_encode(value);
    separator = '&';
  };
  for (const auto& [name, value] : provider_.authorize_params) add(name, value);
  add("client_id", client.client_id);
  add("redirect_uri", client.redirect_uri);
  add("scope", provider_.scopes_for(phases));
  add("state", state);
  if (provider_.pkce) {
    constexpr std::size_t kVerifierBytes = 32;
    pending.pkce_verifier = random_.token(kVerifierBytes);
    add("code_challenge", pkce_challenge(pending.pkce_verifier));
    add("code_challenge_method", "S256");
  }
  BERTH_CHECK(states_.put(blake2b_hex(state), pending));
  return Authorization{std::move(url), pending.expires_at};
}

Result<Grant> Authorizer::accept_redirect(std::string_view query, std::string_view redirect_uri) {
  const auto redirect = BERTH_TRY(parse_redirect(query, provider_));
  const auto pending = BERTH_TRY(states_.take(blake2b_hex(redirect.state)));
  if (!pending || pending->redirect_uri != redirect_uri) {
    return make_error(
        Code::kForbidden, "oauth.state_unknown",
        "Nobody here began this authorisation, or its answer came already, or it began more than 15 minutes ago; "
        "begin again.");
  }
  if (clock_.now() >= pending->expires_at) {
    return make_error(Code::kForbidden, "oauth.state_expired",
                      "The authorisation of " + pending->integration + " began more than 15 minutes ago; begin again.");
  }
  if (!redirect.error.empty()) {
    const bool is_denied = redirect.error == "access_denied";
    return make_error(
        Code::kUnauthenticated, is_denied ? "oauth.access_denied" : "oauth.rejected",
        is_denied
            ? "Access for " + pending->integration +
                  " was denied: by the person who was asked, or because more than 10 codes were asked for in "
                  "10 minutes."
            : "The authorisation of " + pending->integration + " failed: " + one_line(redirect.error, 100) + ".");
  }
  const auto* by_location = provider_.by_location(redirect.location);
  const DataCenter* data_center = nullptr;
  if (!redirect.accounts_server.empty()) {
    data_center = provider_.by_accounts(redirect.accounts_server);
    if (data_center == nullptr) return accounts_server_refused(redirect.accounts_server);
    // A location and a server of two different data centres do not come from the remote. An added data centre may call
    // itself as it likes.
    if (by_location != nullptr && by_location != data_center && !by_location->added && !data_center->added) {
      return accounts_server_refused(redirect.accounts_server);
    }
  } else if (!redirect.location.empty()) {
    data_center = by_location;
    if (data_center == nullptr) return accounts_server_refused(redirect.location);
  } else {
    data_center = provider_.by_location(pending->location);
    if (data_center == nullptr) return accounts_server_refused(pending->location);
  }
  Grant grant;
  grant.integration = pending->integration;
  grant.code = redirect.code;
  grant.redirect_uri = pending->redirect_uri;
  grant.location = data_center->location;
  grant.began_at = pending->location;
  grant.pkce_verifier = Secret(pending->pkce_verifier);
  return grant;
}

Result<Grant> Authorizer::accept_code(std::string_view integration, Secret code, std::string_view accounts_server,
                                      const ClientSettings& client, CodeOf origin) {
  constexpr std::size_t kCodeBytesMax = 1'024;
  const auto text = trim(code.reveal());
  if (text.empty() || text.size() > kCodeBytesMax || text.find_first_of(" \t\r\n&") != std::string_view::npos ||
      !is_valid_utf8(text)) {
    return make_error(Code::kInvalidArgument, "oauth.redirect_invalid", "This is no authorisation code.");
  }
  // The form in which some front ends hand the redirect's parameter on: "https%3A%2F%2Faccounts.zoho.eu".
  const auto lower = lower_ascii(accounts_server);
  const bool is_encoded = lower.starts_with("https%3a") || lower.starts_with("http%3a");
  const auto server = is_encoded ? percent_decode(accounts_server) : std::string(accounts_server);
  const auto* home = BERTH_TRY(provider_.home(client.home));
  const auto* data_center = server.empty() ? home : provider_.by_accounts(server);
  if (data_center == nullptr) return accounts_server_refused(accounts_server);
  Grant grant;
  grant.integration = integration;
  grant.code = Secret(std::string(text));
  if (origin == CodeOf::kRedirect) grant.redirect_uri = client.redirect_uri;
  grant.location = data_center->location;
  return grant;
}

Result<TokenSet> Authorizer::exchange(const Grant& grant, const ClientSettings& client, std::stop_token stop) {
  BERTH_CHECK(check_client(grant.integration, client, false));
  const auto* data_center = provider_.by_location(grant.location);
  if (data_center == nullptr) return accounts_server_refused(grant.location);
  const auto began_at = grant.began_at.empty() ? BERTH_TRY(provider_.home(client.home))->location : grant.began_at;
  // Written down before it is sent: a code is good once, and a second try can only do harm.
  if (!BERTH_TRY(states_.claim_code(blake2b_hex(grant.code.reveal()), clock_.now() + 4 * kStateLifetime))) {
    return make_error(Code::kUnauthenticated, "oauth.code_expired_or_used",
                      "This code was sent once already and is not sent again; begin again.");
  }
  Form form{{"grant_type", Secret("authorization_code")},
            {"code", grant.code},
            {"client_id", Secret(client.client_id)},
            {"client_secret", client.client_secret}};
  if (!grant.redirect_uri.empty()) form.emplace_back("redirect_uri", Secret(grant.redirect_uri));
  if (!grant.pkce_verifier.empty()) form.emplace_back("code_verifier", grant.pkce_verifier);
  auto answer = BERTH_TRY(ask_for_tokens(transport_, {TokenRequest::Grant::kCode, provider_, *data_center, began_at},
                                         form, clock_, std::move(stop)));
  if (answer.refresh.empty()) {
    return make_error(
        Code::kUnauthenticated, "oauth.no_refresh_token",
        "The answer of " + data_center->accounts +
            " has no refresh token, so access would end within the hour; connect again with offline access and "
            "consent (access_type=offline, prompt=consent).");
  }
  const auto* api = provider_.answers_api_domain ? provider_.by_api(answer.api_domain) : nullptr;
  TokenSet tokens;
  tokens.access = std::move(answer.access);
  tokens.refresh = std::move(answer.refresh);
  tokens.accounts_server = data_center->accounts;
  // Absent, wrong and hostile values have been seen; the table has the right one.
  tokens.api_domain = api != nullptr ? api->api : data_center->api;
  tokens.location = data_center->location;
  tokens.expires_at = answer.expires_at;
  return tokens;
}

}  // namespace berth::oauth
