#include "tests/zoho_sim/tests/fixture.hpp"

using namespace sim_test;

namespace {

const std::string kRedirect = "http://127.0.0.1:8080/callback";

Options oauth_options() {
  auto options = small_options();
  options.oauth.auto_consent = true;
  return options;
}

std::string location_of(const Response& response) {
  return std::string(header_of(response.headers, "Location"));
}

// Asks for consent and returns the pairs of the redirect.
Pairs authorize(World& world, const std::string& extra = "&access_type=offline&prompt=consent") {
  const auto answer = world.call("GET",
                                 "/oauth/v2/"
                                 "auth?response_type=code&client_id=1000.SIMULATORCLIENT&scope=ZohoBooks.invoices.READ,"
                                 "ZohoBooks.contacts.READ&state=s%2F1&redirect_uri=" +
                                     percent_encode(kRedirect) + extra);
  REQUIRE(answer.status == 302);
  const auto target = location_of(answer.raw);
  return parse_pairs(std::string_view(target).substr(target.find('?') + 1));
}

Answer token(World& world, const std::string& form, const std::string& secret = "simulator-secret") {
  auto request = make_request("POST", "/oauth/v2/token");
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = form + "&client_id=1000.SIMULATORCLIENT&client_secret=" + secret;
  Answer answer;
  answer.raw = world.simulator.handle(request);
  answer.status = answer.raw.status;
  answer.body = json::parse(answer.raw.body).as_object();
  return answer;
}

Answer redeem(World& world, std::string_view code) {
  return token(
      world, "grant_type=authorization_code&code=" + std::string(code) + "&redirect_uri=" + percent_encode(kRedirect));
}
Answer refresh(World& world, const std::string& refresh_token) {
  return token(world, "grant_type=refresh_token&refresh_token=" + refresh_token);
}

}  // namespace

TEST_CASE("a code works once, for two minutes, with its own redirect address") {
  World world(oauth_options());
  const auto code = std::string(value_of(authorize(world), "code"));
  const auto wrong =
      token(world, "grant_type=authorization_code&redirect_uri=http%3A%2F%2F127.0.0.1%2Fother&code=" + code);
  CHECK(wrong.status == 200);
  CHECK(text(wrong.body, "error") == "invalid_redirect_uri");
  CHECK(redeem(world, code).body.contains("access_token"));
  const auto again = redeem(world, code);
  CHECK(again.status == 200);  // the status says nothing
  CHECK(text(again.body, "error") == "invalid_code");
  const auto late = std::string(value_of(authorize(world), "code"));
  world.clock->advance(120);
  CHECK(text(redeem(world, late).body, "error") == "invalid_code");
}

TEST_CASE("the redirect carries state, code, location and the encoded accounts server, and a stray ampersand") {
  World world(oauth_options());
  auto request = make_request("GET",
                              "/oauth/v2/"
                              "auth?response_type=code&client_id=1000.SIMULATORCLIENT&scope=ZohoBooks.invoices.READ&"
                              "state=abc&access_type=offline&redirect_uri=" +
                                  percent_encode(kRedirect));
  request.headers = {{"Host", "127.0.0.1:4711"}};
  const auto target = location_of(world.simulator.handle(request));
  CHECK(target.rfind(kRedirect + "?state=abc&code=1000.", 0) == 0);
  CHECK(target.find("&location=us&accounts-server=http%3A%2F%2F127.0.0.1%3A4711&") ==
        target.size() - std::string("&location=us&accounts-server=http%3A%2F%2F127.0.0.1%3A4711&").size());
}

TEST_CASE("wrong client, secret, scope or redirect address are refused in Zoho's way") {
  World world(oauth_options());
  CHECK(text(token(world, "grant_type=refresh_token&refresh_token=x", "wrong").body, "error") ==
        "invalid_client_secret");
  CHECK(text(refresh(world, "1000.nobody").body, "error") == "invalid_code");
  CHECK(world.call("GET", "/oauth/v2/token").status == 400);
  auto json_body = make_request("POST", "/oauth/v2/token");
  json_body.headers = {{"Content-Type", "application/json"}};
  json_body.body = R"({"client_id":"1000.SIMULATORCLIENT"})";
  const auto unread = world.simulator.handle(json_body);
  CHECK(unread.status == 200);
  CHECK(unread.body == R"({"error":"invalid_client"})");
  const std::string base = "/oauth/v2/auth?response_type=code&client_id=1000.SIMULATORCLIENT&redirect_uri=";
  CHECK(world.call("GET", base + "https%3A%2F%2Fevil.example%2Fcb&scope=ZohoBooks.invoices.READ").status == 400);
  CHECK(world.call("GET", base + "http%3A%2F%2F127.0.0.1.evil.example&scope=ZohoBooks.invoices.READ").status == 400);
  CHECK(world.call("GET", base + percent_encode(kRedirect) + "&scope=Everything").status == 400);
}

TEST_CASE("a user may reject, and the page is good for one answer") {
  World world;
  const auto page = world.call(
      "GET",
      "/oauth/v2/"
      "auth?response_type=code&client_id=1000.SIMULATORCLIENT&scope=ZohoBooks.invoices.READ&state=s&redirect_uri=" +
          percent_encode(kRedirect));
  CHECK(page.status == 200);
  const auto at = page.raw.body.find("name=\"ticket\" value=\"") + 21;
  const auto ticket = page.raw.body.substr(at, page.raw.body.find('"', at) - at);
  const auto rejected = world.call("POST", "/oauth/v2/auth/decision", "decision=reject&ticket=" + ticket);
  CHECK(location_of(rejected.raw) == kRedirect + "?state=s&error=access_denied");
  CHECK(world.call("POST", "/oauth/v2/auth/decision", "decision=accept&ticket=" + ticket).status == 400);
}

TEST_CASE("a refresh answer has no refresh token, and without prompt a second consent has none either") {
  World world(oauth_options());
  const auto first = redeem(world, value_of(authorize(world, "&access_type=offline"), "code"));
  CHECK(first.body.contains("refresh_token"));
  CHECK(first.body.at("expires_in") == 3600);
  CHECK(first.body.at("token_type") == "Bearer");
  CHECK_FALSE(refresh(world, text(first.body, "refresh_token")).body.contains("refresh_token"));
  CHECK_FALSE(redeem(world, value_of(authorize(world, "&access_type=offline"), "code")).body.contains("refresh_token"));
  CHECK_FALSE(redeem(world, value_of(authorize(world, "&access_type=online"), "code")).body.contains("refresh_token"));
}

TEST_CASE("ten access tokens in ten minutes, then Access Denied for the rest of the window") {
  World world(oauth_options());
  const auto token_text = text(redeem(world, value_of(authorize(world), "code")).body, "refresh_token");
  for (int i = 1; i < 10; ++i) CHECK(refresh(world, token_text).body.contains("access_token"));
  CHECK(text(refresh(world, token_text).body, "error") == "Access Denied");
  world.clock->advance(599);
  CHECK(text(refresh(world, token_text).body, "error") == "Access Denied");
  world.clock->advance(1);
  CHECK(refresh(world, token_text).body.contains("access_token"));
}

TEST_CASE("the sixteenth access token ends the first, the twenty-first refresh token ends the oldest") {
  auto options = oauth_options();
  options.oauth.throttle = false;
  World world(options);
  const auto refresh_token = text(redeem(world, value_of(authorize(world), "code")).body, "refresh_token");
  std::vector<std::string> access;
  for (int i = 0; i < 16; ++i) access.push_back(text(refresh(world, refresh_token).body, "access_token"));
  const auto alive = [&](const std::string& access_token) {
    world.token = access_token;
    return world.get("/invoices").status == 200;
  };
  CHECK_FALSE(alive(access[0]));
  CHECK(alive(access[1]));
  CHECK(alive(access[15]));
  for (int i = 0; i < 20; ++i) redeem(world, value_of(authorize(world), "code"));
  CHECK(text(refresh(world, refresh_token).body, "error") == "invalid_code");
  CHECK_FALSE(alive(access[15]));
}

TEST_CASE("an access token lives an hour, and revoking the refresh token ends it at once") {
  World world(oauth_options());
  const auto granted = redeem(world, value_of(authorize(world), "code")).body;
  world.token = text(granted, "access_token");
  CHECK(world.get("/invoices").status == 200);
  world.clock->advance(3600);
  const auto expired = world.get("/invoices");
  CHECK(expired.status == 401);
  CHECK(expired.code() == 57);
  world.token = text(refresh(world, text(granted, "refresh_token")).body, "access_token");
  CHECK(world.get("/invoices").status == 200);
  const auto revoked = world.call("POST", "/oauth/v2/token/revoke?token=" + text(granted, "refresh_token"));
  CHECK(text(revoked.body, "status") == "success");
  CHECK(world.get("/invoices").status == 401);
  CHECK(world.call("POST", "/oauth/v2/token/revoke?token=" + text(granted, "refresh_token")).status == 400);
}

TEST_CASE("the API wants Zoho's own scheme, a live token, the scope and the organisation") {
  World world(oauth_options());
  const auto with = [&](const std::string& header, const std::string& target) {
    auto request = make_request("GET", target);
    if (!header.empty()) request.headers = {{"Authorization", header}};
    const auto answer = world.simulator.handle(request);
    return std::pair(answer.status, json::parse(answer.body).at("code").as_int64());
  };
  const std::string list = "/books/v3/invoices?organization_id=927000001";
  CHECK(with("", list) == std::pair(401, std::int64_t{14}));
  CHECK(with("Bearer " + world.token, list) == std::pair(401, std::int64_t{14}));
  CHECK(with("Zoho-oauthtoken 1000.no.such", list) == std::pair(401, std::int64_t{57}));
  CHECK(with("Zoho-oauthtoken " + world.token, list) == std::pair(200, std::int64_t{0}));
  CHECK(with("Zoho-oauthtoken " + world.token, "/books/v3/invoices?organization_id=1") ==
        std::pair(400, std::int64_t{6041}));
  CHECK(with("Zoho-oauthtoken " + world.token, "/books/v3/organizations") == std::pair(200, std::int64_t{0}));
  const auto narrow = world.simulator.access_token("ZohoBooks.contacts.READ");
  CHECK(with("Zoho-oauthtoken " + narrow, list) == std::pair(401, std::int64_t{57}));
  CHECK(with("Zoho-oauthtoken " + narrow, "/books/v3/contacts?organization_id=927000001") ==
        std::pair(200, std::int64_t{0}));
}
