// The catalogue of reasons has an entry for every reason id that the program can give, and none that it cannot. The page
// docs/reference/reasons.md is made from it.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "docs/documents.hpp"
#include "host/mapping/checks.hpp"
#include "host/reasons/reasons.hpp"

namespace {

/// The first words of reason ids: folders of host/, the program itself, the SDK, and the connector.
const std::set<std::string>& prefixes() {
  static const std::set<std::string> all{"admin",   "app",    "berth", "cli", "config", "core",    "documents", "http",  "ledger",    "mapping",
                                         "oauth",   "plugin", "runs",  "sdk", "server", "storage", "telemetry", "vault", "zoho_books"};
  return all;
}

/// Texts of the same form that are no reasons.
bool is_something_else(const std::string& text) {
  static const std::set<std::string> others{"berth.db", "mapping.test.yaml", "mapping.yaml", "berth.yaml", "plugin.yaml", "plugin.crash",
                                           "mapping.apply"};   // an action in the audit log
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
  // Names of durable writes look like reasons and are none (docs/reference/durable-writes.md).
  const std::regex of_a_write(R"re((write\(|DurableWrite \w+\(|make_new_file\()\s*"[a-z0-9_.]+")re");
  for (const char* folder : {"host", "plugin-sdk", "plugins"}) {
    for (const docs::fs::directory_entry& each : docs::fs::recursive_directory_iterator(docs::root() / folder)) {
      const docs::fs::path& file = each.path();
      const std::string shown = docs::shown(file);
      const bool is_code = file.extension() == ".cpp" || file.extension() == ".hpp" || file.extension() == ".h";
      const bool is_rules = file.filename() == "phases.yaml" || file.filename() == "mapping.yaml";
      if ((!is_code && !is_rules) || shown.starts_with("plugin-sdk/testing")) continue;
      std::string text = docs::read(file);
      if (is_code) text = std::regex_replace(text, of_a_write, "");
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

/// The host's own files and those of the connectors that come with Berth, as plugin.yaml names them.
std::vector<berth::reasons::File> files() {
  std::vector<berth::reasons::File> all;
  for (const berth::reasons::Embedded& each : berth::reasons::embedded()) {
    auto file = berth::reasons::read(std::string(each.text), std::string(each.name) + ".yaml", {});
    REQUIRE_MESSAGE(file.ok(), file.error().message);
    all.push_back(std::move(file).value());
  }
  for (const docs::fs::directory_entry& each : docs::fs::directory_iterator(docs::root() / "plugins")) {
    if (!docs::fs::exists(each.path() / "plugin.yaml")) continue;
    auto file = berth::reasons::load(each.path() / "reasons.yaml", each.path().filename().string());
    REQUIRE_MESSAGE(file.ok(), file.error().message);
    all.push_back(std::move(file).value());
  }
  return all;
}

std::set<std::string> explained_reasons() {
  std::set<std::string> found;
  for (const berth::reasons::File& file : files()) {
    for (const berth::reasons::Entry& entry : file.entries) CHECK_MESSAGE(found.insert(entry.id).second, entry.id, " stands twice");
  }
  return found;
}

std::string linked(const std::string& text, const std::string& link) { return docs::cell(link.empty() ? text : text + " See <" + link + ">"); }

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
  const auto of_page = explained_reasons();
  for (const auto& [reason, file] : of_code) {
    if (berth::mapping::find_check(reason) != nullptr) continue;  // in mapping-findings.md
    CHECK_MESSAGE(of_page.contains(reason), reason, " of ", file, " is not explained: it belongs into host/reasons/catalogue, or reasons.yaml of the connector");
  }
  for (const std::string& reason : of_page) {
    CHECK_MESSAGE(of_code.contains(reason), reason, " is explained, and nowhere in the code");
  }
}

TEST_CASE("every symptom names reasons that exist, and every sign that it has may be seen") {
  const auto known = explained_reasons();
  // What a record may wait for or be warned of begins with a kind of row.
  const std::set<std::string> kinds{"account", "classification", "classification_line", "company", "custom_field", "customer", "customer_payment", "invoice", "item"};
  const std::set<std::string> states{"pending", "posted", "parked", "skipped", "failed", "ignored", "archived"};
  for (const berth::reasons::File& file : files()) {
    for (const berth::reasons::Symptom& symptom : file.symptoms) {
      for (const std::string& reason : symptom.reasons) CHECK_MESSAGE(known.contains(reason), symptom.id, " names ", reason);
      for (const std::string& state : symptom.states) CHECK_MESSAGE(states.contains(state), symptom.id, " names ", state);
      for (const auto* keys : {&symptom.waits_for, &symptom.warnings}) {
        for (const std::string& key : *keys) {
          CHECK_MESSAGE(key.find('/') != std::string::npos, symptom.id, " names ", key);
          CHECK_MESSAGE(kinds.contains(key.substr(0, key.find('/'))), symptom.id, " names ", key);
        }
      }
    }
  }
}

TEST_CASE("D13: the catalogue has every symptom of the troubleshooting table, first of all") {
  const std::vector<std::string> table{"connect_failed",   "invoice_is_draft",  "customer_missing", "payment_account_missing", "skipped_for_good",
                                       "dimension_missing", "pdf_missing",       "token_refused",    "remote_outage"};
  std::vector<std::string> known;
  for (const berth::reasons::File& file : files()) {
    for (const berth::reasons::Symptom& symptom : file.symptoms) {
      known.push_back(symptom.id);
      if (symptom.id == "remote_outage") CHECK(symptom.link == "https://status.zoho.com/");
    }
  }
  CHECK(known == table);
}

TEST_CASE("docs/reference/reasons.md is made from the catalogue") {
  const docs::fs::path page = docs::root() / "docs/reference/reasons.md";
  std::string symptoms = "| symptom | cause | who acts | what to do |\n|---|---|---|---|\n";
  std::string reasons;
  for (const berth::reasons::File& file : files()) {
    for (const berth::reasons::Symptom& each : file.symptoms) {
      symptoms += "| " + docs::cell(each.symptom) + " | " + docs::cell(each.cause) + " | " + std::string(berth::reasons::shown(each.who)) + " | " +
                  linked(each.resolution, each.link) + " |\n";
    }
    reasons += "## " + file.title + "\n\n";
    if (!file.about.empty()) reasons += file.about + (file.about.ends_with('\n') ? "\n" : "\n\n");
    reasons += "| reason | cause | who acts | what to do |\n|---|---|---|---|\n";
    for (const berth::reasons::Entry& each : file.entries) {
      reasons += "| `" + each.id + "` | " + docs::cell(each.cause) + " | " + std::string(berth::reasons::shown(each.who)) + " | " + linked(each.resolution, each.link) + " |\n";
    }
    reasons += "\n";
  }
  docs::check_part(page, "symptoms", symptoms);
  docs::check_part(page, "reasons", reasons);
}
