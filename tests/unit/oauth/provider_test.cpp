#include "host/oauth/provider.hpp"

#include "unit/oauth/zoho_provider.hpp"

using namespace berth;
using oauth::DataCenter;
using oauth::Provider;

namespace {

std::string error_of(const std::string& change_from, const std::string& change_to, std::vector<DataCenter> added = {}) {
  std::string text = test::kZohoOauth;
  const auto at = text.find(change_from);
  REQUIRE(at != std::string::npos);
  text.replace(at, change_from.size(), change_to);
  const auto provider = Provider::parse(json::parse(text).value, added);
  return provider ? "" : provider.error().message;
}

}  // namespace

TEST_CASE("A1: every data centre is found by its accounts server") {
  const auto provider = test::zoho_provider();
  CHECK(provider.data_centers.size() == 9);
  for (const auto& data_center : provider.data_centers) {
    const auto host = data_center.accounts.substr(8);
    for (const auto& form : {data_center.accounts, data_center.accounts + "/", "HTTPS://" + host}) {
      CAPTURE(form);
      CHECK(provider.by_accounts(form) == &data_center);
    }
    CHECK(provider.by_api(data_center.api) == &data_center);
    CHECK(provider.by_location(data_center.location) == &data_center);
  }
}

TEST_CASE("A1: whatever is not an accounts server of the table is nobody") {
  const auto provider = test::zoho_provider();
  for (const auto* text : {"",
                           "accounts.zoho.com",
                           "http://accounts.zoho.com",
                           "https://accounts.zoho.com:443",
                           "https://accounts.zoho.com:8443",
                           "https://accounts.zoho.com/x",
                           "https://accounts.zoho.com//",
                           "https://accounts.zoho.com?",
                           "https://accounts.zoho.com#",
                           "https://accounts.zoho.com.",
                           "https://accounts.zoho.com@evil.example",
                           "https://evil.example/accounts.zoho.com",
                           "https://accounts.zoho.com.evil.example",
                           "https://evil.example",
                           "https://accounts.zoho.ca",
                           "https://www.zohoapis.com",
                           "https://accounts.zoho.com\\@evil.example",
                           " https://accounts.zoho.com",
                           "https://accounts.zoho.com\n",
                           "https://accounts.zoho.com%00",
                           "https%3A%2F%2Faccounts.zoho.com",
                           "//accounts.zoho.com",
                           "javascript:alert(1)",
                           "https://accounts.zоho.com"}) {
    CAPTURE(text);
    CHECK(provider.by_accounts(text) == nullptr);
  }
  CHECK(provider.by_api("https://api.zoho.com") == nullptr);
  CHECK(provider.by_accounts(std::string(100'000, 'x')) == nullptr);
}

TEST_CASE("A1: an added data centre is where authorisations begin, and may be plain http on this machine only") {
  const auto provider = test::zoho_provider({{"test", "http://127.0.0.1:9100", "http://127.0.0.1:9101", true, false}});
  CHECK(provider.data_centers.size() == 10);
  CHECK((*provider.home(""))->location == "test");
  CHECK((*provider.home("eu"))->location == "eu");
  CHECK(provider.by_accounts("http://127.0.0.1:9100")->api == "http://127.0.0.1:9101");
  CHECK(provider.by_accounts("http://127.0.0.1:9999") == nullptr);
  CHECK(test::zoho_provider({{"us", "https://localhost:1", "https://localhost:2", false, false}})
            .by_location("us")
            ->added);
  CHECK_FALSE(
      error_of("ZohoBooks", "ZohoBooks", {{"test", "http://127.0.0.1:9100", "http://127.0.0.1:9100", false, false}})
          .empty());
  CHECK_FALSE(
      error_of("ZohoBooks", "ZohoBooks", {{"test", "http://10.0.0.1:9100", "http://127.0.0.1:9100", true, false}})
          .empty());
  CHECK_FALSE(
      error_of("ZohoBooks", "ZohoBooks", {{"test", "https://a.example/path", "https://a.example", false, false}})
          .empty());
}

TEST_CASE("A1: a home that the table does not have is an error that names the nearest location") {
  const auto provider = test::zoho_provider({{"test", "http://127.0.0.1:9100", "http://127.0.0.1:9101", true, false}});
  for (const auto& [home, hint] : std::vector<std::pair<std::string, std::string>>{
           {"tset", "did you mean \"test\"?"}, {"EU", "did you mean \"eu\"?"}, {"nowhere", "There are: test, us, eu"}}) {
    CAPTURE(home);
    const auto found = provider.home(home);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == Code::kInvalidConfig);
    CHECK(found.error().reason == "oauth.data_center_unknown");
    CHECK(found.error().message.find("\"" + home + "\"") != std::string::npos);
    CHECK_MESSAGE(found.error().message.find(hint) != std::string::npos, found.error().message);
  }
}

TEST_CASE("A7: scopes are those of the enabled phases, each once") {
  const auto provider = test::zoho_provider();
  const auto scopes = [&](std::vector<std::string> phases) { return provider.scopes_for(phases); };
  CHECK(scopes({}) == "ZohoBooks.settings.READ");
  CHECK(scopes({"items"}) == "ZohoBooks.settings.READ");
  CHECK(scopes({"contacts", "invoices", "invoices", "unknown"}) ==
        "ZohoBooks.settings.READ,ZohoBooks.invoices.READ,ZohoBooks.contacts.READ");
}

TEST_CASE("a description that could lead elsewhere is refused with its place") {
  CHECK(error_of("{accounts}/oauth/v2/token\"", "https://evil.example/token\"").find("{accounts}") !=
        std::string::npos);
  CHECK(error_of("{accounts}/oauth/v2/auth", "{accounts}.evil.example/auth").find("{accounts}") != std::string::npos);
  CHECK(error_of("{api}/books", "https://evil.example/books").starts_with("/oauth/api_base"));
  CHECK(error_of("https://accounts.zoho.eu", "http://accounts.zoho.eu").starts_with("/oauth/data_centers/1/accounts"));
  CHECK(error_of("https://www.zohoapis.eu", "https://www.zohoapis.eu/x").starts_with("/oauth/data_centers/1/api"));
  CHECK(error_of("{access_token}", "").starts_with("/oauth/authorization_header"));
  CHECK(error_of("\"code_lifetime_s\": 120", "\"code_lifetime_s\": 0").starts_with("/oauth/code_lifetime_s"));
}

TEST_CASE("B2: the version of the API is a setting, and what is no version is refused") {
  auto provider = test::zoho_provider();
  CHECK(provider.api_base_of("https://www.zohoapis.eu") == "https://www.zohoapis.eu/books/v3");
  for (const char* version : {"", "v", "3", "v3/../../crm", "v3?x", "v-1", "V4", "v123456789"}) {
    CAPTURE(version);
    const Status refused = provider.set_api_version(version);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().reason == "oauth.provider_invalid");
    CHECK(provider.api_base_of("https://www.zohoapis.eu") == "https://www.zohoapis.eu/books/v3");
  }
  CHECK(provider.set_api_version("v4").ok());
  CHECK(provider.api_base_of("https://www.zohoapis.eu") == "https://www.zohoapis.eu/books/v4");
  provider.api_base = "{api}/books";
  CHECK(provider.set_api_version("v4").error().message.find("no versions") != std::string::npos);
}
