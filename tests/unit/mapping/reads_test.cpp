// What the rules say they read of a record: whoever loads one leaves the rest out, so a member that is read and not named
// would be missing in silence.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "host/mapping/explain.hpp"
#include "sample_rules.hpp"

namespace berth::mapping {
namespace {

using Names = std::vector<std::string>;

/// As it is loaded for these rules.
json::Value cut(const json::Value& whole, const Rules::Reads& reads) {
  return json::parse(json::dump(whole), {.keeps = [&](std::string_view member) { return reads.has(member); }}).value;
}

TEST_CASE("every operator says what it reads") {
  const Rules rules = load(kSampleRules);
  CHECK(rules.reads_of("contact").members == Names{"country", "id", "name", "status", "type"});
  CHECK_FALSE(rules.reads_of("contact").list_beside_detail);
  CHECK(rules.reads_of("item").members == Names{"account", "id", "name"});
  CHECK(rules.reads_of("payment").members == Names{"amount", "charges", "country", "currency", "custom_fields", "customer", "date", "id",
                                                   "invoices", "mode", "number", "rate", "status", "unused"});
  CHECK(rules.reads_of("payment").list_beside_detail);   // list.mode
  CHECK(rules.reads_of("nothing").members.empty());
}

TEST_CASE("what is read within conditions, tables and rows is read, too") {
  const Rules rules = load(sample_with(
      "      name: {path: name, required: true}\n      remote_account:",
      "      name: {first_of: [{case: [{when: {any: [{path: a, is: x}, {not: {path: b.c, present: true}}]}, value: {table: {value: {path: d}, map: {x: y}, missing: z}}},"
      " {else: {path: e}}]}, {path: f}], required: true}\n      remote_account:"));
  CHECK(rules.reads_of("item").members == Names{"a", "account", "b", "d", "e", "f", "id"});
}

TEST_CASE("A12: a Zoho invoice becomes the same when only what the rules read of it is loaded, whatever else it has") {
  const std::string folder = std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books";
  config::Findings findings;
  const Rules rules = load_file(folder + "/mapping.yaml", findings).value();
  std::ifstream in(folder + "/fixtures/invoice-detail.json", std::ios::binary);
  const json::Value whole = value_of(std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  const auto explained = [&](const json::Value& detail) {
    CaseWorld world(value_of(R"json({"known": {"customer": {"4815162342000101001": "cus_1"}}})json"));
    Record record;
    record.detail = detail;
    const Outcome outcome = evaluate(rules, "invoice", record, world, sample_context());
    return std::to_string(static_cast<int>(outcome.kind)) + outcome.message + json::dump(outcome.document);
  };
  const Rules::Reads& reads = rules.reads_of("invoice");
  CHECK(reads.has("tds_amount"));   // by a pattern of `nonzero`
  CHECK(reads.has("payment_discount"));
  CHECK_FALSE(reads.has("billing_address_street"));
  const json::Value less = cut(whole, reads);
  REQUIRE(explained(whole).find("\"lines\"") != std::string::npos);
  CHECK(explained(less) == explained(whole));
  CHECK(less.members().size() < whole.members().size());
  // Each member that is not read may be anything.
  for (const auto& [name, value] : whole.members()) {
    if (reads.has(name)) continue;
    CAPTURE(name);
    json::Value other = whole;
    other.set(name, json::Value::object({{"x", "7"}}));
    CHECK(explained(other) == explained(whole));
  }
}

}  // namespace
}  // namespace berth::mapping
