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

std::string read(const std::string& name) {
  std::ifstream in(kFolder + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST_CASE("A12: the cases of Zoho Books come to every rule, branch, default and entry of a table") {
  config::Findings findings;
  const auto report = run_cases(kFolder, findings);
  REQUIRE_MESSAGE(report.ok(), findings.print());
  CHECK_MESSAGE(report->not_covered.empty(), report->not_covered.print());
  CHECK(report->points > 270);
  CHECK(report->points_reached == report->points);
}

TEST_CASE("a rule that no case comes to is named with its place, whatever kind of rule it is") {
  const struct {
    std::string from, to;      // in the cases
    std::string_view missing;  // what is said then
    std::string_view rule;     // text at the place that is named
  } kLost[] = {
      {"{list: {invoice_id: I10, status: rejected}}", "{list: {invoice_id: I10, status: approved}}", "no case has the status \"rejected\"", "rejected: draft, sent"},
      {"bank_charges: \"2.00\",", "", "no case has this value", "{path: bank_charges"},
      {"refund_mode: Stripe, amount: \"5.00\", exchange_rate: 1}, {payment_refund_id: F2, date: 2026-01-10, amount_fcy: \"6.00\"", "refund_mode: Stripe, amount: \"5.00\", exchange_rate: 1}, {payment_refund_id: F2, date: 2026-01-10",
       "no case has this value", "{path: amount_fcy}"},
      {"discount_type: entity_level", "discount_type: item_level", "no case has the value \"entity_level\"", "entity_level: document"},
      {"use_zoho_accounts: true", "use_zoho_accounts: false", "no case in which this condition holds", "{setting: use_zoho_accounts"},
  };
  const Rules rules = zoho_rules();
  const std::string text = read("mapping.test.yaml");
  for (const auto& lost : kLost) {
    CAPTURE(lost.from);
    std::string fewer = text;
    const std::size_t at = fewer.find(lost.from);
    REQUIRE(at != std::string::npos);
    fewer.replace(at, lost.from.size(), lost.to);
    config::Findings findings;
    const auto report = run_cases_text(rules, fewer, "mapping.test.yaml", kFolder, findings);
    REQUIRE_MESSAGE(report.ok(), findings.print());
    CHECK(report->points_reached < report->points);
    bool is_told = false;
    for (const config::Finding& finding : report->not_covered.all()) {
      is_told = is_told || (finding.id == "mapping.not_covered" && finding.message == lost.missing && finding.excerpt.find(lost.rule) == finding.column - 1);
    }
    CHECK_MESSAGE(is_told, report->not_covered.print());
  }
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
