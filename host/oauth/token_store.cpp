#include "host/oauth/token_store.hpp"

#include "host/oauth/integration_tokens.hpp"

namespace berth::oauth {

Secret to_sealed_json(const TokenSet& set) {
  auto value = json::Value::object();
  value.set("access", set.access.reveal());
  value.set("refresh", set.refresh.reveal());
  value.set("accounts_server", set.accounts_server);
  value.set("api_domain", set.api_domain);
  value.set("location", set.location);
  value.set("expires_at_ms", set.expires_at.unix_ms);
  value.set("generation", set.generation);
  value.set("reauth_reason", set.reauth_reason);
  value.set("reauth_message", set.reauth_message);
  return Secret(json::dump(value));
}

Result<TokenSet> from_sealed_json(const Secret& text) {
  const auto parsed = json::parse(text.reveal());
  const auto* generation = parsed.ok() ? parsed.value.find("generation") : nullptr;
  const auto* expires = parsed.ok() ? parsed.value.find("expires_at_ms") : nullptr;
  if (generation == nullptr || expires == nullptr || !generation->integer() || !expires->integer()) {
    return make_error(Code::kEnvironment, "oauth.tokens_unreadable",
                      "The stored tokens cannot be read; connect again.");
  }
  TokenSet set;
  set.access = Secret(std::string(parsed.value.text_of("access")));
  set.refresh = Secret(std::string(parsed.value.text_of("refresh")));
  set.accounts_server = parsed.value.text_of("accounts_server");
  set.api_domain = parsed.value.text_of("api_domain");
  set.location = parsed.value.text_of("location");
  set.expires_at = {*expires->integer()};
  set.generation = static_cast<std::uint64_t>(*generation->integer());
  set.reauth_reason = parsed.value.text_of("reauth_reason");
  set.reauth_message = parsed.value.text_of("reauth_message");
  return set;
}

Result<std::optional<TokenSet>> MemoryTokenStore::load(std::string_view integration) {
  const std::scoped_lock lock(mutex_);
  const auto found = sets_.find(integration);
  return found == sets_.end() ? std::optional<TokenSet>{} : std::optional<TokenSet>(found->second);
}

Result<bool> MemoryTokenStore::save(std::string_view integration, const TokenSet& set, std::uint64_t expected) {
  const std::scoped_lock lock(mutex_);
  const auto found = sets_.find(integration);
  const auto stored = found == sets_.end() ? 0 : found->second.generation;
  if (stored != expected) return false;
  sets_.insert_or_assign(std::string(integration), set);
  return true;
}

Status MemoryTokenStore::remove(std::string_view integration) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = sets_.find(integration); found != sets_.end()) sets_.erase(found);
  return success();
}

}  // namespace berth::oauth
