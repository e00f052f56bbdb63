#include "host/oauth/server_info.hpp"

#include <doctest/doctest.h>

using namespace berth;

namespace {

class OneAnswer final : public http::Transport {
 public:
  explicit OneAnswer(std::string body) : body_(std::move(body)) {}
  Result<http::Response> send(const http::Request& request, std::stop_token) override {
    asked.push_back(request.url);
    return http::Response{.status = 200, .headers = {}, .body = body_};
  }
  std::vector<std::string> asked;

 private:
  std::string body_;
};

oauth::Provider provider() {
  oauth::Provider made;
  made.serverinfo_url = "{accounts}/oauth/serverinfo";
  made.data_centers = {{"us", "https://accounts.zoho.com", "https://www.zohoapis.com"}, {"eu", "https://accounts.zoho.eu", "https://www.zohoapis.eu"}};
  return made;
}

Result<std::optional<std::string>> check(OneAnswer& transport, std::string_view location) {
  return oauth::check_server_info(provider(), transport, location, {});
}

}  // namespace

TEST_CASE("A1: a server list that agrees with the table says nothing") {
  OneAnswer transport(R"({"result":"success","locations":{"us":"https://accounts.zoho.com","eu":"https://accounts.zoho.eu"}})");
  const auto difference = check(transport, "eu");
  REQUIRE(difference.ok());
  CHECK_FALSE(difference->has_value());
  CHECK(transport.asked == std::vector<std::string>{"https://accounts.zoho.eu/oauth/serverinfo"});
}

TEST_CASE("A1: a server list that names another host is told and never followed") {
  OneAnswer transport(R"({"result":"success","locations":{"eu":"https://evil.example"}})");
  const auto difference = check(transport, "eu");
  REQUIRE(difference.ok());
  REQUIRE(difference->has_value());
  CHECK((*difference)->find("https://evil.example") != std::string::npos);
  CHECK((*difference)->find("https://accounts.zoho.eu") != std::string::npos);
  CHECK(transport.asked.size() == 1);
}

TEST_CASE("A1: a location that the list does not have is told") {
  OneAnswer transport(R"({"result":"success","locations":{"us":"https://accounts.zoho.com"}})");
  const auto difference = check(transport, "eu");
  REQUIRE(difference.ok());
  CHECK(difference->has_value());
}

TEST_CASE("A1: an answer without a list is an error, not an agreement") {
  OneAnswer transport("<html>maintenance</html>");
  const auto difference = check(transport, "eu");
  REQUIRE_FALSE(difference.ok());
  CHECK(difference.error().reason == "oauth.answer_unreadable");
}
