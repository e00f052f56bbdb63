// Exit codes, commands that need no vault key, words that are no command, and damage that `ledger check` sees.
#include <sqlite3.h>

#include "host/cli/output.hpp"
#include "unit/cli/fixture.hpp"

using namespace berth;
using berth::test::Folder;

TEST_CASE("what a command stands on and cannot have is exit code 3, whatever the error's code") {
  for (const char* reason : {"vault.key_missing", "vault.key_permissions", "vault.wrong_key", "app.vault_key_missing", "storage.damaged", "server.listen"}) {
    CAPTURE(reason);
    CHECK(cli::exit_code_of(make_error(Code::kInvalidConfig, reason, "")) == cli::kEnvironment);
    CHECK(cli::exit_code_of(make_error(Code::kEnvironment, reason, "")) == cli::kEnvironment);
  }
  CHECK(cli::exit_code_of(make_error(Code::kUnavailable, "storage.unreachable", "")) == cli::kEnvironment);
  CHECK(cli::exit_code_of(make_error(Code::kConflict, "vault.key_exists", "")) == cli::kEnvironment);
  CHECK(cli::exit_code_of(make_error(Code::kInvalidConfig, "config.invalid", "")) == cli::kFindings);
  CHECK(cli::exit_code_of(make_error(Code::kConflict, "storage.refused", "")) == cli::kFindings);
  CHECK(cli::exit_code_of(make_error(Code::kInvalidArgument, "storage.page_invalid", "")) == cli::kWrongUsage);
  CHECK(cli::exit_code_of(make_error(Code::kInternal, "storage.failed", "")) == cli::kBug);
}

TEST_CASE("commands that only look need no vault key, the others say that it is missing, with exit code 3") {
  const Folder folder;
  const std::string file = folder.add_configuration();
  const auto status = test::berth({"-c", file, "status"});
  CHECK_MESSAGE(status.exit == 0, status.err);
  CHECK(status.out.find("zoho") != std::string::npos);  // declared, though nothing has run yet
  CHECK(status.out.find("pending") != std::string::npos);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"status", "zoho"}, {"runs", "zoho"}, {"accounts", "list", "zoho"}, {"records", "list", "zoho"}}) {
    CAPTURE(words.front());
    std::vector<std::string> line{"-c", file};
    line.insert(line.end(), words.begin(), words.end());
    const auto outcome = test::berth(line);
    CHECK_MESSAGE(outcome.exit == 0, outcome.err);
    line.back() = "nobody";
    const auto unknown = test::berth(line);
    CHECK(unknown.exit == 1);
    CHECK(unknown.err.find("runs.integration_unknown") != std::string::npos);
    CHECK(unknown.err.find("there are: zoho") != std::string::npos);
  }
  const auto locked = test::berth({"-c", file, "sync", "zoho"});
  CHECK(locked.exit == 3);
  CHECK(locked.err.find("error[vault.key_missing]") != std::string::npos);
}

TEST_CASE("a word that is no command is named, with the nearest command, and is wrong usage") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines{
      {{"sycn"}, "there is no command \"sycn\"; did you mean \"sync\"?"},
      {{"--json=false", "-c", "other.yaml", "sycn", "zoho"}, "there is no command \"sycn\"; did you mean \"sync\"?"},
      {{"ledger", "chekc"}, "there is no command \"ledger chekc\"; did you mean \"ledger check\"?"},
      {{"abracadabra"}, "there is no command \"abracadabra\"; see `berth --help`"}};
  for (const auto& [line, expected] : lines) {
    CAPTURE(expected);
    const auto outcome = test::berth(line);
    CHECK(outcome.exit == 2);
    CHECK(outcome.out.empty());
    CHECK_MESSAGE(outcome.err.find(expected) != std::string::npos, outcome.err);
  }
  // What is wrong otherwise is said as before.
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{{}, {"sync"}, {"ledger"}, {"sync", "zoho", "--no-such-flag"}, {"--no-such-option", "value", "status"}}) {
    const auto outcome = test::berth(line);
    CHECK(outcome.exit == 2);
    CHECK(outcome.err.find("there is no command") == std::string::npos);
    CHECK(!outcome.err.empty());
  }
}

TEST_CASE("ledger check looks at the database file too, and an empty file is not taken for a new one") {
  const Folder folder;
  const std::string file = folder.add_configuration();
  const auto sound = test::berth({"-c", file, "ledger", "check"});
  CHECK_MESSAGE(sound.exit == 0, sound.err);
  CHECK(sound.out.find("the books are sound") != std::string::npos);

  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open((folder / "data/berth.db").c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "PRAGMA foreign_keys = OFF; CREATE TABLE lost (id INTEGER REFERENCES schema_migration(version)); INSERT INTO lost VALUES (77);",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  const auto damaged = test::berth({"-c", file, "ledger", "check"});
  CHECK(damaged.exit == 1);
  CHECK_MESSAGE(damaged.out.find("storage: ") != std::string::npos, damaged.out);
  CHECK(damaged.out.find("lost") != std::string::npos);

  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(folder / (std::string("data/berth.db") + end));
  folder.write("data/berth.db", "");
  const auto empty = test::berth({"-c", file, "ledger", "check"});
  CHECK(empty.exit == 3);
  CHECK(empty.err.find("error[storage.damaged]") != std::string::npos);
}
TEST_CASE("opening receivables are imported from a file, all or nothing, once, and the audit log says so") {
  const Folder folder;
  const std::string file = folder.add_configuration();
  folder.write("accounts.yaml",
               "accounts:\n  - {id: receivable, name: Receivable, type: asset}\n  - {id: opening, name: Opening, type: equity}\n"
               "roles: {ar: receivable, opening_balance: opening}\n");
  REQUIRE(test::berth({"-c", file, "ledger", "check"}).exit == 0);   // makes the database
  const auto in_database = [&](const std::string& sql) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open((folder / "data/berth.db").c_str(), &handle) == SQLITE_OK);
    std::string first;
    const auto take = [](void* text, int, char** columns, char**) {
      *static_cast<std::string*>(text) = columns[0] != nullptr ? columns[0] : "";
      return 0;
    };
    char* message = nullptr;
    REQUIRE_MESSAGE(sqlite3_exec(handle, sql.c_str(), take, &first, &message) == SQLITE_OK, message);
    sqlite3_close(handle);
    return first;
  };
  in_database("INSERT INTO local_row (id, kind, name, integration, remote_id, document_json, created_ms) VALUES ('cus_1', 'customer', 'Bowman', 'zoho', 'C1', '{}', 0)");
  const std::string header = "invoice,number,customer,company,currency,open,base,date\n";
  const auto import = [&](const std::string& lines) {
    folder.write("opening.csv", header + lines);
    return test::berth({"-c", file, "ledger", "opening", "import", "zoho", folder / "opening.csv"});
  };

  const auto refused = import("I1,INV-1,C1,main,USD,900.00,,2025-12-31\nI2,INV-2,C404,main,USD,10.00,,2025-12-31\n");
  CHECK(refused.exit != 0);
  CHECK_MESSAGE(refused.err.find("C404") != std::string::npos, refused.err);
  CHECK(in_database("SELECT COUNT(*) FROM entry") == "0");
  CHECK(in_database("SELECT COUNT(*) FROM audit") == "0");

  const auto done = import("I1,INV-1,C1,main,USD,900.00,,2025-12-31\nI2,INV-2,C1,main,EUR,100.00,112.00,2025-12-31\n");
  CHECK_MESSAGE(done.exit == 0, done.err);
  CHECK_MESSAGE(done.out.find("2 opening receivables posted, 0 were there already") != std::string::npos, done.out);
  const auto again = import("I1,INV-1,C1,main,USD,900.00,,2025-12-31\n");
  CHECK_MESSAGE(again.out.find("0 opening receivables posted, 1 were there already") != std::string::npos, again.out);
  CHECK(in_database("SELECT COUNT(*) FROM entry") == "2");
  CHECK(in_database("SELECT action || ' ' || target || ' ' || detail_json FROM audit") == R"(ledger.opening zoho {"receivables":2})");
  const auto check = test::berth({"-c", file, "ledger", "check"});
  CHECK_MESSAGE(check.exit == 0, check.out);
  const auto other = import("I1,INV-1,C1,main,USD,901.00,,2025-12-31\n");
  CHECK(other.exit != 0);
  CHECK_MESSAGE(other.err.find("ledger.opening_exists") != std::string::npos, other.err);
}

