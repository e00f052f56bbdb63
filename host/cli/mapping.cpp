// Mapping rules on the command line: offline, no database, no plugin code.
#include <fmt/format.h>

#include <filesystem>

#include "host/cli/commands.hpp"
#include "host/documents/documents.hpp"
#include "host/ledger/plan.hpp"
#include "host/mapping/cases.hpp"
#include "host/mapping/mapping.hpp"
#include "host/storage/account_rows.hpp"

namespace berth::cli {

namespace {

/// Every document the planned one refers to is posted and open far enough: cases ask about account rows, not amounts.
Result<mapping::PlanSummary> plan_of_case(const mapping::PlanInput& input) {
  constexpr std::int64_t kPlenty = 100'000'000'000;
  const documents::Document document = BERTH_TRY(documents::parse(input.document));
  ledger::Books books;
  const Currency base = BERTH_TRY(Currency::of(input.context.base_currency));
  books.integration = {input.context.integration, input.context.company, input.context.base_currency};
  const auto add_company = [&](const std::string& id) {
    if (id.empty() || books.companies.contains(id)) return;
    ledger::Company company{.id = id, .name = id, .base_currency = base, .policies = {}, .chart = {}};
    for (const ledger::Role& role : ledger::roles()) {
      const std::string account = "role_" + std::string(role.name);
      company.chart.accounts[account] = {account, account, role.type};
      company.chart.roles[std::string(role.name)] = account;
    }
    books.companies[id] = std::move(company);
  };
  add_company(input.context.company);
  add_company(std::string(input.document.text_of("company")));
  for (const auto& [row, account] : input.accounts) {
    const auto name = storage::account_rows::parse_name(row);
    if (!name) return make_error(Code::kInvalidArgument, "cli.account_row", fmt::format("\"{}\" is not KIND/KEY/COMPANY", row));
    add_company(name->company);
    if (!account.empty()) books.accounts.set(name->kind, name->label, name->company, account);
    books.companies[name->company].chart.accounts[account] = {account, account, ledger::AccountType::kAsset};
  }
  const auto refer = [&](const documents::Reference& reference, const Currency& currency, const std::string& customer) {
    if (reference.id.empty()) return;
    ledger::ReferredDocument other;
    other.source = {input.context.integration, "invoice", reference.id, "1"};
    other.posted = true;
    const auto company = input.company_of.find(reference.id);
    other.company = company == input.company_of.end() ? input.context.company : company->second;
    add_company(other.company);
    other.customer = customer;
    other.currency = currency;
    other.total = other.open = Money(kPlenty, currency);
    other.base_open = Money(kPlenty, base);
    other.own_relief = Money::zero(currency);
    books.referred[reference.id] = other;
  };
  if (const auto* payment = std::get_if<documents::CustomerPayment>(&document)) {
    for (const auto& allocation : payment->allocations) refer(allocation.invoice, payment->currency, payment->customer);
  }
  if (const auto* invoice = std::get_if<documents::Invoice>(&document)) {
    for (const auto& application : invoice->applications) refer(application.invoice, invoice->currency, invoice->customer);
  }
  const ledger::Planned planned = ledger::plan(document, books);
  mapping::PlanSummary summary;
  summary.ready = planned.plan.has_value();
  if (planned.refusal) {
    for (const ledger::MissingAccount& missing : planned.refusal->missing_accounts) summary.parked.push_back(missing.awaited());
    // Held for a reason that is not an account row: ready as far as rows go.
    if (planned.refusal->missing_accounts.empty()) summary.ready = true;
  }
  return summary;
}

}  // namespace

int mapping_validate(const Global& global, const std::string& file, bool deny_warnings) {
  config::Findings findings;
  const auto rules = mapping::load_file(file, findings);
  if (global.json) {
    print_json(json::Value::object({{"valid", rules.ok()}, {"findings", findings.to_json()}}));
  } else if (!findings.empty()) {
    print(findings.print());
  } else if (rules.ok()) {
    print_line(fmt::format("{}: fine; rules {} for {}", file, rules->revision(), rules->plugin()));
  } else {
    return fail(global, rules.error());
  }
  return rules.ok() && !(deny_warnings && findings.warnings() > 0) ? kFine : kFindings;
}

int mapping_test(const Global& global, const std::string& folder, bool with_coverage) {
  config::Findings findings;
  const auto report = mapping::run_cases(folder, findings, plan_of_case);
  if (!findings.empty()) note(global, findings.print());
  if (!report.ok()) return fail(global, report.error());
  if (global.json) {
    json::Value cases = json::Value::array();
    for (const mapping::CaseResult& result : report->results) {
      json::Value differences = json::Value::array();
      for (const mapping::Difference& difference : result.differences) {
        differences.push_back(json::Value::object({{"what", difference.what}, {"expected", difference.expected}, {"got", difference.got}}));
      }
      cases.push_back(json::Value::object({{"name", result.name}, {"place", result.place}, {"passed", result.passed()}, {"differences", std::move(differences)}}));
    }
    json::Value view = json::Value::object({{"passed", report->passed}, {"failed", report->failed}, {"cases", std::move(cases)}});
    if (with_coverage) {
      view.set("coverage", json::Value::object({{"points", report->points}, {"reached", report->points_reached}, {"findings", report->not_covered.to_json()}}));
    }
    print_json(view);
  } else {
    if (with_coverage) print(report->not_covered.print());
    print(report->print());
    if (with_coverage) print_line(fmt::format("{} of {} ways through the rules are covered", report->points_reached, report->points));
  }
  return report->failed == 0 && !(with_coverage && report->points_reached < report->points) ? kFine : kFindings;
}

}  // namespace berth::cli
