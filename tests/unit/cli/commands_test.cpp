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
  CHECK(cli::exit_code_of(make_error(Code::kUnsupported, "app.storage_unsupported", "")) == cli::kEnvironment);
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
