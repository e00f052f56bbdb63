// The shape of `errors` and `limits`. The host's HTTP layer carries them out; a mistake in them is found here, when the
// file is read, not in the middle of a run.
#include "reader.hpp"

namespace berth::phases {
namespace {

/// One whole number, the word `any` where allowed, or a list of whole numbers.
void check_codes(Reader& rule, std::string_view key, bool any_allowed) {
  const json::Value* found = rule.get(key);
  if (found == nullptr || found->integer() || (any_allowed && found->text() == "any")) return;
  bool good = found->is_array() && !found->items().empty();
  for (const json::Value& item : found->items()) good = good && item.integer().has_value();
  if (!good) rule.problem(key, "A code or a list of codes belongs here, found " + described(*found) + ".");
}

void check_backoff(Reader& rule) {
  auto backoff = rule.object("backoff");
  if (!backoff) return;
  backoff->duration_ms("first", 0);
  backoff->duration_ms("max", 0);
  for (const std::string_view key : {"factor", "jitter"}) {
    const json::Value* found = backoff->get(key);
    if (found != nullptr && (!found->is_number() || found->text().front() == '-')) {
      backoff->problem(key, "A number belongs here, found " + described(*found) + ".");
    }
  }
  backoff->finish();
}

void check_rule(const json::Value& value, const std::string& path, std::vector<Problem>& problems) {
  Reader rule(value, path, problems);
  check_codes(rule, "http", false);
  check_codes(rule, "code", true);
  const std::string body = rule.has("body") ? rule.one_of("body", {"not_json"}) : std::string();
  const bool no_answer = rule.has("answer") && rule.one_of("answer", {"none"}) == "none";
  if (!rule.has("http") && !rule.has("code") && body.empty() && !rule.has("answer") && value.is_object()) {
    rule.problem("", "A rule needs http, code, body: not_json or answer: none to match on.");
  }
  rule.text("action", true);
  const std::string action = rule.one_of(
      "action", {"refresh_once", "wait", "retry", "stop_run", "fail_connection", "suspect_deleted", "fail_record"});
  if (rule.has("otherwise")) rule.one_of("otherwise", {"fail_connection", "fail_record", "stop_run"});
  if (rule.has("until")) rule.one_of("until", {"next_minute", "reset"});
  const bool repeats = action == "wait" || action == "retry";
  rule.integer("times", 1, 0, 100);
  rule.boolean("fewer_at_once", false);
  rule.texts("honour", false);
  check_backoff(rule);
  rule.text("reason", !no_answer && (repeats || action == "stop_run" || action == "fail_connection" || action == "fail_record" ||
                          action == "refresh_once"));
  rule.finish();
}

}  // namespace

void check_errors(Reader& file) {
  auto errors = file.object("errors");
  if (!errors) return;
  if (auto body = errors->object("body")) {
    for (const std::string_view key : {"code", "message"}) {
      const std::string pointer = body->text(key, false);
      if (!pointer.empty() && pointer.front() != '/') body->problem(key, "A JSON pointer such as /code belongs here.");
    }
    body->text("ok", false);
    body->finish();
  }
  const json::Value* rules = errors->get("rules");
  if (rules != nullptr && !rules->is_array())
    errors->problem("rules", "A list of rules belongs here, found " + described(*rules) + ".");
  if (rules != nullptr) {
    for (std::size_t i = 0; i < rules->items().size(); ++i) {
      check_rule(rules->items()[i], errors->path_of("rules") + "/" + std::to_string(i), errors->problems());
    }
  }
  errors->finish();
}

void check_limits(Reader& file) {
  auto limits = file.object("limits");
  if (!limits) return;
  limits->text("shared_by", false);
  limits->integer("per_minute", 0, 1, 1'000'000);
  limits->integer("concurrent", 0, 1, 1'000);
  static_cast<void>(limits->get("per_run"));  // a number or a share; the host says what is wrong with it
  const json::Value* per_day = limits->get("per_day");
  if (per_day != nullptr && per_day->is_object()) {
    Reader day(*per_day, limits->path_of("per_day"), limits->problems());
    if (auto plans = day.object("by_plan")) {
      for (const auto& [plan, calls] : plans->value().members()) plans->integer(plan, 0, 1, 1'000'000'000);
    }
    day.finish();
  } else {
    limits->integer("per_day", 0, 1, 1'000'000'000);
  }
  if (auto headers = limits->object("headers")) {
    for (const std::string_view key : {"limit", "remaining", "reset_seconds"}) headers->text(key, false);
    headers->finish();
  }
  limits->finish();
}

}  // namespace berth::phases
