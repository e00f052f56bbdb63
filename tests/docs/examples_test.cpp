// The YAML of the documents: whole files load, files with a mistake are refused, fragments are YAML.
#include <doctest/doctest.h>

#include "docs/documents.hpp"
#include "host/config/accounts.hpp"
#include "host/config/config.hpp"
#include "host/config/findings.hpp"
#include "host/config/yaml.hpp"
#include "host/mapping/cases.hpp"
#include "host/mapping/mapping.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/phase_file.hpp"

namespace {

using namespace berth;

enum class Kind { kConfig, kMapping, kCases, kPhases, kChart, kManifest, kUnknown };

Kind kind_of(const config::Node& root) {
  if (root.find("berth") != nullptr) return Kind::kConfig;
  if (root.find("entities") != nullptr) return Kind::kMapping;
  if (root.find("cases") != nullptr) return Kind::kCases;
  if (root.find("phases") != nullptr && root.find("revision") != nullptr) return Kind::kPhases;
  if (root.find("library") != nullptr) return Kind::kManifest;
  if (root.find("accounts") != nullptr) return Kind::kChart;
  return Kind::kUnknown;
}

/// The charts of accounts that examples of berth.yaml name.
void write_charts(const docs::TempFolder& folder) {
  const std::string chart = docs::read(docs::root() / "configs/accounts/acme_us.yaml");
  for (const char* name : {"main", "acme_us", "acme_west"}) folder.write("accounts/" + std::string(name) + ".yaml", chart);
}

void check_config(const docs::Block& block, config::Findings& findings) {
  const docs::TempFolder folder;
  write_charts(folder);
  folder.write("berth.yaml", block.text);
  folder.write("zoho_books/mapping.yaml", docs::read(docs::root() / "plugins/zoho_books/mapping.yaml"));
  (void)config::load(folder.path() / "berth.yaml", findings);
}

void check_chart(const docs::Block& block, config::Findings& findings) {
  const docs::TempFolder folder;
  folder.write("chart.yaml", block.text);
  (void)config::load_chart(folder.path() / "chart.yaml", findings);
}

void check_manifest(const docs::Block& block) {
  const docs::TempFolder folder;
  folder.write("plugin.yaml", block.text);
  for (const char* file : {"phases.yaml", "mapping.yaml"}) {
    folder.write(file, docs::read(docs::root() / "plugins/zoho_books" / file));
  }
  const auto loaded = plugins::load_manifest(folder.path() / "plugin.yaml");
  CHECK_MESSAGE(loaded.ok(), block.place, ": ", loaded.ok() ? "" : loaded.error().message);
}

}  // namespace

TEST_CASE("every YAML block of the documents loads, or is refused where it says so") {
  std::size_t whole = 0;
  for (const docs::fs::path& page : docs::pages()) {
    std::optional<mapping::Rules> rules;  // of the last rules file on the page, for its cases
    for (const docs::Block& block : docs::blocks(page)) {
      if (block.language != "yaml") continue;
      config::Findings findings;
      const auto root = config::parse_yaml(block.text, block.place, findings);
      if (block.note == "fragment") {
        CHECK_MESSAGE(root.ok(), findings.print());
        continue;
      }
      const Kind kind = root.ok() ? kind_of(*root) : Kind::kUnknown;
      ++whole;
      switch (kind) {
        case Kind::kConfig: check_config(block, findings); break;
        case Kind::kChart: check_chart(block, findings); break;
        case Kind::kManifest: check_manifest(block); break;
        case Kind::kPhases: plugins::check_phase_file(*root, findings); break;
        case Kind::kMapping: {
          auto loaded = mapping::load_text(block.text, block.place, findings);
          if (loaded.ok()) rules = *loaded;
          break;
        }
        case Kind::kCases: {
          REQUIRE_MESSAGE(rules.has_value(), block.place, ": cases without rules before them");
          const auto report = mapping::run_cases_text(*rules, block.text, block.place, docs::root().string(), findings);
          REQUIRE_MESSAGE(report.ok(), findings.print());
          CHECK_MESSAGE(report->failed == 0, report->print());
          break;
        }
        case Kind::kUnknown: CHECK_MESSAGE(block.note == "wrong", block.place, ": no kind of file that the tests know"); break;
      }
      if (block.note == "wrong") {
        CHECK_MESSAGE(findings.has_errors(), block.place, " shows a mistake, and nothing was found");
      } else {
        CHECK_MESSAGE(findings.empty(), block.place, "\n", findings.print());
      }
    }
  }
  CHECK(whole >= 8);
}
