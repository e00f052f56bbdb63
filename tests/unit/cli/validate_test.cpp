// `berth config validate` against the plugins that a configuration names: manifest and phase file, no library.
#include "host/cli/validate.hpp"

#include <algorithm>

#include "unit/cli/fixture.hpp"

using namespace berth;
using namespace berth::test;

namespace {

struct Checked {
  config::Findings findings;
  bool is_loaded = false;
  [[nodiscard]] const config::Finding* find(std::string_view id) const {
    const auto& all = findings.all();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.id == id; });
    return found == all.end() ? nullptr : &*found;
  }
};

Checked check(const Folder& folder, const std::string& file) {
  Checked checked;
  checked.is_loaded = cli::validate_config(file, {folder / "plugins"}, checked.findings).ok();
  return checked;
}

/// The one finding, which must be of that id and stand there.
const config::Finding& only(const Checked& checked, std::string_view id, std::size_t line, std::size_t column) {
  INFO(checked.findings.print());
  REQUIRE(checked.findings.all().size() == 1);
  const config::Finding& finding = checked.findings.all().front();
  CHECK(finding.id == id);
  CHECK(finding.line == line);
  CHECK(finding.column == column);
  CHECK(finding.file.ends_with("berth.yaml"));
  return finding;
}

}  // namespace

TEST_CASE("a plugin that is in no folder is an error at its place, with the nearest one") {
  const Folder folder;
  folder.add_connector();
  const Checked checked = check(folder, folder.add_configuration("", "zoho_boks"));
  const auto& finding = only(checked, "config.plugin_unknown", 8, 13);
  CHECK(finding.severity == config::Severity::kError);
  CHECK(finding.hint == "did you mean `zoho_books`?");
  CHECK(berth::test::berth({"-c", folder / "berth.yaml", "config", "validate"}).exit == 1);
}

TEST_CASE("where no plugins are found at all, that they were not checked is a warning") {
  const Folder folder;
  fs::create_directories(folder.path() / "plugins");
  const Checked checked = check(folder, folder.add_configuration("    schedule: {anything: 1h}\n"));
  CHECK(only(checked, "config.plugin_unknown", 8, 13).severity == config::Severity::kWarning);
  CHECK(berth::test::berth({"-c", folder / "berth.yaml", "config", "validate"}).exit == 0);
}

TEST_CASE("a plugin whose manifest is refused is there, and the refusal is the hint") {
  const Folder folder;
  folder.write("plugins/zoho_books/plugin.yaml", "id: Zoho Books\n");
  const Checked checked = check(folder, folder.add_configuration());
  const auto& finding = only(checked, "config.plugin_unknown", 8, 13);
  CHECK(finding.severity == config::Severity::kError);
  CHECK(finding.hint.find("plugin.yaml") != std::string::npos);
}

TEST_CASE("schedules name phases, or archiving and deposits") {
  const Folder folder;
  folder.add_connector();
  CHECK(check(folder, folder.add_configuration("    schedule: {invoices: 1h, credit_notes: 1h, archiving: \"0 3 * * *\", zone: Europe/Berlin}\n    budgets: {archiving: 10}\n")).findings.empty());
  const Checked deposits = check(folder, folder.add_configuration("    schedule: {invoices: 1h, deposits: 1d}\n"));
  CHECK(only(deposits, "config.deposits_pull_only", 10, 40).severity == config::Severity::kWarning);
  CHECK(!deposits.findings.has_errors());
  const Checked checked = check(folder, folder.add_configuration("    schedule:\n      invoices: 1h\n      invoice: 1h\n"));
  CHECK(only(checked, "config.phase_unknown", 12, 7).hint == "did you mean `invoices`?");
  CHECK(checked.findings.has_errors());
}

TEST_CASE("budgets name cost classes of the phase file") {
  const Folder folder;
  folder.add_connector();
  CHECK(check(folder, folder.add_configuration("    budgets: {invoices.detail: 30%, invoices.pdf: 100}\n")).findings.empty());
  const Checked checked = check(folder, folder.add_configuration("    budgets: {invoices.details: 30%}\n"));
  CHECK(only(checked, "config.cost_class_unknown", 10, 15).hint == "did you mean `invoices.detail`?");
}

TEST_CASE("phase and mapping files that an integration names are checked too, each once") {
  const Folder folder;
  folder.add_connector();
  std::string phases = read_file(folder / "plugins/zoho_books/phases.yaml");
  phases.replace(phases.find("id: invoices"), 12, "id: bills   ");
  folder.write("own.yaml", phases);
  const Checked own = check(folder, folder.add_configuration("    phases: ./own.yaml\n    schedule: {invoices: 1h}\n"));
  CHECK(only(own, "config.phase_unknown", 11, 16).message.find("`invoices`") != std::string::npos);

  phases.replace(phases.find("entity: invoice"), 15, "entitee: invoic");
  folder.write("own.yaml", phases);
  const Checked broken = check(folder, folder.add_configuration("    phases: ./own.yaml\n    schedule: {invoices: 1h}\n"));
  REQUIRE(broken.find("plugin.phase_file") != nullptr);
  CHECK(broken.find("plugin.phase_file")->file.ends_with("own.yaml"));
  CHECK(broken.find("plugin.phase_file")->line > 0);
  CHECK(broken.find("config.phase_unknown") == nullptr);  // unknown to half a file says nothing

  std::string rules = read_file(folder / "plugins/zoho_books/mapping.yaml");
  rules.replace(rules.find("entities:"), 9, "entitees:");
  folder.write("mapping.yaml", rules);
  const Checked mapping = check(folder, folder.add_configuration("    mapping: ./mapping.yaml\n"));
  CHECK(mapping.is_loaded);
  REQUIRE(mapping.findings.has_errors());
  CHECK(mapping.findings.all().front().file.ends_with("/mapping.yaml"));
  CHECK(berth::test::berth({"-c", folder / "berth.yaml", "config", "validate"}).exit == 1);
  const std::size_t once = mapping.findings.all().size();
  const Checked twice = check(folder, folder.add_configuration("    mapping: ./mapping.yaml\n  - id: second\n    plugin: zoho_books\n    company: main\n    mapping: ./mapping.yaml\n"));
  CHECK(twice.findings.all().size() == once);
}

TEST_CASE("a public address without TLS is a warning unless it is this machine's") {
  const Folder folder;
  folder.add_connector();
  for (const auto& [url, is_warned] : std::vector<std::pair<std::string, bool>>{
           {"http://books.example.com", true}, {"http://192.0.2.1:8484", true}, {"https://books.example.com", false}, {"http://127.0.0.1:8484", false}, {"http://localhost:8484", false}}) {
    CAPTURE(url);
    const std::string file = folder.add_configuration();
    folder.write("berth.yaml", read_file(file) + "server:\n  public_url: " + url + "\n");
    const Checked checked = check(folder, file);
    CHECK(checked.is_loaded);
    if (is_warned) {
      CHECK(only(checked, "config.public_http", 11, 15).severity == config::Severity::kWarning);
    } else {
      CHECK_MESSAGE(checked.findings.empty(), checked.findings.print());
    }
  }
}
