#include "host/http/api_client.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <set>
#include <thread>

#include "unit/http/fakes.hpp"
#include "unit/http/rules_of_zoho.hpp"

using namespace berth;
using berth::test::FakeTokens;
using berth::test::FakeTransport;
using berth::test::json_response;
using http::ApiCall;
using http::ApiReply;
using http::CallKind;
using http::Request;
using http::Response;
using http::Verdict;
using namespace std::chrono_literals;

namespace {

const Instant kStart{1'780'012'815'000};  // a quarter past a minute

http::Limits limits_of(int concurrent = 5) {
  http::Limits limits;
  limits.concurrent = concurrent;
  limits.per_day = 10'000;
  limits.header_remaining = "x-rate-limit-remaining";
  limits.header_reset_seconds = "x-rate-limit-reset";
  return limits;
}

/// A client with everything around it.
struct Rig {
  explicit Rig(FakeTransport::Answer answer, http::Mode mode = http::Mode::kPullOnly, int concurrent = 5)
      : transport(std::move(answer)), gate(limits_of(concurrent), {.reserve_percent = 0, .zone = "UTC"}, clock) {
    auto made = http::ApiClient::create({transport, tokens, gate, budgets, clock, random}, test::zoho_rules(),
                                        {.base_url = "https://www.zohoapis.com/books/v3", .mode = mode});
    REQUIRE(made.ok());
    client = std::move(made).value();
  }
  ManualClock clock{kStart};
  SeededRandom random{1};
  FakeTransport transport;
  FakeTokens tokens;
  http::QuotaGate gate;
  http::Budgets budgets;
  std::unique_ptr<http::ApiClient> client;
};

/// Answers one after the other, the last one for ever.
FakeTransport::Answer script(std::vector<Response> answers) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return [answers = std::move(answers), next](const Request&, std::stop_token) -> Result<Response> {
    return answers[std::min(next->fetch_add(1), answers.size() - 1)];
  };
}

const Response kGood = json_response(200, R"({"code":0,"message":"success"})");
ApiCall get(std::string path = "/invoices", CallKind kind = CallKind::kList) {
  ApiCall call;
  call.path = std::move(path);
  call.kind = kind;
  return call;
}

std::vector<ApiCall> details(std::size_t count) {
  std::vector<ApiCall> calls;
  for (std::size_t i = 0; i < count; ++i) calls.push_back(get("/invoices/" + std::to_string(i), CallKind::kDetail));
  return calls;
}

std::string reason_of(const Result<http::ApiAnswer>& answer) {
  return answer ? "ok" : answer.error().reason;
}

}  // namespace

TEST_CASE("D14: in pull_only nothing but GET is sent, and the plugin learns why") {
  Rig rig(script({kGood}));
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "GET ", "", "POST\r\nX: 1"}) {
    auto call = get();
    call.method = method;
    const auto answer = rig.client->send(call, {});
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().reason == "berth.pull_only");
    CHECK(answer.error().code == Code::kUnsupported);
  }
  CHECK(rig.transport.count() == 0);
  CHECK(rig.client->send(get(), {}).ok());
  CHECK(rig.client->report().total() == 1);
}

TEST_CASE("in two_way mode writes are sent, and unknown methods are not") {
  Rig rig(script({json_response(201, R"({"code":0})")}), http::Mode::kTwoWay);
  auto call = get("/contacts", CallKind::kWrite);
  call.method = "POST";
  call.body = R"({"contact_name":"A"})";
  CHECK(rig.client->send(call, {}).ok());
  CHECK(rig.transport.sent().front().body == call.body);
  call.method = "TRACE";
  CHECK(reason_of(rig.client->send(call, {})) == "http.method_refused");
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("a path cannot leave the API base") {
  Rig rig(script({kGood}));
  for (const auto* path : {"",
                           "invoices",
                           "//evil.example/x",
                           "/invoices//46",
                           "/..",
                           "/../users",
                           "/invoices/../../users",
                           "/.",
                           "/./x",
                           "/%2e%2e/x",
                           "/%2E%2e",
                           "/a%2f..%2fb",
                           "/a%2F%2Fb",
                           "/a%2f/b",
                           "/x?organization_id=1",
                           "/x%3fy",
                           "/x#y",
                           "/x%23y",
                           "/x\\y",
                           "/x%5cy",
                           "/x\r\ny",
                           "/x%0d%0ay",
                           "/x%0A",
                           "/x%00",
                           "/x y",
                           "/x%",
                           "/x%4",
                           "/x%zz",
                           "/x%252e%252e",
                           "/x%252f",
                           "/\xc3\xa4",
                           "/x\x7f",
                           "@evil.example/",
                           ":8080/x",
                           "https://evil.example/"}) {
    CAPTURE(path);
    CHECK(reason_of(rig.client->send(get(path), {})) == "http.path_refused");
  }
  CHECK(rig.transport.count() == 0);
  for (const auto* path : {"/invoices", "/invoices/46", "/a%20b/c.d", "/a..b", "/...", "/x@y:z"}) {
    CAPTURE(path);
    CHECK(rig.client->send(get(path), {}).ok());
  }
}

TEST_CASE("the query is encoded, and headers of the host's own cannot be given") {
  Rig rig(script({kGood}));
  auto call = get();
  call.query = {{"a b", "x&y=z#\r\n"}, {"last_modified_time", "2026-05-21T08:41:30-0400"}};
  CHECK(rig.client->send(call, {}).ok());
  const auto sent = rig.transport.sent().front();
  CHECK(sent.url ==
        "https://www.zohoapis.com/books/v3/"
        "invoices?a%20b=x%26y%3Dz%23%0D%0A&last_modified_time=2026-05-21T08%3A41%3A30-0400");
  CHECK(sent.authorization.reveal() == "Zoho-oauthtoken made-up-1");
  for (const auto* name : {"Authorization", "HOST", "Content-Length", "transfer-encoding", "Connection", "Cookie",
                           "Proxy-Authorization"}) {
    call.headers = {{name, "x"}};
    CHECK(reason_of(rig.client->send(call, {})) == "http.header_refused");
  }
  call.headers = {{"X-A", "1\r\nX-Evil: 1"}};
  CHECK(reason_of(rig.client->send(call, {})) == "http.header_refused");
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("the API base must be https, and a redirect is an answer") {
  Rig rig(script({json_response(302, "{}", {{"location", "https://evil.example/"}})}));
  const auto answer = rig.client->send(get(), {});
  REQUIRE(answer.ok());
  CHECK(answer->status == 302);
  CHECK(rig.transport.count() == 1);
  for (const auto* base :
       {"http://www.zohoapis.com/books/v3", "http://127.0.0.1:1/", "https://a.example/x?y=1", "nothing"}) {
    CHECK_FALSE(http::ApiClient::create({rig.transport, rig.tokens, rig.gate, rig.budgets, rig.clock, rig.random}, {},
                                        {.base_url = base})
                    .ok());
  }
}

TEST_CASE("D12: code 44 waits for the next minute and is repeated") {
  Rig rig(script({json_response(429, R"({"code":44,"message":"blocked"})"), kGood}));
  CHECK(rig.client->send(get(), {}).ok());
  CHECK(rig.clock.now() == kStart + 45s);
  const auto report = rig.client->report();
  CHECK(report.retries == 1);
  CHECK(report.waits == 1);
  CHECK(report.calls[static_cast<std::size_t>(CallKind::kList)] == 2);
}

TEST_CASE("D12: code 44 for ever is shown as a failure after five repeats, with all that the remote said") {
  Rig rig(script({json_response(429, R"({"code":44,"message":"blocked for exceeding requests per minute"})")}));
  const auto answer = rig.client->send(get(), {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Code::kUnavailable);
  CHECK(answer.error().reason == "zoho_books.rate_limit.minute");
  CHECK(answer.error().message.find("code 44") != std::string::npos);
  CHECK(rig.transport.count() == 6);
  const auto report = rig.client->report();
  CHECK(report.errors_total == 6);
  CHECK(report.errors.back().status == 429);
  CHECK(report.errors.back().code == "44");
  CHECK(report.errors.back().message == "blocked for exceeding requests per minute");
  CHECK(report.errors.back().rule == "errors.rules[2]");
  CHECK(report.errors.back().action == "wait");
  CHECK(report.errors.back().request == "GET https://www.zohoapis.com/books/v3/invoices");
  CHECK(report.last_request == report.errors.back().request);
}

TEST_CASE("D12: code 1070 waits a little and goes on with fewer at once") {
  Rig rig(script({json_response(429, R"({"code":1070,"message":"m"})"), kGood}));
  CHECK(rig.client->send(get(), {}).ok());
  CHECK(rig.gate.snapshot().concurrent_limit == 2);
  CHECK(rig.clock.now() - kStart <= 2s);
  CHECK(rig.clock.now() - kStart >= 1'400ms);
}

TEST_CASE("D12: a bare 429 honours Retry-After, and does not wait for a very long one") {
  Rig rig(script({json_response(429, "{}", {{"retry-after", "90"}}), kGood}));
  CHECK(rig.client->send(get(), {}).ok());
  CHECK(rig.clock.now() == kStart + 90s);
  Rig other(script({json_response(429, "{}", {{"retry-after", "3600"}})}));
  const auto answer = other.client->send(get(), {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().retry_after_ms == 3'600'000);
  CHECK(other.transport.count() == 1);
  CHECK(other.clock.now() == kStart);
}

TEST_CASE("A5: code 45 stops the run until the day turns and is never repeated") {
  Rig rig(script({json_response(429, R"({"code":45,"message":"limit of 10000"})", {{"x-rate-limit-reset", "7200"}})}));
  std::vector<std::string> reasons;
  const auto calls = details(20);
  const auto status = rig.client->send_batch(calls, {}, [&](ApiReply&& reply) {
    reasons.push_back(reason_of(reply.result));
    return true;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "berth.quota");
  CHECK(reasons.size() == 20);
  CHECK(std::count(reasons.begin(), reasons.end(), "berth.quota") == 20);
  CHECK(rig.transport.count() <= 5);
  CHECK(status.error().retry_after_ms == 7'200'000);
  CHECK(reason_of(rig.client->send(get(), {})) == "berth.quota");
  const auto snapshot = rig.gate.snapshot();
  CHECK(snapshot.blocked_until == kStart + 2h);
  CHECK(snapshot.blocked_reason == "zoho_books.rate_limit.daily");
}

TEST_CASE("server errors, time-outs and broken bodies are repeated with backoff, a few times") {
  Rig rig(script({json_response(503, "{}"), json_response(500, R"({"code":1000})"), kGood}));
  CHECK(rig.client->send(get(), {}).ok());
  Rig dead([](const Request&, std::stop_token) -> Result<Response> {
    return make_error(Code::kUnavailable, "http.timeout", "No answer from www.zohoapis.com in time.");
  });
  const auto answer = dead.client->send(get(), {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Code::kUnavailable);
  CHECK(answer.error().reason == "http.timeout");
  CHECK(dead.transport.count() == 5);
  CHECK(dead.client->report().errors.front().message.find("www.zohoapis.com") != std::string::npos);
}

TEST_CASE("what cannot be read for good is not asked again") {
  Rig rig([](const Request&, std::stop_token) -> Result<Response> {
    return make_error(Code::kBadResponse, "http.too_large", "The answer is larger than 15 MiB.");
  });
  CHECK(reason_of(rig.client->send(get(), {})) == "http.too_large");
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("only GET is repeated") {
  Rig rig(script({json_response(503, "{}")}), http::Mode::kTwoWay);
  auto call = get("/invoices", CallKind::kWrite);
  call.method = "POST";
  const auto answer = rig.client->send(call, {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Code::kUnavailable);
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("D1: a refused token is renewed once, by all calls together, and the calls are repeated") {
  Rig rig([](const Request& request, std::stop_token) -> Result<Response> {
    if (request.authorization.reveal() == "Zoho-oauthtoken made-up-1")
      return json_response(401, R"({"code":57,"message":"m"})");
    return kGood;
  });
  const auto calls = details(30);
  int good = 0;
  CHECK(rig.client
            ->send_batch(calls, {},
                         [&](ApiReply&& reply) {
                           good += reply.result.ok() ? 1 : 0;
                           return true;
                         })
            .ok());
  CHECK(good == 30);
  CHECK(rig.tokens.refreshes == 1);
}

TEST_CASE("D1: a token that is refused again ends the connection, and nothing is sent afterwards") {
  Rig rig(script({json_response(401, R"({"code":57,"message":"You are not authorized"})")}));
  const auto answer = rig.client->send(get(), {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Code::kUnauthenticated);
  CHECK(answer.error().reason == "zoho_books.auth.rejected");
  CHECK(rig.transport.count() == 2);
  CHECK(rig.tokens.refreshes == 1);
  CHECK(reason_of(rig.client->send(get(), {})) == "zoho_books.auth.rejected");
  CHECK(rig.transport.count() == 2);
}

TEST_CASE("D1: without a token nothing is sent") {
  Rig rig(script({kGood}));
  rig.tokens.error = make_error(Code::kUnauthenticated, "oauth.needs_reauth", "connect again");
  CHECK(reason_of(rig.client->send(get(), {})) == "oauth.needs_reauth");
  rig.tokens.error.reset();
  CHECK(reason_of(rig.client->send(get(), {})) == "oauth.needs_reauth");
  CHECK(rig.transport.count() == 0);
  Rig throttled(script({json_response(401, R"({"code":57})")}));
  throttled.tokens.refresh_error = make_error(Code::kUnavailable, "oauth.throttled", "later");
  CHECK(reason_of(throttled.client->send(get(), {})) == "oauth.throttled");
  CHECK(throttled.transport.count() == 1);
}

TEST_CASE("a wrong organisation ends the connection at once") {
  Rig rig(script({json_response(400, R"({"code":6041,"message":"This user is not associated"})")}));
  const auto answer = rig.client->send(get(), {});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == Code::kUnauthenticated);
  CHECK(answer.error().reason == "zoho_books.organization.refused");
  CHECK(rig.transport.count() == 1);
}

TEST_CASE("a record that is gone or refused is an answer with its verdict and its code") {
  Rig gone(script({json_response(404, R"({"code":1002,"message":"Invoice does not exist."})")}));
  const auto answer = gone.client->send(get("/invoices/46", CallKind::kDetail), {});
  REQUIRE(answer.ok());
  CHECK(answer->verdict == Verdict::kGone);
  CHECK(answer->remote_code == "1002");
  CHECK(answer->status == 404);
  Rig refused(script({json_response(400, R"({"code":2,"message":"Invalid value passed"})")}));
  const auto other = refused.client->send(get(), {});
  REQUIRE(other.ok());
  CHECK(other->verdict == Verdict::kRefused);
  CHECK(refused.client->report().errors.front().reason == "zoho_books.remote.refused");
  Rig plain(script({json_response(404, "{}")}));
  CHECK(plain.client->send(get(), {})->verdict == Verdict::kNone);
}

TEST_CASE("a spent budget stops only its own cost class") {
  Rig rig(script({kGood}));
  REQUIRE(rig.budgets.add(json::parse(R"({"invoices.detail":3})").value, "/budget").ok());
  rig.budgets.begin_run(std::nullopt);
  auto calls = details(10);
  for (std::size_t i = 0; i < 5; ++i) calls[i].cost = "invoices.detail";
  std::vector<std::string> reasons(10);
  const auto status = rig.client->send_batch(calls, {}, [&](ApiReply&& reply) {
    reasons[reply.index] = reason_of(reply.result);
    return true;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "berth.budget");
  CHECK(status.error().code == Code::kQuotaExhausted);
  CHECK(std::count(reasons.begin(), reasons.begin() + 5, "berth.budget") == 2);
  CHECK(std::count(reasons.begin() + 5, reasons.end(), "ok") == 5);
  CHECK(rig.transport.count() == 8);
}

TEST_CASE("each call has one reply, on the caller's thread, in the order in which calls finish") {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  Rig rig(
      [&](const Request& request, std::stop_token) -> Result<Response> {
        // The first two calls wait for each other, and the first one also for the second one's end.
        std::unique_lock lock(mutex);
        ++waiting;
        changed.notify_all();
        if (request.url.ends_with("/0")) changed.wait_for(lock, 5s, [&] { return waiting >= 3; });
        return kGood;
      },
      http::Mode::kPullOnly, 2);
  const auto calls = details(3);
  std::vector<std::size_t> order;
  const auto here = std::this_thread::get_id();
  CHECK(rig.client
            ->send_batch(calls, {},
                         [&](ApiReply&& reply) {
                           CHECK(std::this_thread::get_id() == here);
                           order.push_back(reply.index);
                           return true;
                         })
            .ok());
  CHECK(order.size() == 3);
  CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 3);
  CHECK(order.front() == 1);
}

TEST_CASE("at most 16 calls are begun and not yet replied, however slow the caller is") {
  Rig rig(script({kGood}), http::Mode::kPullOnly, 16);
  const auto calls = details(100);
  std::size_t replied = 0;
  std::size_t most = 0;
  CHECK(rig.client
            ->send_batch(calls, {},
                         [&](ApiReply&&) {
                           // Gives the threads every chance to run ahead.
                           for (int i = 0; i < 200; ++i) std::this_thread::yield();
                           most = std::max(most, rig.transport.count() - replied);
                           ++replied;
                           return true;
                         })
            .ok());
  CHECK(replied == 100);
  CHECK(most <= http::kFinishedMax);
}

TEST_CASE("a callback that says stop starts no further call, and every call still has its reply") {
  Rig rig(script({kGood}), http::Mode::kPullOnly, 1);
  const auto calls = details(100);
  int good = 0;
  int cancelled = 0;
  const auto status = rig.client->send_batch(calls, {}, [&](ApiReply&& reply) {
    (reply.result.ok() ? good : cancelled)++;
    if (!reply.result.ok()) CHECK(reply.result.error().reason == "berth.cancelled");
    return false;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Code::kCancelled);
  CHECK(good + cancelled == 100);
  CHECK(good >= 1);
  CHECK(good <= 17);
  CHECK(rig.client->send(get(), {}).ok());  // the next batch is not concerned
}

TEST_CASE("a stop request inside a batch delivers what is on its way and sends nothing more") {
  std::stop_source stop;
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  Rig rig(
      [&](const Request&, std::stop_token abort) -> Result<Response> {
        std::unique_lock lock(mutex);
        if (++begun == 2) stop.request_stop();
        changed.notify_all();
        changed.wait_for(lock, 5s, [&] { return begun >= 2; });
        CHECK_FALSE(abort.stop_requested());
        return kGood;
      },
      http::Mode::kPullOnly, 2);
  const auto calls = details(50);
  int good = 0;
  int cancelled = 0;
  const auto status = rig.client->send_batch(calls, stop.get_token(), [&](ApiReply&& reply) {
    (reply.result.ok() ? good : cancelled)++;
    return true;
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Code::kCancelled);
  CHECK(good == 2);
  CHECK(cancelled == 48);
  CHECK(rig.transport.count() == 2);
}

TEST_CASE("an answer that does not come within the grace of a stop is given up") {
  std::stop_source stop;
  ManualClock clock(kStart);
  SeededRandom random(1);
  FakeTokens tokens;
  FakeTransport transport([&](const Request&, std::stop_token abort) -> Result<Response> {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    stop.request_stop();
    changed.wait_for(lock, abort, 10s, [] { return false; });
    return make_error(abort.stop_requested() ? Code::kCancelled : Code::kUnavailable, "http.cancelled", "stopped");
  });
  http::QuotaGate gate(limits_of(), {}, clock);
  http::Budgets budgets;
  const auto client = http::ApiClient::create({transport, tokens, gate, budgets, clock, random}, {},
                                              {.base_url = "https://www.zohoapis.com/books/v3", .stop_grace = 20ms});
  REQUIRE(client.ok());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(reason_of((*client)->send(get(), stop.get_token())) == "berth.cancelled");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(transport.count() == 1);
}

TEST_CASE("a run that was stopped before sends nothing") {
  Rig rig(script({kGood}));
  std::stop_source stop;
  stop.request_stop();
  CHECK(reason_of(rig.client->send(get(), stop.get_token())) == "berth.cancelled");
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("a callback that throws leaves no thread behind") {
  Rig rig(script({kGood}));
  const auto calls = details(50);
  CHECK_THROWS_AS((void)rig.client->send_batch(calls, {}, [](ApiReply&&) -> bool { throw 42; }), int);
  CHECK(rig.client->send(get(), {}).ok());
}

TEST_CASE("batches have a limit, and an empty one is all sent") {
  Rig rig(script({kGood}));
  const auto calls = details(http::kBatchCallsMax + 1);
  const auto status = rig.client->send_batch(calls, {}, [](ApiReply&&) { return true; });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "http.batch_too_large");
  CHECK(rig.client->send_batch({}, {}, [](ApiReply&&) { return true; }).ok());
  CHECK(rig.transport.count() == 0);
}

TEST_CASE("the report keeps the last hundred errors") {
  Rig rig(script({json_response(400, R"({"code":2})")}));
  const auto calls = details(130);
  CHECK(rig.client->send_batch(calls, {}, [](ApiReply&&) { return true; }).ok());
  CHECK(rig.client->report().errors_total == 130);
  CHECK(rig.client->report().errors.size() == http::kReportedErrorsMax);
}
