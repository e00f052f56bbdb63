#include "host/mapping/cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "host/config/yaml.hpp"
#include "host/core/text.hpp"
#include "host/mapping/case_world.hpp"
#include "host/mapping/points.hpp"
#include "host/mapping/report.hpp"
#include "host/mapping/rules.hpp"

namespace berth::mapping {
namespace {

const std::vector<std::string> kGivenKeys{"integration", "settings", "accounts", "known",           "stored", "unseen",
                                          "company_of",  "posted",   "deleted",  "detail_expected", "reduced", "offered"};
const std::vector<std::string> kCaseKeys{"name", "entity", "given", "list", "record", "record_file", "parts", "expect", "also"};
const std::vector<std::string> kExpectKeys{"outcome", "reason", "state",  "fields",   "exactly", "ensured",
                                           "warnings", "flags",  "unseen", "waits_for", "at",      "plan"};
constexpr std::size_t kRecordFileBytesMax = 16u << 20u;

std::string shown(const json::Value* value) { return value == nullptr || value->is_null() ? "nothing" : json::dump(*value); }

/// Compares an outcome with what is expected; every difference is kept.
class Comparison {
 public:
  explicit Comparison(std::vector<Difference>& out) : out_(out) {}

  void text(std::string what, std::string_view expected, std::string_view got) {
    if (expected != got) add(std::move(what), json::quote(expected), json::quote(got));
  }

  /// Everything that is expected is there; more may be.
  void contains(const std::string& what, const json::Value& expected, const json::Value* got) {
    const bool is_alike = got != nullptr && expected.kind() == got->kind();
    if (expected.is_null()) {
      if (got != nullptr && !got->is_null()) add(what, "nothing", shown(got));
    } else if (is_alike && expected.is_object()) {
      for (const auto& [key, value] : expected.members()) contains(fmt::format("{}.{}", what, key), value, got->find(key));
    } else if (is_alike && expected.is_array()) {
      if (expected.size() != got->size()) {
        add(what, fmt::format("{} rows", expected.size()), fmt::format("{}: {}", got->size(), shown(got)));
        return;
      }
      for (std::size_t i = 0; i < expected.size(); ++i) contains(fmt::format("{}[{}]", what, i), expected.items()[i], &got->items()[i]);
    } else if (!is_alike || !(expected == *got)) {
      add(what, shown(&expected), shown(got));
    }
  }

  /// The same names, in any order.
  void names(std::string what, const json::Value& expected, const std::vector<std::string>& got) {
    std::set<std::string> wanted;
    for (const json::Value& one : expected.items()) wanted.emplace(one.text());
    const std::set<std::string> there(got.begin(), got.end());
    if (wanted != there) add(std::move(what), listed(wanted), listed(there));
  }

  void add(std::string what, std::string expected, std::string got) { out_.push_back({std::move(what), std::move(expected), std::move(got)}); }

 private:
  static std::string listed(const std::set<std::string>& names) {
    return names.empty() ? "none" : join(std::vector<std::string>(names.begin(), names.end()), ", ");
  }
  std::vector<Difference>& out_;
};

class CaseRunner {
 public:
  CaseRunner(const Rules& rules, Report& report, std::string folder, const PlanCheck& plan, Coverage& coverage)
      : rules_(rules), report_(report), folder_(std::move(folder)), plan_(plan), coverage_(coverage) {}

  void run(const Node& root, CasesReport& out) {
    if (!check_map(report_, root, "a file of cases", {"tests_for", "defaults", "cases"})) return;
    json::Value defaults = json::Value::object();
    if (const Node* node = root.find("defaults")) defaults = given(*node, defaults, "`defaults`");
    const Node* cases = need(report_, root, "a file of cases", "cases");
    if (cases == nullptr) return;
    if (!cases->is_list()) {
      report_.add(cases->place, "mapping.node_kind", fmt::format("`cases` must be a list, not {}", cases->describe()));
      return;
    }
    for (const Node& node : cases->items) {
      if (!check_map(report_, node, "a case", kCaseKeys)) continue;
      const Node* name = need(report_, node, "a case", "name");
      const Node* entity = need(report_, node, "a case", "entity");
      if (name == nullptr || entity == nullptr) continue;
      Case one{text_of(report_, *name, "`name`"), text_of(report_, *entity, "`entity`"), node.find("expect"), defaults};
      if (!is_one_of(one.entity, rules_.entities())) {
        report_.add(entity->place, "mapping.entity_unknown", fmt::format("the rules have no entity `{}`", one.entity),
                    config::did_you_mean(one.entity, rules_.entities()));
        continue;
      }
      if (const Node* over = node.find("given")) one.given = given(*over, defaults, "`given`");
      if (one.expect == nullptr) need(report_, node, "a case", "expect");
      run_one(node, one, out);
      if (const Node* also = node.find("also")) run_also(*also, one, out);
    }
  }

 private:
  struct Case {
    std::string name, entity;
    const Node* expect;
    json::Value given;
  };

  json::Value given(const Node& node, const json::Value& base, std::string_view what) {
    if (!check_map(report_, node, what, kGivenKeys)) return base;
    return laid_over(base, config::to_json(node));
  }

  void run_also(const Node& also, const Case& base, CasesReport& out) {
    if (!also.is_list()) report_.add(also.place, "mapping.node_kind", fmt::format("`also` must be a list, not {}", also.describe()));
    for (std::size_t i = 0; i < also.items.size(); ++i) {
      const Node& node = also.items[i];
      if (!check_map(report_, node, "`also`", kCaseKeys)) continue;
      Case one = base;
      one.name = fmt::format("{} ({})", base.name, i + 2);
      if (const Node* over = node.find("given")) one.given = given(*over, base.given, "`given`");
      if (const Node* expect = node.find("expect")) one.expect = expect;
      run_one(node, one, out);
    }
  }

  bool read_record(const Node& node, Record& record) {
    if (const Node* list = node.find("list")) record.list = config::to_json(*list);
    if (const Node* detail = node.find("record")) record.detail = config::to_json(*detail);
    if (const Node* file = node.find("record_file")) {
      const std::string name = text_of(report_, *file, "`record_file`");
      std::ifstream in(std::filesystem::path(folder_) / name, std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      json::ParseOptions options;
      options.max_bytes = kRecordFileBytesMax;
      json::Parsed parsed = json::parse(text, options);
      if (!in.is_open() || !parsed.ok()) {
        report_.add(file->place, "mapping.node_kind", fmt::format("`{}` cannot be read: {}", name, in.is_open() ? parsed.error.message : "no such file"),
                    "the path is relative to the file of cases");
        return false;
      }
      record.detail = std::move(parsed.value);
    }
    if (const Node* parts = node.find("parts")) {
      for (const config::Member& part : parts->members) record.parts.emplace(part.key, config::to_json(part.value));
    }
    if (record.list || record.detail) return true;
    report_.add(node.place, "mapping.key_missing", "a case needs `list:`, `record:` or `record_file:`", "give the record");
    return false;
  }

  void run_one(const Node& node, const Case& one, CasesReport& out) {
    Record record;
    if (one.expect == nullptr || !check_expect(*one.expect, one.entity) || !read_record(node, record)) return;
    CaseWorld world(one.given);
    world.apply(record);
    record.version = std::string("1");  // what the source of every case says
    const Context context = world.context();
    const Outcome outcome = evaluate(rules_, one.entity, record, world, context, false, &coverage_);
    CaseResult& result = out.results.emplace_back();
    result.name = one.name;
    result.place = node.place.to_string();
    compare(config::to_json(*one.expect), outcome, result);
    if (const Node* plan = one.expect->find("plan")) compare_plan(config::to_json(*plan), outcome, context, world, result);
    ++(result.passed() ? out.passed : out.failed);
    if (result.plan_skipped) ++out.plans_skipped;
  }

  bool check_expect(const Node& expect, std::string_view entity) {
    std::vector<std::string> keys = kExpectKeys;
    for (const documents::Field& field : documents::find_model(entity)->fields) {
      if (field.type == FieldType::kList) keys.push_back(field.name);
    }
    if (!check_map(report_, expect, "`expect`", keys)) return false;
    return need(report_, expect, "`expect`", "outcome") != nullptr;
  }

  static void compare(const json::Value& expected, const Outcome& outcome, CaseResult& result) {
    Comparison comparison(result.differences);
    const std::string_view wanted = expected.text_of("outcome");
    if (wanted != to_string(outcome.kind)) {
      std::string got(to_string(outcome.kind));
      if (!outcome.reason.empty()) got += fmt::format(" ({}: {})", outcome.reason, outcome.message);
      comparison.add("outcome", std::string(wanted), std::move(got));
      return;  // all else follows from it
    }
    json::Value document = outcome.document;
    if (outcome.on_create.is_object()) document = laid_over(std::move(document), outcome.on_create);
    std::vector<std::string> ensured;
    for (const Ensure& one : outcome.ensured) ensured.push_back(fmt::format("{}/{}/{}", one.kind, one.scope, one.name));
    for (const auto& [key, value] : expected.members()) {
      if (key == "outcome" || key == "plan") continue;
      if (key == "reason") {
        comparison.text(key, value.text(), outcome.reason);
      } else if (key == "state") {
        comparison.text(key, value.text(), outcome.state);
      } else if (key == "fields") {
        comparison.contains(key, value, &document);
      } else if (key == "exactly") {
        json::Value whole = document;
        whole.erase("model");
        whole.erase("source");
        if (json::canonical(value) != json::canonical(whole)) comparison.add(key, json::dump(value), json::dump(whole));
      } else if (key == "ensured") {
        comparison.names(key, value, ensured);
      } else if (key == "warnings") {
        comparison.names(key, value, outcome.warnings);
      } else if (key == "flags") {
        comparison.names(key, value, outcome.flags);
      } else if (key == "unseen") {
        comparison.names(key, value, outcome.unseen);
      } else if (key == "waits_for") {
        comparison.names(key, value, outcome.waits_for);
      } else if (key == "at") {
        comparison.names(key, value, outcome.at);
      } else {
        comparison.contains(key, value, document.find(key));
      }
    }
  }

  void compare_plan(const json::Value& expected, const Outcome& outcome, const Context& context, const CaseWorld& world, CaseResult& result) const {
    if (outcome.kind != OutcomeKind::kMapped) return;  // compared already
    if (!plan_) {
      result.plan_skipped = true;
      return;
    }
    Comparison comparison(result.differences);
    const auto accounts = world.accounts();
    const auto company_of = world.company_of();
    const auto summary = plan_(PlanInput{outcome.document, outcome, context, accounts, company_of});
    if (!summary) {
      comparison.add("plan", json::dump(expected), fmt::format("{}: {}", summary.error().reason, summary.error().message));
      return;
    }
    if (const json::Value* ready = expected.find("ready")) {
      if (ready->boolean() != summary->ready) {
        comparison.add("plan.ready", json::dump(*ready), fmt::format("{}, parked on {}", summary->ready, join(summary->parked, ", ")));
      }
    }
    if (const json::Value* parked = expected.find("parked")) comparison.names("plan.parked", *parked, summary->parked);
  }

  const Rules& rules_;
  Report& report_;
  std::string folder_;
  const PlanCheck& plan_;
  Coverage& coverage_;
};

Result<CasesReport> run_tree(const Rules& rules, const Node& root, const std::string& file, const std::string& folder, config::Findings& findings,
                             std::size_t errors_before, const PlanCheck& plan) {
  Report report(findings);
  CasesReport out;
  Coverage coverage(rules.points());
  CaseRunner(rules, report, folder, plan, coverage).run(root, out);
  out.points = coverage.total();
  out.points_reached = coverage.reached();
  coverage.report(out.not_covered);
  const std::size_t errors = findings.errors() - errors_before;
  if (errors > 0) return make_error(Code::kInvalidConfig, "mapping.invalid", fmt::format("{} has {} error{}", file, errors, errors == 1 ? "" : "s"));
  return out;
}

}  // namespace

Result<CasesReport> run_cases_text(const Rules& rules, std::string_view text, std::string_view file, const std::string& folder,
                                   config::Findings& findings, const PlanCheck& plan) {
  const std::size_t before = findings.errors();
  const Node root = BERTH_TRY(config::parse_yaml(std::string(text), std::string(file), findings));
  return run_tree(rules, root, std::string(file), folder, findings, before, plan);
}

Result<CasesReport> run_cases(const std::string& file_or_folder, config::Findings& findings, const PlanCheck& plan) {
  namespace fs = std::filesystem;
  std::error_code ignored;  // what is no folder is read as a file, which says what is wrong with it
  fs::path path(file_or_folder);
  if (fs::is_directory(path, ignored)) path /= "mapping.test.yaml";
  const std::size_t before = findings.errors();
  const Node root = BERTH_TRY(config::load_yaml(path, findings));
  const Node* tests_for = root.find("tests_for");
  const std::string name = tests_for != nullptr && tests_for->is_scalar() ? tests_for->scalar : "mapping.yaml";
  const Rules rules = BERTH_TRY(load_file((path.parent_path() / name).string(), findings));
  return run_tree(rules, root, path.string(), path.parent_path().string(), findings, before, plan);
}

std::string CasesReport::print() const {
  std::string text;
  for (const CaseResult& result : results) {
    if (result.passed()) continue;
    text += fmt::format("{}: failed: {}\n", result.place, result.name);
    for (const Difference& difference : result.differences) {
      text += fmt::format("    {}\n      expected {}\n      got      {}\n", difference.what, difference.expected, difference.got);
    }
  }
  text += fmt::format("{} passed, {} failed", passed, failed);
  if (plans_skipped > 0) text += fmt::format(", {} expectations of the ledger not checked", plans_skipped);
  text += '\n';
  return text;
}

}  // namespace berth::mapping
