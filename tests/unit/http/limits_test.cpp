#include "host/http/limits.hpp"

#include <doctest/doctest.h>

#include "host/http/budget.hpp"
#include "host/http/url.hpp"

using namespace berth;
using http::Budgets;
using http::Limits;
using http::Url;

namespace {

json::Value parse(const std::string& text) {
  auto parsed = json::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  return std::move(parsed.value);
}

const char* const kZohoLimits = R"({"shared_by":"{connection.organization_id}","per_minute":100,"concurrent":5,
  "per_day":{"by_plan":{"free":1000,"standard":2000,"professional":5000,"premium":10000,"elite":10000,"ultimate":10000}},
  "headers":{"limit":"X-Rate-Limit-Limit","remaining":"X-Rate-Limit-Remaining","reset_seconds":"X-Rate-Limit-Reset"}})";

}  // namespace

TEST_CASE("A6: the plan decides the day's calls, without one the largest counts until the headers say more") {
  const std::vector<std::pair<std::string, int>> plans{
      {"free", 1'000},      {"standard", 2'000}, {"professional", 5'000}, {"premium", 10'000}, {"elite", 10'000},
      {"ultimate", 10'000}, {"", 10'000}};
  for (const auto& [plan, calls] : plans) {
    const auto limits = Limits::parse(parse(kZohoLimits), plan);
    REQUIRE(limits.ok());
    CHECK(limits->per_day == calls);
    CHECK(limits->per_minute == 100);
    CHECK(limits->concurrent == 5);
    CHECK(limits->header_remaining == "x-rate-limit-remaining");
  }
  const auto unknown = Limits::parse(parse(kZohoLimits), "premum");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("did you mean \"premium\"") != std::string::npos);
}

TEST_CASE("mistakes in the limits are named with their place") {
  const auto message = [](const std::string& text) {
    const auto limits = Limits::parse(parse(text), "");
    return limits ? std::string{} : limits.error().message;
  };
  CHECK(message(R"({"per_minute":-1})").starts_with("/limits/per_minute"));
  CHECK(message(R"({"per_minute":"100"})").starts_with("/limits/per_minute"));
  CHECK(message(R"({"concurrent":17})").starts_with("/limits/concurrent"));
  CHECK(message(R"({"per_day":{"by_plan":{}}})").starts_with("/limits/per_day/by_plan"));
  CHECK(message(R"({"per_day":{"by_plan":{"free":0}}})").starts_with("/limits/per_day/by_plan/free"));
  CHECK(message(R"({"per_minut":1})").find("did you mean \"per_minute\"") != std::string::npos);
  CHECK(message(R"({"headers":{"limits":"X"}})").starts_with("/limits/headers"));
  CHECK(message("null").empty());
}

TEST_CASE("a budget is a number of calls, or a share of what is left of the day") {
  auto budgets =
      Budgets::parse(parse(R"({"invoices.detail":"40%","invoices.pdf":2,"contacts.detail":"0%"})"), "/budget");
  REQUIRE(budgets.ok());
  budgets->begin_run(11);
  for (int i = 0; i < 5; ++i) CHECK(budgets->take("invoices.detail").ok());  // 40% of 11, rounded up
  const auto spent = budgets->take("invoices.detail");
  REQUIRE_FALSE(spent.ok());
  CHECK(spent.error().reason == "berth.budget");
  CHECK(spent.error().code == Code::kQuotaExhausted);
  CHECK(spent.error().message.find("invoices.detail") != std::string::npos);
  CHECK_FALSE(budgets->take("contacts.detail").ok());
  CHECK(budgets->take("invoices.pdf").ok());
  budgets->take_repeat("invoices.pdf");
  CHECK_FALSE(budgets->take("invoices.pdf").ok());
  CHECK(budgets->take("").ok());
  CHECK(budgets->take("not.listed").ok());
  for (const auto& use : budgets->use()) CHECK(use.refused);
  budgets->begin_run(std::nullopt);
  CHECK(budgets->take("invoices.detail").ok());
  CHECK(budgets->take("invoices.pdf").ok());
}

TEST_CASE("A6: what is held back of the day is refused whatever the class, until it is let go again") {
  auto budgets = Budgets::parse(parse(R"({"invoices.detail":"50%"})"), "/budget");
  REQUIRE(budgets.ok());
  budgets->begin_run(100);
  budgets->hold_back(3);
  CHECK(budgets->take("invoices.detail").ok());
  CHECK(budgets->take("").ok());
  CHECK(budgets->take("").ok());
  CHECK_FALSE(budgets->was_held_back());
  const Status refused = budgets->take("invoices.detail");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().reason == "berth.run_cap");
  CHECK(budgets->was_held_back());
  CHECK(budgets->use().front().spent == 1);   // what was refused is not spent
  budgets->give_back("");
  CHECK(budgets->take("").ok());   // a call that was not made
  budgets->take_repeat("");        // a repeat is never refused, and counts
  budgets->give_back("");
  CHECK_FALSE(budgets->take("").ok());
  budgets->hold_back(std::nullopt);
  CHECK_FALSE(budgets->was_held_back());
  CHECK(budgets->take("").ok());
}

TEST_CASE("an integration's own budget replaces the phase's, and mistakes are named") {
  auto budgets = Budgets::parse(parse(R"({"invoices.detail":"40%"})"), "/budget");
  REQUIRE(budgets.ok());
  CHECK(budgets->add(parse(R"({"invoices.detail":1})"), "/budgets").ok());
  budgets->begin_run(1'000);
  CHECK(budgets->take("invoices.detail").ok());
  CHECK_FALSE(budgets->take("invoices.detail").ok());
  for (const auto* text :
       {R"({"a":"40"})", R"({"a":"101%"})", R"({"a":-1})", R"({"a":"%"})", R"({"a":1.5})", R"({"a":null})", "[]"}) {
    const auto status = budgets->add(parse(text), "/budgets");
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().reason == "http.budget_invalid");
    CHECK(status.error().message.starts_with("/budgets"));
  }
}

TEST_CASE("addresses have one spelling, and everything else is refused") {
  const auto origin = [](const std::string& text) {
    const auto url = Url::parse(text);
    return url ? url->origin() + url->target : url.error().reason;
  };
  CHECK(origin("https://www.zohoapis.eu/books/v3?x=1") == "https://www.zohoapis.eu/books/v3?x=1");
  CHECK(origin("HTTPS://WWW.Zohoapis.EU:443") == "https://www.zohoapis.eu/");
  CHECK(origin("http://127.0.0.1:8080?x") == "http://127.0.0.1:8080/?x");
  CHECK(origin("https://[::1]:8443/") == "https://[::1]:8443/");
  for (const auto* text : {"",
                           "www.zohoapis.eu",
                           "//www.zohoapis.eu",
                           "ftp://a",
                           "https://",
                           "https:///x",
                           "https://a@b",
                           "https://a:b@c",
                           "https://a\\@b",
                           "https://a b",
                           "https://a\tb",
                           "https://a#b",
                           "https://a/\n",
                           "https://a:0",
                           "https://a:65536",
                           "https://a:x",
                           "https://a:",
                           "https://.a",
                           "https://a.",
                           "https://a..b",
                           "https://[::1",
                           "https://[abc]",
                           "https://a%2eb",
                           "https://ä.de"}) {
    CAPTURE(text);
    CHECK(origin(text) == "http.url_refused");
  }
}
