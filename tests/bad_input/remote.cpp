#include "bad_input/remote.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

namespace bad_input {

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The connector's phases with short waits, and pages of that size; in a file that goes with this process.
std::string fast_phases(int page_rows) {
  struct Files {
    std::map<int, std::string> paths;
    Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    ~Files() {
      std::error_code ignored;
      for (const auto& [rows, path] : paths) fs::remove(path, ignored);
    }
  };
  static Files files;
  std::string& path = files.paths[page_rows];
  if (!path.empty()) return path;
  path = (fs::temp_directory_path() / ("berth-phases-" + std::to_string(getpid()) + "-" + std::to_string(page_rows) + ".yaml")).string();
  std::string text = std::regex_replace(text_of(fs::path(BERTH_SOURCE_DIR) / "plugins/zoho_books/phases.yaml"), std::regex(R"(first: \d+s)"), "first: 5ms");
  if (page_rows > 0) text = std::regex_replace(text, std::regex("size: 200"), "size: " + std::to_string(page_rows));
  std::ofstream(path) << text;
  return path;
}

std::int64_t high_water(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

}  // namespace

const Replacements& of_syncs() {
  static const Replacements all{
      {R"(\d\d:\d\d:\d\d (warning|error) [^\n]*\n)", ""},
      {R"(budgets: [^\n]*\n)", ""},   // what is left of the day differs
      {R"((phase|invoices|customer_payments|contacts|items|credit_notes|locations) {2,}[^\n]*\n)", ""},
      {R"(run_[0-9A-Za-z]{10,})", "run_01K7"},
      {R"(\(\d+ bytes\))", "(… bytes)"},
  };
  return all;
}

e2e::Settings fast_settings(int page_rows) {
  e2e::Settings settings;
  settings.extra = "    phases: " + fast_phases(page_rows) + "\n";
  if (page_rows == 0) settings.schedule = "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d}";
  return settings;
}

void map_by_file(const e2e::Workspace& berth) {
  const std::string yaml = berth.read("berth.yaml");
  const auto at = yaml.find("    mapping: ./mapping.yaml\n");
  REQUIRE(at != std::string::npos);
  for (int round = 0; round < 6; ++round) {
    std::map<std::string, std::string> by_kind;
    bool is_done = true;
    const e2e::Value list = berth.json({"accounts", "list", "zoho"});
    for (const e2e::Value& row : list.find("accounts")->items()) {
      is_done = is_done && !row.text_of("account").empty();
      const std::string name(row.text_of("row")), kind(row.text_of("kind"));
      const std::string account = kind == "tax" ? "sales_tax" : kind == "payment_mode" ? "undeposited" : kind == "default_expense" ? "cogs" : "sales";
      const auto from = name.find('/') + 1;
      if (!name.ends_with("/acme_us")) {
        if (row.text_of("account").empty()) berth.must({"accounts", "map", "zoho", name, account});   // the file maps for the integration's company
      } else if (kind.starts_with("default_")) {
        by_kind[kind] = " " + account;
      } else {
        by_kind[kind] += "\n        \"" + name.substr(from, name.rfind('/') - from) + "\": " + account;
      }
    }
    if (is_done) return;
    std::string mapped = yaml, accounts = "    accounts:\n";
    for (const auto& [kind, value] : by_kind) accounts += "      " + kind + ":" + value + "\n";
    berth.write("berth.yaml", mapped.insert(at, accounts));
    berth.must({"sync", "zoho"});
  }
  throw std::runtime_error("there are always new account rows");
}

Remote::Remote(const e2e::Sizes& sizes, int page_rows) : simulator(sizes), berth(simulator, fast_settings(page_rows)) {
  berth.connect();
  berth.must({"sync", "zoho"});
  map_by_file(berth);
}

e2e::Outcome Remote::sync_shows(const Row& row, int exit, std::int64_t calls_max, const Replacements& more) const {
  simulator.reset_counters();
  Replacements all = of_syncs();
  all.insert(all.end(), more.begin(), more.end());
  e2e::Outcome outcome = row.refused(berth, exit, all);
  CAPTURE(row.id());
  const std::int64_t calls = e2e::number_at(simulator.control("counters"), "calls");
  CHECK_MESSAGE(calls <= calls_max, "calls: ", calls);
  const e2e::Value newest = berth.json({"runs", "zoho"}).find("runs")->items().at(0);
  const std::string outcome_of_run(newest.text_of("outcome"));
  if (exit == 0) {
    CHECK((outcome_of_run == "succeeded" || outcome_of_run == "nothing_changed"));
    return outcome;
  }
  CHECK(outcome_of_run == "failed");
  CHECK(newest.text_of("reason") == row.reason());
  const e2e::Value status = berth.status();
  CHECK(status.text_of("reason") == row.reason());
  CHECK(!status.text_of("message").empty());
  CHECK(!status.text_of("who_acts").empty());
  return outcome;
}

void Remote::mends() const {
  e2e::http("DELETE", simulator.origin() + "/_control/faults");
  const e2e::Outcome outcome = berth.run({"sync", "zoho"});
  CHECK_MESSAGE(outcome.exit == 0, outcome.out, outcome.err);
}

void Remote::takes(const std::string& fault, const Row& row, int exit, std::int64_t calls_max) const {
  if (books_.empty()) books_ = journal();
  const std::string yaml = berth.read("berth.yaml");
  if (is_impatient) berth.write("berth.yaml", yaml + "http: {connect_timeout: 2s, header_timeout: 250ms, idle_timeout: 150ms, deadline: 400ms}\n");
  breaks(fault);
  sync_shows(row, exit, calls_max);
  if (is_impatient) berth.write("berth.yaml", yaml);
  mends();
  CHECK_MESSAGE(journal() == books_, row.id(), " changed the books");
}

std::string Remote::journal() const { return berth.must({"ledger", "export", "--format", "hledger", "--sort", "source"}); }

void Remote::books_are_undisturbed() const {
  const e2e::Workspace fresh(simulator, fast_settings());
  fresh.connect();
  fresh.must({"sync", "zoho"});
  map_by_file(fresh);
  CHECK(berth.status().text_of("status") == "connected");
  CHECK(journal() == fresh.must({"ledger", "export", "--format", "hledger", "--sort", "source"}));
  CHECK(berth.run({"ledger", "check"}).exit == 0);
}

std::string Remote::invoice(const std::string& amount) const {
  return std::string(simulator.post("invoices", R"({"line_items":[{"name":"Work","quantity":1,"rate":)" + amount + "}]}").text_of("id"));
}

e2e::Value Remote::record(const std::string& id) const {
  const e2e::Value all = berth.json({"records", "list", "zoho", "--entity", "invoice", "--limit", "1000"});
  return e2e::row_where(*all.find("records"), "ref", "invoice/" + id);
}

Peak peak_of(const e2e::Workspace& berth, const std::vector<std::string>& arguments) {
  Peak peak;
  const auto process = berth.start(arguments);
  while (process->is_running()) {
    peak.host = std::max(peak.host, high_water(process->id()));
    for (const pid_t child : e2e::children_of(process->id())) peak.worker = std::max(peak.worker, high_water(child));
    e2e::pause_shortly();
  }
  peak.outcome = process->wait();
  return peak;
}

}  // namespace bad_input
