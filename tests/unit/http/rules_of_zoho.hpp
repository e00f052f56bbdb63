#pragma once
// The `errors:` block of the Zoho Books connector, as JSON: the rules that most tests need.
#include <doctest/doctest.h>

#include "host/http/error_rules.hpp"

namespace berth::test {

inline constexpr const char* kZohoErrors = R"({
  "body": {"code": "/code", "message": "/message", "ok": 0},
  "rules": [
    {"http": 401, "action": "refresh_once", "otherwise": "fail_connection", "reason": "zoho_books.auth.rejected"},
    {"code": 57, "action": "refresh_once", "otherwise": "fail_connection", "reason": "zoho_books.auth.rejected"},
    {"code": 44, "action": "wait", "until": "next_minute", "times": 5, "reason": "zoho_books.rate_limit.minute"},
    {"code": 45, "action": "stop_run", "until": "reset", "reason": "zoho_books.rate_limit.daily"},
    {"code": 1070, "action": "retry", "fewer_at_once": true, "times": 5,
     "backoff": {"first": "2s", "factor": 2, "max": "60s", "jitter": 0.3}, "reason": "zoho_books.rate_limit.concurrent"},
    {"http": 429, "action": "retry", "honour": ["Retry-After"], "times": 4,
     "backoff": {"first": "5s", "factor": 2, "max": "120s", "jitter": 0.2}, "reason": "zoho_books.rate_limit.other"},
    {"http": 404, "code": 1002, "action": "suspect_deleted"},
    {"code": [6041, 9017, 103001], "action": "fail_connection", "reason": "zoho_books.organization.refused"},
    {"code": 1000, "action": "retry", "times": 4, "backoff": {"first": "1s", "factor": 2, "max": "60s", "jitter": 0.2},
     "reason": "zoho_books.remote.internal"},
    {"http": [500, 502, 503, 504], "action": "retry", "times": 4,
     "backoff": {"first": "1s", "factor": 2, "max": "60s", "jitter": 0.2}, "reason": "zoho_books.remote.outage"},
    {"body": "not_json", "action": "retry", "times": 2, "backoff": {"first": "1s", "factor": 2, "max": "10s", "jitter": 0.2},
     "reason": "zoho_books.remote.not_json"},
    {"code": "any", "action": "fail_record", "reason": "zoho_books.remote.refused"}
  ]})";

inline http::ErrorRules zoho_rules() {
  const auto parsed = json::parse(kZohoErrors);
  REQUIRE(parsed.ok());
  auto rules = http::ErrorRules::parse(parsed.value);
  REQUIRE_MESSAGE(rules.ok(), (rules.ok() ? "" : rules.error().message));
  return std::move(rules).value();
}

}  // namespace berth::test
