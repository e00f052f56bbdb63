#include "host/oauth/provider.hpp"

#include <algorithm>

#include "host/core/text.hpp"
#include "host/http/fields.hpp"
#include "host/http/url.hpp"

namespace berth::oauth {
namespace {

constexpr const char* kReason = "oauth.provider_invalid";
using http::Fields;

/// An origin and nothing else, in its one spelling.
Result<std::string> parse_origin(const std::string& text, bool allow_http_loopback) {
  const auto url = BERTH_TRY(http::Url::parse(text));
  if (!url.is_https() && !(allow_http_loopback && url.is_loopback())) {
    return make_error(Code::kInvalidConfig, kReason, "\"" + text + "\" is not https.");
  }
  if (url.target != "/") return make_error(Code::kInvalidConfig, kReason, "\"" + text + "\" has a path.");
  return url.origin();
}

Result<DataCenter> parse_data_center(const Fields& fields) {
  DataCenter data_center;
  data_center.location = BERTH_TRY(fields.text("location"));
  if (data_center.location.empty()) return fields.error("location", "a short name such as \"eu\" is expected");
  const auto accounts = parse_origin(BERTH_TRY(fields.text("accounts")), false);
  if (!accounts) return fields.error("accounts", accounts.error().message);
  const auto api = parse_origin(BERTH_TRY(fields.text("api")), false);
  if (!api) return fields.error("api", api.error().message);
  data_center.accounts = *accounts;
  data_center.api = *api;
  return data_center;
}

/// The name without regard to case and to one "/" at its end.
std::string normalised(std::string_view untrusted) {
  auto text = lower_ascii(untrusted);
  if (text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

Result<Provider> Provider::parse(const json::Value& block, std::span<const DataCenter> added) {
  const Fields fields(block, "/oauth", kReason);
  BERTH_CHECK(fields.must_be_object());
  Provider provider;
  provider.authorize_url = BERTH_TRY(fields.text("authorize_url"));
  provider.token_url = BERTH_TRY(fields.text("token_url"));
  provider.revoke_urls = BERTH_TRY(fields.texts("revoke_urls"));
  provider.serverinfo_url = BERTH_TRY(fields.text("serverinfo_url"));
  provider.status_page = BERTH_TRY(fields.text("status_page"));
  if (!provider.status_page.empty() && !provider.status_page.starts_with("https://")) {
    return fields.error("status_page", "an address that begins with https:// is expected");
  }
  provider.api_base = BERTH_TRY(fields.text("api_base"));
  provider.scope_separator = BERTH_TRY(fields.text("scope_separator", " "));
  provider.pkce = BERTH_TRY(fields.boolean("pkce"));
  provider.authorization_header = BERTH_TRY(fields.text("authorization_header", "Bearer {access_token}"));
  // A template may not lead anywhere but to the chosen data centre.
  auto accounts_templates = provider.revoke_urls;
  accounts_templates.push_back(provider.authorize_url);
  accounts_templates.push_back(provider.token_url);
  if (!provider.serverinfo_url.empty()) accounts_templates.push_back(provider.serverinfo_url);
  for (const auto& url : accounts_templates) {
    if (!url.starts_with("{accounts}/")) return fields.error("", "\"" + url + "\" does not begin with {accounts}/");
  }
  if (!provider.api_base.starts_with("{api}")) return fields.error("api_base", "it does not begin with {api}");
  if (provider.authorization_header.find("{access_token}") == std::string::npos) {
    return fields.error("authorization_header", "it has no {access_token}");
  }
  if (const auto* params = fields.find("authorize_params")) {
    for (const auto& [name, value] : params->members()) provider.authorize_params.emplace_back(name, value.text());
  }
  if (const auto* scopes = fields.find("scopes")) {
    const Fields scope_fields(*scopes, "/oauth/scopes", kReason);
    provider.base_scopes = BERTH_TRY(scope_fields.texts("base"));
    if (const auto* phases = scopes->find("phases")) {
      const Fields phase_fields(*phases, "/oauth/scopes/phases", kReason);
      for (const auto& [phase, value] : phases->members()) {
        // An empty list is a phase that needs no scope of its own.
        const bool none = value.is_array() && value.size() == 0;
        provider.phase_scopes.emplace_back(phase,
                                           none ? std::vector<std::string>{} : BERTH_TRY(phase_fields.texts(phase)));
      }
    }
  }
  if (const auto* names = fields.find("redirect_params")) {
    provider.accounts_server_param = names->text_of("accounts_server");
    provider.location_param = names->text_of("location");
  }
  const auto token_fields = BERTH_TRY(fields.texts("token_fields"));
  provider.answers_api_domain = std::find(token_fields.begin(), token_fields.end(), "api_domain") != token_fields.end();
  provider.code_lifetime = std::chrono::seconds(BERTH_TRY(fields.integer("code_lifetime_s", 120, 1, 3'600)));
  provider.refresh_margin = std::chrono::seconds(BERTH_TRY(fields.integer("refresh_margin_s", 300, 0, 3'600)));
  if (const auto* errors = fields.find("errors")) {
    const Fields error_fields(*errors, "/oauth/errors", kReason);
    provider.permanent_errors = BERTH_TRY(error_fields.texts("permanent"));
    provider.throttled_errors = BERTH_TRY(error_fields.texts("throttled"));
  }

  for (auto data_center : added) {
    const auto accounts = parse_origin(data_center.accounts, data_center.allow_http_loopback);
    const auto api = parse_origin(data_center.api, data_center.allow_http_loopback);
    if (!accounts || !api) {
      return make_error(Code::kInvalidConfig, kReason,
                        "The added data centre \"" + data_center.location +
                            "\" is refused: " + (accounts ? api : accounts).error().message);
    }
    data_center.accounts = *accounts;
    data_center.api = *api;
    data_center.added = true;
    provider.data_centers.push_back(std::move(data_center));
  }
  if (const auto* table = fields.find("data_centers")) {
    for (std::size_t i = 0; i < table->size(); ++i) {
      const Fields entry(table->items()[i], "/oauth/data_centers/" + std::to_string(i), kReason);
      auto data_center = BERTH_TRY(parse_data_center(entry));
      if (provider.by_location(data_center.location) == nullptr)
        provider.data_centers.push_back(std::move(data_center));
    }
  }
  if (provider.data_centers.empty()) return fields.error("data_centers", "at least one is needed");
  return provider;
}

const DataCenter* Provider::by_accounts(std::string_view untrusted) const {
  constexpr std::size_t kAddressBytesMax = 300;
  if (untrusted.size() > kAddressBytesMax) return nullptr;
  const auto wanted = normalised(untrusted);
  for (const auto& data_center : data_centers) {
    if (normalised(data_center.accounts) == wanted) return &data_center;
  }
  return nullptr;
}

const DataCenter* Provider::by_api(std::string_view untrusted) const {
  const auto wanted = normalised(untrusted);
  for (const auto& data_center : data_centers) {
    if (normalised(data_center.api) == wanted) return &data_center;
  }
  return nullptr;
}

const DataCenter* Provider::by_location(std::string_view location) const {
  for (const auto& data_center : data_centers) {
    if (data_center.location == location) return &data_center;
  }
  return nullptr;
}

Result<const DataCenter*> Provider::home(std::string_view location) const {
  if (location.empty()) return &data_centers.front();
  if (const auto* named = by_location(location)) return named;
  std::vector<std::string> locations;
  for (const auto& data_center : data_centers) locations.push_back(data_center.location);
  const auto near = nearest(location, locations);
  return make_error(Code::kInvalidConfig, "oauth.data_center_unknown",
                    "There is no data centre \"" + shortened(location, 60) + "\" as `home` of the client; " +
                        (near.empty() ? "" : "did you mean \"" + near + "\"? ") + "There are: " +
                        join(locations, ", ") + ".");
}

std::string Provider::scopes_for(std::span<const std::string> phases) const {
  std::vector<std::string> wanted;
  const auto add = [&](const std::vector<std::string>& scopes) {
    for (const auto& scope : scopes) {
      if (std::find(wanted.begin(), wanted.end(), scope) == wanted.end()) wanted.push_back(scope);
    }
  };
  add(base_scopes);
  for (const auto& [phase, scopes] : phase_scopes) {
    if (std::find(phases.begin(), phases.end(), phase) != phases.end()) add(scopes);
  }
  return join(wanted, scope_separator);
}

Status Provider::set_api_version(std::string_view version) {
  constexpr std::size_t kLengthMax = 8;
  const auto is_version = [](std::string_view text) {
    return text.size() >= 2 && text.size() <= kLengthMax && text.front() == 'v' && text.find_first_not_of("0123456789", 1) == std::string_view::npos;
  };
  const std::size_t slash = api_base.rfind('/');
  if (!is_version(version)) {
    return make_error(Code::kInvalidConfig, "oauth.provider_invalid", "api_version: a version such as v3 is expected, found \"" + std::string(version.substr(0, 40)) + "\"");
  }
  if (slash == std::string::npos || !is_version(std::string_view(api_base).substr(slash + 1))) {
    return make_error(Code::kInvalidConfig, "oauth.provider_invalid", "api_version: the connector's API has no versions in its address, " + api_base);
  }
  api_base.replace(slash + 1, std::string::npos, version);
  return success();
}

std::string Provider::api_base_of(std::string_view api_origin) const {
  return replace_all(api_base, "{api}", api_origin);
}

std::string with_accounts(std::string_view template_text, const DataCenter& data_center) {
  return replace_all(std::string(template_text), "{accounts}", data_center.accounts);
}

}  // namespace berth::oauth
