// `berth sync ID --dry-run`: what it shows is what the sync then does, and it leaves the real database as it was, however
// it ends and whoever works beside it.
#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "e2e/support/world.hpp"

using namespace e2e;
namespace fs = std::filesystem;

namespace {

const Sizes kSizes{.contacts = 10, .items = 6, .invoices = 40, .payments = 25, .credit_notes = 6};

/// Rows of a table as texts, in the order of its key.
std::vector<std::string> rows_of(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  REQUIRE_MESSAGE(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK, sqlite3_errmsg(database));
  std::vector<std::string> rows;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    std::string row;
    for (int column = 0; column < sqlite3_column_count(statement); ++column) {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      row.append(bytes == nullptr ? "(null)" : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)))).append("|");
    }
    rows.push_back(std::move(row));
  }
  sqlite3_finalize(statement);
  std::sort(rows.begin(), rows.end());
  return rows;
}

struct Database {
  explicit Database(const std::string& file) { REQUIRE(sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr) == SQLITE_OK); }
  ~Database() { sqlite3_close(handle); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  sqlite3* handle = nullptr;
};

/// Every row of every table but the state of the quota, which calls change whoever makes them.
std::vector<std::string> everything(const Workspace& berth) {
  const Database database((berth.folder() / "data/berth.db").string());
  std::vector<std::string> all;
  for (const std::string& table : rows_of(database.handle, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'quota'")) {
    const std::string name = table.substr(0, table.size() - 1);
    all.push_back("table " + name);
    for (std::string& row : rows_of(database.handle, "SELECT * FROM \"" + name + "\"")) all.push_back(std::move(row));
  }
  return all;
}

std::optional<fs::path> scratch_of(const Workspace& berth) {
  for (const auto& entry : fs::directory_iterator(berth.folder() / "data")) {
    if (entry.path().filename().string().starts_with("scratch-")) return entry.path();
  }
  return std::nullopt;
}

unsigned mode_of(const fs::path& path) {
  struct stat facts = {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

std::int64_t day_used(const Workspace& berth) { return number_at(berth.json({"quota", "show"}).find("quotas")->items().at(0), "day_used"); }

/// The entries of the books that came after so many.
std::vector<std::string> entries_after(const Workspace& berth, std::int64_t count) {
  std::vector<std::string> texts;
  const Value list = berth.json({"ledger", "entries", "--limit", "1000"});
  for (const Value& entry : list.find("entries")->items()) {
    if (number_at(entry, "id") > count) texts.push_back(berth::json::dump(entry));
  }
  return texts;
}

/// Documents are fetched side by side and posted as they come, so two syncs record the same entries in an order of their own.
std::vector<std::string> without_order(std::vector<std::string> entries) {
  for (std::string& entry : entries) {
    const std::string_view id = R"({"id":)";
    REQUIRE(entry.starts_with(id));
    entry.erase(0, entry.find(',') + 1);
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

/// A workspace whose accounts are mapped and whose first sync is done, and then something changed at the remote.
struct Changed {
  Changed() {
    berth.connect();
    berth.must({"sync", "zoho"});
    berth.map_all_accounts();
    const Value books = simulator.control("books");
    std::string edited;
    for (const auto& [id, invoice] : books.find("invoices")->members()) {
      if (invoice.text_of("status") != "sent") continue;
      if (edited.empty()) {
        edited = id;
        simulator.post("invoices/" + id, R"({"line_items":[{"name":"Work","rate":77.5,"quantity":2}]})");
      } else {
        simulator.post("invoices/" + id + "/void");
        break;
      }
    }
    REQUIRE_FALSE(edited.empty());
    const std::string made(simulator.post("invoices", R"({"line_items":[{"name":"Work","rate":120,"quantity":1}]})").text_of("id"));
    simulator.post("payments", R"({"invoice_id":")" + made + R"(","payment_mode":"Barter"})");
  }
  Simulator simulator{kSizes};
  Workspace berth{simulator};
};

/// A dry run that stands still in the middle of its documents.
std::unique_ptr<Process> stopped_dry_run(const Simulator& simulator, const Workspace& berth) {
  simulator.post("options", R"({"latency_ms": 40})");
  simulator.reset_counters();
  auto process = berth.start({"sync", "zoho", "--dry-run"});
  REQUIRE(eventually([&] { return simulator.calls("detail") >= 10 || !process->is_running(); }));
  REQUIRE(process->is_running());
  process->signal(SIGSTOP);
  simulator.post("options", R"({"latency_ms": 0})");
  return process;
}

}  // namespace

TEST_CASE("B5: a dry run shows the entries that the sync then makes, and leaves everything but the quota as it was") {
  const Changed ground;
  const Workspace& berth = ground.berth;
  const std::vector<std::string> before = everything(berth);
  REQUIRE(before.size() > 500);
  const std::int64_t used = day_used(berth);
  const auto entries_before = static_cast<std::int64_t>(entries_after(berth, 0).size());
  ground.simulator.reset_counters();

  const Value trial = berth.json({"sync", "zoho", "--dry-run", "--limit", "1000"});
  const std::int64_t calls = ground.simulator.calls("list") + ground.simulator.calls("detail") + ground.simulator.calls("file");
  CHECK((everything(berth) == before));   // both are long
  CHECK_FALSE(scratch_of(berth).has_value());
  CHECK(calls > 0);
  CHECK(number_at(trial, "calls.total") == calls);
  CHECK(ground.simulator.calls("file") == 0);
  CHECK(day_used(berth) == used + calls);
  REQUIRE(trial.find("entries_total")->integer().value() > 0);
  CHECK(trial.find("reversals_total")->integer().value() > 0);   // of the edit and the void
  // A mode that nobody mapped: its payment would wait, and for what is said.
  REQUIRE(trial.find("refusals")->size() == 1);
  const Value& refusal = trial.find("refusals")->items().at(0);
  CHECK(refusal.text_of("state") == "parked");
  CHECK(refusal.text_of("reason") == "ledger.unmapped");
  CHECK(refusal.find("waits_for")->items().at(0).text() == "account/payment_mode/Barter/acme_us");
  CHECK(row_where(*trial.find("unmapped_accounts"), "row", "payment_mode/Barter/acme_us").text_of("key") == "Barter");
  // What is posted adds up: per company and currency, debits and credits of the totals are equal.
  std::int64_t sum = 0;
  for (const Value& row : trial.find("totals")->items()) sum += cents(row.text_of("debit")) - cents(row.text_of("credit"));
  CHECK(trial.find("totals")->size() > 1);
  CHECK(sum == 0);

  std::vector<std::string> shown;
  for (const Value& entry : trial.find("entries")->items()) shown.push_back(berth::json::dump(entry));
  CHECK(static_cast<std::int64_t>(shown.size()) == number_at(trial, "entries_total"));
  berth.must({"sync", "zoho"});
  const std::vector<std::string> made = without_order(entries_after(berth, entries_before));
  shown = without_order(std::move(shown));
  CHECK(made.size() == shown.size());
  for (std::size_t i = 0; i < std::min(made.size(), shown.size()); ++i) CHECK(made[i] == shown[i]);
  CHECK((everything(berth) != before));
  CHECK(berth.run({"ledger", "check"}).exit == 0);
}

TEST_CASE("B5: a dry run before the first sync says which accounts are to be mapped, for people") {
  const Simulator simulator(kSizes);
  const Workspace berth(simulator);
  berth.connect();
  const std::vector<std::string> before = everything(berth);
  const std::string text = berth.must({"sync", "zoho", "--dry-run"});
  INFO(text);
  CHECK((everything(berth) == before));
  CHECK(text.find("totals of these entries:") != std::string::npos);   // credit notes need no account of their own
  CHECK(text.find("would be refused that are not refused now") != std::string::npos);
  CHECK(text.find("rows of the account table to map:") != std::string::npos);
  CHECK(text.find("default_income/-/acme_us") != std::string::npos);
  CHECK(text.find("dry run: nothing of this was kept") != std::string::npos);
  CHECK(berth.json({"runs", "zoho"}).find("runs")->size() == 0);
}

TEST_CASE("B5: a scratch copy is its owner's alone and has no secrets, and a killed dry run leaves nothing that stands in the way") {
  const Simulator simulator(kSizes);
  const Workspace berth(simulator);
  berth.connect();
  const std::vector<std::string> before = everything(berth);
  const auto process = stopped_dry_run(simulator, berth);
  const auto scratch = scratch_of(berth);
  REQUIRE(scratch.has_value());
  CHECK(mode_of(*scratch) == 0700);
  for (const auto& entry : fs::directory_iterator(*scratch)) CHECK_MESSAGE(mode_of(entry.path()) == 0600, entry.path().string());
  {
    // The file itself, without the log that may say that they are gone.
    const Database copy("file:" + (*scratch / "books.db").string() + "?immutable=1");
    for (const char* table : {"secret", "api_token", "oauth_state", "oauth_code_used"}) CHECK_MESSAGE(rows_of(copy.handle, std::string("SELECT 1 FROM ") + table).empty(), table);
    const Database whole((*scratch / "books.db").string());
    CHECK(rows_of(whole.handle, "SELECT 1 FROM record").size() > 5);
  }
  // A command beside it does not take it away.
  berth.must({"status"});
  CHECK(scratch_of(berth) == scratch);

  process->signal(SIGKILL);
  CHECK(process->wait().signal == SIGKILL);
  CHECK((everything(berth) == before));
  CHECK(scratch_of(berth).has_value());
  berth.must({"status"});
  CHECK_FALSE(scratch_of(berth).has_value());
  // Nobody waits for a lease, and what the killed one called is counted.
  CHECK(berth.json({"sync", "zoho"}).text_of("outcome") == "succeeded");
  CHECK(day_used(berth) >= simulator.calls("list") + simulator.calls("detail") + simulator.calls("file"));
}

TEST_CASE("B5: two dry runs beside a sync: nobody takes a lease from another or waits for one, each has a copy of its own") {
  const Simulator simulator(kSizes);
  Settings settings;
  settings.limits = "{per_minute: 60000, concurrent: 3, per_day: 100000}";
  const Workspace berth(simulator, settings);
  berth.connect();
  simulator.post("options", R"({"latency_ms": 100})");
  simulator.reset_counters();
  const auto sync = berth.start({"sync", "zoho"});
  REQUIRE(eventually([&] { return simulator.calls("detail") >= 3 || !sync->is_running(); }));
  const auto one = berth.start({"sync", "zoho", "--dry-run", "--phase", "contacts"});
  const auto two = berth.start({"sync", "zoho", "--dry-run", "--phase", "items"});
  // All three at once: both copies are there while the sync is under way.
  const auto copies = [&] {
    return std::count_if(fs::directory_iterator(berth.folder() / "data"), {}, [](const auto& entry) { return entry.path().filename().string().starts_with("scratch-"); });
  };
  CHECK(eventually([&] { return copies() == 2 || !one->is_running() || !two->is_running(); }));
  CHECK(copies() == 2);
  CHECK(sync->is_running());
  for (const auto& trial : {&one, &two}) {
    const Outcome ended = (*trial)->wait();
    CHECK_MESSAGE(ended.exit == 0, ended.out << ended.err);
  }
  CHECK(sync->wait().exit == 0);
  const Value runs = berth.json({"runs", "zoho"});
  REQUIRE(runs.find("runs")->size() == 1);
  CHECK(runs.find("runs")->items().at(0).text_of("outcome") == "succeeded");
  CHECK(berth.run({"ledger", "check"}).exit == 0);
  CHECK(copies() == 0);
}

TEST_CASE("B5: a dry run keeps the tokens that it refreshed, and has no room on a full disk") {
  const Simulator simulator(kSizes);
  const Workspace berth(simulator);
  berth.connect();
  simulator.post("tokens/expire");
  berth.must({"sync", "zoho", "--dry-run", "--phase", "items"});
  simulator.reset_counters();
  berth.must({"sync", "zoho", "--phase", "items"});
  CHECK(simulator.calls("token") == 0);

  const auto size = fs::file_size(berth.folder() / "data/berth.db");
  const std::vector<std::string> before = everything(berth);
  const Outcome full = berth.run_by({"prlimit", "--fsize=" + std::to_string(size / 2)}, {"sync", "zoho", "--dry-run"});
  CHECK(full.exit == 3);
  CHECK_MESSAGE(full.err.find("storage.full") != std::string::npos, full.err);
  CHECK((everything(berth) == before));
  CHECK_FALSE(scratch_of(berth).has_value());
}

TEST_CASE("B5: an estimate makes no call, needs no vault key, and says what the next sync then costs") {
  const Simulator simulator(kSizes);
  const Workspace berth(simulator);
  const std::string first = berth.must({"sync", "zoho", "--estimate"});
  CHECK_MESSAGE(first.find("nobody knows how many rows a list has before it was read once") != std::string::npos, first);
  CHECK_MESSAGE(first.find("1 per 200 rows, 1 per document, 1 per document for its file") != std::string::npos, first);
  CHECK(first.find("no call was made") != std::string::npos);
  berth.connect();
  berth.must({"sync", "zoho"});
  simulator.reset_counters();
  const std::vector<std::string> before = everything(berth);
  const Value foretold = berth.json({"sync", "zoho", "--estimate"});
  CHECK((everything(berth) == before));
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  CHECK(number_at(foretold, "at_least") == number_at(foretold, "at_most"));
  CHECK(number_at(foretold, "allowed") > 0);
  const Value report = berth.json({"sync", "zoho"});
  std::int64_t made = 0;
  for (const Value& phase : report.find("phases")->items()) made += number_at(*phase.find("calls"), "total");
  CHECK(made == number_at(foretold, "at_least"));
  const std::string text = berth.must({"sync", "zoho", "--estimate", "--full"});
  CHECK_MESSAGE(text.find("if everything that is stored had changed") != std::string::npos, text);
  CHECK_MESSAGE(text.find("calls are left of the day, after the reserve") != std::string::npos, text);
  CHECK(berth.run({"sync", "zoho", "--estimate", "--phase", "wages"}).exit == 2);
  CHECK(berth.run({"sync", "zoho", "--estimate", "--dry-run"}).exit == 2);
  CHECK(berth.run({"sync", "nobody", "--estimate"}).exit == 1);
}

TEST_CASE("what the command line changes in the books is in the audit log: accounts, months, revaluations, pauses") {
  Sizes sizes = kSizes;
  sizes.more = {"--foreign", "50"};
  const Simulator simulator(sizes);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  const auto audited = [&](const std::string& action) {
    const Database database((berth.folder() / "data/berth.db").string());
    return rows_of(database.handle, "SELECT actor FROM audit WHERE action = '" + action + "'");
  };
  CHECK(audited("account.map").size() > 3);
  CHECK(audited("account.map").front() == "cli|");
  const std::string closed = berth.must({"ledger", "period", "close", "acme_us", "2020-01"});
  CHECK(closed.find("2020-01 of acme_us is closed") != std::string::npos);
  CHECK(berth.must({"ledger", "period", "close", "acme_us", "2020-01"}).find("is closed already") != std::string::npos);
  CHECK(audited("period.close").size() == 1);
  berth.must({"ledger", "period", "open", "acme_us", "2020-01"});
  CHECK(audited("period.open").size() == 1);
  const std::vector<std::string> revalue{"ledger", "revalue", "zoho", "--currency", "EUR", "--rate", "1.5", "--date", "2030-01-31"};
  const std::string revalued = berth.must(revalue);
  CHECK_MESSAGE(revalued.find("taken back by entry") != std::string::npos, revalued);
  CHECK(berth.must(revalue).find("nothing to revalue") != std::string::npos);
  CHECK(audited("books.revalue").size() == 1);
  CHECK(berth.run({"ledger", "revalue", "zoho", "--currency", "EUR", "--rate", "one", "--date", "2030-01-31"}).exit == 2);
  berth.must({"pause", "zoho"});
  berth.must({"resume", "zoho"});
  CHECK(audited("integration.pause").size() == 1);
  CHECK(audited("integration.resume").size() == 1);
  berth.must({"ledger", "check"});
}
