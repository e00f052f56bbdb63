// What is read of a phase file, and what makes two answers the same.
#include "host/runs/setup.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::runs;

namespace {

Result<std::vector<Phase>> phases_in(std::string_view text, const std::vector<std::string>& enabled = {}) {
  return phases_of(json::parse(text).value, enabled);
}

}  // namespace

TEST_CASE("a phase file without phases, or a phase without id or entity, is refused with its place") {
  for (const char* text : {"{}", R"({"phases":{}})", R"({"phases":[]})"}) CHECK(phases_in(text).error().reason == "runs.phases_invalid");
  for (const char* text : {R"({"phases":[{"id":"a","entity":"b"},{"id":"c"}]})", R"({"phases":[{"id":"a","entity":"b"},{"entity":"c"}]})", R"({"phases":[{"id":"a","entity":"b"},7]})"}) {
    const auto read = phases_in(text);
    REQUIRE(!read.ok());
    CHECK(read.error().message.find("/phases/1") != std::string::npos);
  }
}

TEST_CASE("what a phase does not say comes from the defaults, what the defaults do not say is the language's") {
  const auto read = phases_in(R"({"defaults":{"page":{"size":50},"sweep":{"brake":{"rows":5,"percent":2}}},"phases":[
      {"id":"plain","entity":"a"},
      {"id":"own","entity":"b","page":{"size":10},"sweep":{"brake":{"rows":7}}}]})");
  REQUIRE(read.ok());
  CHECK(read->at(0).page_size == 50);
  CHECK(read->at(0).brake_rows == 5);
  CHECK(read->at(0).brake_percent == 2);
  CHECK(!read->at(0).has_detail);
  CHECK(read->at(1).page_size == 10);
  CHECK(read->at(1).brake_rows == 7);
  CHECK(read->at(1).brake_percent == 2);
  const auto bare = phases_in(R"({"phases":[{"id":"a","entity":"b","detail":"never"}]})");
  REQUIRE(bare.ok());
  CHECK(bare->front().page_size == 200);
  CHECK(bare->front().brake_rows == 20);
  CHECK(bare->front().brake_percent == 1);
  CHECK(!bare->front().has_detail);
}

TEST_CASE("an optional phase is off until it is named, others are on") {
  const char* text = R"({"phases":[{"id":"a","entity":"a"},{"id":"b","entity":"b","optional":true}]})";
  CHECK(phases_in(text)->at(0).enabled);
  CHECK(!phases_in(text)->at(1).enabled);
  CHECK(phases_in(text, {"b"})->at(1).enabled);
  CHECK(phases_in(text, {"b"})->at(0).enabled);
}

TEST_CASE("details, files, budgets and volatile keys are read as they stand") {
  const auto read = phases_in(R"({"phases":[{"id":"a","entity":"a","volatile":["due_*","x"],
      "detail":{"path":"/a/{id}","once_per_record":true,"unless":{"offered":"country"}},
      "attachments":[{"name":"pdf","unless":{"field":"status","in":["draft","void"]}},{"name":"xml"}],
      "budget":{"a.detail":"40%"}}]})");
  REQUIRE(read.ok());
  const Phase& phase = read->front();
  CHECK(phase.has_detail);
  CHECK(phase.detail_once_per_record);
  CHECK(phase.detail_unless_offered == "country");
  CHECK(phase.volatile_keys == std::vector<std::string>{"due_*", "x"});
  REQUIRE(phase.files.size() == 2);
  CHECK(phase.files[0].unless_values == std::vector<std::string>{"draft", "void"});
  CHECK(phase.files[1].unless_field.empty());
  CHECK(phase.budget.text_of("a.detail") == "40%");
}

TEST_CASE("the hash of a record ignores order, blanks and volatile top-level keys, and nothing else") {
  Phase phase;
  phase.volatile_keys = {"due_*", "invoice_url"};
  const auto hash = [&](std::string_view body) { return content_hash(document_of(body).value(), &phase); };
  const std::string base = hash(R"({"id":"1","total":12.50,"lines":[{"due_days":3}]})");
  CHECK(hash("{ \"total\" : 12.50, \"lines\":[ {\"due_days\":3} ], \"id\":\"1\" }") == base);
  CHECK(hash(R"({"id":"1","total":12.50,"due_days":"7","due_date_text":"","invoice_url":"x","lines":[{"due_days":3}]})") == base);
  CHECK(hash(R"({"id":"1","total":12.50,"lines":[{"due_days":4}]})") != base);   // below the top nothing is volatile
  CHECK(hash(R"({"id":"1","total":12.51,"lines":[{"due_days":3}]})") != base);
  CHECK(hash(R"({"id":1,"total":12.50,"lines":[{"due_days":3}]})") != base);     // a number is no text
  CHECK(hash(R"({"id":"1","total":12345678901234567.89})") != hash(R"({"id":"1","total":12345678901234567.88})"));
  CHECK(content_hash(document_of(R"({"a":1,"due_x":2})").value(), nullptr) != content_hash(document_of(R"({"a":1})").value(), nullptr));
  CHECK(document_of("<html>").error().reason == "runs.body_not_json");
  CHECK(hash("[1,2]") == hash("[1, 2]"));
}

TEST_CASE("C5: phases are reduced where the integration says so and the phase says how, where none does, that is an error") {
  const json::Value file = json::parse(R"({"plugin":"shop","phases":[
      {"id":"a","entity":"a","detail":{"path":"/a/{id}"},"reduced":{"needs":["total"],"missing":["lines"]}},
      {"id":"b","entity":"b","detail":{"path":"/b/{id}"}}]})").value;
  const auto full = phases_of(file, {});
  REQUIRE(full.ok());
  CHECK(full->at(0).reducible.has_value());
  CHECK(full->at(0).reduced() == nullptr);
  const auto reduced = phases_of(file, {}, config::PullExtent::kReduced);
  REQUIRE(reduced.ok());
  REQUIRE(reduced->at(0).reduced() != nullptr);
  CHECK(reduced->at(0).reduced()->missing == std::vector<std::string>{"lines"});
  CHECK(reduced->at(1).reduced() == nullptr);
  const auto none = phases_of(json::parse(R"({"plugin":"shop","phases":[{"id":"b","entity":"b"}]})").value, {}, config::PullExtent::kReduced);
  REQUIRE(!none.ok());
  CHECK(none.error().reason == "runs.pull_not_reducible");
  CHECK(none.error().message.find("shop") != std::string::npos);
}
