// `berth db`: backups, restores and the move to PostgreSQL, as an operator types them.
#include <doctest/doctest.h>

#include <filesystem>

#include "e2e/support/world.hpp"
#include "support/postgresql_server.hpp"

using namespace e2e;

namespace {

/// Another storage into berth.yaml.
void store_in(const Workspace& berth, const std::string& where) {
  std::string text = berth.read("berth.yaml");
  const auto at = text.find("storage:");
  REQUIRE(at != std::string::npos);
  text.replace(at, text.find('\n', at) - at, "storage: " + where);
  berth.write("berth.yaml", text);
}

}  // namespace

TEST_CASE("P2: an operator moves the books to PostgreSQL and back by command, and syncs go on with the same journal") {
  if (const auto why = berth::test::PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  const Simulator simulator({.contacts = 10, .items = 6, .invoices = 40, .payments = 20});
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  const std::string journal = berth.sorted_journal();
  REQUIRE(journal.size() > 1000);

  const std::string url = berth::test::PostgresqlServer::shared().create_database();
  const std::string told = berth.must({"db", "migrate", "--to", url});
  CHECK(told.find("books sound") != std::string::npos);
  CHECK(told.find("storage: " + url) != std::string::npos);
  // A second time there is something there, and nothing happens.
  const auto again = berth.run({"db", "migrate", "--to", url});
  CHECK(again.exit == 1);
  CHECK(again.err.find("storage.not_empty") != std::string::npos);

  store_in(berth, url);
  CHECK(berth.sorted_journal() == journal);
  CHECK(berth.must({"db", "check"}).find("postgresql: sound") != std::string::npos);
  simulator.post("invoices", R"({"line_items":[{"name":"Work","rate":70,"quantity":1}]})");
  berth.must({"sync", "zoho"});
  const std::string after = berth.sorted_journal();
  CHECK(after.size() > journal.size());
  berth.must({"sync", "zoho", "--dry-run"});
  berth.must({"ledger", "check"});
  berth.must({"doctor"});

  // A backup of PostgreSQL is a file, and becomes SQLite's database.
  const std::string backup = (berth.folder() / "backup.db").string();
  berth.must({"db", "backup", backup});
  CHECK(berth.run({"db", "backup", backup}).err.find("storage.file_exists") != std::string::npos);
  store_in(berth, "sqlite");
  CHECK(berth.sorted_journal() == journal);  // the old one, as it was left
  CHECK(berth.run({"db", "restore", backup}).err.find("storage.file_exists") != std::string::npos);
  for (const char* part : {"berth.db", "berth.db-wal", "berth.db-shm"}) std::filesystem::remove(berth.folder() / "data" / part);
  berth.must({"db", "restore", backup});
  CHECK(berth.sorted_journal() == after);
  CHECK(berth.json({"sync", "zoho"}).text_of("outcome") != "failed");
  CHECK(berth.sorted_journal() == after);
}

TEST_CASE("P2: what replaces or moves the books is refused beside a host that serves, even an idle one, and a password in an address too") {
  const Simulator simulator({.contacts = 2, .items = 2, .invoices = 2, .payments = 2});
  const Workspace berth(simulator);
  const std::string backup = (berth.folder() / "backup.db").string();
  berth.must({"db", "check"});
  {
    const auto host = berth.serve();
    berth.must({"db", "backup", backup});  // this one may
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"db", "migrate", "--to", "postgresql://nobody@127.0.0.1:1/books"},
                                                      std::vector<std::string>{"db", "restore", backup}}) {
      const auto refused = berth.run(arguments);
      CHECK(refused.exit == 1);
      CHECK_MESSAGE(refused.err.find("storage.in_use") != std::string::npos, refused.err);
    }
  }
  for (const char* address : {"postgresql://u:made-up-word@127.0.0.1:1/b", "postgresql://u@127.0.0.1:1/b?password=made-up-word", "postgresql://u:made-up-word/x@127.0.0.1:1/b"}) {
    CAPTURE(address);
    const auto refused = berth.run({"db", "migrate", "--to", address});
    CHECK(refused.exit == 2);
    CHECK(refused.err.find("--password") != std::string::npos);
    CHECK((refused.out + refused.err).find("made-up-word") == std::string::npos);
  }
  const auto full = berth.run_by({"prlimit", "--fsize=100000"}, {"db", "backup", (berth.folder() / "full.db").string()});
  CHECK_MESSAGE(full.err.find("storage.full") != std::string::npos, full.err);
  for (const auto& entry : std::filesystem::directory_iterator(berth.folder())) CHECK_FALSE(entry.path().filename().string().starts_with("full.db"));
}

TEST_CASE("a damaged backup, a file that is none, and a wrong address are told, and nothing is written") {
  const Simulator simulator({.contacts = 5, .items = 5, .invoices = 10, .payments = 5});
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  const std::filesystem::path good = berth.folder() / "good.db";
  berth.must({"db", "backup", good.string()});
  CHECK((std::filesystem::status(good).permissions() & std::filesystem::perms::others_read) == std::filesystem::perms::none);
  std::filesystem::rename(berth.folder() / "data/berth.db", berth.folder() / "aside.db");
  for (const char* part : {"berth.db-wal", "berth.db-shm"}) std::filesystem::remove(berth.folder() / "data" / part);

  std::string bytes = berth.read("good.db");
  berth.write("cut.db", bytes.substr(0, bytes.size() / 2));
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 4096; ++i) bytes[i] = 'x';
  berth.write("spoilt.db", bytes);
  berth.write("text.db", "no database\n");
  for (const char* name : {"cut.db", "spoilt.db", "text.db", "nothing.db"}) {
    CAPTURE(name);
    const auto refused = berth.run({"db", "restore", (berth.folder() / name).string()});
    CHECK(refused.exit != 0);
    CHECK_MESSAGE((refused.err.find("storage.damaged") != std::string::npos || refused.err.find("storage.backup_missing") != std::string::npos),
                  refused.err);
    CHECK_FALSE(std::filesystem::exists(berth.folder() / "data/berth.db"));
  }
  for (const auto& entry : std::filesystem::directory_iterator(berth.folder() / "data"))
    CHECK_MESSAGE(entry.path().filename().string().find("restore") == std::string::npos, entry.path().string());
  berth.must({"db", "restore", good.string()});
  berth.must({"db", "check"});
  CHECK(berth.run({"db", "migrate", "--to", "postgresql://nobody@127.0.0.1:1/books"}).exit == 3);
  CHECK(berth.run({"db", "migrate", "--to", "mysql://x"}).exit == 2);
}
