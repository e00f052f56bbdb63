#include "host/http/error_rules.hpp"

#include <doctest/doctest.h>

#include "host/http/readable.hpp"
#include "unit/http/rules_of_zoho.hpp"

using namespace berth;
using http::Action;
using http::CallKind;
using http::Decision;
using http::ErrorRules;
using http::Response;

namespace {

const Instant kNow{1'780'000'000'000};

Response response(int status, std::string body, std::string type = "application/json;charset=UTF-8",
                  http::Headers more = {}) {
  Response made;
  made.status = status;
  made.headers = std::move(more);
  made.headers.emplace_back("content-type", std::move(type));
  made.body = std::move(body);
  return made;
}

Decision judge(const Response& answer, CallKind kind = CallKind::kList) {
  return test::zoho_rules().judge(kind, kind != CallKind::kFile, answer, kNow);
}

std::string error_of(const std::string& block) {
  const auto parsed = json::parse(block);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  const auto rules = ErrorRules::parse(parsed.value);
  return rules ? "" : rules.error().message;
}

}  // namespace

TEST_CASE("D12: codes 44, 45 and 1070 are three different reactions, though all come with HTTP 429") {
  const auto minute = judge(response(429, R"({"code":44,"message":"blocked for a minute"})"));
  CHECK(minute.action == Action::kWait);
  CHECK(minute.until == http::Until::kNextMinute);
  CHECK(minute.reason == "zoho_books.rate_limit.minute");
  CHECK(minute.times == 5);
  CHECK(judge(response(429, R"({"code":45,"message":"m"})")).action == Action::kStopRun);
  const auto concurrent = judge(response(429, R"({"code":1070,"message":"m"})"));
  CHECK(concurrent.action == Action::kRetry);
  CHECK(concurrent.fewer_at_once);
  const auto bare = judge(response(429, "", "text/html"));
  CHECK(bare.action == Action::kRetry);
  CHECK(bare.reason == "zoho_books.rate_limit.other");
}

TEST_CASE("A10: a code under HTTP 200 is an error, whether it is a number or a text, and everything is kept") {
  const auto number = judge(response(200, R"({"code":1070,"message":"too many"})"));
  CHECK(number.action == Action::kRetry);
  CHECK(number.status == 200);
  CHECK(number.remote_code == "1070");
  CHECK(number.remote_message == "too many");
  CHECK(number.rule == "errors.rules[4]");
  CHECK(judge(response(200, R"({"code":"1070","message":"m"})")).action == Action::kRetry);
  CHECK_FALSE(judge(response(200, R"({"code":0,"message":"success"})")).is_error());
  CHECK_FALSE(judge(response(200, R"({"code":"0","message":"success"})")).is_error());
  CHECK_FALSE(judge(response(200, R"({"invoices":[]})")).is_error());
}

TEST_CASE("A10: codes 1000 to 1099 are permanent for the record, except 1000 and 1070") {
  for (int code = 1001; code < 1100; ++code) {
    if (code == 1070) continue;
    CHECK(judge(response(400, R"({"code":)" + std::to_string(code) + "}")).action == Action::kFailRecord);
  }
  CHECK(judge(response(500, R"({"code":1000})")).reason == "zoho_books.remote.internal");
}

TEST_CASE("code 57 refreshes once, whatever its status") {
  CHECK(judge(response(401, R"({"code":57})")).action == Action::kRefreshOnce);
  CHECK(judge(response(400, R"({"code":57})")).action == Action::kRefreshOnce);
  CHECK(judge(response(401, R"({"code":14})")).action == Action::kRefreshOnce);
  CHECK(judge(response(401, "denied", "text/plain")).action == Action::kRefreshOnce);
}

TEST_CASE("only a detail call can find a record gone, and only by 404 with code 1002") {
  const auto gone = response(404, R"({"code":1002,"message":"Invoice does not exist."})");
  CHECK(judge(gone, CallKind::kDetail).action == Action::kSuspectDeleted);
  CHECK(judge(gone, CallKind::kList).action == Action::kFailRecord);
  CHECK(judge(gone, CallKind::kFile).action == Action::kFailRecord);
  CHECK(judge(response(404, "<html>nothing here</html>", "text/html"), CallKind::kDetail).action == Action::kRetry);
  CHECK(judge(response(400, R"({"code":1002})"), CallKind::kDetail).action == Action::kFailRecord);
}

TEST_CASE("a body that should be JSON and is not is judged as that, and a file is not") {
  CHECK(judge(response(200, "<html>maintenance</html>", "text/html")).reason == "zoho_books.remote.not_json");
  CHECK(judge(response(200, R"({"code":0,"invoices":[)")).reason == "zoho_books.remote.not_json");
  CHECK(judge(response(200, "")).reason == "zoho_books.remote.not_json");
  CHECK_FALSE(judge(response(204, "")).is_error());
  CHECK_FALSE(judge(response(200, "%PDF-1.7", "application/pdf"), CallKind::kFile).is_error());
  CHECK(judge(response(200, R"({"code":1002})"), CallKind::kFile).action == Action::kFailRecord);
}

TEST_CASE("without a rule: 401 refreshes, 429, 5xx and broken bodies are repeated, the rest is the plugin's") {
  const ErrorRules none;
  const auto judge_plain = [&](const Response& answer) { return none.judge(CallKind::kList, true, answer, kNow); };
  CHECK(judge_plain(response(401, "{}")).action == Action::kRefreshOnce);
  CHECK(judge_plain(response(429, "{}")).action == Action::kRetry);
  CHECK(judge_plain(response(503, "{}")).action == Action::kRetry);
  CHECK(judge_plain(response(200, "{\"cut\":")).action == Action::kRetry);
  CHECK_FALSE(judge_plain(response(404, "{}")).is_error());
  CHECK_FALSE(judge_plain(response(302, "", "text/html")).is_error());
  CHECK_FALSE(judge_plain(response(200, "<html>", "text/html")).is_error());
}

TEST_CASE("exchanges without an answer are repeated where that can help") {
  const ErrorRules none;
  const auto action = [&](const char* reason) {
    return none.judge(make_error(Code::kUnavailable, reason, "m")).action;
  };
  for (const auto* reason : {"http.timeout", "http.connect", "http.closed", "http.truncated", "http.body_broken", "http.too_slow"}) {
    CHECK(action(reason) == Action::kRetry);
  }
  for (const auto* reason : {"http.tls", "http.too_large", "http.encoding_bomb", "http.not_http", "http.header_too_large", "http.url_refused", "http.header_refused"}) {
    CHECK(action(reason) == Action::kNone);
  }
}

TEST_CASE("how often an exchange without an answer is repeated is the connector's to say, its reason is not") {
  const auto parsed = json::parse(R"({"rules": [{"answer": "none", "action": "retry", "times": 2, "backoff": {"first": "5ms", "max": "5ms"}}]})");
  REQUIRE(parsed.ok());
  const auto rules = ErrorRules::parse(parsed.value);
  REQUIRE_MESSAGE(rules.ok(), (rules.ok() ? "" : rules.error().message));
  const auto decision = rules->judge(make_error(Code::kUnavailable, "http.closed", "127.0.0.1 ended the connection."));
  CHECK(decision.action == Action::kRetry);
  CHECK(decision.reason == "http.closed");
  CHECK(decision.rule == "errors.rules[0]");
  CHECK(decision.times == 2);
  CHECK(decision.backoff.first == std::chrono::milliseconds(5));
  // What a repeat cannot help is not repeated for that; answers are not looked at.
  CHECK(rules->judge(make_error(Code::kUnavailable, "http.tls", "m")).action == Action::kNone);
  CHECK_FALSE(rules->judge(CallKind::kList, true, response(200, "{}"), kNow).is_error());
}

TEST_CASE("D13.9: what may be an outage carries the address of the remote's status page, nothing else does") {
  auto rules = test::zoho_rules();
  rules.set_status_page("https://status.example");
  const auto page = [&](const Response& answer) { return rules.judge(CallKind::kList, true, answer, kNow).status_page; };
  CHECK(page(response(503, "busy", "text/html")) == "https://status.example");
  CHECK(page(response(200, "<html>maintenance</html>", "text/html")) == "https://status.example");
  CHECK(rules.judge(make_error(Code::kUnavailable, "http.timeout", "m")).status_page == "https://status.example");
  CHECK(page(response(400, R"({"code":1049})")).empty());
  CHECK(page(response(429, R"({"code":45})")).empty());
  CHECK(rules.judge(make_error(Code::kUnavailable, "http.tls", "m")).status_page.empty());
}

TEST_CASE("what a remote says is one printable line, whatever it sends") {
  CHECK(http::one_line("a\x1b[31mb\r\n\r\n c\t", 100) == "a?[31mb c");
  CHECK(http::one_line("Z\xC3\xBCrich \xff\xC2\x9b" "1m", 100) == "Z\xC3\xBCrich ??1m");
  CHECK(http::one_line(std::string(500, 'x'), 50).size() <= 50);
  CHECK(http::instead_of_json("<html><head><style>b{}</style><title>Sorry</title></head><body><h1>We are  down</h1>", "") ==
        "an HTML page: \"Sorry We are down\"");
  CHECK(http::instead_of_json("<", "") == "an HTML page");
  CHECK(http::instead_of_json(" \n", "") == "an empty body");
  CHECK(http::instead_of_json("{\"a\":", "line 1, column 6: not JSON: incomplete") ==
        "line 1, column 6: not JSON: incomplete; it begins with \"{\"a\":\"");
  CHECK(http::instead_of_json(std::string_view("\x1f\x8b\x08\x00\x00\x02", 6), "line 1, column 1: not JSON") == "not text but gzip data (packed twice?)");
  CHECK(http::instead_of_json(std::string_view("\x01\x00\x02", 3), "line 1, column 1: not JSON") == "not text but binary data");
  CHECK(http::instead_of_json("%PDF-1.7", "line 1, column 1: not JSON") == "not JSON but a PDF");
  const auto redirect = test::zoho_rules().judge(CallKind::kList, true, response(302, R"({"code":9})"), kNow);
  CHECK(redirect.remote_message.find("not followed") != std::string::npos);
}

TEST_CASE("Retry-After is read as seconds and as a date") {
  using std::chrono::milliseconds;
  CHECK(judge(response(429, "{}", "application/json", {{"retry-after", "17"}})).retry_after == milliseconds(17'000));
  const auto sunday = Instant{784'111'777'000};  // the example of RFC 9110
  CHECK(http::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == sunday);
  CHECK(http::parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", sunday - milliseconds(5'000)) == milliseconds(5'000));
  CHECK(http::parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", sunday + milliseconds(5'000)) == milliseconds(0));
  for (const auto* text : {"", "-1", "soon", "1.5", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"}) {
    CHECK_FALSE(http::parse_retry_after(text, sunday).has_value());
  }
}

TEST_CASE("a wait grows by its factor up to its longest, and jitter only shortens it") {
  http::Backoff backoff{std::chrono::milliseconds(2'000), 2.0, std::chrono::milliseconds(60'000), 0.3};
  SeededRandom random(7);
  for (int repeat = 1; repeat <= 10; ++repeat) {
    const auto full = std::min(2'000L << (repeat - 1), 60'000L);
    const auto wait = backoff.wait(repeat, random).count();
    CHECK(wait <= full);
    CHECK(wait >= full * 7 / 10);
  }
}

TEST_CASE("mistakes in the rules are named with their place and the nearest word") {
  const auto rule = [](const std::string& text) {
    return error_of(R"({"body":{"code":"/code","ok":0},"rules":[{"http":500,"action":"retry","reason":"a.b"},)" + text +
                    "]}");
  };
  CHECK(rule(R"({"http":429,"action":"retri","reason":"a.b"})") ==
        "/errors/rules/1/action: unknown action \"retri\"; did you mean \"retry\"?.");
  CHECK(rule(R"({"http":429,"reason":"a.b"})").starts_with("/errors/rules/1/action"));
  CHECK(rule(R"({"http":99,"action":"retry","reason":"a.b"})").starts_with("/errors/rules/1/http"));
  CHECK(rule(R"({"http":"x","action":"retry","reason":"a.b"})").starts_with("/errors/rules/1/http"));
  CHECK(rule(R"({"action":"retry","reason":"a.b"})").starts_with("/errors/rules/1: a rule needs"));
  CHECK(rule(R"({"http":429,"action":"retry"})").starts_with("/errors/rules/1/reason"));
  CHECK(rule(R"({"http":429,"action":"retry","reason":"Not An Id"})").starts_with("/errors/rules/1/reason"));
  CHECK(rule(R"({"http":429,"action":"retry","reason":"a.b","times":0})").starts_with("/errors/rules/1/times"));
  CHECK(rule(R"({"http":429,"action":"retry","reason":"a.b","backoff":{"first":"2x"}})")
            .starts_with("/errors/rules/1/backoff/first"));
  CHECK(rule(R"({"http":429,"action":"retry","reason":"a.b","backoff":{"factor":0}})")
            .starts_with("/errors/rules/1/backoff/factor"));
  CHECK(rule(R"({"http":429,"action":"retry","reason":"a.b","backof":{}})").find("did you mean \"backoff\"") !=
        std::string::npos);
  CHECK(rule(R"({"code":45,"action":"stop_run","reason":"a.b"})").starts_with("/errors/rules/1/until"));
  CHECK(rule(R"({"code":44,"action":"wait","until":"next_minut","reason":"a.b"})").find("next_minute") !=
        std::string::npos);
  CHECK(rule(R"({"code":["any",1],"action":"fail_record"})").starts_with("/errors/rules/1/code"));
  CHECK(rule(R"({"code":[],"action":"fail_record"})").starts_with("/errors/rules/1/code"));
  CHECK(rule(R"({"body":"no_json","action":"fail_record"})").starts_with("/errors/rules/1/body"));
  CHECK(error_of(R"({"rules":[{"code":1,"action":"fail_record"}]})").starts_with("/errors/rules/0/code"));
  CHECK(error_of(R"({"body":{"code":"code","ok":0}})").starts_with("/errors/body/code"));
  CHECK(error_of(R"({"body":{"code":"/code"}})").starts_with("/errors/body/ok"));
  CHECK(error_of(R"({"rules":{}})").starts_with("/errors/rules"));
  CHECK(error_of("[]").starts_with("/errors"));
  CHECK(error_of("null").empty());
}
