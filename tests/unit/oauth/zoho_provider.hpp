#pragma once
// The `oauth` block of the Zoho Books descriptor with all nine data centres, and a remote that is a function.
#include <doctest/doctest.h>

#include "host/oauth/provider.hpp"
#include "unit/http/fakes.hpp"

namespace berth::test {

inline constexpr const char* kZohoOauth = R"({
  "authorize_url": "{accounts}/oauth/v2/auth", "token_url": "{accounts}/oauth/v2/token",
  "revoke_urls": ["{accounts}/oauth/v2/token/revoke", "{accounts}/oauth/v2/revoke/token"],
  "authorize_params": {"access_type": "offline", "prompt": "consent", "response_type": "code"},
  "scope_separator": ",",
  "scopes": {"base": ["ZohoBooks.settings.READ"],
             "phases": {"invoices": ["ZohoBooks.invoices.READ"], "customer_payments": ["ZohoBooks.customerpayments.READ"],
                        "contacts": ["ZohoBooks.contacts.READ"], "items": [], "credit_notes": ["ZohoBooks.creditnotes.READ"]}},
  "pkce": false,
  "redirect_params": {"accounts_server": "accounts-server", "location": "location"},
  "token_fields": ["api_domain"],
  "authorization_header": "Zoho-oauthtoken {access_token}",
  "api_base": "{api}/books/v3",
  "data_centers": [
    {"location": "us", "accounts": "https://accounts.zoho.com", "api": "https://www.zohoapis.com"},
    {"location": "eu", "accounts": "https://accounts.zoho.eu", "api": "https://www.zohoapis.eu"},
    {"location": "in", "accounts": "https://accounts.zoho.in", "api": "https://www.zohoapis.in"},
    {"location": "au", "accounts": "https://accounts.zoho.com.au", "api": "https://www.zohoapis.com.au"},
    {"location": "jp", "accounts": "https://accounts.zoho.jp", "api": "https://www.zohoapis.jp"},
    {"location": "ca", "accounts": "https://accounts.zohocloud.ca", "api": "https://www.zohoapis.ca"},
    {"location": "sa", "accounts": "https://accounts.zoho.sa", "api": "https://www.zohoapis.sa"},
    {"location": "cn", "accounts": "https://accounts.zoho.com.cn", "api": "https://www.zohoapis.com.cn"},
    {"location": "uk", "accounts": "https://accounts.zoho.uk", "api": "https://www.zohoapis.uk"}],
  "code_lifetime_s": 120, "refresh_margin_s": 300,
  "errors": {"permanent": ["invalid_code", "invalid_client", "invalid_client_secret", "invalid_redirect_uri"],
             "throttled": ["Access Denied"]},
  "serverinfo_url": "{accounts}/oauth/serverinfo"})";

inline oauth::Provider zoho_provider(std::vector<oauth::DataCenter> added = {}) {
  const auto parsed = json::parse(kZohoOauth);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  auto provider = oauth::Provider::parse(parsed.value, added);
  REQUIRE_MESSAGE(provider.ok(), (provider.ok() ? "" : provider.error().message));
  return std::move(provider).value();
}

inline constexpr const char* kTokens =
    R"({"access_token":"1000.access.one","refresh_token":"1000.refresh.one","api_domain":"https://www.zohoapis.eu",)"
    R"("token_type":"Bearer","expires_in":3600})";
inline constexpr const char* kRefreshed =
    R"({"access_token":"1000.access.two","api_domain":"https://www.zohoapis.eu","token_type":"Bearer","expires_in":3600})";

}  // namespace berth::test
