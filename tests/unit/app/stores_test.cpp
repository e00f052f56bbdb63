// Tokens in the vault and open authorisations in the database, as two processes would use them.
#include "host/app/stores.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "host/core/random.hpp"
#include "host/vault/master_key.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

struct Kept {
  TemporaryFolder folder;
  ManualClock clock{Instant{kStart * 1000}};
  SystemRandom random;
  std::unique_ptr<storage::Database> database = storage::open_sqlite({.path = (folder.path() / "berth.db").string()}, clock).value();
  std::unique_ptr<vault::Vault> vault;
  Kept() {
    const std::string key = (folder.path() / "vault.key").string();
    REQUIRE(vault::create_key_file(key, random).ok());
    vault = std::make_unique<vault::Vault>(*database, vault::load_master_key("file:" + key).value(), random, clock);
    REQUIRE(database->write("test.write", [&](storage::Connection& connection) -> Status {
      for (const char* id : {"one", "two"}) {
        storage::Integration row;
        row.id = id;
        row.plugin = "zoho_books";
        row.company = "acme_us";
        row.tenant = "default";
        row.environment = "production";
        row.mode = "pull_only";
        row.created = clock.now();
        BERTH_CHECK(storage::integrations::insert(connection, row));
      }
      return success();
    }).ok());
  }
};

oauth::TokenSet tokens(std::uint64_t generation, const std::string& access) {
  oauth::TokenSet set;
  set.access = Secret(access);
  set.refresh = Secret("1000.refresh");
  set.generation = generation;
  set.location = "us";
  return set;
}

}  // namespace

TEST_CASE("D1: tokens are replaced only by who saw the newest ones") {
  Kept kept;
  app::VaultTokenStore store(*kept.database, *kept.vault);
  CHECK(!store.load("one").value().has_value());
  CHECK(store.save("one", tokens(1, "1000.a"), 0).value());
  CHECK(!store.save("one", tokens(1, "1000.b"), 0).value());   // somebody was first
  CHECK(store.load("one").value()->access.reveal() == "1000.a");
  app::VaultTokenStore other(*kept.database, *kept.vault);
  CHECK(other.save("one", tokens(2, "1000.c"), 1).value());
  CHECK(!store.save("one", tokens(2, "1000.d"), 1).value());
  CHECK(store.load("one").value()->access.reveal() == "1000.c");
  CHECK(store.load("one").value()->generation == 2);
  CHECK(!store.load("two").value().has_value());
  CHECK(store.remove("one").ok());
  CHECK(!store.load("one").value().has_value());
  CHECK(store.remove("one").ok());
}

TEST_CASE("D1: of many that replace the same generation at once, one succeeds") {
  Kept kept;
  app::VaultTokenStore store(*kept.database, *kept.vault);
  REQUIRE(store.save("one", tokens(1, "1000.a"), 0).value());
  std::atomic<int> won = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        app::VaultTokenStore mine(*kept.database, *kept.vault);
        if (mine.save("one", tokens(2, "1000." + std::to_string(i)), 1).value_or(false)) ++won;
      });
    }
  }
  CHECK(won == 1);
}

TEST_CASE("no token is in the database in plain") {
  Kept kept;
  app::VaultTokenStore store(*kept.database, *kept.vault);
  REQUIRE(store.save("one", tokens(1, "1000.VERYSECRETACCESS"), 0).value());
  for (const auto& file : std::filesystem::directory_iterator(kept.folder.path())) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    CHECK_MESSAGE(content.find("VERYSECRETACCESS") == std::string::npos, file.path().string());
  }
}

TEST_CASE("a state is taken once, an expired one is handed over to be told so, a code is claimed once") {
  Kept kept;
  app::DatabaseStateStore states(*kept.database, kept.clock);
  const oauth::PendingState pending{.integration = "one", .redirect_uri = "http://localhost/back", .location = "eu", .pkce_verifier = "v", .expires_at = kept.clock.now() + 15min};
  REQUIRE(states.put("hash", pending).ok());
  kept.clock.advance(20min);
  app::DatabaseStateStore other(*kept.database, kept.clock);
  const auto taken = other.take("hash").value();
  REQUIRE(taken.has_value());
  CHECK(taken->integration == "one");
  CHECK(taken->location == "eu");
  CHECK(taken->pkce_verifier == "v");
  CHECK(taken->redirect_uri == pending.redirect_uri);
  CHECK(taken->expires_at < kept.clock.now());
  CHECK(!states.take("hash").value().has_value());
  CHECK(!states.take("never").value().has_value());
  CHECK(states.claim_code("code", kept.clock.now() + 1h).value());
  CHECK(!other.claim_code("code", kept.clock.now() + 1h).value());
  CHECK(states.claim_code("another", kept.clock.now() + 1h).value());
}
