// Reference pages that are made from the code: keys of berth.yaml, findings of the mapping language, REST routes.
#include <doctest/doctest.h>

#include "docs/documents.hpp"
#include "host/admin/api.hpp"
#include "host/app/host.hpp"
#include "host/config/config.hpp"
#include "host/config/findings.hpp"
#include "host/mapping/checks.hpp"

namespace {

using namespace berth;

// ---- keys

std::string pattern_words(std::string_view pattern) {
  if (pattern.starts_with("^(env|file|vault")) return "a reference to a secret";
  if (pattern.starts_with("^(env|file|credential")) return "a reference to a key";
  if (pattern.starts_with("^(sqlite")) return "`sqlite` or an address of PostgreSQL";
  if (pattern.starts_with("^https?")) return "an origin";
  if (pattern.starts_with("^.+:[0-9]+$")) return "address:port";
  if (pattern.starts_with("^[A-Z]{3}$")) return "a currency";
  if (pattern.starts_with("^[0-9]+%$")) return "a share, `20%`";
  if (pattern.starts_with("^([0-9]+(ms|s")) return "a duration, `5m`, or a cron expression";
  if (pattern.starts_with("^[0-9]+(ms|s")) return "a duration, `5m`";
  if (pattern.starts_with("^[0-9]{4}-")) return "a date";
  if (pattern.starts_with("^[a-z]")) return "an id";
  if (pattern.starts_with("^[A-Za-z0-9]")) return "an account id";
  return "text";
}

std::string type_words(const json::Value& schema) {
  if (const json::Value* any = schema.find("anyOf")) {
    std::string words;
    for (const json::Value& each : any->items()) words += (words.empty() ? "" : ", or ") + type_words(each);
    return words;
  }
  if (const json::Value* constant = schema.find("const")) return "`" + json::dump(*constant) + "`";
  if (const json::Value* words = schema.find("enum")) {
    std::string text;
    for (const json::Value& word : words->items()) text += (text.empty() ? "`" : ", `") + std::string(word.text()) + "`";
    return text;
  }
  if (const std::string_view pattern = schema.text_of("pattern"); !pattern.empty()) return pattern_words(pattern);
  const std::string_view type = schema.text_of("type");
  if (type == "array") return "a list of: " + type_words(*schema.find("items"));
  if (type == "object") {
    const json::Value* values = schema.find("additionalProperties");
    return values != nullptr && values->is_object() ? "a map of: " + type_words(*values) : "a map";
  }
  if (type == "boolean") return "`true`, `false`";
  if (type == "integer") {
    const json::Value* max = schema.find("maximum");
    const json::Value* min = schema.find("minimum");
    if (max == nullptr) return "a whole number";
    return "a whole number, " + std::string(min->text()) + " to " + std::string(max->text());
  }
  if (schema.find("minLength") != nullptr) return "a path";
  return "text";
}

bool is_required(const json::Value& schema, std::string_view key) {
  const json::Value* required = schema.find("required");
  if (required == nullptr) return false;
  for (const json::Value& each : required->items()) {
    if (each.text() == key) return true;
  }
  return false;
}

void add_keys(const json::Value& schema, const std::string& under, std::string& text) {
  for (const auto& [name, key] : schema.find("properties")->members()) {
    const std::string path = under.empty() ? name : under + "." + name;
    std::string fallback = is_required(schema, name) ? "**required**" : "";
    if (const json::Value* value = key.find("default")) fallback = "`" + (value->is_string() ? std::string(value->text()) : json::dump(*value)) + "`";
    text += "| `" + path + "` | " + docs::cell(type_words(key)) + " | " + fallback + " | " + docs::cell(key.text_of("description")) + " |\n";
    const json::Value* items = key.find("items");
    if (items != nullptr && items->find("properties") != nullptr) add_keys(*items, path + "[]", text);
    if (key.find("properties") != nullptr) add_keys(key, path, text);
  }
}

std::string keys_of(const json::Value& schema) {
  std::string text = "| key | value | default | meaning |\n|---|---|---|---|\n";
  add_keys(schema, "", text);
  return text;
}

// ---- routes

std::string routes_of(const json::Value& openapi) {
  std::string text = "| | role | |\n|---|---|---|\n";
  for (const auto& [path, operations] : openapi.find("paths")->members()) {
    for (const auto& [method, operation] : operations.members()) {
      std::string verb = method;
      for (char& c : verb) c = static_cast<char>(c - 'a' + 'A');
      const std::string_view role = operation.text_of("x-role");
      text += "| `" + verb + " " + path + "` | " + (role.empty() ? "anybody" : std::string(role)) + " | " + docs::cell(operation.text_of("summary")) + " |\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("docs/reference/configuration.md has every key as the code describes it") {
  const docs::fs::path page = docs::root() / "docs/reference/configuration.md";
  docs::check_part(page, "berth.yaml", keys_of(config::schema()));
  docs::check_part(page, "chart of accounts", keys_of(config::accounts_schema()));
}

TEST_CASE("docs/reference/mapping-findings.md has every finding and outcome of the mapping language") {
  const docs::fs::path page = docs::root() / "docs/reference/mapping-findings.md";
  std::string findings = "| id | | what it finds | what to do |\n|---|---|---|---|\n";
  for (const mapping::Check& check : mapping::checks()) {
    findings += "| `" + std::string(check.id) + "` | " + (check.is_error ? "error" : "warning") + " | " + docs::cell(check.what) + " | " + docs::cell(check.hint) + " |\n";
  }
  docs::check_part(page, "findings", findings);
  std::string outcomes = "| id | the record is | why | what to do |\n|---|---|---|---|\n";
  for (const mapping::OutcomeReason& reason : mapping::outcome_reasons()) {
    const std::string outcome = reason.outcome == "flag" ? "mapped, flagged" : std::string(reason.outcome);
    outcomes += "| `" + std::string(reason.id) + "` | " + outcome + " | " + docs::cell(reason.what) + " | " + docs::cell(reason.hint) + " |\n";
  }
  docs::check_part(page, "outcomes", outcomes);
}

TEST_CASE("docs/reference/rest.md has every route of the API") {
  // The table of routes belongs to a host, so one is opened over what `berth init` writes.
  const docs::TempFolder folder;
  REQUIRE_FALSE(docs::run_berth("init " + folder.path().string()).empty());
  config::Findings findings;
  const auto config = config::load(folder.path() / "berth.yaml", findings);
  REQUIRE_MESSAGE(config.ok(), findings.print());
  const auto host = app::Host::open(*config, {});
  REQUIRE_MESSAGE(host.ok(), host.error().message);
  const admin::Api api((*host)->api_services([] {}, [] { return true; }));
  docs::check_part(docs::root() / "docs/reference/rest.md", "routes", routes_of(api.router().openapi()));
}
