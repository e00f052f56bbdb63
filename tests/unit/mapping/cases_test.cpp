#include "host/mapping/cases.hpp"

#include <filesystem>
#include <fstream>

#include "host/mapping/explain.hpp"
#include "sample_rules.hpp"

namespace berth::mapping {
namespace {

constexpr std::string_view kHead = R"yaml(tests_for: rules.yaml
defaults:
  integration: {id: demo_1, company: co_1, base_currency: USD}
  accounts: {default_income/-/co_1: acc_inc}
  known: {customer: {C1: cus_1}, invoice: {I1: inv_1}}
  stored: {invoice: [I7]}
  company_of: {inv_1: co_1}
cases:
)yaml";

Result<CasesReport> run(std::string_view cases, config::Findings& findings, const PlanCheck& plan = {}, const std::string& folder = ".") {
  return run_cases_text(load(kSampleRules), std::string(kHead) + std::string(cases), "demo.test.yaml", folder, findings, plan);
}
CasesReport report_of(std::string_view cases, const PlanCheck& plan = {}, const std::string& folder = ".") {
  config::Findings findings;
  auto report = run(cases, findings, plan, folder);
  REQUIRE_MESSAGE(report.ok(), findings.print());
  return *report;
}

constexpr std::string_view kPaid =
    "record: {id: P1, status: paid, currency: USD, date: 2026-01-06, customer: C1, mode: Check, amount: 10, invoices: [{id: A1, invoice: I1, amount: 1}, {id: A2, invoice: I7, amount: 2.50}]}";

std::string paid(std::string_view expect) { return "  - {name: one, entity: customer_payment, " + std::string(kPaid) + ",\n     expect: " + std::string(expect) + "}\n"; }

TEST_CASE("a case fails for every single thing that differs, with expected and got") {
  const struct {
    std::string_view expect, what, expected, got;
  } wrong[] = {
      {"{outcome: parked}", "outcome", "parked", "mapped"},
      {"{outcome: mapped, state: draft}", "state", "\"draft\"", "\"open\""},
      {"{outcome: mapped, reason: demo.x}", "reason", "\"demo.x\"", "\"\""},
      {"{outcome: mapped, fields: {amount: \"10\"}}", "fields.amount", "\"10\"", "\"10.00\""},
      {"{outcome: mapped, fields: {amount: null}}", "fields.amount", "nothing", "\"10.00\""},
      {"{outcome: mapped, fields: {number: \"1\"}}", "fields.number", "\"1\"", "nothing"},
      {"{outcome: mapped, allocations: [{id: A1}]}", "allocations", "1 rows", "2: "},
      {"{outcome: mapped, allocations: [{id: A1}, {pending: invoice/I8}]}", "allocations[1].pending", "\"invoice/I8\"", "\"invoice/I7\""},
      {"{outcome: mapped, ensured: [item/x/y]}", "ensured", "item/x/y", "none"},
      {"{outcome: mapped, warnings: [company/x]}", "warnings", "company/x", "none"},
      {"{outcome: mapped, flags: [mapping.country_unknown]}", "flags", "mapping.country_unknown", "none"},
      {"{outcome: mapped, exactly: {state: open}}", "exactly", "{\"state\":\"open\"}", "{\"state\":\"open\",\"currency\""},
      {"{outcome: mapped, plan: {ready: true}}", "plan.ready", "true", "false, parked on account/a/b/c"},
      {"{outcome: mapped, plan: {parked: [account/x/y/z]}}", "plan.parked", "account/x/y/z", "account/a/b/c"},
  };
  const PlanCheck plan = [](const PlanInput&) -> Result<PlanSummary> { return PlanSummary{false, {"account/a/b/c"}}; };
  for (const auto& one : wrong) {
    CAPTURE(one.expect);
    const CasesReport report = report_of(paid(one.expect), plan);
    CHECK(report.failed == 1);
    REQUIRE(report.results.at(0).differences.size() == 1);
    const Difference& difference = report.results[0].differences[0];
    CHECK(difference.what == one.what);
    CHECK(difference.expected.find(one.expected) == 0);
    CHECK_MESSAGE(difference.got.find(one.got) == 0, difference.got);
  }
}

TEST_CASE("a failed case is printed with its place, and the count comes last") {
  const CasesReport report = report_of(paid("{outcome: mapped, fields: {amount: \"9.00\"}}") + paid("{outcome: mapped}"));
  CHECK(report.print() ==
        "demo.test.yaml:9:5: failed: one\n    fields.amount\n      expected \"9.00\"\n      got      \"10.00\"\n1 passed, 1 failed\n");
}

TEST_CASE("an unexpected outcome says why") {
  const CasesReport report = report_of("  - {name: one, entity: item, list: {id: I}, expect: {outcome: mapped}}\n");
  CHECK(report.results[0].differences[0].got.find("failed (mapping.required_missing: ") == 0);
}

TEST_CASE("what is expected is found, and given is laid over the defaults") {
  const CasesReport report = report_of(
      paid("{outcome: mapped, state: open, fields: {customer: cus_1, number: null}, allocations: [{invoice: inv_1, amount: \"1.00\"}, {invoice: null, pending: invoice/I7}], warnings: []}") +
      "  - {name: unmapped, entity: item, given: {accounts: {default_income/-/co_1: null}}, list: {id: I, name: N}, expect: {outcome: parked, waits_for: [account/default_income/-/co_1]}}\n"
      "  - {name: unseen, entity: customer_payment, given: {unseen: {customer: [C5]}}, record: {id: P, status: paid, currency: USD, date: 2026-01-06, mode: x, amount: 1, customer: C5},\n"
      "     expect: {outcome: parked, waits_for: [customer/C5], unseen: [customer/C5]}}\n"
      "  - {name: detail, entity: customer_payment, given: {detail_expected: true}, list: {id: P, status: paid}, expect: {outcome: parked, reason: berth.detail_missing}}\n"
      "  - {name: gone, entity: customer_payment, given: {deleted: true, posted: true}, list: {id: P, status: paid}, expect: {outcome: mapped, state: deleted}}\n"
      "  - {name: setting, entity: item, given: {settings: {use_remote: true}}, list: {id: I, name: N, account: A}, expect: {outcome: mapped, exactly: {name: N, remote_account: A, type: service, income_account: acc_inc}}}\n"
      "  - name: also\n    entity: customer\n    list: {id: C, type: customer, name: N, country: Atlantis}\n    expect: {outcome: mapped, flags: [mapping.country_unknown]}\n"
      "    also: [{list: {id: C, type: customer, name: N}, given: {offered: {country: Sweden}}, expect: {outcome: mapped, fields: {country: SE}}}, {list: {id: C, type: customer, name: M, country: X9}}]\n");
  CHECK_MESSAGE(report.failed == 0, report.print());
  CHECK(report.passed == 9);
  CHECK(report.results.back().name == "also (3)");
}

TEST_CASE("the ledger's word comes from the caller, without it the expectation is counted as not checked") {
  const std::string cases = paid("{outcome: mapped, plan: {ready: true}}");
  const CasesReport skipped = report_of(cases);
  CHECK(skipped.plans_skipped == 1);
  CHECK(skipped.passed == 1);
  CHECK(skipped.print() == "1 passed, 0 failed, 1 expectations of the ledger not checked\n");
  int calls = 0;
  const PlanCheck plan = [&](const PlanInput& input) -> Result<PlanSummary> {
    ++calls;
    CHECK(input.document.text_of("customer") == "cus_1");
    CHECK(input.accounts.at("default_income/-/co_1") == "acc_inc");
    CHECK(input.company_of.at("inv_1") == "co_1");
    CHECK(input.context.base_currency == "USD");
    return PlanSummary{true, {}};
  };
  CHECK(report_of(cases, plan).passed == 1);
  CHECK(calls == 1);
  const PlanCheck broken = [](const PlanInput&) -> Result<PlanSummary> { return make_error(Code::kInternal, "ledger.x", "broken"); };
  CHECK(report_of(cases, broken).results[0].differences[0].got == "ledger.x: broken");
}

TEST_CASE("mistakes in a file of cases are findings with their place") {
  const struct {
    std::string_view cases, id;
  } wrong[] = {
      {"  - {nam: one, entity: item, list: {id: I}, expect: {outcome: mapped}}\n", "mapping.key_unknown"},
      {"  - {name: one, list: {id: I}, expect: {outcome: mapped}}\n", "mapping.key_missing"},
      {"  - {name: one, entity: itm, list: {id: I}, expect: {outcome: mapped}}\n", "mapping.entity_unknown"},
      {"  - {name: one, entity: item, list: {id: I}, expect: {outcom: mapped}}\n", "mapping.key_unknown"},
      {"  - {name: one, entity: item, list: {id: I}, expect: {outcome: mapped, lines: []}}\n", "mapping.key_unknown"},
      {"  - {name: one, entity: item, list: {id: I}}\n", "mapping.key_missing"},
      {"  - {name: one, entity: item, expect: {outcome: mapped}}\n", "mapping.key_missing"},
      {"  - {name: one, entity: item, record_file: nowhere.json, expect: {outcome: mapped}}\n", "mapping.node_kind"},
      {"  - {name: one, entity: item, given: {knwn: {}}, list: {id: I}, expect: {outcome: mapped}}\n", "mapping.key_unknown"},
      {"  {}\n", "mapping.node_kind"},
  };
  for (const auto& one : wrong) {
    CAPTURE(one.cases);
    config::Findings findings;
    const auto report = run(one.cases, findings);
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().reason == "mapping.invalid");
    CHECK(findings.all().at(0).id == one.id);
    CHECK(findings.all().at(0).line >= 9);
  }
}

TEST_CASE("a recorded answer is read from a file beside the cases") {
  const auto folder = std::filesystem::temp_directory_path() / "berth_cases_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "item.json") << R"({"id":"I","name":"From a file","price":12.10})";
  std::ofstream(folder / "rules.yaml") << kSampleRules;
  std::ofstream(folder / "mapping.test.yaml") << kHead << "  - {name: one, entity: item, record_file: item.json, expect: {outcome: mapped, fields: {name: From a file}}}\n";
  config::Findings findings;
  const auto report = run_cases(folder.string(), findings);
  REQUIRE_MESSAGE(report.ok(), findings.print());
  CHECK(report->passed == 1);
  std::filesystem::remove_all(folder);
  CHECK_FALSE(run_cases(folder.string(), findings).ok());
}

TEST_CASE("C5: explain shows how every value came about") {
  CaseWorld world = sample_world();
  Record record = detail_of(
      R"({"id":"P1","status":"paid","currency":"USD","date":"2026-01-06","customer":"C404","mode":"Check","amount":"1e1","custom_fields":[{"label":"Company","value":"acme west"}],)"
      R"("invoices":[{"id":"A1","invoice":"I7","amount":"2"}]})");
  record.remote_id = "P1";
  const Rules rules = load(kSampleRules);
  const Outcome outcome = evaluate(rules, "customer_payment", record, world, sample_context(), true);
  const std::string text = explain(rules, "customer_payment", record, outcome, judgement_of(outcome));
  const auto shows = [&](std::string_view line) { CHECK_MESSAGE(text.find(line) != std::string::npos, line, " is not in\n", text); };
  shows("customer_payment P1 (version v1, rules " + rules.revision() + ", would be: parked)\n");
  shows("status \"paid\" → open  [rules.yaml:");
  shows("custom_field \"Mode\" → none  [");
  shows("custom_field \"Company\" → \"acme west\" → lookup company by name → not importable → nearest: \"Acme West\" (differs in case) → integration company → co_1  [");
  shows("customer \"C404\" → lookup customer by remote_id → not importable → park customer/C404  [");
  shows("amount \"1e1\" → 10.00  [");
  shows("charges → none → default \"0\" → 0.00  [");
  shows("invoices → 1 rows  [");
  shows("invoice \"I7\" → lookup invoice by remote_id → stored, not posted yet → pending invoice/I7  [");
  shows("waits for: customer/C404\nwaits for: invoice/I7\n");
  shows("warning: company/acme west (nearest: \"Acme West\" (differs in case))\n");
}

}  // namespace
}  // namespace berth::mapping
