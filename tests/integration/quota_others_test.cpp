// Other programs of the customer draw on the same quota, and so do other processes of this host.
#include <algorithm>
#include <thread>

#include "host/admin/quota.hpp"
#include "host/runs/quota_board.hpp"
#include "integration/shown.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

using Exchange = SimulatorTransport::Exchange;

std::vector<Exchange> refused(const World& world, std::string_view code) {
  std::vector<Exchange> calls = world.transport.api_calls();
  std::erase_if(calls, [&](const Exchange& one) { return one.code != code; });
  return calls;
}

/// Calls of another program, straight to the simulator.
void call_from_elsewhere(World& world, int times) {
  const std::string token = world.simulator.access_token();
  for (int i = 0; i < times; ++i) {
    zoho_sim::Request request = zoho_sim::make_request("GET", "/books/v3/organizations");
    request.headers.emplace_back("Authorization", "Zoho-oauthtoken " + token);
    static_cast<void>(world.simulator.handle(request));
  }
}

http::Response answer(int status, std::string body, http::Headers more = {}) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(more);
  response.headers.emplace_back("content-type", "application/json;charset=UTF-8");
  return response;
}

WorldOptions with_limits(std::string limits) {
  WorldOptions options;
  options.limits = std::move(limits);
  return options;
}

}  // namespace

TEST_CASE("A5: code 44 because of another program waits for the minute, then goes on without a failure") {
  World world(with_limits("{per_minute: 100, concurrent: 5, per_day: 100000}"));
  world.connect();
  world.transport.forget_calls();
  world.simulator.set_limits({.per_minute = 100, .per_day = 100'000, .concurrent = 10});
  std::atomic<int> seen = 0;
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (++seen == 20) call_from_elsewhere(world, 90);
    return std::nullopt;
  };
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
  const auto blocked = refused(world, "44");
  REQUIRE(!blocked.empty());
  CHECK(blocked.size() <= 5);   // those that were on their way
  const Instant minute{(blocked.front().counted.unix_ms / 60'000 + 1) * 60'000};
  for (const Exchange& one : world.transport.api_calls()) {
    const bool is_in_the_pause = one.began > blocked.back().ended && one.began < minute;
    CHECK_FALSE(is_in_the_pause);
  }
  REQUIRE(!report.errors.empty());
  CHECK(report.errors.front().code == "44");
  CHECK(report.errors.front().status == 429);
  CHECK(report.errors.front().message.find("blocked for some time") != std::string::npos);
  CHECK(report.errors.front().reason == "zoho_books.rate_limit.minute");
  CHECK(world.integration().reason != "zoho_books.rate_limit.minute");
}

TEST_CASE("A5: code 45 because of another program stops until the day turns, is never repeated, and says what raises the limit") {
  World world(with_limits("{per_minute: 60000, concurrent: 1, per_day: 1000}"));
  world.connect();
  world.transport.forget_calls();
  world.control("POST", "limits", R"({"per_day":1000,"used_today":0})");
  std::atomic<int> seen = 0;
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (++seen == 10) call_from_elsewhere(world, 1000);
    return std::nullopt;
  };
  const runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kRateLimited);
  CHECK(refused(world, "45").size() == 1);
  CHECK(seen == 10);
  CHECK_MESSAGE(report.message.find("code 45") != std::string::npos, report.message);
  CHECK_MESSAGE(report.message.find("only a larger plan raises") != std::string::npos, report.message);
  CHECK_MESSAGE(report.message.find("zoho_books.rate_limit.daily") != std::string::npos, report.message);
  const auto turn = next_midnight(report.ended, "America/New_York").value();
  CHECK(report.next_attempt >= turn - 2s);
  CHECK(report.next_attempt <= turn + 2s);
  const json::Value view = integration_view(world);
  CHECK(view.text_of("status") == "waiting_quota");
  CHECK(view.text_of("reason") == "berth.quota");
  CHECK(view.text_of("message").find("only a larger plan raises") != std::string::npos);
  CHECK(view.text_of("next_attempt") == to_string(report.next_attempt));
  CHECK(view.find("quota")->text_of("blocked_reason") == "zoho_books.rate_limit.daily");
  world.restart();
  CHECK(world.sync().outcome == runs::RunOutcome::kRateLimited);
  CHECK(seen == 10);
  world.transport.before = nullptr;
  world.clock.set(report.next_attempt);
  CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
}

TEST_CASE("A5: code 1070 because of another program: fewer at once, and one more after each minute") {
  WorldOptions options = with_limits("{per_minute: 60000, concurrent: 5, per_day: 100000}");
  options.invoices = 300;
  options.is_paced = true;
  World world(options);
  world.connect();
  world.transport.forget_calls();
  world.transport.takes = 1500ms;
  std::atomic<int> seen = 0;
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    const int number = ++seen;
    if (number < 60 || number >= 63) return std::nullopt;
    return answer(429, R"({"code":1070,"message":"Your organization has crossed the maximum number of in process requests allowed (10)."})");
  };
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
  const auto blocked = refused(world, "1070");
  CHECK(blocked.size() == 3);
  const auto most_between = [&](Instant from, Instant to) {
    int most = 0;
    const auto calls = world.transport.api_calls();
    for (const Exchange& one : calls) {
      if (one.began < from || one.began >= to) continue;
      const auto at_once = std::count_if(calls.begin(), calls.end(), [&](const Exchange& other) { return other.began <= one.began && other.ended > one.began; });
      most = std::max(most, static_cast<int>(at_once));
    }
    return most;
  };
  const Instant end = blocked.back().ended;
  CHECK(most_between({0}, blocked.front().began) == 5);
  CHECK(most_between(end + 2s, end + 55s) == 2);
  CHECK(most_between(end + 65s, end + 115s) == 3);
  CHECK(most_between(end + 130s, end + 175s) == 4);
  CHECK(report.errors.front().reason == "zoho_books.rate_limit.concurrent");
}

TEST_CASE("D12: a bare 429 is repeated a few times with growing waits, then the failure is shown") {
  World world(with_limits("{per_minute: 60000, concurrent: 1, per_day: 100000}"));
  world.connect();
  world.transport.forget_calls();
  http::Headers headers;
  std::size_t calls = 5;
  std::vector<std::pair<std::chrono::milliseconds, std::chrono::milliseconds>> waits{{4s, 5100ms}, {8s, 10100ms}, {16s, 20100ms}, {32s, 40100ms}};
  SUBCASE("without Retry-After") {}
  SUBCASE("with Retry-After") {
    headers = {{"retry-after", "70"}};
    waits = {{70s, 70100ms}, {70s, 70100ms}, {70s, 70100ms}, {70s, 70100ms}};
  }
  SUBCASE("with a Retry-After of nothing") { headers = {{"retry-after", "0"}}; }
  SUBCASE("with a negative one") { headers = {{"retry-after", "-5"}}; }
  SUBCASE("with a date that is past") { headers = {{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}; }
  int status = 429;
  std::string reason = "zoho_books.rate_limit.other";
  bool is_long = false;
  SUBCASE("with ten years") { is_long = true; }
  SUBCASE("with ten years, and the remote is down") {
    is_long = true;
    status = 503;
    reason = "zoho_books.remote.outage";
  }
  if (is_long) {
    headers = {{"retry-after", "315360000"}};
    calls = 1;   // no run waits for that
    waits.clear();
  }
  world.transport.before = [&](const std::string&) { return std::optional(answer(status, "{}", headers)); };
  const runs::RunReport report = world.sync();
  CHECK(report.outcome == runs::RunOutcome::kFailed);
  CHECK(report.reason == reason);
  CHECK_MESSAGE(report.message.find("HTTP " + std::to_string(status)) != std::string::npos, report.message);
  const auto sent = world.transport.api_calls();
  REQUIRE(sent.size() == calls);
  for (std::size_t i = 0; i < waits.size(); ++i) {
    const auto waited = sent[i + 1].began - sent[i].ended;
    CHECK(waited >= waits[i].first);
    CHECK(waited <= waits[i].second);
  }
  CHECK(report.errors.size() == calls);
  CHECK(report.next_attempt > report.ended);
  CHECK(integration_view(world).text_of("reason") == reason);
  // No header of a single answer keeps the organisation away for long: it was no word about the day.
  CHECK(report.next_attempt <= report.ended + 1h);
  world.transport.before = nullptr;
  world.clock.set(report.next_attempt);
  const runs::RunReport again = world.sync();
  CHECK_MESSAGE(again.outcome == runs::RunOutcome::kSucceeded, again.reason << ": " << again.message);
}

TEST_CASE("D12: a block that is wrong is lifted by a person, and the integration goes on at once") {
  World world(with_limits("{per_minute: 60000, concurrent: 1, per_day: 1000}"));
  world.connect();
  world.control("POST", "limits", R"({"per_day":100000,"used_today":0})");
  std::atomic<bool> is_wrong = true;
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (!is_wrong) return std::nullopt;
    return answer(429, R"({"code":45,"message":"For security reasons you have been blocked for some time"})", {{"x-rate-limit-limit", "10"}, {"x-rate-limit-remaining", "0"}});
  };
  const runs::RunReport blocked = world.sync();
  REQUIRE(blocked.outcome == runs::RunOutcome::kRateLimited);
  CHECK(world.integration().next_attempt > world.clock.now() + 1h);
  const json::Value before = *integration_view(world).find("quota");
  CHECK(before.text_of("blocked_reason") == "zoho_books.rate_limit.daily");
  CHECK(before.text_of("blocked_message").find("code 45") != std::string::npos);
  CHECK(before.find("day_left")->integer() == 0);
  is_wrong = false;
  CHECK(world.sync().outcome == runs::RunOutcome::kRateLimited);   // nobody has asked the remote
  const auto now = world.clock.now();
  const auto lifted = admin::reset_quota(*world.database, world.registry->quota_keys(), world.integration(), "Ada", now);
  REQUIRE(lifted.ok());
  CHECK(lifted->find("blocked_until")->is_null());
  CHECK(lifted->find("day_limit")->is_null());
  CHECK(world.integration().next_attempt.unix_ms == 0);
  CHECK(world.integration().actual == "waiting_quota");   // until a run has shown how it is
  CHECK(world.number("SELECT COUNT(*) FROM audit WHERE action = 'quota.reset' AND actor = 'Ada'") == 1);
  const runs::RunReport again = world.sync();
  CHECK_MESSAGE(again.outcome == runs::RunOutcome::kSucceeded, again.reason << ": " << again.message);
  CHECK(integration_view(world).at_pointer("/quota/day_limit")->integer() == 100'000);
}

TEST_CASE("A5: a clock that jumps makes nobody wait for ever") {
  // One call at a time: of two threads on this clock one could sleep until a time from before the jump.
  World world(with_limits("{per_minute: 20, concurrent: 1, per_day: 100000}"));
  world.connect();
  std::chrono::milliseconds jump = -1h;
  SUBCASE("an hour back") {}
  SUBCASE("a day forward") { jump = 24h; }
  SUBCASE("a month back") { jump = -30 * 24h; }
  std::atomic<int> seen = 0;
  std::chrono::milliseconds passed{0};
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (++seen == 30) world.clock.advance(jump);
    return std::nullopt;
  };
  const Instant before = world.clock.now();
  const runs::RunReport report = world.sync();
  passed = world.clock.now() - before - jump;
  // A token that was stamped before a jump back may seem to be from the future; nothing else of it is about quotas.
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
  CHECK(passed > 2min);
  CHECK(passed < 20min);
}

TEST_CASE("A5: two processes on one database share the minute, the calls at once and the day") {
  WorldOptions options;
  options.invoices = 260;
  options.payments = 100;
  options.is_paced = true;
  options.integrations =
      "  - {id: second, plugin: zoho_books, company: acme_west, client: {id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}}\n";
  std::int64_t per_day = 100'000;
  options.limits = "{per_minute: 100, concurrent: 5, per_day: 100000}";
  SUBCASE("the minute and the calls at once") {}
  SUBCASE("the day") {
    per_day = 300;
    options.limits = "{per_minute: 100, concurrent: 5, per_day: 300}";
  }
  World world(options);
  world.connect();
  world.later(2min);
  world.transport.forget_calls();
  world.transport.takes = 300ms;
  world.simulator.set_limits({.per_minute = 100, .per_day = static_cast<int>(per_day), .concurrent = 5, .sliding = true});
  world.control("POST", "limits", R"({"used_today":0})");
  // Zoho tells what is left of the day with each answer; without that only what the processes tell each other counts.
  world.transport.after = [](http::Response& response) {
    std::erase_if(response.headers, [](const auto& header) { return header.first.starts_with("x-rate-limit"); });
  };
  const runs::RemoteAccess first = world.registry->access(world.unit()).value();
  // The other process makes calls of its own, through a gate of its own.
  runs::DatabaseQuotaBoard board(*world.database, world.clock, first.quota_key);
  http::QuotaGate other(first.gate->limits(), {.reserve_percent = 0, .zone = "America/New_York", .owner = "other:1"}, world.clock, &board);
  std::atomic<int> made = 0;
  std::string token = world.simulator.access_token();
  std::atomic<int> refusals = 0;
  runs::RunReport report;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&](const std::stop_token& stop) {
        while (!stop.stop_requested() && made < 400) {
          auto permit = other.acquire(stop);
          if (!permit.ok()) {
            CHECK((permit.error().reason == "berth.quota" || permit.error().reason == "berth.cancelled"));
            return;
          }
          ++made;
          http::Request request;
          request.method = "GET";
          request.url = std::string(kOrigin) + "/books/v3/organizations";
          request.authorization = Secret("Zoho-oauthtoken " + token);
          const auto got = world.transport.send(request, {});
          if (!got.ok() || got->status != 200) ++refusals;
          permit->finish(nullptr);
        }
      });
    }
    report = world.sync();
    if (per_day > 1'000) CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
    else CHECK(report.outcome == runs::RunOutcome::kRateLimited);
    if (per_day > 1'000) {
      for (auto& thread : threads) thread.request_stop();
    }
  }
  const auto calls = world.transport.api_calls();
  MESSAGE(calls.size() << " calls, " << made.load() << " of the other process");
  CHECK(made > 50);
  CHECK(refused(world, "44").empty());
  CHECK(refused(world, "45").empty());
  CHECK(refused(world, "1070").empty());
  CHECK(refusals == 0);
  if (per_day < 1'000) {
    CHECK(calls.size() <= 300);
    // At most a block of the day's calls (a hundredth) is out of reach; and connecting made a call, which the simulator was
    // told to forget.
    CHECK(calls.size() + 1 >= 297);
  }
}
