// Phase files: the host's check and the pull engine's reading of the same YAML, and what a file that is taken may hold.
// Input: phases.yaml.
#include "host/plugins/phase_file.hpp"
#include "berth/phases.hpp"
#include "fuzz/findings.hpp"
#include "fuzz/fuzz.hpp"
#include "host/config/yaml.hpp"
#include "host/http/error_rules.hpp"
#include "host/http/limits.hpp"

namespace berth::fuzz {

void fuzz_phase_file(std::string_view input) {
  config::Findings findings;
  const auto root = config::parse_yaml(std::string(input), "phases.yaml", findings);
  if (!root.ok()) return;
  const std::size_t before = findings.errors();
  plugins::check_phase_file(*root, findings);
  check_findings(findings, input, "phases.yaml");

  const json::Value file = config::to_json(*root);
  const auto parsed = phases::parse(file);
  FUZZ_CHECK(parsed.problems.size() == findings.errors() - before, findings.print());
  for (const auto& problem : parsed.problems) {
    FUZZ_CHECK(!problem.message.empty(), problem.path);
    FUZZ_CHECK(problem.path.empty() || problem.path.starts_with('/'), problem.path);
  }
  // What the host's HTTP layer reads of it, whether or not the rest is good.
  for (const std::string_view key : {"errors", "limits"}) {
    const json::Value* block = file.find(key);
    const json::Value none;
    if (key == "errors") {
      const auto rules = http::ErrorRules::parse(block == nullptr ? none : *block);
      if (!rules.ok()) FUZZ_CHECK(is_valid_utf8(rules.error().message), rules.error().message);
    } else {
      const auto limits = http::Limits::parse(block == nullptr ? none : *block, "");
      if (!limits.ok()) FUZZ_CHECK(is_valid_utf8(limits.error().message), limits.error().message);
    }
  }
  if (!parsed.ok()) return;
  for (const auto& phase : parsed.file.phases) {
    FUZZ_CHECK(!phase.id.empty() && !phase.entity.empty() && parsed.file.find(phase.id) == &phase, phase.id);
    FUZZ_CHECK(!phase.list.path.empty() && !phase.list.id.empty() && !phase.list.rows.empty(), phase.id);
    FUZZ_CHECK(phase.page.size > 0 && phase.overlap_ms >= 0, phase.id);
    for (const auto& budget : phase.budget) {
      FUZZ_CHECK((budget.calls >= 0) != (budget.percent >= 0) && budget.percent <= 100, budget.cost);
    }
  }
}

}  // namespace berth::fuzz
