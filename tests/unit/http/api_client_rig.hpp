#pragma once
// An API client with everything around it: scripted answers, a token, a gate, a clock that is moved by waits.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "host/http/api_client.hpp"
#include "unit/http/fakes.hpp"
#include "unit/http/rules_of_zoho.hpp"

namespace berth::test {

inline const Instant kStart{1'780'012'815'000};  // a quarter past a minute

inline http::Limits limits_of(int concurrent = 5) {
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
    auto made = http::ApiClient::create({transport, tokens, gate, budgets, clock, random}, zoho_rules(),
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
inline FakeTransport::Answer script(std::vector<http::Response> answers) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return [answers = std::move(answers), next](const http::Request&, std::stop_token) -> Result<http::Response> {
    return answers[std::min(next->fetch_add(1), answers.size() - 1)];
  };
}

inline const http::Response kGood = json_response(200, R"({"code":0,"message":"success"})");

inline http::ApiCall get(std::string path = "/invoices", http::CallKind kind = http::CallKind::kList) {
  http::ApiCall call;
  call.path = std::move(path);
  call.kind = kind;
  return call;
}

inline std::vector<http::ApiCall> details(std::size_t count) {
  std::vector<http::ApiCall> calls;
  for (std::size_t i = 0; i < count; ++i) calls.push_back(get("/invoices/" + std::to_string(i), http::CallKind::kDetail));
  return calls;
}

inline std::string reason_of(const Result<http::ApiAnswer>& answer) {
  return answer ? "ok" : answer.error().reason;
}

}  // namespace berth::test
