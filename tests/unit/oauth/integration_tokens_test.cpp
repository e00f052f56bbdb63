#include "host/oauth/integration_tokens.hpp"

#include <condition_variable>
#include <thread>

#include "unit/oauth/zoho_provider.hpp"

using namespace berth;
using berth::test::FakeTransport;
using berth::test::json_response;
using http::Response;
using oauth::IntegrationTokens;
using oauth::TokenSet;
using namespace std::chrono_literals;

namespace {

const Instant kNow{1'780'012'800'000};

TokenSet set_of() {
  TokenSet set;
  set.access = Secret("1000.access.one");
  set.refresh = Secret("1000.refresh.one");
  set.accounts_server = "https://accounts.zoho.eu";
  set.api_domain = "https://www.zohoapis.eu";
  set.location = "eu";
  set.expires_at = kNow + 1h;
  return set;
}

struct Rig {
  explicit Rig(FakeTransport::Answer answer) : transport(std::move(answer)) { REQUIRE(tokens.connect(set_of()).ok()); }
  explicit Rig(int status = 200, std::string body = test::kRefreshed)
      : Rig([status, body](const http::Request&, std::stop_token) -> Result<Response> {
          return json_response(status, body);
        }) {}

  ManualClock clock{kNow};
  FakeTransport transport;
  oauth::Provider provider = test::zoho_provider();
  oauth::MemoryTokenStore store;
  oauth::ClientSettings client{"1000.MADEUP", Secret("made-up-secret"), "https://berth.example/", "us"};
  IntegrationTokens tokens{"zoho_acme", provider, client, transport, store, clock};
};

template <class T>
std::string reason_of(const Result<T>& result) {
  return result ? "ok" : result.error().reason;
}

}  // namespace

TEST_CASE("a good token is given without asking anybody, in the remote's own form") {
  Rig rig;
  const auto token = rig.tokens.token({});
  REQUIRE(token.ok());
  CHECK(token->header_value.reveal() == "Zoho-oauthtoken 1000.access.one");
  CHECK(token->generation == 1);
  CHECK(*rig.tokens.api_base() == "https://www.zohoapis.eu/books/v3");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("a token that was good is taken again for five seconds, and what is stored elsewhere counts after them or when it is refused") {
  Rig rig;
  CHECK(rig.tokens.token({})->generation == 1);
  auto newer = set_of();
  newer.generation = 2;
  REQUIRE(*rig.store.save("zoho_acme", newer, 1));
  rig.clock.advance(5s - 1ms);
  CHECK(rig.tokens.token({})->generation == 1);
  SUBCASE("after them") {
    rig.clock.advance(1ms);
    CHECK(rig.tokens.token({})->generation == 2);
  }
  SUBCASE("refused") {
    CHECK(rig.tokens.refresh(1, {})->generation == 2);
    CHECK(rig.tokens.token({})->generation == 2);
  }
  SUBCASE("disconnected elsewhere") {
    REQUIRE(rig.store.remove("zoho_acme").ok());
    rig.clock.advance(1ms);
    CHECK(reason_of(rig.tokens.token({})) == "oauth.not_connected");
  }
  SUBCASE("a clock that was set back keeps nothing") {
    rig.clock.advance(-6s);
    CHECK(rig.tokens.token({})->generation == 2);
  }
  SUBCASE("connected anew here") {
    REQUIRE(rig.tokens.connect(set_of()).ok());
    CHECK(rig.tokens.token({})->generation == 3);
  }
  SUBCASE("revoked here") {
    static_cast<void>(rig.tokens.revoke({}));
    CHECK(reason_of(rig.tokens.token({})) == "oauth.not_connected");
  }
  CHECK(rig.transport.sent().size() <= 2);
}

TEST_CASE("D1: a token is renewed five minutes before its end, at its own data centre, and the refresh token is kept") {
  Rig rig;
  rig.clock.advance(55min - 1ms);
  CHECK(rig.tokens.token({})->generation == 1);
  CHECK(rig.transport.count() == 0);
  rig.clock.advance(1ms);
  const auto token = rig.tokens.token({});
  REQUIRE(token.ok());
  CHECK(token->header_value.reveal() == "Zoho-oauthtoken 1000.access.two");
  CHECK(token->generation == 2);
  const auto sent = rig.transport.sent().front();
  CHECK(sent.url == "https://accounts.zoho.eu/oauth/v2/token");
  CHECK(sent.body.find("grant_type=refresh_token&refresh_token=1000.refresh.one") != std::string::npos);
  CHECK(rig.tokens.current()->refresh.reveal() == "1000.refresh.one");
  CHECK(rig.tokens.token({})->generation == 2);
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("D1: many callers share one refresh") {
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<int> callers{0};
  Rig rig([&](const http::Request&, std::stop_token) -> Result<Response> {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 5s, [&] { return callers == 8; });
    return json_response(200, test::kRefreshed);
  });
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        {
          const std::scoped_lock lock(mutex);
          ++callers;
        }
        changed.notify_all();
        const auto token = rig.tokens.refresh(1, {});
        good += token.ok() && token->generation == 2 ? 1 : 0;
      });
    }
  }
  CHECK(good == 8);
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("D1: a refusal of an old token does not renew the new one") {
  Rig rig;
  CHECK(rig.tokens.refresh(1, {})->generation == 2);
  CHECK(rig.tokens.refresh(1, {})->generation == 2);
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("D1: what another process stored is taken instead of asking again") {
  Rig rig;
  auto newer = set_of();
  newer.access = Secret("1000.access.elsewhere");
  newer.generation = 2;
  REQUIRE(*rig.store.save("zoho_acme", newer, 1));
  const auto token = rig.tokens.refresh(1, {});
  REQUIRE(token.ok());
  CHECK(token->header_value.reveal() == "Zoho-oauthtoken 1000.access.elsewhere");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("D1: of two processes that refresh at once, the later takes what the earlier stored") {
  Rig* seen = nullptr;
  Rig rig([&](const http::Request&, std::stop_token) -> Result<Response> {
    auto newer = set_of();
    newer.access = Secret("1000.access.elsewhere");
    newer.generation = 2;
    CHECK(*seen->store.save("zoho_acme", newer, 1));
    return json_response(200, test::kRefreshed);
  });
  seen = &rig;
  CHECK(rig.tokens.refresh(1, {})->header_value.reveal() == "Zoho-oauthtoken 1000.access.elsewhere");
}

// A remote that gives a new refresh token with each answer refuses the old one to the host that comes second: that host took this
// for the end of the connection, and asked for a person, while the tokens of the first were there and good.
TEST_CASE("D1 B11: of two hosts that refresh at once, the one whose token was used up by the other takes what that one stored") {
  Rig* seen = nullptr;
  Rig rig([&](const http::Request&, std::stop_token) -> Result<Response> {
    auto newer = set_of();
    newer.access = Secret("1000.access.elsewhere");
    newer.refresh = Secret("1000.refresh.rotated");
    newer.generation = 2;
    CHECK(*seen->store.save("zoho_acme", newer, 1));
    return json_response(200, R"({"error":"invalid_code"})");
  });
  seen = &rig;
  const auto taken = rig.tokens.refresh(1, {});
  REQUIRE_MESSAGE(taken.ok(), taken.error().reason);
  CHECK(taken->header_value.reveal() == "Zoho-oauthtoken 1000.access.elsewhere");
  CHECK(rig.tokens.current()->refresh.reveal() == "1000.refresh.rotated");
  CHECK(rig.tokens.current()->reauth_reason.empty());
}

TEST_CASE("D1: a refresh token that is refused for good needs a person, and nobody asks again") {
  for (const auto* name : {"invalid_code", "invalid_grant"}) {
    CAPTURE(name);
    Rig rig(200, std::string(R"({"error":")") + name + "\"}");
    const auto refused = rig.tokens.refresh(1, {});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::kUnauthenticated);
    CHECK(refused.error().message.find("1000.refresh") == std::string::npos);
    for (int i = 0; i < 5; ++i) CHECK(reason_of(rig.tokens.token({})) == "oauth.needs_reauth");
    // Also after a restart.
    IntegrationTokens again("zoho_acme", rig.provider, rig.client, rig.transport, rig.store, rig.clock);
    CHECK(reason_of(again.token({})) == "oauth.needs_reauth");
    CHECK(reason_of(again.refresh(1, {})) == "oauth.needs_reauth");
    CHECK(rig.transport.count() == 1);
    CHECK(rig.tokens.current()->reauth_reason == refused.error().reason);
    // Until a person connects.
    REQUIRE(rig.tokens.connect(set_of()).ok());
    CHECK(rig.tokens.token({}).ok());
  }
}

TEST_CASE("D1: a refused client or redirect URI is a mistake of the settings: corrected, the next refresh works") {
  for (const auto& [name, reason] : std::vector<std::pair<std::string, std::string>>{
           {"invalid_client", "oauth.client_rejected"},
           {"invalid_client_secret", "oauth.client_rejected"},
           {"invalid_redirect_uri", "oauth.redirect_uri"}}) {
    CAPTURE(name);
    Rig rig([name = name](const http::Request& request, std::stop_token) -> Result<Response> {
      const bool is_right = request.body.find("client_secret=right") != std::string::npos;
      return json_response(200, is_right ? test::kRefreshed : "{\"error\":\"" + name + "\"}");
    });
    const auto refused = rig.tokens.refresh(1, {});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::kInvalidConfig);
    CHECK(refused.error().reason == reason);
    CHECK(rig.tokens.current()->reauth_reason.empty());
    CHECK(rig.tokens.current()->generation == 1);
    auto corrected = rig.client;
    corrected.client_secret = Secret("right");
    IntegrationTokens again("zoho_acme", rig.provider, corrected, rig.transport, rig.store, rig.clock);
    const auto renewed = again.refresh(1, {});
    REQUIRE_MESSAGE(renewed.ok(), (renewed.ok() ? "" : renewed.error().message));
    CHECK(renewed->generation == 2);
  }
}

TEST_CASE("a throttled refresh is left alone for 15 minutes") {
  Rig rig(400, R"({"error":"Access Denied","error_description":"too many","status":"failure"})");
  const auto throttled = rig.tokens.refresh(1, {});
  REQUIRE_FALSE(throttled.ok());
  CHECK(throttled.error().code == Code::kUnavailable);
  CHECK(throttled.error().reason == "oauth.throttled");
  CHECK(throttled.error().retry_after_ms == 15 * 60 * 1'000);
  rig.clock.advance(14min);
  CHECK(reason_of(rig.tokens.refresh(1, {})) == "oauth.throttled");
  CHECK(rig.transport.count() == 1);
  rig.clock.advance(1min);
  CHECK(reason_of(rig.tokens.refresh(1, {})) == "oauth.throttled");
  CHECK(rig.transport.count() == 2);
}

TEST_CASE("a token that still works is used while the token server does not") {
  Rig rig(503, "<html>");
  rig.clock.advance(56min);
  CHECK(rig.tokens.token({})->generation == 1);
  CHECK(rig.transport.count() == 1);
  rig.clock.advance(4min);
  const auto over = rig.tokens.token({});
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().code == Code::kUnavailable);
  CHECK(over.error().reason == "oauth.unreachable");
  // Passing trouble asks nobody to reconnect.
  CHECK(rig.tokens.current()->reauth_reason.empty());
}

TEST_CASE("a data centre that left the table gets nothing") {
  Rig rig;
  rig.provider.data_centers.erase(rig.provider.data_centers.begin() + 1);
  CHECK(reason_of(rig.tokens.api_base()) == "oauth.not_connected");
  CHECK(reason_of(rig.tokens.refresh(1, {})) == "oauth.accounts_server_refused");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("without a connection there is no token") {
  Rig rig;
  REQUIRE(rig.store.remove("zoho_acme").ok());
  CHECK(reason_of(rig.tokens.token({})) == "oauth.not_connected");
  CHECK(reason_of(rig.tokens.api_base()) == "oauth.not_connected");
}

TEST_CASE("revoking tells the remote at the second address when the first does not take it, and forgets in any case") {
  Rig rig([](const http::Request& request, std::stop_token) -> Result<Response> {
    if (request.url.ends_with("/oauth/v2/token/revoke")) return json_response(404, "{}");
    return json_response(200, R"({"status":"success"})");
  });
  CHECK(rig.tokens.revoke({}).ok());
  REQUIRE(rig.transport.count() == 2);
  CHECK(rig.transport.sent()[1].url == "https://accounts.zoho.eu/oauth/v2/revoke/token");
  CHECK(rig.transport.sent()[1].url.find("1000.refresh") == std::string::npos);
  CHECK(reason_of(rig.tokens.token({})) == "oauth.not_connected");
  Rig deaf(200, R"({"error":"invalid_token"})");
  CHECK(reason_of(deaf.tokens.revoke({})) == "oauth.not_revoked");
  CHECK(deaf.transport.count() == 2);
  CHECK(reason_of(deaf.tokens.token({})) == "oauth.not_connected");
}

TEST_CASE("A1: tokens used at another data centre are diagnosed with both named") {
  const auto provider = test::zoho_provider();
  const auto text = oauth::data_center_mismatch(provider, set_of(), "https://www.zohoapis.com/books/v3");
  REQUIRE(text.has_value());
  CHECK(text->find("https://accounts.zoho.eu") != std::string::npos);
  CHECK(text->find("https://www.zohoapis.com") != std::string::npos);
  CHECK_FALSE(oauth::data_center_mismatch(provider, set_of(), "https://www.zohoapis.eu/books/v3").has_value());
}

TEST_CASE("a set of tokens survives being stored, and a broken one says so without its content") {
  auto set = set_of();
  set.generation = 7;
  set.reauth_reason = "oauth.refresh_refused";
  set.reauth_message = "say \"please\"";
  const auto read = oauth::from_sealed_json(oauth::to_sealed_json(set));
  REQUIRE(read.ok());
  CHECK(read->access.reveal() == set.access.reveal());
  CHECK(read->refresh.reveal() == set.refresh.reveal());
  CHECK(read->expires_at == set.expires_at);
  CHECK(read->generation == 7);
  CHECK(read->reauth_message == set.reauth_message);
  for (const auto* text : {"", "{}", "1000.secret", R"({"generation":"x","expires_at_ms":1})"}) {
    const auto broken = oauth::from_sealed_json(Secret(text));
    REQUIRE_FALSE(broken.ok());
    CHECK(broken.error().reason == "oauth.tokens_unreadable");
    CHECK(broken.error().message.find("1000.secret") == std::string::npos);
  }
}
