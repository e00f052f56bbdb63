// Redirects that nobody but an attacker sends. Every one has a state that is really open, unless the state itself is
// the attack, so that nothing but the check in question stands in its way; and not one may make the host send anything.
#include <set>

#include "host/oauth/authorization.hpp"
#include "unit/oauth/zoho_provider.hpp"

using namespace berth;

namespace {

constexpr const char* kRedirectUri = "https://berth.example/oauth/callback";

/// `{state}` stands for the open state.
std::vector<std::string> hostile_queries() {
  const std::string good = "state={state}&code=1000.ab.cd&location=eu";
  std::vector<std::string> queries;

  // Accounts servers that are not in the table, plain and percent-encoded.
  for (const std::string server : {"https://evil.example",
                                   "http://accounts.zoho.eu",
                                   "https://accounts.zoho.eu.evil.example",
                                   "https://evil.example/accounts.zoho.eu",
                                   "https://accounts.zoho.eu@evil.example",
                                   "https://evil.example%23accounts.zoho.eu",
                                   "https://evil.example%3Faccounts.zoho.eu",
                                   "https://accounts.zoho.eu:8443",
                                   "https://accounts.zoho.eu:443",
                                   "https://accounts.zoho.eu:80",
                                   "https://accounts.zoho.eu/oauth",
                                   "https://accounts.zoho.eu//",
                                   "https://accounts.zoho.eu/..",
                                   "https://accounts.zoho.eu.",
                                   "https://accounts.zoho",
                                   "https://zoho.eu",
                                   "https://accountszoho.eu",
                                   "https://accounts-zoho.eu",
                                   "https://accounts.zoho.ca",
                                   "https://accounts.zoho.org",
                                   "https://accounts.zoho.co.uk",
                                   "https://www.zohoapis.eu",
                                   "https://xn--accounts-zoho.eu",
                                   "https://127.0.0.1",
                                   "http://127.0.0.1",
                                   "http://127.0.0.1:9100",
                                   "http://localhost",
                                   "http://[::1]",
                                   "https://[::1]",
                                   "https://0x7f000001",
                                   "https://2130706433",
                                   "https://169.254.169.254",
                                   "http://169.254.169.254/latest/meta-data",
                                   "https://10.0.0.1",
                                   "https://192.168.0.1",
                                   "ftp://accounts.zoho.eu",
                                   "file:///etc/passwd",
                                   "gopher://accounts.zoho.eu",
                                   "javascript:alert(1)",
                                   "data:text/plain,x",
                                   "//accounts.zoho.eu",
                                   "accounts.zoho.eu",
                                   "https:accounts.zoho.eu",
                                   "https:/accounts.zoho.eu",
                                   "https:///accounts.zoho.eu",
                                   "https://",
                                   "https",
                                   "x",
                                   "null",
                                   "undefined",
                                   "0",
                                   "https://accounts.zoho.eu\\",
                                   "https://accounts.zoho.eu\\@evil.example",
                                   "https://evil.example\\@accounts.zoho.eu",
                                   "https://accounts.zoho.eu%2540evil.example",
                                   "https%253A%252F%252Faccounts.zoho.eu",
                                   "https://accounts.zoho.eu%252e",
                                   "https://accounts.zoho.eu;evil.example",
                                   "https://accounts.zoho.eu,https://evil.example",
                                   "https://accounts.zoho.eu|evil.example",
                                   "https://user:pass@accounts.zoho.eu",
                                   "https://@accounts.zoho.eu",
                                   "https://:@accounts.zoho.eu",
                                   "https://accounts.zoho.eu%2F%2F",
                                   "https://accounts..zoho.eu",
                                   "https://*.zoho.eu",
                                   "https://accounts.zoho.%65u.evil.example",
                                   "https://accounts.zoho.eu%3A443"}) {
    queries.push_back(good + "&accounts-server=" + server);
  }
  for (const std::string host : {"evil.example", "accounts.zoho.eu.evil.example", "accounts.zoho.eu%40evil.example",
                                 "127.0.0.1", "localhost%3A9100"}) {
    queries.push_back(good + "&accounts-server=https%3A%2F%2F" + host);
    queries.push_back(good + "&accounts-server=https%3a%2f%2f" + host + "%2f");
    queries.push_back(good + "&accounts-server=http%3A%2F%2F" + host);
  }
  // Empty, and data centres that contradict each other.
  queries.push_back(good + "&accounts-server=");
  queries.push_back(good + "&accounts-server");
  for (const std::string other : {"com", "in", "com.au", "jp", "sa", "com.cn", "uk"}) {
    queries.push_back(good + "&accounts-server=https://accounts.zoho." + other);
  }
  for (const std::string place : {"evil", "EU", "eu%20", "..", "https://evil.example", "%3Cscript%3E", "us,eu", "1"}) {
    queries.push_back("state={state}&code=1000.ab.cd&location=" + place);
  }
  // Every parameter twice, in either order and spelling.
  for (const std::string again :
       {"state={state}", "state=other", "code=1000.ef", "location=us", "%63ode=1000.ef", "c%6Fde=1000.ab.cd",
        "sta%74e=x", "accounts-server=https://evil.example", "accounts%2Dserver=https://evil.example"}) {
    queries.push_back(good + "&accounts-server=https://accounts.zoho.eu&" + again);
    queries.push_back(again + "&" + good + "&accounts-server=https://accounts.zoho.eu");
  }
  // Missing and empty ones, and both a code and an error.
  for (const std::string query : {"",
                                  "?",
                                  "&",
                                  "&&&&",
                                  "=",
                                  "==&==",
                                  "code=1000.ab.cd",
                                  "state={state}",
                                  "state={state}&code=",
                                  "state=&code=1000.ab",
                                  "state&code=1000.ab",
                                  "state={state}&code",
                                  "STATE={state}&code=1000.ab",
                                  "state={state}&Code=1000.ab",
                                  "state={state}&code=1000.ab&error=access_denied",
                                  "state={state}&error=access_denied&code=",
                                  "error=access_denied",
                                  "state={state}&error=",
                                  "state={state}&error=server_error",
                                  "state={state};code=1000.ab",
                                  "#state={state}&code=1000.ab"}) {
    queries.push_back(query);
  }
  // States that nobody here gave.
  for (const std::string state : {"x",
                                  "0",
                                  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                  "{state}x",
                                  "x{state}",
                                  "{state}%3D",
                                  "{state}%00",
                                  "{state}+",
                                  "%20{state}",
                                  "{state}%0A",
                                  "{state}%0d%0aSet-Cookie:x",
                                  "../{state}",
                                  "{state}/..",
                                  "%27%20OR%201=1--",
                                  "%22%3E%3Cscript%3E",
                                  "${jndi:ldap://evil.example}",
                                  "%2527",
                                  "%u0041",
                                  "*",
                                  "%25"}) {
    queries.push_back("state=" + state + "&code=1000.ab.cd&accounts-server=https://accounts.zoho.eu");
  }
  // Codes that would become something else in a form, a header or a log.
  for (const std::string code :
       {"%0d%0aX-Evil:1", "a%0ab",        "a%00b", "%00",      "a%20b", "a+b%20c", "a%26client_id%3Devil",
        "a%3Cb%3E",       "%22quoted%22", "%27",   "a%7Fb",    "%80",   "%C0%AF",  "%FF%FE",
        "%ED%A0%80",      "a%",           "a%4",   "a%zz",     "%%",    "a%1",     "%E2%80%AE",
        "%C3%A4",         "a%5Cb",        "a%60b", "a%7Bb%7D", "a%3Bb"}) {
    queries.push_back("state={state}&code=" + code + "&accounts-server=https://accounts.zoho.eu");
  }
  // Raw bytes that no browser sends.
  for (const std::string raw : {"\r\n", "\n", "\t", " ", "\xc3\xa4", "\xff", "\x7f", "\x1b[31m", "\x01"}) {
    if (!raw.empty()) queries.push_back(good + "&x=" + raw);
    if (!raw.empty()) queries.push_back("state={state}&code=1000" + raw + "&location=eu");
  }
  queries.push_back(good + std::string("&x=\0", 4));
  queries.push_back(good + "&x=%");
  queries.push_back(good + "&%zz=1");
  queries.push_back(good + "&x=%0d%0aLocation:%20https://evil.example");
  // Too long, too many.
  queries.push_back(good + "&x=" + std::string(5'000, 'x'));
  queries.push_back("state=" + std::string(1'100, 'a') + "&code=1000.ab");
  queries.push_back("state={state}&code=" + std::string(1'100, 'a'));
  queries.push_back(good + "&accounts-server=https://" + std::string(1'000, 'a') + ".example");
  std::string many = good;
  for (int i = 0; i < 30; ++i) many += "&p" + std::to_string(i) + "=1";
  queries.push_back(many);
  return queries;
}

std::string with_state(std::string query, const std::string& state) {
  for (auto at = query.find("{state}"); at != std::string::npos; at = query.find("{state}"))
    query.replace(at, 7, state);
  return query;
}

}  // namespace

TEST_CASE("200 hostile redirects are refused, each with a stable reason, and nothing is sent") {
  const auto queries = hostile_queries();
  const std::set<std::string> distinct(queries.begin(), queries.end());
  CHECK(distinct.size() >= 200);
  CHECK(distinct.size() == queries.size());
  const std::set<std::string> reasons{"oauth.redirect_invalid", "oauth.state_unknown", "oauth.accounts_server_refused",
                                      "oauth.access_denied", "oauth.rejected"};
  ManualClock clock(Instant{1'780'012'800'000});
  SeededRandom random(11);
  test::FakeTransport transport([](const http::Request&, std::stop_token) -> Result<http::Response> {
    return test::json_response(200, test::kTokens);
  });
  const auto provider = test::zoho_provider();
  oauth::MemoryStateStore states(clock);
  oauth::Authorizer authorizer(provider, transport, states, clock, random);
  const oauth::ClientSettings client{"1000.MADEUP", Secret("made-up-secret"), kRedirectUri, "us"};
  for (const auto& query : queries) {
    CAPTURE(query);
    const auto begun = authorizer.begin("zoho_acme", client, {});
    REQUIRE(begun.ok());
    const auto state = begun->url.substr(begun->url.find("&state=") + 7);
    const auto grant = authorizer.accept_redirect(with_state(query, state), kRedirectUri);
    CHECK_FALSE(grant.ok());
    // Whoever goes on with what was accepted would send the code and the secret.
    if (grant) (void)authorizer.exchange(*grant, client, {});
    if (!grant) CHECK(reasons.contains(grant.error().reason));
    if (!grant) CHECK(grant.error().message.find('\n') == std::string::npos);
    clock.advance(oauth::kStateLifetime);
  }
  CHECK(transport.count() == 0);
}

TEST_CASE("a forged accounts server is refused before anything is sent, and the message names it") {
  ManualClock clock(Instant{1'780'012'800'000});
  SeededRandom random(12);
  test::FakeTransport transport([](const http::Request&, std::stop_token) -> Result<http::Response> {
    return test::json_response(200, test::kTokens);
  });
  const auto provider = test::zoho_provider({{"test", "http://127.0.0.1:9100", "http://127.0.0.1:9100", true, false}});
  oauth::MemoryStateStore states(clock);
  oauth::Authorizer authorizer(provider, transport, states, clock, random);
  const oauth::ClientSettings client{"1000.MADEUP", Secret("made-up-secret"), kRedirectUri, "test"};
  const auto redirect = [&](const std::string& server) {
    const auto begun = authorizer.begin("zoho_acme", client, {});
    REQUIRE(begun.ok());
    return authorizer.accept_redirect("state=" + begun->url.substr(begun->url.find("&state=") + 7) +
                                          "&code=1000.ab.cd&location=us&accounts-server=" + server,
                                      kRedirectUri);
  };
  const auto forged = redirect("http%3A%2F%2F127.0.0.1%3A9101");
  REQUIRE_FALSE(forged.ok());
  CHECK(forged.error().reason == "oauth.accounts_server_refused");
  CHECK(forged.error().message.find("http://127.0.0.1:9101") != std::string::npos);
  CHECK(transport.count() == 0);
  const auto real = redirect("http%3A%2F%2F127.0.0.1%3A9100");
  REQUIRE(real.ok());
  CHECK(real->location == "test");
}
