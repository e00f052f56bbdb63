// What an answer of the remote means, by the rules of a phase file: the same answer is judged the same, only known
// errors end a connection, waits are bounded, and what a person is shown is cut. Input: a line with the status, a line
// with Retry-After, a line "%%" after the `errors:` block as YAML, then the body; a block that does not load is
// replaced by the connector's own.
#include "berth/json.hpp"
#include "fuzz/fuzz.hpp"
#include "host/config/yaml.hpp"
#include "host/core/text.hpp"
#include "host/http/error_rules.hpp"
#include "host/http/readable.hpp"

namespace berth::fuzz {
namespace {

const Instant kNow{1'780'012'800'000};

const http::ErrorRules& sample() {
  static const http::ErrorRules made = [] {
    config::Findings findings;
    const auto root = config::parse_yaml(repository_file("plugins/zoho_books/phases.yaml"), "phases.yaml", findings);
    FUZZ_CHECK(root.ok(), findings.print());
    const json::Value file = config::to_json(*root);
    auto rules = http::ErrorRules::parse(*file.find("errors"));
    FUZZ_CHECK(rules.ok(), rules.error().message);
    return std::move(rules).value();
  }();
  return made;
}

http::ErrorRules rules_of(std::string_view text) {
  config::Findings findings;
  const auto root = config::parse_yaml(std::string(text), "phases.yaml", findings);
  if (!root.ok() || !root->is_map()) return sample();
  auto rules = http::ErrorRules::parse(config::to_json(*root));
  if (!rules.ok()) {
    FUZZ_CHECK(rules.error().reason == "http.rules_invalid", rules.error().reason);
    FUZZ_CHECK(is_valid_utf8(rules.error().message), rules.error().message);
    return sample();
  }
  return std::move(rules).value();
}

void check_decision(const http::Decision& decision) {
  const std::string shown = std::string(http::to_string(decision.action)) + " " + decision.reason + " " + decision.rule;
  FUZZ_CHECK(decision.is_error() || decision.action == http::Action::kNone, shown);
  if (decision.is_error()) FUZZ_CHECK(decision.reason.empty() || is_reason_id(decision.reason), shown);
  FUZZ_CHECK(decision.times >= 0 && decision.times <= 100, shown + std::to_string(decision.times));
  FUZZ_CHECK(decision.remote_message.size() <= http::kRemoteMessageMax && is_valid_utf8(decision.remote_message),
             shown);
  FUZZ_CHECK(is_valid_utf8(decision.remote_code) && decision.remote_code.size() <= http::kRemoteMessageMax, shown);
  if (decision.retry_after) {
    FUZZ_CHECK(decision.retry_after->count() >= 0 && *decision.retry_after <= std::chrono::hours(24), shown);
  }
  SeededRandom random(3);
  for (const int repeat : {1, 2, 10, 1'000}) {
    const auto wait = decision.backoff.wait(repeat, random);
    FUZZ_CHECK(wait.count() >= 0 && wait <= decision.backoff.max, shown + " " + std::to_string(wait.count()));
  }
}

}  // namespace

void fuzz_remote_answer(std::string_view input) {
  Input in(input);
  const std::string status(in.line().substr(0, 3));
  const std::string_view retry_after = in.line();
  const http::ErrorRules rules = rules_of(in.section());
  http::Response response;
  response.status = 200;
  if (status.size() == 3 && status.find_first_not_of("0123456789") == std::string::npos)
    response.status = std::stoi(status);
  if (!retry_after.empty()) response.headers.emplace_back("retry-after", retry_after);
  response.body = in.rest();
  const std::string instead = http::instead_of_json(response.body, "line 1, column 1: not JSON");
  FUZZ_CHECK(is_one_line(instead) && !instead.empty() && instead.size() <= 600, instead);
  for (const auto kind : {http::CallKind::kList, http::CallKind::kDetail, http::CallKind::kFile}) {
    for (const bool expects_json : {true, false}) {
      const auto decision = rules.judge(kind, expects_json, response, kNow);
      const auto again = rules.judge(kind, expects_json, response, kNow);
      FUZZ_CHECK(decision.action == again.action && decision.rule == again.rule, decision.rule);
      check_decision(decision);
      FUZZ_CHECK(decision.action != http::Action::kSuspectDeleted || kind == http::CallKind::kDetail, decision.rule);
    }
  }
}

}  // namespace berth::fuzz
