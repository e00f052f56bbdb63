#include "berth/phases.hpp"

#include <doctest/doctest.h>

#include <string>

namespace json = berth::json;
namespace phases = berth::phases;

namespace {

const std::string kGood =
    R"({"revision":1,"plugin":"shop","phases":[{"id":"a","entity":"x","list":{"path":"/a","rows":["a"],"id":"id","version":"v"},"detail":"never"}]})";

std::vector<phases::Problem> problems_of(const std::string& text) {
  const auto parsed = json::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  return phases::parse(parsed.value).problems;
}

/// kGood with one text replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool has_problem(const std::string& text, std::string_view path, std::string_view part) {
  for (const auto& problem : problems_of(text)) {
    if (problem.path == path && problem.message.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("mistakes of a phase file are found with their place") {
  CHECK(has_problem("[]", "", "A mapping belongs here"));
  CHECK(has_problem("{}", "", "\"revision\" is missing"));
  CHECK(has_problem(with("\"revision\":1", "\"revision\":2"), "/revision", "from 1 to 1"));
  CHECK(has_problem(with("\"entity\":\"x\"", "\"entitie\":\"x\""), "/phases/0/entitie", "not known here"));
  CHECK(has_problem(with("\"entity\":\"x\"", "\"entity\":\"\""), "/phases/0/entity", "A text belongs here"));
  CHECK(has_problem(with("[\"a\"]", "[]"), "/phases/0/list/rows", "A list of texts"));
  CHECK(has_problem(with("\"/a\"", "\"a\""), "/phases/0/list/path", "below the API base"));
  CHECK(has_problem(with("\"/a\"", "\"/a?x=1\""), "/phases/0/list/path", "below the API base"));
  CHECK(has_problem(with("\"/a\"", "\"/{id}\""), "/phases/0/list/path", "{id} belongs to the path of one record"));
  CHECK(has_problem(with("\"detail\":\"never\"", "\"x\":1"), "/phases/0", "\"detail\" is missing"));
  CHECK(
      has_problem(with("\"detail\":\"never\"", "\"detail\":\"often\""), "/phases/0/detail", "A mapping belongs here"));
  CHECK(has_problem(with("\"detail\":\"never\"", R"("detail":{"path":"/a","row":["a"],"cost":"c"})"),
                    "/phases/0/detail/path", "needs the placeholder {id}"));
  CHECK(has_problem(with("\"version\":\"v\"", R"("version":"v","query":{"a":"{sinse}"})"), "/phases/0/list/query",
                    "{sinse} is not known"));
  CHECK(has_problem(with("\"version\":\"v\"", R"("version":"v","query":{"a":"1"},"probe":{"a":"2"})"),
                    "/phases/0/list/probe", "under query as well"));
  CHECK(has_problem(with("\"version\":\"v\"", R"("version":"v","query":{"a":["b"]})"), "/phases/0/list/query/a",
                    "must be a text"));
  CHECK(has_problem(with("\"detail\":\"never\"", R"("detail":"never","overlap":"5 days")"), "/phases/0/overlap",
                    "A duration"));
  CHECK(has_problem(with("\"detail\":\"never\"", R"("detail":"never","budget":{"x.detail":"40%"})"),
                    "/phases/0/budget/x.detail", "No request of this phase"));
  CHECK(has_problem(
      with("\"detail\":\"never\"", R"("detail":{"path":"/a/{id}","row":["a"],"cost":"c"},"budget":{"c":"140%"})"),
      "/phases/0/budget/c", "a share such as 40%"));
  CHECK(has_problem(
      with("\"detail\":\"never\"", R"("detail":{"path":"/a/{id}","row":["a"],"cost":"c","unless":{"field":"s"}})"),
      "/phases/0/detail/unless", "exactly one of"));
  CHECK(has_problem(with("\"detail\":\"never\"",
                         R"("detail":"never","parts":[{"name":"p","path":"/a/{id}","rows":["p"],"cost":"c"}])"),
                    "/phases/0/parts", "this phase has none"));
  CHECK(has_problem(R"({"revision":1,"plugin":"p","phases":[]})", "", "There is no phase"));
}

TEST_CASE("two phases of one name are refused") {
  std::string text = kGood;
  const std::string phase = text.substr(text.find("[{") + 1, text.rfind("}]") - text.find("[{"));
  text.replace(text.rfind("}]"), 2, "}," + phase + "]");
  CHECK(has_problem(text, "/phases/1/id", "stands here twice"));
}

TEST_CASE("rules of errors and limits are checked") {
  const auto errors = [](const std::string& rule) {
    return with("\"plugin\"", "\"errors\":{\"rules\":[" + rule + "]},\"plugin\"");
  };
  CHECK(problems_of(errors(R"({"http":429,"code":45,"action":"stop_run","until":"reset","reason":"shop.daily"})"))
            .empty());
  CHECK(has_problem(errors(R"({"code":45,"action":"explode","reason":"x"})"), "/errors/rules/0/action",
                    "One of refresh_once"));
  CHECK(has_problem(errors(R"({"action":"retry","reason":"x"})"), "/errors/rules/0", "needs http, code, body"));
  CHECK(has_problem(errors(R"({"code":"many","action":"retry","reason":"x"})"), "/errors/rules/0/code",
                    "A code or a list of codes"));
  CHECK(has_problem(errors(R"({"code":1,"action":"retry"})"), "/errors/rules/0", "\"reason\" is missing"));
  CHECK(has_problem(errors(R"({"code":1,"action":"retry","reason":"x","backoff":{"first":"soon"}})"),
                    "/errors/rules/0/backoff/first", "A duration"));
  CHECK(
      has_problem(with("\"plugin\"", R"("limits":{"per_minute":0},"plugin")"), "/limits/per_minute", "A whole number"));
}

TEST_CASE("what a phase leaves out comes from the defaults") {
  std::string text = with(
      "\"phases\"", R"("defaults":{"overlap":"10m","until":{"field":"v","older_than":"{integration.backfill_floor}"},
    "page":{"by":"number","param":"p","size_param":"n","size":50,"more":"m","echo":"e"},"request":{"query":{"org":"{connection.organization_id}"}},
    "sweep":{"schedule":"archiving","brake":{"rows":5,"percent":2}}},"phases")");
  auto parsed = phases::parse(json::parse(text).value);
  REQUIRE(parsed.ok());
  const phases::Phase* phase = parsed.file.find("a");
  REQUIRE(phase != nullptr);
  CHECK(phase->overlap_ms == 600000);
  CHECK(phase->until->field == "v");
  CHECK(phase->page.size == 50);
  CHECK(phase->request.query.at(0).name == "org");
  CHECK(phase->sweep.brake_rows == 5);
  CHECK_FALSE(phase->detail.has_value());
  CHECK(parsed.file.find("b") == nullptr);
}

TEST_CASE("conditions compare texts, and amounts by value") {
  const json::Value doc =
      json::parse(
          R"({"status":"draft","empty":"","none":null,"total":598,"balance":598.00,"less":597.9,"neg":-1.50,"neg2":-1.5,"e":1e2,"flag":true})")
          .value;
  const auto differs = [&](const char* a, const char* b) {
    return phases::holds({phases::Condition::Kind::kDiffersFrom, a, {}, true, b}, doc);
  };
  CHECK_FALSE(differs("total", "balance"));
  CHECK(differs("total", "less"));
  CHECK_FALSE(differs("neg", "neg2"));
  CHECK(differs("total", "missing"));
  const auto present = [&](const char* field) {
    return phases::holds({phases::Condition::Kind::kPresent, field, {}, true, ""}, doc);
  };
  CHECK(present("status"));
  CHECK(present("total"));
  CHECK_FALSE(present("empty"));
  CHECK_FALSE(present("none"));
  CHECK_FALSE(present("missing"));
  CHECK(phases::holds({phases::Condition::Kind::kIn, "status", {"sent", "draft"}, true, ""}, doc));
  CHECK(phases::holds({phases::Condition::Kind::kIn, "flag", {"true"}, true, ""}, doc));
  CHECK_FALSE(phases::holds({phases::Condition::Kind::kOffered, "country", {}, true, ""}, doc));
}

TEST_CASE("C5: a phase says which of its list rows are enough, and mistakes in that are found") {
  const std::string detail = R"("detail":{"path":"/a/{id}","row":["a"],"cost":"c"},"reduced":)";
  const auto phase_with = [&](const std::string& reduced) { return with("\"detail\":\"never\"", detail + reduced); };
  CHECK(problems_of(phase_with(R"({"needs":["number","total"],"unless":{"field":"balance","differs_from":"total"},"missing":["lines"]})")).empty());
  CHECK(problems_of(phase_with(R"({"missing":["lines"]})")).empty());
  CHECK(has_problem(phase_with(R"({"needs":["number"]})"), "/phases/0/reduced", "\"missing\" is missing"));
  CHECK(has_problem(phase_with(R"({"need":["number"],"missing":["lines"]})"), "/phases/0/reduced/need", "not known here"));
  CHECK(has_problem(phase_with(R"({"unless":{"offered":"country"},"missing":["lines"]})"), "/phases/0/reduced/unless", "list row"));
  CHECK(has_problem(phase_with("7"), "/phases/0/reduced", "A mapping belongs here"));
  CHECK(has_problem(with("\"detail\":\"never\"", R"("detail":"never","reduced":{"missing":["lines"]})"), "/phases/0/reduced", "Only a phase with details"));
}

TEST_CASE("C5: a row is enough when it has what is needed and no condition asks for more") {
  const auto phase = json::parse(R"({"reduced":{"needs":["number","customer.id"],"unless":{"field":"balance","differs_from":"total"},"missing":["lines"]}})").value;
  const auto reduced = phases::reduced_of(phase);
  REQUIRE(reduced.has_value());
  const auto suffices = [&](const char* row) { return phases::suffices(*reduced, json::parse(row).value); };
  CHECK(suffices(R"({"number":"1","customer":{"id":"C"},"balance":10,"total":10.00})"));
  CHECK(!suffices(R"({"number":"","customer":{"id":"C"},"balance":10,"total":10})"));
  CHECK(!suffices(R"({"number":null,"customer":{"id":"C"},"balance":10,"total":10})"));
  CHECK(!suffices(R"({"number":"1","customer":{},"balance":10,"total":10})"));
  CHECK(!suffices(R"({"number":"1","customer":{"id":"C"},"balance":9,"total":10})"));
  CHECK(!phases::reduced_of(json::parse("{}").value).has_value());
}
