#include "host/http/error_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "host/core/text.hpp"
#include "host/http/fields.hpp"
#include "host/http/readable.hpp"

namespace berth::http {
namespace {

constexpr const char* kReason = "http.rules_invalid";

struct Word {
  Action action;
  std::string_view text;
};
constexpr std::array<Word, 8> kActions{{{Action::kNone, "none"},
                                        {Action::kRefreshOnce, "refresh_once"},
                                        {Action::kWait, "wait"},
                                        {Action::kRetry, "retry"},
                                        {Action::kStopRun, "stop_run"},
                                        {Action::kFailConnection, "fail_connection"},
                                        {Action::kSuspectDeleted, "suspect_deleted"},
                                        {Action::kFailRecord, "fail_record"}}};

/// A share or factor, which JSON has as digits. Never an amount.
Result<double> ratio(const Fields& fields, std::string_view key, double otherwise, double least, double most) {
  const auto* value = fields.find(key);
  if (value == nullptr || value->is_null()) return otherwise;
  double number = 0;
  const auto text = value->text();
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!value->is_number() || error != std::errc{} || stop != text.data() + text.size() || number < least ||
      number > most) {
    return fields.error(key, "a number from " + std::to_string(static_cast<int>(least)) + " to " +
                                 std::to_string(static_cast<int>(most)) + " is expected");
  }
  return number;
}

Result<std::chrono::milliseconds> duration(const Fields& fields, std::string_view key,
                                           std::chrono::milliseconds otherwise) {
  const auto text = BERTH_TRY(fields.text(key));
  if (text.empty()) return otherwise;
  const auto parsed = parse_duration(text);
  if (!parsed) return fields.error(key, parsed.error().message);
  if (parsed->count() <= 0) return fields.error(key, "a wait must be longer than nothing");
  return *parsed;
}

Result<Backoff> parse_backoff(const json::Value& value, const std::string& place) {
  const Fields fields(value, place, kReason);
  BERTH_CHECK(fields.must_be_object());
  const std::vector<std::string> keys{"first", "factor", "max", "jitter"};
  BERTH_CHECK(fields.only(keys));
  Backoff backoff;
  backoff.first = BERTH_TRY(duration(fields, "first", backoff.first));
  backoff.max = BERTH_TRY(duration(fields, "max", std::max(backoff.max, backoff.first)));
  backoff.factor = BERTH_TRY(ratio(fields, "factor", backoff.factor, 1, 10));
  backoff.jitter = BERTH_TRY(ratio(fields, "jitter", backoff.jitter, 0, 1));
  if (backoff.max < backoff.first) return fields.error("max", "it is shorter than `first`");
  return backoff;
}

Result<Action> parse_action(const Fields& fields) {
  const auto word = BERTH_TRY(fields.text("action"));
  std::vector<std::string> known;
  for (const auto& [action, text] : kActions) {
    if (action == Action::kNone) continue;
    if (text == word) return action;
    known.emplace_back(text);
  }
  if (word.empty()) return fields.error("action", "every rule needs an action");
  return fields.error("action", unknown_word("action", word, known));
}

Status parse_match(const Fields& fields, ErrorRule& rule) {
  for (const auto& text : BERTH_TRY(fields.texts("http"))) {
    int status = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), status);
    if (error != std::errc{} || stop != text.data() + text.size() || status < 100 || status > 599) {
      return fields.error("http", "\"" + text + "\" is not an HTTP status");
    }
    rule.http.push_back(status);
  }
  rule.codes = BERTH_TRY(fields.texts("code"));
  if (std::find(rule.codes.begin(), rule.codes.end(), "any") != rule.codes.end()) {
    if (rule.codes.size() > 1) return fields.error("code", "`any` stands alone");
    rule.codes.clear();
    rule.any_code = true;
  }
  const auto body = BERTH_TRY(fields.text("body"));
  if (!body.empty() && body != "not_json") return fields.error("body", "only not_json is known");
  rule.not_json = !body.empty();
  const auto answer = BERTH_TRY(fields.text("answer"));
  if (!answer.empty() && answer != "none") return fields.error("answer", "only none is known");
  rule.no_answer = !answer.empty();
  const bool asks_about_answer = !rule.http.empty() || !rule.codes.empty() || rule.any_code || rule.not_json;
  if (rule.no_answer && asks_about_answer) return fields.error("answer", "an answer that did not come has no http, code or body");
  if (!rule.no_answer && !asks_about_answer) return fields.error("", "a rule needs http, code, body or answer");
  if (rule.not_json && (!rule.codes.empty() || rule.any_code))
    return fields.error("body", "a body that is not JSON has no code");
  return success();
}

Result<ErrorRule> parse_rule(const json::Value& value, const std::string& place) {
  const Fields fields(value, place, kReason);
  BERTH_CHECK(fields.must_be_object());
  const std::vector<std::string> keys{"http",   "code",  "body",  "answer",  "action",        "otherwise",
                                      "reason", "times", "until", "backoff", "fewer_at_once", "honour"};
  BERTH_CHECK(fields.only(keys));
  ErrorRule rule;
  BERTH_CHECK(parse_match(fields, rule));
  rule.action = BERTH_TRY(parse_action(fields));
  rule.reason = BERTH_TRY(fields.text("reason"));
  if (rule.no_answer && (rule.action != Action::kRetry || !rule.reason.empty())) {
    return fields.error("action", "where there is no answer only retry is known, and the reason is what went wrong");
  }
  const bool needs_reason = rule.action != Action::kSuspectDeleted && rule.action != Action::kFailRecord && !rule.no_answer;
  if (rule.reason.empty() ? needs_reason : !is_reason_id(rule.reason)) {
    return fields.error("reason", "a dotted id such as zoho_books.rate_limit.daily is expected");
  }
  if (rule.reason.size() > 63) return fields.error("reason", "it is longer than 63 bytes");
  const auto otherwise = BERTH_TRY(fields.text("otherwise", "fail_connection"));
  if (otherwise != "fail_connection") return fields.error("otherwise", "only fail_connection is known");
  rule.times = static_cast<int>(BERTH_TRY(fields.integer("times", rule.times, 1, 20)));
  rule.fewer_at_once = BERTH_TRY(fields.boolean("fewer_at_once"));
  const auto until = BERTH_TRY(fields.text("until"));
  if (until == "next_minute") {
    rule.until = Until::kNextMinute;
  } else if (until == "reset") {
    rule.until = Until::kReset;
  } else if (!until.empty()) {
    const std::vector<std::string> words{"next_minute", "reset"};
    return fields.error("until", unknown_word("time", until, words));
  }
  if (rule.action == Action::kStopRun && rule.until == Until::kBackoff) {
    return fields.error("until", "stop_run needs to know until when: next_minute or reset");
  }
  if (rule.until == Until::kReset && rule.action != Action::kStopRun) {
    return fields.error("until", "waiting for the reset is stop_run's");
  }
  if (const auto* backoff = fields.find("backoff"))
    rule.backoff = BERTH_TRY(parse_backoff(*backoff, place + "/backoff"));
  for (const auto& header : BERTH_TRY(fields.texts("honour"))) {
    if (lower_ascii(header) != "retry-after") return fields.error("honour", "only Retry-After is known");
  }
  return rule;
}

bool is_json_type(const Response& response) {
  const auto type = response.header("content-type");
  if (!type) return false;
  const auto bare = lower_ascii(trim(type->substr(0, type->find(';'))));
  return bare == "application/json" || bare == "text/json" || bare.ends_with("+json");
}

/// The rule for 401, for 429, 5xx and broken bodies where no rule of the connector matches.
std::optional<ErrorRule> default_rule(int status, bool broken_body) {
  ErrorRule rule;
  if (status == 401) {
    rule.action = Action::kRefreshOnce;
    rule.reason = "http.unauthorized";
  } else if (status == 429) {
    rule.action = Action::kRetry;
    rule.reason = "http.rate_limited";
  } else if (status >= 500) {
    rule.action = Action::kRetry;
    rule.reason = "http.server_error";
  } else if (broken_body) {
    rule.action = Action::kRetry;
    rule.reason = "http.body_broken";
  } else {
    return std::nullopt;
  }
  return rule;
}

void apply(const ErrorRule& rule, std::string name, Decision& decision) {
  decision.action = rule.action;
  decision.reason = rule.reason;
  decision.rule = std::move(name);
  decision.times = rule.times;
  decision.until = rule.until;
  decision.backoff = rule.backoff;
  decision.fewer_at_once = rule.fewer_at_once;
}

}  // namespace

std::string_view to_string(CallKind kind) {
  constexpr std::array<std::string_view, kCallKinds> kNames{"other", "list", "detail", "file", "write"};
  const auto index = static_cast<std::size_t>(kind);
  return index < kNames.size() ? kNames[index] : "other";
}

std::string_view to_string(Action action) {
  for (const auto& [known, text] : kActions) {
    if (known == action) return text;
  }
  return "none";
}

std::chrono::milliseconds Backoff::wait(int repeat, Random& random) const {
  const double full = std::min(static_cast<double>(first.count()) * std::pow(factor, std::max(repeat, 1) - 1),
                               static_cast<double>(max.count()));
  return std::chrono::milliseconds(static_cast<std::int64_t>(full * (1.0 - jitter * random.share())));
}

Result<ErrorRules> ErrorRules::parse(const json::Value& block) {
  ErrorRules rules;
  if (block.is_null()) return rules;
  const Fields fields(block, "/errors", kReason);
  BERTH_CHECK(fields.must_be_object());
  const std::vector<std::string> keys{"body", "rules"};
  BERTH_CHECK(fields.only(keys));
  if (const auto* body = fields.find("body")) {
    const Fields pointers(*body, "/errors/body", kReason);
    BERTH_CHECK(pointers.must_be_object());
    const std::vector<std::string> body_keys{"code", "message", "ok"};
    BERTH_CHECK(pointers.only(body_keys));
    rules.code_pointer_ = BERTH_TRY(pointers.text("code"));
    rules.message_pointer_ = BERTH_TRY(pointers.text("message"));
    for (const auto& pointer : {std::string_view("code"), std::string_view("message")}) {
      const auto& text = pointer == "code" ? rules.code_pointer_ : rules.message_pointer_;
      if (!text.empty() && text.front() != '/') return pointers.error(pointer, "a JSON pointer begins with \"/\"");
    }
    for (const std::string& pointer : {rules.code_pointer_, rules.message_pointer_}) {
      const auto first = pointer.substr(std::min<std::size_t>(1, pointer.size()), pointer.find('/', 1) - 1);
      rules.judged_members_.push_back(replace_all(replace_all(first, "~1", "/"), "~0", "~"));
    }
    const auto ok = BERTH_TRY(pointers.texts("ok"));
    if (ok.size() > 1) return pointers.error("ok", "one value is expected");
    if (!ok.empty()) rules.ok_code_ = ok.front();
    if (!rules.code_pointer_.empty() && ok.empty()) return pointers.error("ok", "the code of a good answer is needed");
  }
  if (const auto* list = fields.find("rules")) {
    if (!list->is_array()) return fields.error("rules", "a list is expected");
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto place = "/errors/rules/" + std::to_string(i);
      auto rule = BERTH_TRY(parse_rule(list->items()[i], place));
      if ((rule.any_code || !rule.codes.empty()) && rules.code_pointer_.empty()) {
        return make_error(Code::kInvalidConfig, kReason,
                          place + "/code: /errors/body/code says nowhere to look for it.");
      }
      rules.rules_.push_back(std::move(rule));
    }
  }
  return rules;
}

Decision ErrorRules::judge(CallKind kind, bool expects_json, const Response& response, Instant now) const {
  Decision decision;
  decision.status = response.status;
  if (const auto header = response.header("retry-after")) decision.retry_after = parse_retry_after(*header, now);

  bool is_json = false;
  std::string parse_error;
  if (expects_json || is_json_type(response)) {
    const auto parsed = json::parse(response.body, {.keeps = [this](std::string_view key) {
      return std::find(judged_members_.begin(), judged_members_.end(), key) != judged_members_.end();
    }});
    is_json = parsed.ok();
    parse_error = parsed.error.message;
    if (is_json && !code_pointer_.empty()) {
      if (const auto* code = parsed.value.at_pointer(code_pointer_))
        decision.remote_code = one_line(code->text(), 200);
      if (const auto* message = parsed.value.at_pointer(message_pointer_)) {
        decision.remote_message = one_line(message->text(), kRemoteMessageMax);
      }
    }
  }
  const bool has_body = response.status != 204 && response.status != 304;
  const bool not_json = expects_json && has_body && !is_json;
  const bool has_error_code = !decision.remote_code.empty() && decision.remote_code != ok_code_;
  if (response.status >= 200 && response.status < 400 && !has_error_code && !not_json) return decision;
  if (not_json && decision.remote_message.empty()) decision.remote_message = instead_of_json(response.body, parse_error);
  if (response.status >= 300 && response.status < 400) {
    // Never followed: the token belongs to this host alone.
    decision.remote_message =
        "a redirect to " + one_line(response.header("location").value_or("nowhere"), 120) + ", which is not followed";
  }
  if (response.status >= 500 || not_json) decision.status_page = status_page_;

  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& rule = rules_[i];
    if (rule.no_answer) continue;
    if (!rule.http.empty() && std::find(rule.http.begin(), rule.http.end(), response.status) == rule.http.end())
      continue;
    if (rule.any_code && !has_error_code) continue;
    if (!rule.codes.empty() &&
        std::find(rule.codes.begin(), rule.codes.end(), decision.remote_code) == rule.codes.end()) {
      continue;
    }
    if (rule.not_json && !not_json) continue;
    // A missing page of a list or a file says nothing about a record.
    if (rule.action == Action::kSuspectDeleted && kind != CallKind::kDetail) continue;
    apply(rule, "errors.rules[" + std::to_string(i) + "]", decision);
    return decision;
  }
  // A body that says that it is JSON and is not was broken on its way.
  if (const auto rule = default_rule(response.status, not_json && is_json_type(response)))
    apply(*rule, "default", decision);
  return decision;
}

Decision ErrorRules::judge(const Error& transport_error) const {
  Decision decision;
  ErrorRule rule;
  rule.reason = transport_error.reason;
  const bool passes = transport_error.reason == "http.timeout" || transport_error.reason == "http.connect" ||
                      transport_error.reason == "http.closed" || transport_error.reason == "http.truncated" ||
                      transport_error.reason == "http.body_broken" || transport_error.reason == "http.too_slow";
  rule.action = passes ? Action::kRetry : Action::kNone;
  std::string name = "default";
  for (std::size_t i = 0; passes && i < rules_.size(); ++i) {
    if (!rules_[i].no_answer) continue;
    rule = rules_[i];
    rule.reason = transport_error.reason;
    name = "errors.rules[" + std::to_string(i) + "]";
    break;
  }
  apply(rule, std::move(name), decision);
  decision.remote_message = one_line(transport_error.message, kRemoteMessageMax);
  if (passes) decision.status_page = status_page_;
  return decision;
}

}  // namespace berth::http
