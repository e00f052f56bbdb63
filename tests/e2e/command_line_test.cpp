// What a person sees who writes the files: mistakes with their place, exit codes that scripts can rely on, mapping rules
// checked without a host.
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const Sizes kTiny{.contacts = 3, .items = 2, .invoices = 3, .payments = 1, .credit_notes = 0};
const std::string kSource = BERTH_SOURCE_DIR;

/// "3:1" of the first place where the text stands.
std::string place_of(const std::string& text, std::size_t offset) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

struct Mistake {
  std::string right, wrong;  // the first occurrence is replaced
  std::string at;            // the finding is where this stands in the file then
  std::string hint;          // stands in what is printed
};

}  // namespace

TEST_CASE("berth config validate names file, line, column and the nearest key for twenty kinds of mistakes") {
  const Simulator simulator(kTiny);
  const Workspace berth(simulator);
  const std::string good = berth.read("berth.yaml");
  CHECK(berth.run({"config", "validate"}).exit == 0);
  const std::vector<Mistake> mistakes{
      {"data_dir:", "data_dri:", "data_dri", "did you mean `data_dir`?"},
      {"    organization:", "    organisation:", "organisation", "did you mean `organization`?"},
      {"paths: [", "path: [", "path: [", "did you mean `paths`?"},
      {"per_day:", "per_dya:", "per_dya", "did you mean `per_day`?"},
      {"plan: premium", "plan: premum", "premum", "did you mean `premium`?"},
      {"mode: pull_only", "mode: pull-only", "pull-only", "did you mean `pull_only`?"},
      {"    company: acme_us", "    company: acme_uss", "acme_uss", "did you mean `acme_us`?"},
      {"base_currency: USD", "base_currency: USB", "USB", "ISO 4217"},
      {"invoices: 1h", "invoices: 1x", "1x", "write it like"},
      {"berth: 1", "berth: 2", "2", "version"},
      {"storage: sqlite", "storage: sqlite\nstorage: sqlite", "storage: sqlite\nvault", "stands twice"},
      {"storage: sqlite", "storage: oracle", "oracle", "storage"},
      {"allow_http_loopback: true", "allow_http_loopback: maybe", "maybe", "true or false"},
      {"per_minute: 60000", "per_minute: many", "many", "whole number"},
      {"secret: env:ZOHO_CLIENT_SECRET", "secret: 9a8b7c6d5e4f", "9a8b7c6d5e4f", "env:NAME"},
      {"./accounts/acme_us.yaml", "./accounts/nobody.yaml", "./accounts/nobody.yaml", "no file"},
      {"companies:", "companies: [", "- {id: acme_us", "not YAML"},
      {"backfill: {from: all}", "backfill: {from: yesterday}", "yesterday", "yesterday"},
      {"    mapping: ./mapping.yaml", "    mapping: ./mapping.yml", "./mapping.yml", "no file"},
      {"id: acme_west", "id: acme_us", "acme_us, name: Acme West", "acme_us"},
      {"accounts: \"http://127.0.0.1", "accounts: \"http://192.0.2.1", "http://192.0.2.1", "use https"},
  };
  CHECK(mistakes.size() >= 20);
  for (const Mistake& mistake : mistakes) {
    CAPTURE(mistake.wrong);
    std::string text = good;
    const auto at = text.find(mistake.right);
    REQUIRE(at != std::string::npos);
    text.replace(at, mistake.right.size(), mistake.wrong);
    berth.write("bad.yaml", text);
    // The finding stands at the mistake, not somewhere before it that looks alike.
    const auto place = text.find(mistake.at, at);
    REQUIRE(place != std::string::npos);
    const Outcome outcome = berth.run({"-c", "bad.yaml", "config", "validate"});
    CAPTURE(outcome.out);
    CHECK(outcome.exit == 1);
    const std::string position = place_of(text, place);
    const bool is_there = outcome.out.find("bad.yaml:" + position + ": error[config.") != std::string::npos ||
                          outcome.out.find("bad.yaml:" + place_of(text, place - 1) + ": error[config.") != std::string::npos;
    CHECK_MESSAGE(is_there, "expected at " << position);
    CHECK(outcome.out.find(mistake.hint) != std::string::npos);
    // The same as data.
    const Value findings = berth.json({"-c", "bad.yaml", "config", "validate"}, 1);
    CHECK(!findings.find("valid")->boolean());
    CHECK(number_at(findings.find("findings")->items().at(0), "line") > 0);
    // No command runs on such a file, and no secret is shown.
    CHECK(outcome.out.find("9a8b7c6d5e4f") == std::string::npos);
  }
  const Outcome refused = berth.run({"-c", "bad.yaml", "sync", "zoho"});
  CHECK(refused.exit != 0);
  CHECK(refused.err.find("bad.yaml:") != std::string::npos);
  CHECK(simulator.calls("list") == 0);
}

TEST_CASE("exit codes: 2 is wrong usage, 3 the environment, 1 findings, and results go to standard output, the rest to standard error") {
  const Simulator simulator(kTiny);
  const Workspace berth(simulator);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{{}, {"sink"}, {"sync"}, {"sync", "zoho", "--no-such-flag"}, {"ledger"}, {"accounts", "map", "zoho"}, {"ledger", "export"}}) {
    const Outcome outcome = berth.run(wrong);
    CHECK(outcome.exit == 2);
    CHECK(outcome.out.empty());
    CHECK(!outcome.err.empty());
  }
  const Outcome missing = berth.run({"-c", "nowhere.yaml", "status"});
  CHECK(missing.exit == 3);
  CHECK(missing.out.empty());
  CHECK(missing.err.find("nowhere.yaml") != std::string::npos);
  const Value as_data = berth.json({"-c", "nowhere.yaml", "status"}, 3);
  CHECK(as_data.find("error")->text_of("reason") == "config.file_unreadable");
  const Outcome unknown = berth.run({"sync", "nobody"});
  CHECK(unknown.exit == 1);
  CHECK(unknown.err.find("nobody") != std::string::npos);
  const Outcome unconnected = berth.run({"sync", "zoho"});
  CHECK(unconnected.exit == 1);
  CHECK(unconnected.err.find("berth connect") != std::string::npos);
  // Without its key the vault cannot be opened.
  std::filesystem::rename(berth.folder() / "secrets/vault.key", berth.folder() / "secrets/away.key");
  const Outcome locked = berth.run({"sync", "zoho"});
  CHECK(locked.exit == 3);
  CHECK(locked.err.find("vault.key") != std::string::npos);
  CHECK(berth.run({"status"}).exit == 0);  // looking needs no key
  std::filesystem::rename(berth.folder() / "secrets/away.key", berth.folder() / "secrets/vault.key");
  const Outcome help = berth.run({"--help"});
  CHECK(help.exit == 0);
  CHECK(help.out.find("sync") != std::string::npos);
  CHECK(berth.run({"--version"}).out.starts_with("berth "));
}

TEST_CASE("berth init makes a folder that works") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("berth-init." + std::to_string(getpid()));
  const std::string berth = std::string(BERTH_BINARY_DIR) + "/bin/berth";
  const Outcome made = run({berth, "init", folder.string()}, Start{});
  CHECK_MESSAGE(made.exit == 0, made.err);
  CHECK(made.out.find("bth_") != std::string::npos);
  const Start inside{.folder = folder.string(), .environment = {{"ZOHO_CLIENT_ID", kClientId}, {"ZOHO_CLIENT_SECRET", kClientSecret}, {"ZOHO_REDIRECT_URI", "http://127.0.0.1:1/oauth/callback"}}, .input = {}};
  const Outcome valid = run({berth, "config", "validate"}, inside);
  CHECK_MESSAGE(valid.exit == 0, valid.out);
  CHECK(run({berth, "plugin", "trust", "zoho_books"}, inside).exit == 0);
  const Outcome status = run({berth, "status"}, inside);
  CHECK_MESSAGE(status.exit == 0, status.err);
  CHECK(status.out.find("zoho") != std::string::npos);
  const Outcome again = run({berth, "init", folder.string()}, Start{});
  CHECK(again.exit == 1);
  CHECK(again.err.find("nothing was overwritten") != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("D8: the mapping of the connector passes its own cases, and a broken rule or case is named with its place") {
  const Simulator simulator(kTiny);
  const Workspace berth(simulator);
  const std::string rules = kSource + "/plugins/zoho_books";
  const Value cases = berth.json({"mapping", "test", rules});
  CHECK(number_at(cases, "failed") == 0);
  CHECK(number_at(cases, "passed") >= 20);
  CHECK(cases.find("cases")->size() == static_cast<std::size_t>(number_at(cases, "passed")));
  const Outcome valid = berth.run({"mapping", "validate", rules + "/mapping.yaml", "--deny-warnings"});
  CHECK_MESSAGE(valid.exit == 0, valid.out);

  // A case that expects something else fails and says what came, plan included.
  std::filesystem::create_directories(berth.folder() / "rules");
  for (const auto& entry : {"mapping.yaml", "mapping.test.yaml"}) std::filesystem::copy_file(rules + "/" + entry, berth.folder() / "rules" / entry);
  std::filesystem::copy(rules + "/fixtures", berth.folder() / "rules/fixtures");
  std::string text = berth.read("rules/mapping.test.yaml");
  const std::string expected = "plan: {parked: [account/default_income/-/co_2]}";
  REQUIRE(text.find(expected) != std::string::npos);
  text.replace(text.find(expected), expected.size(), "plan: {parked: [account/default_income/-/co_9]}");
  berth.write("rules/mapping.test.yaml", text);
  const Outcome failing = berth.run({"mapping", "test", "rules"});
  CHECK(failing.exit == 1);
  CHECK(failing.out.find("account/default_income/-/co_9") != std::string::npos);
  CHECK(failing.out.find("1 failed") != std::string::npos);

  std::string broken = berth.read("rules/mapping.yaml");
  REQUIRE(broken.find("entities:") != std::string::npos);
  broken.replace(broken.find("entities:"), 9, "entitees:");
  berth.write("rules/mapping.yaml", broken);
  const Outcome refused = berth.run({"mapping", "validate", "rules/mapping.yaml"});
  CHECK(refused.exit == 1);
  CHECK(refused.out.find("rules/mapping.yaml:" + place_of(broken, broken.find("entitees:"))) != std::string::npos);
  CHECK(refused.out.find("entities") != std::string::npos);
}
