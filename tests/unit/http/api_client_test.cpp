// Single calls: what is refused before it is sent, and what each kind of answer leads to. Batches: api_client_batch_test.cpp.
#include <algorithm>

#include "unit/http/api_client_rig.hpp"

using namespace berth;
using namespace berth::test;
using http::ApiReply;
using http::CallKind;
using http::Request;
using http::Response;
using http::Verdict;
using namespace std::chrono_literals;

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

TEST_CASE("the report keeps the last hundred errors") {
  Rig rig(script({json_response(400, R"({"code":2})")}));
  const auto calls = details(130);
  CHECK(rig.client->send_batch(calls, {}, [](ApiReply&&) { return true; }).ok());
  CHECK(rig.client->report().errors_total == 130);
  CHECK(rig.client->report().errors.size() == http::kReportedErrorsMax);
}
