#include "contract/storage/engines.hpp"
#include "host/storage/audit.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/mapping_revisions.hpp"
#include "host/storage/oauth_states.hpp"
#include "host/storage/pins.hpp"
#include "host/storage/quota.hpp"
#include "host/storage/secrets.hpp"
#include "host/storage/tokens.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using storage::Connection;
namespace audit = storage::audit;
namespace integrations = storage::integrations;
namespace oauth_states = storage::oauth_states;

namespace {
storage::Integration declared(const char* company) {
  storage::Integration integration;
  integration.id = "zoho_acme";
  integration.plugin = "zoho_books";
  integration.company = company;
  integration.tenant = "default";
  integration.environment = "production";
  integration.mode = "pull_only";
  integration.created = kNow;
  return integration;
}
}  // namespace

TEST_CASE("declaring an integration again keeps what people decided and what happened") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      BERTH_CHECK(integrations::upsert_declared(c, declared("acme_us")));
      BERTH_CHECK(integrations::set_desired(c, "zoho_acme", "paused"));
      BERTH_CHECK(integrations::set_organization(c, "zoho_acme", "927", "Acme", R"({"currency":"USD"})"));
      BERTH_CHECK(integrations::set_connected(c, "zoho_acme", kNow));
      BERTH_CHECK(integrations::set_last_sync(c, "zoho_acme", kNow + 1h));
      BERTH_CHECK(integrations::set_backfill_floor(c, "zoho_acme", kNow - 1h));
      BERTH_CHECK(
          integrations::set_status(c, "zoho_acme", {"degraded", "http.timeout", "slow", "time", kNow + 5min}, kNow));
      BERTH_CHECK(integrations::set_status(
          c, "zoho_acme", {"degraded", "http.timeout", "still slow", "time", kNow + 9min}, kNow + 4min));
      BERTH_CHECK(integrations::upsert_declared(c, declared("acme_west")));
      const auto found = *BERTH_TRY(integrations::find(c, "zoho_acme"));
      CHECK(found.company == "acme_west");
      CHECK(found.desired == "paused");
      CHECK(found.remote_id == "927");
      CHECK(found.name == "Acme");
      CHECK(found.connected == kNow);
      CHECK(found.last_sync == kNow + 1h);
      CHECK(found.backfill_floor == kNow - 1h);
      CHECK(found.message == "still slow");
      CHECK(found.since == kNow);
      CHECK(found.next_attempt == kNow + 9min);
      CHECK(BERTH_TRY(integrations::list(c)).size() == 1);
      return success();
    });
  });
}

TEST_CASE("an id is taken by another origin or plugin, and setters want an integration that is there") {
  on_every_engine([](storage::Database& database) {
    auto api = declared("acme_us");
    api.origin = "api";
    CHECK(refusal(database, [&](Connection& c) { return integrations::insert(c, api); }).empty());
    CHECK(refusal(database, [&](Connection& c) { return integrations::insert(c, api); }) ==
          "storage.integration_taken");
    CHECK(refusal(database, [](Connection& c) { return integrations::upsert_declared(c, declared("acme_us")); }) ==
          "storage.integration_taken");
    CHECK(refusal(database, [](Connection& c) { return integrations::set_desired(c, "other", "paused"); }) ==
          "storage.not_found");
  });
}

TEST_CASE("a state of an authorisation is good once and until it expires") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (const char* hash : {"a", "b"})
        BERTH_CHECK(oauth_states::put(c, {hash, "i", "http://127.0.0.1/cb", "{}", kNow + 10min}, kNow));
      CHECK(BERTH_TRY(oauth_states::take(c, "a", kNow))->redirect_uri == "http://127.0.0.1/cb");
      CHECK_FALSE(BERTH_TRY(oauth_states::take(c, "a", kNow)));
      CHECK_FALSE(BERTH_TRY(oauth_states::take(c, "b", kNow + 10min)));
      CHECK_FALSE(BERTH_TRY(oauth_states::take(c, "c", kNow)));
      CHECK(BERTH_TRY(oauth_states::use_code(c, "code", kNow)));
      CHECK_FALSE(BERTH_TRY(oauth_states::use_code(c, "code", kNow)));
      BERTH_CHECK(oauth_states::prune_codes(c, kNow + 1ms));
      CHECK(BERTH_TRY(oauth_states::use_code(c, "code", kNow)));
      return success();
    });
  });
}

TEST_CASE("states under way are limited, and expired ones make room") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      for (int i = 0; i < oauth_states::kUnderWayMax; ++i) {
        BERTH_CHECK(oauth_states::put(c, {std::to_string(i), "i", "", "{}", kNow + 10min}, kNow));
      }
      return success();
    });
    const auto put = [](Instant now) {
      return [now](Connection& c) { return oauth_states::put(c, {"more", "i", "", "{}", now + 10min}, now); };
    };
    CHECK(refusal(database, put(kNow)) == "storage.oauth_states_full");
    CHECK(refusal(database, put(kNow + 10min)).empty());
  });
}

TEST_CASE("the audit chain shows a changed, a removed and an inserted entry") {
  const char* tampering[] = {"UPDATE audit SET actor = 'nobody' WHERE id = 2", "DELETE FROM audit WHERE id = 2",
                             "UPDATE audit SET detail_json = '[]', previous_hash = '' WHERE id = 1",
                             "INSERT INTO audit (at_ms, actor, action, target, detail_json, previous_hash, hash) "
                             "VALUES (0, '', '', '', '', '', '')"};
  for (const char* sql : tampering) {
    INFO(sql);
    on_every_engine([&](storage::Database& database) {
      write(database, [&](Connection& c) -> Result<Unit> {
        for (int i = 0; i < 3; ++i) {
          BERTH_TRY(audit::append(
              c, {0, kNow, "token:console", "integration.pause", "zoho_acme", R"({"why":"\"quoted\""})", "", ""}));
        }
        CHECK(BERTH_TRY(audit::verify(c)).empty());
        const auto page = BERTH_TRY(audit::list(c, {.limit = 2}));
        CHECK(page.items.front().id == 3);
        CHECK(BERTH_TRY(audit::list(c, {.after = page.next, .limit = 2})).items.front().id == 1);
        CHECK(BERTH_TRY(c.execute(sql)) == 1);
        CHECK(BERTH_TRY(audit::verify(c)).size() == 1);
        return success();
      });
    });
  }
}

TEST_CASE("a revoked token is not found, and two tokens cannot have one hash") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      BERTH_CHECK(storage::tokens::insert(c, {"tok_1", "console", "admin", "hash", kNow, {}, {}}));
      BERTH_CHECK(storage::tokens::touch(c, "tok_1", kNow + 1h));
      CHECK(BERTH_TRY(storage::tokens::find_by_hash(c, "hash"))->last_used == kNow + 1h);
      CHECK(BERTH_TRY(storage::tokens::revoke(c, "tok_1", kNow)));
      CHECK_FALSE(BERTH_TRY(storage::tokens::revoke(c, "tok_1", kNow)));
      CHECK_FALSE(BERTH_TRY(storage::tokens::find_by_hash(c, "hash")));
      CHECK(BERTH_TRY(storage::tokens::list(c)).front().revoked == kNow);
      return success();
    });
    CHECK(refusal(database, [](Connection& c) {
            return storage::tokens::insert(c, {"tok_2", "", "viewer", "hash", kNow, {}, {}});
          }) == "storage.unique");
  });
}

TEST_CASE("a mapping that comes back is the latest again") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      namespace revisions = storage::mapping_revisions;
      CHECK(BERTH_TRY(revisions::save(c, {"i", "r1", "one", kNow})));
      CHECK_FALSE(BERTH_TRY(revisions::save(c, {"i", "r1", "one", kNow})));
      CHECK(BERTH_TRY(revisions::save(c, {"i", "r2", "two", kNow})));
      CHECK(BERTH_TRY(revisions::latest(c, "i"))->text == "two");
      CHECK(BERTH_TRY(revisions::save(c, {"i", "r1", "one", kNow})));
      CHECK(BERTH_TRY(revisions::latest(c, "i"))->revision == "r1");
      CHECK(BERTH_TRY(revisions::list(c, "i")).size() == 2);
      CHECK(BERTH_TRY(revisions::find(c, "i", "r2"))->text == "two");
      return success();
    });
  });
}

TEST_CASE("pins, quota and envelopes are kept by their names") {
  on_every_engine([](storage::Database& database) {
    write(database, [](Connection& c) -> Result<Unit> {
      BERTH_CHECK(storage::pins::set(c, {"zoho_books", "aa", kNow, "cli:root"}));
      BERTH_CHECK(storage::pins::set(c, {"zoho_books", "bb", kNow, "cli:root"}));
      CHECK(BERTH_TRY(storage::pins::find(c, "zoho_books"))->sha256 == "bb");
      CHECK(BERTH_TRY(storage::pins::list(c)).size() == 1);
      CHECK(BERTH_TRY(storage::pins::erase(c, "zoho_books")));
      CHECK_FALSE(BERTH_TRY(storage::pins::erase(c, "zoho_books")));

      CHECK_FALSE(BERTH_TRY(storage::quota::load(c, "x")));
      BERTH_CHECK(storage::quota::save(c, "x", "1", kNow));
      BERTH_CHECK(storage::quota::save(c, "x", "2", kNow));
      CHECK(*BERTH_TRY(storage::quota::load(c, "x")) == "2");

      BERTH_CHECK(storage::secrets::put(c, {"i", "token", 1, "k", std::string("\0a", 2), "b", kNow}));
      BERTH_CHECK(storage::secrets::put(c, {"", "token", 1, "k", "c", "d", kNow}));
      CHECK(BERTH_TRY(storage::secrets::find(c, "i", "token"))->sealed_key == std::string("\0a", 2));
      CHECK(BERTH_TRY(storage::secrets::list(c, "i")).size() == 1);
      CHECK(BERTH_TRY(storage::secrets::list_all(c)).size() == 2);
      CHECK(BERTH_TRY(storage::secrets::erase(c, "i", "token")));
      CHECK_FALSE(BERTH_TRY(storage::secrets::find(c, "i", "token")));
      return success();
    });
  });
}
