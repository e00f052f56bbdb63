#include "host/oauth/integration_tokens.hpp"

#include "berth/json.hpp"
#include "host/core/text.hpp"
#include "host/http/url.hpp"
#include "host/oauth/token_answer.hpp"

namespace berth::oauth {
namespace {

/// Writers that were overtaken by another process try again so often.
constexpr int kSaveTries = 5;
/// So long a good token is taken again without looking at the store.
constexpr std::chrono::seconds kTokenKept{5};

}  // namespace

namespace {

/// Tokens that are stored and cannot be read by anybody with this key: connecting anew is the way out, and they must not be
/// in its way.
bool is_lost(const Error& error) {
  return error.reason == "vault.damaged" || error.reason == "vault.wrong_key" || error.reason == "oauth.tokens_unreadable";
}

}  // namespace

IntegrationTokens::IntegrationTokens(std::string integration, const Provider& provider, ClientSettings client,
                                     http::Transport& transport, TokenStore& store, const Clock& clock)
    : integration_(std::move(integration)),
      provider_(provider),
      client_(std::move(client)),
      transport_(transport),
      store_(store),
      clock_(clock) {}

Result<TokenSet> IntegrationTokens::current() {
  auto stored = BERTH_TRY(store_.load(integration_));
  if (!stored) {
    return make_error(Code::kUnauthenticated, "oauth.not_connected",
                      "The integration " + integration_ + " is not connected.");
  }
  return std::move(*stored);
}

Status IntegrationTokens::connect(TokenSet tokens) {
  for (int i = 0; i < kSaveTries; ++i) {
    auto stored = store_.load(integration_);
    if (!stored && is_lost(stored.error())) {
      BERTH_CHECK(store_.remove(integration_));
      stored = std::optional<TokenSet>();
    }
    BERTH_CHECK(stored);
    const std::uint64_t expected = *stored ? (*stored)->generation : 0;
    tokens.generation = expected + 1;
    tokens.reauth_reason.clear();
    tokens.reauth_message.clear();
    if (BERTH_TRY(store_.save(integration_, tokens, expected))) {
      const std::scoped_lock lock(mutex_);
      throttled_until_ = {};
      kept_.reset();
      return success();
    }
  }
  return make_error(Code::kConflict, "oauth.tokens_contended",
                    "The tokens of " + integration_ + " are changed elsewhere all the time.");
}

http::AccessToken IntegrationTokens::as_header(const TokenSet& set) const {
  return {Secret(replace_all(provider_.authorization_header, "{access_token}", set.access.reveal())), set.generation};
}

Result<http::AccessToken> IntegrationTokens::token(std::stop_token stop) {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.now();
    // A clock that was set back keeps nothing.
    if (kept_ && now >= kept_->since && now < kept_->since + kTokenKept && now + provider_.refresh_margin < kept_->expires_at) {
      return kept_->token;
    }
  }
  return kept(fresh(std::nullopt, std::move(stop)));
}

Result<http::AccessToken> IntegrationTokens::refresh(std::uint64_t generation_rejected, std::stop_token stop) {
  forget_kept();
  return kept(fresh(generation_rejected, std::move(stop)));
}

Result<http::AccessToken> IntegrationTokens::kept(Result<TokenSet> set) {
  if (!set) {
    forget_kept();
    return std::move(set).error();
  }
  http::AccessToken token = as_header(*set);
  const std::scoped_lock lock(mutex_);
  kept_ = Kept{token, clock_.now(), set->expires_at};
  return token;
}

void IntegrationTokens::forget_kept() {
  const std::scoped_lock lock(mutex_);
  kept_.reset();
}

Result<std::string> IntegrationTokens::api_base() {
  const auto set = BERTH_TRY(current());
  // The table may have changed since the connection was made; nothing goes to a host that left it.
  const auto* data_center = provider_.by_api(set.api_domain);
  if (data_center == nullptr) {
    return make_error(Code::kUnauthenticated, "oauth.not_connected",
                      "The API server " + set.api_domain + " of " + integration_ +
                          " is no longer in the table of data centres; connect again.");
  }
  return provider_.api_base_of(data_center->api);
}

/// A set whose token is good: not the rejected generation, and not about to expire.
Result<TokenSet> IntegrationTokens::fresh(std::optional<std::uint64_t> rejected, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!landed_.wait(lock, stop, [this] { return !refreshing_; })) {
      return make_error(Code::kCancelled, "berth.cancelled", "The run was asked to stop.");
    }
    // Read again by everybody who waited: somebody else, here or in another process, may have renewed it.
    auto set = BERTH_TRY(current());
    if (!set.reauth_reason.empty()) {
      return make_error(Code::kUnauthenticated, "oauth.needs_reauth", set.reauth_message);
    }
    const auto now = clock_.now();
    const bool is_rejected = rejected && *rejected == set.generation;
    if (!is_rejected && now + provider_.refresh_margin < set.expires_at) return set;
    // In the margin the old token still works, which is better than nothing.
    const bool still_works = !is_rejected && now < set.expires_at;
    if (throttled_until_ > now) {
      if (still_works) return set;
      auto error = make_error(
          Code::kUnavailable, "oauth.throttled",
          "Too many token requests for " + integration_ + "; none before " + to_string(throttled_until_) + ".");
      error.retry_after_ms = (throttled_until_ - now).count();
      return error;
    }
    refreshing_ = true;
    lock.unlock();
    auto renewed = refreshed(set, stop);
    lock.lock();
    refreshing_ = false;
    if (!renewed && renewed.error().reason == "oauth.throttled") {
      throttled_until_ = clock_.now() + std::chrono::milliseconds(renewed.error().retry_after_ms);
    }
    landed_.notify_all();
    if (!renewed && still_works && renewed.error().code == Code::kUnavailable) return set;
    return renewed;
  }
}

Result<TokenSet> IntegrationTokens::refreshed(const TokenSet& old, std::stop_token stop) {
  const auto* data_center = provider_.by_accounts(old.accounts_server);
  if (data_center == nullptr) {
    return make_error(Code::kUnauthenticated, "oauth.accounts_server_refused",
                      "The accounts server " + old.accounts_server + " of " + integration_ +
                          " is no longer in the table of data centres; nothing was sent to it.");
  }
  const Form form{{"grant_type", Secret("refresh_token")},
                  {"refresh_token", old.refresh},
                  {"client_id", Secret(client_.client_id)},
                  {"client_secret", client_.client_secret}};
  auto answer =
      ask_for_tokens(transport_, {TokenRequest::Grant::kRefresh, provider_, *data_center, {}}, form, clock_, stop);
  if (!answer) {
    // Only a refused refresh token needs a person at the consent page. A refused client or redirect URI is kInvalidConfig:
    // nothing is stored, so that corrected settings work at once.
    if (answer.error().code == Code::kUnauthenticated && !BERTH_TRY(store_reauth(old, answer.error()))) {
      // Another host, or a person who connected, was faster: what was refused is not what counts now.
      auto newer = BERTH_TRY(current());
      if (newer.reauth_reason.empty()) return newer;
    }
    return std::move(answer).error();
  }
  auto set = old;
  set.access = std::move(answer->access);
  // A refresh answer has no refresh token; the old one goes on.
  if (!answer->refresh.empty()) set.refresh = std::move(answer->refresh);
  set.expires_at = answer->expires_at;
  set.generation = old.generation + 1;
  if (!BERTH_TRY(store_.save(integration_, set, old.generation))) return current();  // another process was faster
  return set;
}

/// False: the tokens are others by now.
Result<bool> IntegrationTokens::store_reauth(const TokenSet& old, const Error& error) {
  auto set = old;
  set.generation = old.generation + 1;
  set.reauth_reason = error.reason;
  set.reauth_message = error.message;
  return store_.save(integration_, set, old.generation);
}

// Two addresses are documented: the Books pages have /oauth/v2/token/revoke, the Accounts pages /oauth/v2/revoke/token.
Status IntegrationTokens::revoke(std::stop_token stop) {
  forget_kept();
  const auto not_revoked = [&](const std::string& reason) {
    return make_error(Code::kUnavailable, "oauth.not_revoked",
                      "The tokens of " + integration_ + " are forgotten here, but the remote was not told (" + reason +
                          "); remove the connection there by hand.");
  };
  auto stored = current();
  if (!stored && is_lost(stored.error())) {
    BERTH_CHECK(store_.remove(integration_));
    return not_revoked("they could not be read: " + stored.error().message);
  }
  const auto set = BERTH_TRY(std::move(stored));
  const auto* data_center = provider_.by_accounts(set.accounts_server);
  std::string why = "no address to revoke at is known";
  bool is_revoked = false;
  for (const auto& url : provider_.revoke_urls) {
    if (data_center == nullptr || is_revoked) break;
    const Form form{{"token", set.refresh},
                    {"token_type", Secret("refresh_token")},
                    {"client_id", Secret(client_.client_id)},
                    {"client_secret", client_.client_secret}};
    const auto response = transport_.send(form_request(with_accounts(url, *data_center), form), stop);
    if (!response) {
      why = response.error().message;
      continue;
    }
    const auto parsed = json::parse(response->body);
    const bool has_error =
        parsed.ok() && (parsed.value.find("error") != nullptr || parsed.value.text_of("status") == "failure");
    is_revoked = response->status == 200 && !has_error;
    if (!is_revoked) why = "HTTP " + std::to_string(response->status) + " from " + data_center->accounts;
  }
  BERTH_CHECK(store_.remove(integration_));
  if (is_revoked) return success();
  return not_revoked(why);
}

std::optional<std::string> data_center_mismatch(const Provider& provider, const TokenSet& set,
                                                std::string_view api_base) {
  const auto* of_tokens = provider.by_accounts(set.accounts_server);
  const auto url = http::Url::parse(api_base);
  const auto* of_api = url ? provider.by_api(url->origin()) : nullptr;
  if (of_tokens == nullptr || of_api == nullptr || of_tokens == of_api) return std::nullopt;
  return "The tokens are of data centre " + of_tokens->location + " (" + of_tokens->accounts +
         "), but they are used at data centre " + of_api->location + " (" + of_api->api + ").";
}

}  // namespace berth::oauth
