// `berth doctor` on installations that are broken: each finding has its reason, what stands on it is not examined, and
// nothing is passed over in silence.
#include "host/cli/doctor.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "berth/json.hpp"
#include "unit/cli/fixture.hpp"

using namespace berth;
using namespace berth::test;

namespace {

const std::vector<std::string> kAll = {"configuration", "data folder", "database", "books", "vault", "plugins", "isolation"};

/// A configuration with a vault key and a database, and a connector that is only files.
std::string add_installation(const Folder& folder) {
  folder.add_connector();
  std::string file = folder.add_configuration();
  REQUIRE(berth::test::berth({"-c", file, "vault", "init"}).exit == 0);
  REQUIRE(berth::test::berth({"-c", file, "status"}).exit == 0);
  return file;
}

struct Diagnosis {
  int exit = -1;
  json::Value report;
  [[nodiscard]] const json::Value& of(std::string_view what) const {
    for (const json::Value& one : report.find("examined")->items()) {
      if (one.text_of("what") == what) return one;
    }
    FAIL("nothing was said of the " << what);
    return report;
  }
  /// "wrong vault.key_permissions": the state and the first finding.
  [[nodiscard]] std::string brief(std::string_view what) const {
    const json::Value& one = of(what);
    const auto& findings = one.find("findings")->items();
    std::string text(one.text_of("state"));
    if (!findings.empty()) text += " " + std::string(findings.front().text_of("reason"));
    return text;
  }
};

Diagnosis diagnose(const std::string& file) {
  const Outcome outcome = berth::test::berth({"-c", file, "--json", "doctor"});
  json::Parsed parsed = json::parse(outcome.out);
  INFO(outcome.out, outcome.err);
  REQUIRE(parsed.ok());
  return {outcome.exit, std::move(parsed.value)};
}

}  // namespace

TEST_CASE("doctor looks at everything, and says of an integration why it cannot run") {
  const Folder folder;
  const std::string file = add_installation(folder);
  const Diagnosis diagnosis = diagnose(file);
  for (const std::string& what : kAll) {
    CAPTURE(what);
    CHECK(diagnosis.brief(what) == (what == "isolation" && diagnosis.brief(what) != "ok" ? "warning plugin.calls_not_filtered" : "ok"));
  }
  CHECK(diagnosis.brief("integration zoho") == "wrong plugin.untrusted");
  CHECK(diagnosis.exit == 1);
  const json::Value& finding = diagnosis.of("integration zoho").find("findings")->items().front();
  CHECK(finding.text_of("severity") == "error");
  CHECK(finding.text_of("resolution").find("berth plugin trust") != std::string_view::npos);

  const Outcome shown = berth::test::berth({"-c", file, "doctor"});
  CHECK(shown.exit == 1);
  CHECK(shown.out.find("error[plugin.untrusted]: integration zoho") != std::string::npos);
  CHECK(shown.out.find("    do:    Look at it and run `berth plugin trust ID`.") != std::string::npos);
  CHECK(shown.out.find("warning[runs.not_connected]") != std::string::npos);
  // Beside that it is not connected: where the filter of system calls is not on, as under sanitizers.
  CHECK(shown.out.ends_with(diagnosis.brief("isolation") == "ok" ? "1 error, 1 warning\n" : "1 error, 2 warnings\n"));
}

TEST_CASE("doctor says of a broken configuration what config validate says, and that it looked at nothing else") {
  const Folder folder;
  const std::string file = folder.add_configuration("    shedule: {invoices: 1h}\n");
  const Diagnosis diagnosis = diagnose(file);
  CHECK(diagnosis.exit == 1);
  CHECK(diagnosis.brief("configuration") == "wrong config.unknown_key");
  CHECK(diagnosis.of("configuration").find("findings")->items().front().text_of("message").find("berth.yaml:10:5: ") != std::string_view::npos);
  CHECK(diagnosis.of("configuration").find("findings")->items().front().text_of("resolution") == "did you mean `schedule`?");
  for (const char* what : {"data folder", "database", "books", "vault", "plugins", "isolation", "integrations"}) CHECK(diagnosis.brief(what) == "not examined");
  CHECK_FALSE(fs::exists(folder / "data"));
  CHECK(berth::test::berth({"-c", file, "doctor"}).out.find("not examined because of that: data folder, database") != std::string::npos);
}

TEST_CASE("a key that others can read, a damaged database and an isolation that is off are found by doctor") {
  const Folder folder;
  const std::string file = add_installation(folder);
  REQUIRE(::chmod((folder / "vault.key").c_str(), 0644) == 0);
  Diagnosis diagnosis = diagnose(file);
  CHECK(diagnosis.exit == 1);
  CHECK(diagnosis.brief("vault") == "wrong vault.key_permissions");
  CHECK(diagnosis.brief("database") == "ok");
  CHECK(diagnosis.brief("integrations") == "not examined");

  REQUIRE(::chmod((folder / "vault.key").c_str(), 0600) == 0);
  folder.write("data/berth.db", std::string(8'192, 'x'));
  diagnosis = diagnose(file);
  CHECK(diagnosis.exit == 1);
  CHECK(diagnosis.brief("data folder") == "ok");
  CHECK(diagnosis.brief("database") == "wrong storage.damaged");
  CHECK(diagnosis.brief("books") == "not examined");
  CHECK(diagnosis.brief("vault") == "ok");

  fs::remove_all(folder / "data");
  folder.write("berth.yaml", read_file(file).replace(read_file(file).find("{paths:"), 1, "{isolation: in_process, "));
  diagnosis = diagnose(file);
  CHECK(diagnosis.brief("isolation") == "warning plugin.not_isolated");
}

TEST_CASE("a plugin that is refused is a warning of doctor, and the others are named") {
  const Folder folder;
  const std::string file = add_installation(folder);
  folder.write("plugins/other/plugin.yaml", "id: Other Books\n");
  CHECK(diagnose(file).brief("plugins") == "warning plugin.manifest_invalid");
  CHECK(diagnose(file).of("plugins").text_of("detail").starts_with("zoho_books "));
}
