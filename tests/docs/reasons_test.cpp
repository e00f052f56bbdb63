// docs/reference/reasons.md has a line for every reason id that the program can give, and none that it cannot.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "docs/documents.hpp"
#include "host/mapping/checks.hpp"

namespace {

/// The first words of reason ids: folders of host/, the program itself, the SDK, and the connector.
const std::set<std::string>& prefixes() {
  static const std::set<std::string> all{"admin",   "app",    "berth", "cli", "config", "core",    "documents", "http",  "ledger",    "mapping",
                                         "oauth",   "plugin", "runs",  "sdk", "server", "storage", "telemetry", "vault", "zoho_books"};
  return all;
}

/// Texts of the same form that are no reasons.
bool is_something_else(const std::string& text) {
  static const std::set<std::string> others{"berth.db", "mapping.test.yaml", "mapping.yaml", "berth.yaml", "plugin.yaml", "plugin.crash"};
  return others.contains(text) || text.ends_with(".hpp");
}

/// Whole literals of the form of a reason, also those in single quotes within SQL, which sets the reason of a run by itself.
const std::regex& literal() {
  static const std::regex form(R"re(["']([a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+)["'])re");
  return form;
}

/// Reasons by the file that has them.
std::map<std::string, std::string> reasons_of_the_code() {
  std::map<std::string, std::string> found;
  // The pull engine puts the plugin's id before these: session_.reason("list.refused") is zoho_books.list.refused.
  const std::regex of_the_plugin(R"re((reason|warn|skip)\(\s*(job,\s*)?"([a-z_]+\.[a-z_]+)")re");
  const std::regex in_yaml(R"re((zoho_books\.[a-z_.]*[a-z_]))re");
  for (const char* folder : {"host", "plugin-sdk", "plugins"}) {
    for (const docs::fs::directory_entry& each : docs::fs::recursive_directory_iterator(docs::root() / folder)) {
      const docs::fs::path& file = each.path();
      const std::string shown = docs::shown(file);
      const bool is_code = file.extension() == ".cpp" || file.extension() == ".hpp" || file.extension() == ".h";
      const bool is_rules = file.filename() == "phases.yaml" || file.filename() == "mapping.yaml";
      if ((!is_code && !is_rules) || shown.starts_with("plugin-sdk/testing")) continue;
      const std::string text = docs::read(file);
      const std::sregex_iterator end;
      for (auto match = std::sregex_iterator(text.begin(), text.end(), is_code ? literal() : in_yaml); match != end; ++match) {
        const std::string reason = (*match)[1];
        if (prefixes().contains(reason.substr(0, reason.find('.'))) && !is_something_else(reason)) found.emplace(reason, shown);
      }
      if (!shown.starts_with("plugin-sdk/pull")) continue;
      for (auto match = std::sregex_iterator(text.begin(), text.end(), of_the_plugin); match != end; ++match) {
        found.emplace("zoho_books." + (*match)[3].str(), shown);
      }
    }
  }
  return found;
}

/// First cells of the tables of the page.
std::set<std::string> reasons_of_the_page() {
  std::set<std::string> found;
  const std::string text = docs::read(docs::root() / "docs/reference/reasons.md");
  const std::regex row(R"re((^|\n)\| `([A-Za-z_.0-9]+)` \|)re");
  for (auto match = std::sregex_iterator(text.begin(), text.end(), row); match != std::sregex_iterator(); ++match) {
    CHECK_MESSAGE(found.insert((*match)[2]).second, (*match)[2].str(), " stands twice");
  }
  return found;
}

}  // namespace

TEST_CASE("a reason that only SQL names is found, too") {
  const std::string sql = docs::read(docs::root() / "host/storage/runs.cpp");
  bool is_found = false;
  for (auto match = std::sregex_iterator(sql.begin(), sql.end(), literal()); match != std::sregex_iterator(); ++match) {
    is_found = is_found || (*match)[1] == "berth.run_abandoned";
  }
  CHECK(is_found);
}

TEST_CASE("every reason id of the code is explained, and none is explained that does not exist") {
  const auto of_code = reasons_of_the_code();
  REQUIRE(of_code.size() > 250);
  const auto of_page = reasons_of_the_page();
  for (const auto& [reason, file] : of_code) {
    if (berth::mapping::find_check(reason) != nullptr) continue;  // in mapping-findings.md
    CHECK_MESSAGE(of_page.contains(reason), reason, " of ", file, " is not in docs/reference/reasons.md");
  }
  for (const std::string& reason : of_page) {
    CHECK_MESSAGE(of_code.contains(reason), reason, " of docs/reference/reasons.md is nowhere in the code");
  }
}
