#include "host/plugins/phase_file.hpp"

#include <doctest/doctest.h>

using namespace berth;

TEST_CASE("a problem of a phase file is found at its line") {
  config::Findings findings;
  const auto root = config::parse_yaml(
      "revision: 1\nplugin: shop\nphases:\n  - id: things\n    entity: thing\n    list: {rows: [things]}\n",
      "phases.yaml", findings);
  REQUIRE(root.ok());
  plugins::check_phase_file(root.value(), findings);
  REQUIRE(findings.has_errors());
  CHECK(findings.all()[0].id == "plugin.phase_file");
  CHECK(findings.all()[0].file == "phases.yaml");
  CHECK(findings.all()[0].line >= 4);
  CHECK(plugins::validate_phase_file(json::Value()).size() >= 1);
}
