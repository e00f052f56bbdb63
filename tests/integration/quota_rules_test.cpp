// Limits and classes of errors are the connector's data: another phases file, another remote, the same host.
#include <fstream>
#include <sstream>

#include "host/config/yaml.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

std::string phases_of_zoho() {
  std::ifstream in(std::filesystem::path(BERTH_SOURCE_DIR) / "plugins/zoho_books/phases.yaml", std::ios::binary);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

/// The remote's codes and headers under other names, as the phases file of this test has them.
std::string phases_of_another() {
  std::string text = phases_of_zoho();
  text = replaced(text, "{code: 44,", "{code: 7044,");
  text = replaced(text, "{code: 45,", "{code: 7045,");
  text = replaced(text, "{code: 1070,", "{code: 7070,");
  text = replaced(text, "{code: 57,", "{code: 7057,");
  text = replaced(text, "per_minute: 100", "per_minute: 30");
  text = replaced(text, "concurrent: 5 ", "concurrent: 2 ");
  return replaced(text, "headers: {limit: X-Rate-Limit-Limit, remaining: X-Rate-Limit-Remaining, reset_seconds: X-Rate-Limit-Reset}",
                  "headers: {limit: Calls-Max, remaining: Calls-Left, reset_seconds: Calls-New-In}");
}

void as_the_other(http::Response& response) {
  for (auto& [name, value] : response.headers) {
    if (name == "x-rate-limit-limit") name = "calls-max";
    if (name == "x-rate-limit-remaining") name = "calls-left";
    if (name == "x-rate-limit-reset") name = "calls-new-in";
  }
  for (const auto& [from, to] : {std::pair("\"code\":44,", "\"code\":7044,"), std::pair("\"code\":45,", "\"code\":7045,"), std::pair("\"code\":57,", "\"code\":7057,")}) {
    const auto at = response.body.find(from);
    if (at != std::string::npos) response.body.replace(at, std::string_view(from).size(), to);
  }
  if (response.status == 429) response.status = 403;   // the code decides
}

WorldOptions another() {
  WorldOptions options;
  options.phases = phases_of_another();
  options.is_paced = true;
  return options;
}

http::ErrorRules rules_of_zoho() {
  config::Findings findings;
  const auto root = config::load_yaml(std::filesystem::path(BERTH_SOURCE_DIR) / "plugins/zoho_books/phases.yaml", findings);
  REQUIRE(root.ok());
  const json::Value file = config::to_json(*root);
  return http::ErrorRules::parse(*file.find("errors")).value();
}

}  // namespace

TEST_CASE("A5: codes, limits and headers are those of the phases file") {
  SUBCASE("the minute and the calls at once") {
    WorldOptions options = another();
    options.limits = "{per_minute: 30, concurrent: 2, per_day: 100000}";
    World world(options);
    world.connect();
    world.later(2min);
    world.transport.forget_calls();
    world.transport.after = as_the_other;
    world.simulator.set_limits({.per_minute = 30, .per_day = 100'000, .concurrent = 2, .sliding = true});
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
    CHECK(report.errors.empty());
  }
  SUBCASE("another program took the minute") {
    World world(another());
    world.connect();
    world.transport.after = as_the_other;
    std::atomic<int> seen = 0;
    world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
      const int number = ++seen;
      if (number == 8) world.simulator.set_limits({.per_minute = 1, .per_day = 100'000, .concurrent = 10});
      if (number == 14) world.simulator.set_limits({.per_minute = 0, .per_day = 100'000, .concurrent = 10});
      return std::nullopt;
    };
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
    REQUIRE(!report.errors.empty());
    CHECK(report.errors.front().code == "7044");
    CHECK(report.errors.front().status == 403);
    CHECK(report.errors.front().action == "wait");
  }
  SUBCASE("the day, as its headers tell it") {
    World world(another());
    world.connect();
    world.transport.after = as_the_other;
    world.control("POST", "limits", R"({"per_day":40,"used_today":0})");
    const runs::RunReport report = world.sync();
    CHECK(report.outcome == runs::RunOutcome::kRateLimited);
    CHECK_MESSAGE(report.message.find("of 40 calls") != std::string::npos, report.message);
    CHECK(report.errors.empty());   // it stopped before the remote had to say so
  }
  SUBCASE("whose quota it is") {
    WorldOptions options = another();
    options.phases = replaced(options.phases, "shared_by: \"{connection.organization_id}\"", "shared_by: \"shop-{integration.id}\"");
    World world(options);
    world.connect();
    world.transport.after = as_the_other;
    world.control("POST", "limits", R"({"per_day":5000,"used_today":0})");
    REQUIRE(world.sync().outcome == runs::RunOutcome::kSucceeded);
    json::Value view;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      view = BERTH_TRY(admin::integration_view(connection, world.registry->quota_keys(), world.integration(), world.clock.now()));
      return success();
    }).ok());
    CHECK(view.at_pointer("/quota/day_limit")->integer() == 5000);
    CHECK(view.at_pointer("/quota/day_used")->integer().value_or(0) > 50);
  }
  SUBCASE("the codes of Zoho mean nothing here") {
    World world(another());
    world.connect();
    world.transport.before = [](const std::string& call) -> std::optional<http::Response> {
      if (call.find("/invoices/") == std::string::npos) return std::nullopt;
      http::Response response;
      response.status = 400;
      response.headers = {{"content-type", "application/json"}};
      response.body = R"({"code":45,"message":"this record cannot be read"})";
      return response;
    };
    const runs::RunReport report = world.sync();
    CHECK(report.outcome != runs::RunOutcome::kRateLimited);
    REQUIRE(!report.errors.empty());
    CHECK(report.errors.front().action == "fail_record");
    CHECK(report.errors.front().message == "this record cannot be read");
  }
  SUBCASE("a token that is refused for good asks for a new consent, whatever the rule's reason is called") {
    WorldOptions options = another();
    for (int i = 0; i < 2; ++i) options.phases = replaced(options.phases, "zoho_books.auth.rejected", "shop.go_away");
    World world(options);
    world.connect();
    world.transport.before = [](const std::string& call) -> std::optional<http::Response> {
      if (call.find("/books/v3/") == std::string::npos) return std::nullopt;
      http::Response response;
      response.status = 400;
      response.headers = {{"content-type", "application/json"}};
      response.body = R"({"code":7057,"message":"go away"})";
      return response;
    };
    const runs::RunReport report = world.sync();
    CHECK(report.outcome == runs::RunOutcome::kFailed);
    CHECK(report.reason == "shop.go_away");
    CHECK(world.integration().actual == "needs_reauth");
  }
}

TEST_CASE("A10: what each code of Zoho means, by the connector's own file") {
  const http::ErrorRules rules = rules_of_zoho();
  const auto judge = [&](int status, int code, http::CallKind kind = http::CallKind::kDetail) {
    http::Response response;
    response.status = status;
    response.headers = {{"content-type", "application/json;charset=UTF-8"}};
    response.body = R"({"code":)" + std::to_string(code) + R"(,"message":"what Zoho says"})";
    const http::Decision decision = rules.judge(kind, true, response, Instant{kStart * 1000});
    CHECK(decision.status == status);
    CHECK(decision.remote_code == std::to_string(code));
    CHECK(decision.remote_message == "what Zoho says");
    return decision;
  };
  for (int code = 1001; code <= 1099; ++code) {
    if (code == 1070) continue;
    CAPTURE(code);
    CHECK(judge(400, code).action == http::Action::kFailRecord);
    CHECK(judge(200, code).action == http::Action::kFailRecord);
  }
  struct Meaning {
    int status, code;
    http::Action action;
    const char* reason;
  };
  for (const Meaning& meaning : {Meaning{500, 1000, http::Action::kRetry, "zoho_books.remote.internal"},
                                 Meaning{429, 1070, http::Action::kRetry, "zoho_books.rate_limit.concurrent"},
                                 Meaning{429, 44, http::Action::kWait, "zoho_books.rate_limit.minute"},
                                 Meaning{429, 45, http::Action::kStopRun, "zoho_books.rate_limit.daily"},
                                 Meaning{200, 45, http::Action::kStopRun, "zoho_books.rate_limit.daily"},
                                 Meaning{401, 57, http::Action::kRefreshOnce, "zoho_books.auth.rejected"},
                                 Meaning{400, 57, http::Action::kRefreshOnce, "zoho_books.auth.rejected"},
                                 Meaning{401, 14, http::Action::kRefreshOnce, "zoho_books.auth.rejected"},
                                 Meaning{404, 1002, http::Action::kSuspectDeleted, ""},
                                 Meaning{400, 6041, http::Action::kFailConnection, "zoho_books.organization.refused"},
                                 Meaning{400, 103001, http::Action::kFailConnection, "zoho_books.organization.refused"},
                                 Meaning{400, 2, http::Action::kFailRecord, "zoho_books.remote.refused"},
                                 Meaning{400, 6, http::Action::kFailRecord, "zoho_books.remote.refused"},
                                 Meaning{400, 9, http::Action::kFailRecord, "zoho_books.remote.refused"},
                                 Meaning{400, 36, http::Action::kFailRecord, "zoho_books.remote.refused"},
                                 Meaning{503, 9999, http::Action::kRetry, "zoho_books.remote.outage"}}) {
    CAPTURE(meaning.status);
    CAPTURE(meaning.code);
    const http::Decision decision = judge(meaning.status, meaning.code);
    CHECK(decision.action == meaning.action);
    CHECK(decision.reason == meaning.reason);
  }
}
