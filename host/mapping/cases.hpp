#pragma once
// `berth mapping test`: cases in YAML beside the rules, in the words of the domain. Offline: no database, no plugin code.
//
//   auto report = BERTH_TRY(mapping::run_cases("./zoho_books", findings, plan_check));
//   std::cout << report.print();
//   return report.failed == 0 ? 0 : 1;
//
// A case gives the record in its three places (list, record or record_file, parts), what the world knows (`given:` laid
// over `defaults:`), and what is expected. `fields` and rows of lists are "contains", null stands for absent; `exactly`
// is the whole document without model and source. Names in lists of reasons for waiting, warnings, flags, places and
// ensured rows are compared whole, in any order.
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/findings.hpp"
#include "host/core/result.hpp"
#include "host/mapping/mapping.hpp"

namespace berth::mapping {

/// What the ledger says of the account rows that a mapped document needs.
struct PlanSummary {
  bool ready = false;               // every row is mapped
  std::vector<std::string> parked;  // rows that are missing: "account/payment_mode/Check/co_1"
};
struct PlanInput {
  const json::Value& document;                           // canonical, with the placeholders of `outcome.ensured`
  const Outcome& outcome;
  const Context& context;                                // integration, its company and base currency
  const std::map<std::string, std::string>& accounts;    // "payment_mode/Stripe/co_1" → account
  const std::map<std::string, std::string>& company_of;  // local id of a document → its company
};
/// Supplied by whoever links the ledger; the mapping cannot. Without it, expectations of `plan:` are counted as skipped.
using PlanCheck = std::function<Result<PlanSummary>(const PlanInput&)>;

struct Difference {
  std::string what;      // "fields.company"
  std::string expected;  // "\"co_2\""
  std::string got;
};
struct CaseResult {
  std::string name;
  std::string place;  // "mapping.test.yaml:25:5"
  std::vector<Difference> differences;
  bool plan_skipped = false;
  [[nodiscard]] bool passed() const { return differences.empty(); }
};
struct CasesReport {
  std::vector<CaseResult> results;
  std::size_t passed = 0, failed = 0, plans_skipped = 0;
  std::size_t points = 0, points_reached = 0;   // places of the rules where an evaluation goes one way or another (points.hpp)
  config::Findings not_covered;                 // mapping.not_covered for each that no case comes to
  /// Failed cases with expected and got, and a count at the end.
  [[nodiscard]] std::string print() const;
};

/// Runs the cases of a file, or of mapping.test.yaml in a folder. `tests_for` names the rules, relative to the file.
/// Errors: mapping.invalid with findings when the cases or the rules cannot be read; config.file_unreadable.
[[nodiscard]] Result<CasesReport> run_cases(const std::string& file_or_folder, config::Findings& findings, const PlanCheck& plan = {});
/// The same from text, against rules that are loaded already; `folder` is where `record_file` is looked for.
[[nodiscard]] Result<CasesReport> run_cases_text(const Rules& rules, std::string_view text, std::string_view file, const std::string& folder,
                                                 config::Findings& findings, const PlanCheck& plan = {});

}  // namespace berth::mapping
