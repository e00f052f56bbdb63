// The rules and cases of the Zoho Books plugin: what an operator gets must load without a finding and pass.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "host/mapping/cases.hpp"
#include "sample_rules.hpp"

namespace berth::mapping {
namespace {

const std::string kFolder = std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books";

Rules zoho_rules() {
  config::Findings findings;
  auto rules = load_file(kFolder + "/mapping.yaml", findings);
  REQUIRE_MESSAGE(rules.ok(), findings.print());
  CHECK_MESSAGE(findings.empty(), findings.print());
  return *rules;
}

TEST_CASE("A12: the rules of Zoho Books load without a finding") {
  const Rules rules = zoho_rules();
  CHECK(rules.plugin() == "zoho_books");
  CHECK(rules.entities().size() == 6);
  REQUIRE(rules.derived().size() == 1);
  CHECK(rules.derived()[0].scope == "Location");
  CHECK(rules.entities_of("contact") == std::vector<std::string>{"customer", "vendor"});
}

TEST_CASE("A12: the mapping cases of Zoho Books pass") {
  config::Findings findings;
  const auto report = run_cases(kFolder, findings);
  REQUIRE_MESSAGE(report.ok(), findings.print());
  CHECK_MESSAGE(report->failed == 0, report->print());
  CHECK(report->passed >= 20);
}

json::Value recorded_invoice() {
  std::ifstream in(kFolder + "/fixtures/invoice-detail.json", std::ios::binary);
  return value_of(std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

TEST_CASE("A3: every document that the cases map can be read by the ledger") {
  CaseWorld world(value_of(R"json({"known": {"customer": {"4815162342000101001": "cus_1"}}})json"));
  Record record;
  record.detail = recorded_invoice();
  const Outcome outcome = evaluate(zoho_rules(), "invoice", record, world, sample_context());
  REQUIRE_MESSAGE(outcome.kind == OutcomeKind::kMapped, outcome.message);
  const auto document = documents::parse(outcome.document);
  REQUIRE_MESSAGE(document.ok(), document.error().message);
  CHECK(std::get<documents::Invoice>(*document).lines.size() == 2);
}

}  // namespace
}  // namespace berth::mapping
