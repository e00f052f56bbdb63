#include "host/oauth/authorization.hpp"

#include <map>
#include <set>

#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "unit/oauth/zoho_provider.hpp"

using namespace berth;
using berth::test::FakeTransport;
using berth::test::json_response;
using http::Response;
using oauth::Authorizer;
using oauth::ClientSettings;
using oauth::Grant;

namespace {

const Instant kNow{1'780'012'800'000};
constexpr const char* kRedirectUri = "https://berth.example/oauth/callback";

struct Rig {
  explicit Rig(int status = 200, std::string body = test::kTokens, http::Headers headers = {})
      : transport([status, body, headers](const http::Request&, std::stop_token) -> Result<Response> {
          return json_response(status, body, headers);
        }) {}
  explicit Rig(Error error)
      : transport([error](const http::Request&, std::stop_token) -> Result<Response> { return error; }) {}

  /// Begins and returns the state of the address.
  std::string begin(const std::string& integration = "zoho_acme") {
    const std::vector<std::string> phases{"invoices"};
    const auto begun = authorizer.begin(integration, client, phases);
    REQUIRE_MESSAGE(begun.ok(), (begun.ok() ? "" : begun.error().message));
    url = begun->url;
    return url.substr(url.find("&state=") + 7);
  }
  Result<Grant> redirect(const std::string& query) { return authorizer.accept_redirect(query, kRedirectUri); }
  Result<oauth::TokenSet> connect() {
    const auto state = begin();
    auto grant =
        redirect("state=" + state + "&code=1000.ab.cd&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu&");
    REQUIRE_MESSAGE(grant.ok(), (grant.ok() ? "" : grant.error().message));
    return authorizer.exchange(*grant, client, {});
  }

  ManualClock clock{kNow};
  SeededRandom random{3};
  FakeTransport transport;
  oauth::Provider provider = test::zoho_provider();
  oauth::MemoryStateStore states{clock};
  ClientSettings client{"1000.MADEUP", Secret("made-up-secret"), kRedirectUri, "us"};
  Authorizer authorizer{provider, transport, states, clock, random};
  std::string url;
};

template <class T>
std::string reason_of(const Result<T>& result) {
  return result ? "ok" : result.error().reason;
}

std::map<std::string, std::string> form_of(const http::Request& request) {
  std::map<std::string, std::string> form;
  for (const auto& part : split(request.body, '&')) {
    const auto equals = part.find('=');
    form[part.substr(0, equals)] = percent_decode(part.substr(equals + 1));
  }
  return form;
}

/// The reason for which an exchange with that answer fails.
Error failure(int status, const std::string& body, http::Headers headers = {}) {
  Rig rig(status, body, std::move(headers));
  const auto tokens = rig.connect();
  REQUIRE_FALSE(tokens.ok());
  CHECK(rig.transport.count() == 1);
  CHECK(tokens.error().message.find("made-up-secret") == std::string::npos);
  CHECK(tokens.error().message.find("1000.ab.cd") == std::string::npos);
  return tokens.error();
}

}  // namespace

TEST_CASE("A14, A7: the address asks for offline access, consent and the needed scopes, with commas") {
  Rig rig;
  const auto state = rig.begin();
  CHECK(rig.url.starts_with("https://accounts.zoho.com/oauth/v2/auth?"));
  CHECK(rig.url.find("access_type=offline") != std::string::npos);
  CHECK(rig.url.find("prompt=consent") != std::string::npos);
  CHECK(rig.url.find("response_type=code") != std::string::npos);
  CHECK(rig.url.find("scope=ZohoBooks.settings.READ%2CZohoBooks.invoices.READ") != std::string::npos);
  CHECK(rig.url.find("redirect_uri=https%3A%2F%2Fberth.example%2Foauth%2Fcallback") != std::string::npos);
  CHECK(rig.url.find("made-up-secret") == std::string::npos);
  CHECK(from_base64url(state).value_or("").size() == oauth::kStateBytes);
  std::set<std::string> states{state};
  for (int i = 0; i < 50; ++i) states.insert(rig.begin());
  CHECK(states.size() == 51);
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("D15: without client id, secret or redirect URI nothing begins") {
  Rig rig;
  for (auto change :
       {+[](ClientSettings& c) { c.client_id.clear(); }, +[](ClientSettings& c) { c.client_secret = Secret(); },
        +[](ClientSettings& c) { c.redirect_uri.clear(); }}) {
    auto client = rig.client;
    change(client);
    CHECK(reason_of(rig.authorizer.begin("zoho_acme", client, {})) == "oauth.client_missing");
  }
}

TEST_CASE("A1: with a home that is no data centre nothing begins and nothing is sent") {
  Rig rig;
  rig.client.home = "uss";
  CHECK(reason_of(rig.authorizer.begin("zoho_acme", rig.client, {})) == "oauth.data_center_unknown");
  CHECK(reason_of(rig.authorizer.accept_code("zoho_acme", Secret("1000.ab.cd"), "", rig.client,
                                             Authorizer::CodeOf::kSelfClient)) == "oauth.data_center_unknown");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("D1: the code is exchanged at the redirect's accounts server, and its servers are kept") {
  Rig rig;
  const auto tokens = rig.connect();
  REQUIRE_MESSAGE(tokens.ok(), (tokens.ok() ? "" : tokens.error().message));
  CHECK(tokens->accounts_server == "https://accounts.zoho.eu");
  CHECK(tokens->api_domain == "https://www.zohoapis.eu");
  CHECK(tokens->location == "eu");
  CHECK(tokens->expires_at == kNow + std::chrono::hours(1));
  CHECK(tokens->refresh.reveal() == "1000.refresh.one");
  const auto sent = rig.transport.sent().front();
  CHECK(sent.url == "https://accounts.zoho.eu/oauth/v2/token");
  CHECK(sent.method == "POST");
  const auto form = form_of(sent);
  CHECK(form.at("grant_type") == "authorization_code");
  CHECK(form.at("code") == "1000.ab.cd");
  CHECK(form.at("client_id") == "1000.MADEUP");
  CHECK(form.at("client_secret") == "made-up-secret");
  CHECK(form.at("redirect_uri") == kRedirectUri);
}

TEST_CASE("D1: an API domain that is hostile, wrong or missing is replaced by the table's") {
  for (const auto* domain : {"https://evil.example", "https://api.zoho.com", "http://www.zohoapis.eu", "",
                             "https://www.zohoapis.eu.evil.example"}) {
    Rig rig(200, std::string(R"({"access_token":"a","refresh_token":"r","expires_in":3600,"api_domain":")") + domain +
                     "\"}");
    const auto tokens = rig.connect();
    REQUIRE(tokens.ok());
    CHECK(tokens->api_domain == "https://www.zohoapis.eu");
  }
}

TEST_CASE("a lifetime in milliseconds is understood, and a missing one is an hour") {
  const auto expiry = [](const std::string& field) {
    Rig rig(200, R"({"access_token":"a","refresh_token":"r")" + field + "}");
    const auto tokens = rig.connect();
    REQUIRE(tokens.ok());
    return (tokens->expires_at - kNow) / std::chrono::seconds(1);
  };
  CHECK(expiry(R"(,"expires_in":3600)") == 3'600);
  CHECK(expiry(R"(,"expires_in":3600000)") == 3'600);
  CHECK(expiry(R"(,"expires_in":"1800")") == 1'800);
  CHECK(expiry(R"(,"expires_in":86400)") == 86'400);
  CHECK(expiry("") == 3'600);
  CHECK(expiry(R"(,"expires_in":-5)") == 3'600);
}

TEST_CASE("A12: a state is good once, for 15 minutes, and only for its redirect URI") {
  Rig rig;
  const std::string rest = "&code=1000.ab.cd&location=eu&accounts-server=https://accounts.zoho.eu";
  const auto once = rig.begin();
  CHECK(rig.redirect("state=" + once + rest).ok());
  CHECK(reason_of(rig.redirect("state=" + once + rest)) == "oauth.state_unknown");
  const auto late = rig.begin();
  rig.clock.advance(oauth::kStateLifetime - std::chrono::milliseconds(1));
  const auto last_moment = rig.begin();
  rig.clock.advance(std::chrono::milliseconds(1));
  CHECK(reason_of(rig.redirect("state=" + late + rest)) == "oauth.state_expired");
  CHECK(rig.redirect("state=" + last_moment + rest).ok());
  const auto elsewhere = rig.begin();
  CHECK(reason_of(rig.authorizer.accept_redirect("state=" + elsewhere + rest, "https://other.example/")) ==
        "oauth.state_unknown");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("A12: a code is never sent twice, whatever became of the first time") {
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {200, test::kTokens}, {500, "{}"}, {200, R"({"error":"invalid_code"})"}}) {
    Rig rig(status, body);
    const auto grant = rig.authorizer.accept_code("zoho_acme", Secret("1000.once"), "https://accounts.zoho.eu",
                                                  rig.client, Authorizer::CodeOf::kRedirect);
    REQUIRE(grant.ok());
    (void)rig.authorizer.exchange(*grant, rig.client, {});
    CHECK(rig.transport.count() == 1);
    CHECK(reason_of(rig.authorizer.exchange(*grant, rig.client, {})) == "oauth.code_expired_or_used");
    CHECK(rig.transport.count() == 1);
  }
  Rig unreachable(make_error(Code::kUnavailable, "http.timeout", "late"));
  CHECK(reason_of(unreachable.connect()) == "oauth.unreachable");
  CHECK(unreachable.transport.count() == 1);
}

TEST_CASE("D2: a code with its accounts server, encoded or plain, is exchanged there and nowhere else") {
  Rig rig;
  for (const auto* server :
       {"https%3A%2F%2Faccounts.zoho.in", "https%3a%2f%2faccounts.zoho.in%2F", "https://accounts.zoho.in"}) {
    const auto grant = rig.authorizer.accept_code("zoho_acme", Secret(std::string("1000.") + server[5]), server,
                                                  rig.client, Authorizer::CodeOf::kRedirect);
    REQUIRE(grant.ok());
    CHECK(grant->location == "in");
  }
  CHECK(reason_of(rig.authorizer.accept_code("zoho_acme", Secret("1000.x"), "https://accounts.zoho.com.evil.example",
                                             rig.client, Authorizer::CodeOf::kRedirect)) ==
        "oauth.accounts_server_refused");
  for (const auto* code : {"", " ", "a b", "a\nb", "a&client_id=x"}) {
    CHECK(reason_of(rig.authorizer.accept_code("zoho_acme", Secret(code), "", rig.client,
                                               Authorizer::CodeOf::kRedirect)) == "oauth.redirect_invalid");
  }
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("A2: a self client's code is exchanged at its home without a redirect URI") {
  Rig rig;
  rig.client.redirect_uri.clear();
  const auto grant =
      rig.authorizer.accept_code("zoho_acme", Secret(" 1000.self\n"), "", rig.client, Authorizer::CodeOf::kSelfClient);
  REQUIRE(grant.ok());
  CHECK(rig.authorizer.exchange(*grant, rig.client, {}).ok());
  const auto form = form_of(rig.transport.sent().front());
  CHECK(form.count("redirect_uri") == 0);
  CHECK(form.at("code") == "1000.self");
  CHECK(rig.transport.sent().front().url == "https://accounts.zoho.com/oauth/v2/token");
}

TEST_CASE("A12: the causes of a failed exchange are told apart by the body, whatever the status") {
  for (const int status : {200, 400, 401}) {
    CAPTURE(status);
    CHECK(failure(status, R"({"error":"invalid_code"})").reason == "oauth.code_expired_or_used");
    CHECK(failure(status, R"({"error":"invalid_client"})").reason == "oauth.client_rejected");
    CHECK(failure(status, R"({"error":"invalid_client_secret"})").reason == "oauth.client_rejected");
    CHECK(failure(status, R"({"error":"invalid_redirect_uri"})").reason == "oauth.redirect_uri");
    CHECK(failure(status, R"({"error":"access_denied"})").reason == "oauth.access_denied");
    CHECK(failure(status, R"({"error":"something new"})").reason == "oauth.rejected");
    CHECK(failure(status, R"({"error":"invalid_code","access_token":"a","refresh_token":"r"})").reason ==
          "oauth.code_expired_or_used");
    CHECK(failure(status, "{}").reason == "oauth.answer_unreadable");
    CHECK(failure(status, "<html>").reason == "oauth.answer_unreadable");
    CHECK(failure(status, R"({"access_token":""})").reason == "oauth.answer_unreadable");
    CHECK(failure(status, R"({"access_token":7,"refresh_token":"r"})").reason == "oauth.answer_unreadable");
    CHECK(failure(status, R"({"access_token":"a\r\nX: 1","refresh_token":"r"})").reason == "oauth.answer_unreadable");
  }
  const auto throttled = failure(400, R"({"error":"Access Denied","error_description":"Too many","status":"failure"})");
  CHECK(throttled.reason == "oauth.throttled");
  CHECK(throttled.retry_after_ms == 15 * 60 * 1'000);
  CHECK(failure(503, "<html>").reason == "oauth.unreachable");
}

TEST_CASE("A14: tokens without a refresh token are refused with the way out") {
  const auto error = failure(200, R"({"access_token":"a","expires_in":3600})");
  CHECK(error.reason == "oauth.no_refresh_token");
  CHECK(error.code == Code::kUnauthenticated);
  CHECK(error.message.find("offline") != std::string::npos);
}

TEST_CASE("D2: a clock that is wrong by more than a code lives is named as the cause") {
  // Thu, 28 May 2026 23:50:00 GMT is ten minutes before the clock of this test.
  const auto clock = failure(200, R"({"error":"invalid_code"})", {{"date", "Thu, 28 May 2026 23:50:00 GMT"}});
  CHECK(clock.reason == "oauth.clock");
  CHECK(clock.message.find("600 s ahead") != std::string::npos);
  CHECK(failure(200, R"({"error":"invalid_code"})", {{"date", "Fri, 29 May 2026 00:01:00 GMT"}}).reason ==
        "oauth.code_expired_or_used");
}

TEST_CASE("A1: a client that one data centre does not know is diagnosed with both named") {
  const auto error = failure(200, R"({"error":"invalid_client"})");
  CHECK(error.message.find("https://accounts.zoho.eu (eu)") != std::string::npos);
  CHECK(error.message.find("https://accounts.zoho.com (us)") != std::string::npos);
}

TEST_CASE("a person who refuses is told apart, and the state is used up") {
  Rig rig;
  const auto state = rig.begin();
  CHECK(reason_of(rig.redirect("state=" + state + "&error=access_denied")) == "oauth.access_denied");
  CHECK(reason_of(rig.redirect("state=" + state + "&code=1000.ab")) == "oauth.state_unknown");
  CHECK(reason_of(rig.redirect("error=access_denied")) == "oauth.redirect_invalid");
}

TEST_CASE("the data centre comes from the accounts server, else from the location, else from where it began") {
  const auto location = [](const std::string& rest) {
    Rig rig;
    const auto grant = rig.redirect("?state=" + rig.begin() + "&code=1000.ab" + rest);
    return grant ? grant->location : grant.error().reason;
  };
  CHECK(location("&accounts-server=https://accounts.zohocloud.ca") == "ca");
  CHECK(location("&location=jp") == "jp");
  CHECK(location("") == "us");
  CHECK(location("&location=atlantis") == "oauth.accounts_server_refused");
  CHECK(location("&location=atlantis&accounts-server=https://accounts.zoho.eu") == "eu");
  CHECK(location("&location=us&accounts-server=https://accounts.zoho.eu") == "oauth.accounts_server_refused");
  CHECK(location("&unknown=x&&scope=a+b&") == "us");
}

TEST_CASE("PKCE: the verifier stays here until the exchange, and only its hash goes first") {
  Rig rig;
  rig.provider.pkce = true;
  CHECK(rig.connect().ok());
  const auto verifier = form_of(rig.transport.sent().front()).at("code_verifier");
  CHECK(verifier.size() >= 43);
  CHECK(rig.url.find(verifier) == std::string::npos);
  const auto challenge = to_base64url(from_hex(sha256_hex(verifier)).value());
  CHECK(rig.url.find("code_challenge=" + challenge + "&code_challenge_method=S256") != std::string::npos);
}

TEST_CASE("open authorisations have a limit, and expired ones make room") {
  Rig rig;
  for (std::size_t i = 0; i < oauth::MemoryStateStore::kOpenMax; ++i) rig.begin();
  CHECK(reason_of(rig.authorizer.begin("zoho_acme", rig.client, {})) == "oauth.too_many_open");
  rig.clock.advance(oauth::kStateLifetime);
  CHECK(reason_of(rig.authorizer.begin("zoho_acme", rig.client, {})) == "ok");
}

// Found by fuzzing: an error page that repeats what was sent to it carried the client secret into the message.
TEST_CASE("an answer that repeats what was sent carries neither secret nor code into the message") {
  for (const char* body : {R"(<html>Bad request: client_secret=made-up-secret&code=1000.ab.cd</html>)",
                           R"({"error":"odd","error_description":"client_secret=made-up-secret, code 1000.ab.cd"})",
                           R"({"error":"made-up-secret"})"}) {
    CAPTURE(body);
    const auto answer = Rig(400, body).connect();
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().message.find("made-up-secret") == std::string::npos);
    CHECK(answer.error().message.find("1000.ab.cd") == std::string::npos);
    CHECK(answer.error().message.find("***") != std::string::npos);
  }
}

TEST_CASE("of an answer that breaks off nothing is quoted: it may begin with a token") {
  const auto answer = Rig(200, R"({"access_token":"1000.made-up-token","refresh)").connect();
  CHECK(reason_of(answer) == "oauth.answer_unreadable");
  CHECK(answer.error().message.find("1000.made") == std::string::npos);
}

TEST_CASE("an accounts server that is refused is quoted on one line") {
  Rig rig;
  const auto grant = rig.authorizer.accept_code("zoho_acme", Secret("1000.ab"), "https://a\nERROR forged\x1b[31m", rig.client,
                                                Authorizer::CodeOf::kRedirect);
  CHECK(reason_of(grant) == "oauth.accounts_server_refused");
  for (const char c : grant.error().message) CHECK(static_cast<unsigned char>(c) >= 0x20);
}
