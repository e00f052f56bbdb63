// berth.yaml as people break it: every mistake has a place and a way out, and costs nothing that was stored.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "bad_input/fixture.hpp"
#include "bad_input/table.hpp"

using namespace bad_input;

namespace {

using Make = std::function<std::string(const std::string& good)>;

/// Replaces the first `right`.
Make instead(std::string right, std::string wrong) {
  return [=](const std::string& good) { return with_mistake(good, right, wrong); };
}

/// Nine aliases to nine aliases to nine: 2 KiB that would be 3 billion values.
std::string alias_bomb(const std::string&) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    const std::string before = std::string("*") + static_cast<char>(c - 1);
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) text += (i > 0 ? "," : "") + before;
    text += "]\n";
  }
  return text;
}

std::string nested(const std::string&) { return "a: " + std::string(5000, '[') + std::string(5000, ']') + "\n"; }

std::string utf16(const std::string& good) {
  std::string text = "\xff\xfe";
  for (const char c : good) (text += c) += '\0';
  return text;
}

struct Mistake {
  Row row;
  Make make;
};

constexpr const char* kValidate = "berth config validate";

const Mistake kMistakes[] = {
    {{Section::kFiles, "yaml.bracket", "a bracket that is never closed", kValidate, "config.yaml_syntax"}, instead("storage: sqlite", "storage: [sqlite")},
    {{Section::kFiles, "yaml.colon", "a colon within plain text", kValidate, "config.yaml_syntax"}, instead("data_dir: ./data", "data_dir: ./data: here")},
    {{Section::kFiles, "yaml.tab", "a tab for indentation", kValidate, "config.yaml_tab"}, instead("    plugin: zoho_books", "\tplugin: zoho_books")},
    {{Section::kFiles, "yaml.quote", "a quote that is never closed", kValidate, "config.yaml_quote_open"}, instead("name: Acme US,", "name: \"Acme US,")},
    {{Section::kFiles, "yaml.duplicate_key", "a key that stands twice", kValidate, "config.duplicate_key"}, instead("storage: sqlite", "storage: sqlite\nstorage: sqlite")},
    {{Section::kFiles, "yaml.ambiguous", "a name that some programs read as false", kValidate, "config.yaml_ambiguous"}, instead("name: Acme West", "name: No")},
    {{Section::kFiles, "yaml.documents", "two documents in one file", kValidate, "config.yaml_documents"}, instead("storage: sqlite", "storage: sqlite\n---")},
    {{Section::kFiles, "yaml.tag", "a tag", kValidate, "config.yaml_tag"}, instead("data_dir: ./data", "data_dir: !include other.yaml")},
    {{Section::kFiles, "yaml.alias_bomb", "aliases of aliases: 2 KiB that would be three billion values", kValidate, "config.yaml_limit"}, alias_bomb},
    {{Section::kFiles, "yaml.alias_loop", "an alias within the value that it names", kValidate, "config.yaml_alias"}, [](const std::string&) { return "a: &a\n  b: *a\n"; }},
    {{Section::kFiles, "yaml.nested", "5,000 brackets", kValidate, "config.yaml_limit"}, nested},
    {{Section::kFiles, "yaml.huge", "a file of 17 MB", kValidate, "config.yaml_limit"}, [](const std::string& good) { return good + std::string(17'000'000, '#'); }},
    {{Section::kFiles, "yaml.latin1", "an umlaut in Latin-1", kValidate, "config.yaml_encoding"}, instead("Acme US", "M\xfcller US")},
    {{Section::kFiles, "yaml.utf16", "a file that an editor saved as UTF-16", kValidate, "config.yaml_encoding"}, utf16},
    {{Section::kFiles, "yaml.binary", "a NUL byte", kValidate, "config.yaml_encoding"}, instead("Acme US", std::string("Acme\0US", 7))},
    {{Section::kFiles, "yaml.empty", "an empty file", kValidate, "config.type"}, [](const std::string&) { return std::string(); }},
    {{Section::kFiles, "yaml.list", "a list instead of keys", kValidate, "config.type"}, [](const std::string&) { return "- berth\n- 1\n"; }},
    {{Section::kFiles, "type.map", "text where a map is expected", kValidate, "config.type"}, instead("vault: {key: file:./secrets/vault.key}", "vault: file:./secrets/vault.key")},
    {{Section::kFiles, "type.list", "text where a list is expected", kValidate, "config.type"}, instead("lines: [Consulting, Support, Implementation]", "lines: Consulting")},
    {{Section::kFiles, "type.number", "a word where a number is expected", kValidate, "config.type"}, instead("per_minute: 60000", "per_minute: many")},
    {{Section::kFiles, "type.value", "a list where one value is expected", kValidate, "config.type"}, instead("schedule: {invoices: 1h", "schedule: {invoices: [1h]")},
    {{Section::kFiles, "type.duration", "a duration without its unit", kValidate, "config.duration"}, instead("invoices: 1h", "invoices: 1")},
    {{Section::kFiles, "type.choice", "a word that is none of the choices", kValidate, "config.choice"}, instead("mode: pull_only", "mode: pull-only")},
    {{Section::kFiles, "type.currency", "a currency that does not exist", kValidate, "config.currency"}, instead("base_currency: USD", "base_currency: USB")},
    {{Section::kFiles, "type.version", "a file for another version of the format", kValidate, "config.version"}, instead("berth: 1", "berth: 2")},
    {{Section::kFiles, "key.unknown", "a key that does not exist", kValidate, "config.unknown_key"}, instead("    organization:", "    organisation:")},
    {{Section::kFiles, "key.missing", "a required key is missing", kValidate, "config.missing_key"}, instead("    company: acme_us\n", "")},
    {{Section::kFiles, "key.phase", "a schedule for a phase that the connector does not have", kValidate, "config.phase_unknown"}, instead("{invoices: 1h", "{invoces: 1h")},
    {{Section::kFiles, "key.company", "a company that is not declared", kValidate, "config.unknown_company"}, instead("    company: acme_us", "    company: acme_uss")},
    {{Section::kFiles, "key.file", "a file that is named is not there", kValidate, "config.file_missing"}, instead("./accounts/acme_us.yaml", "./accounts/acme.yaml")},
    {{Section::kSecrets, "secret.literal", "a secret that is written out", kValidate, "config.secret_literal"}, instead("secret: env:ZOHO_CLIENT_SECRET", std::string("secret: ") + e2e::kClientSecret)},
    {{Section::kFiles, "address.http", "credentials over http to another machine", kValidate, "config.http_refused"}, instead("accounts: \"http://127.0.0.1", "accounts: \"http://192.0.2.1")},
};

const Row kMissing(Section::kFiles, "file.missing", "no such file", "berth -c nowhere.yaml status", "config.file_unreadable");
const Row kFolder(Section::kFiles, "file.folder", "a folder instead of a file", "berth -c accounts status", "config.file_unreadable");
const Row kNoPermission(Section::kFiles, "file.permission", "a file that the user may not read", "berth status", "config.file_unreadable");
const Row kRefused(Section::kFiles, "file.refused", "any command but `config validate` with such a file", "berth sync zoho", "config.invalid");
const Row kChart(Section::kFiles, "chart.unknown_key", "a key that does not exist, in a chart of accounts", kValidate, "config.unknown_key");
const Row kMappingKey(Section::kFiles, "mapping.unknown_key", "a key that does not exist, in mapping.yaml", "berth sync zoho", "mapping.invalid");
const Row kMappingSyntax(Section::kFiles, "mapping.syntax", "a bracket that is never closed, in mapping.yaml", "berth sync zoho", "mapping.invalid");
const Row kMappingValidate(Section::kFiles, "mapping.validate", "an operator that does not exist, in a rule", "berth mapping validate mapping.yaml", "mapping.key_unknown");

}  // namespace

TEST_CASE("every way to break berth.yaml is named with its place and a way out, and ends there") {
  const e2e::Simulator simulator(kTiny);
  const e2e::Workspace berth(simulator);
  const std::string good = berth.read("berth.yaml");
  for (const Mistake& mistake : kMistakes) {
    CAPTURE(mistake.row.id());
    {
      const Broken broken(berth, "berth.yaml", mistake.make(good));
      const e2e::Outcome outcome = mistake.row.refused(berth, 1, {{R"re(192\.0\.2\.1:\d+)re", "192.0.2.1:9100"}});
      // Where it is, and what to do: all but those of the whole file have a line.
      CHECK(outcome.out.starts_with("berth.yaml:"));
      // No other command goes on with it; what only the connector knows is judged where the connector is used.
      if (mistake.row.id() != "key.phase") CHECK(berth.run({"status"}).exit != 0);
    }
    CHECK(berth.run({"config", "validate"}).exit == 0);
  }
  CHECK(simulator.calls("list") == 0);
}

TEST_CASE("a byte order mark and Windows line ends are no mistakes") {
  const e2e::Simulator simulator(kTiny);
  const e2e::Workspace berth(simulator);
  std::string text = "\xef\xbb\xbf";
  for (const char c : berth.read("berth.yaml")) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const Broken windows(berth, "berth.yaml", text);
  CHECK(berth.must({"config", "validate"}).find("fine") != std::string::npos);
}

TEST_CASE("a configuration that cannot be read is told apart: not there, a folder, not permitted, refused") {
  const e2e::Simulator simulator(kTiny);
  const e2e::Workspace berth(simulator);
  kMissing.refused(berth, 3);
  kFolder.refused(berth, 3);
  {
    const Broken broken(berth, "berth.yaml", with_mistake(berth.read("berth.yaml"), "data_dir:", "data_dri:"));
    kRefused.refused(berth, 1);
  }
  {
    const Broken broken(berth, "accounts/acme_us.yaml", with_mistake(berth.read("accounts/acme_us.yaml"), "type:", "tpye:"));
    kChart.refused(berth, 1);
  }
  CHECK(berth.run({"status"}).exit == 0);
}

TEST_CASE("a configuration that the user may not read says so") {
  const OtherUser other;
  if (!other.is_possible) {
    MESSAGE("skipped: another user cannot run the programs of this build");
    return;
  }
  const e2e::Simulator simulator(kTiny);
  const e2e::Workspace berth(simulator);
  give_to_other_user(berth.folder());
  chmod((berth.folder() / "berth.yaml").c_str(), 0);
  kNoPermission.answered(berth, berth.run_by(other.starter, {"status"}), 3);
  chmod((berth.folder() / "berth.yaml").c_str(), S_IRUSR);
  CHECK(berth.run_by(other.starter, {"status"}).exit == 0);
}

TEST_CASE("rules with a mistake stop a sync before its first call, and the same sync works when they are mended") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  const std::string good = berth.read("mapping.yaml");
  books.simulator.reset_counters();
  {
    const Broken broken(berth, "mapping.yaml", with_mistake(good, "\nentities:", "\nentitees:"));
    kMappingKey.refused(berth, 1);
  }
  {
    const Broken broken(berth, "mapping.yaml", with_mistake(good, "value: {first_of: [{path: payment_status}", "value: {frist_of: [{path: payment_status}"));
    kMappingValidate.refused(berth, 1);
  }
  {
    const Broken broken(berth, "mapping.yaml", "entities: [\n");
    kMappingSyntax.refused(berth, 1);
  }
  CHECK(books.simulator.calls("list") == 0);
  books.check_recovered();
}
