#include "host/vault/vault.hpp"

#include <thread>

#include "contract/storage/engines.hpp"
#include "host/vault/envelope.hpp"

using namespace berth;
using namespace berth::test;
using storage::Connection;
using vault::MasterKey;
using vault::Vault;

namespace {

MasterKey key_of(char byte) {
  return must(MasterKey::from_bytes(std::string(32, byte)));
}

struct Fixture {
  TemporaryFolder folder;
  ManualClock clock{kNow};
  SeededRandom random{7};
  std::unique_ptr<storage::Database> database = must(storage::open_sqlite({.path = folder.file("berth.db")}, clock));
  Vault vault{*database, key_of('k'), random, clock};

  std::string text(std::string_view owner, std::string_view name) {
    return std::string(must(vault.get(owner, name)).reveal());
  }
  void sql(std::string_view statement) {
    write(*database, [&](Connection& c) { return c.execute(statement); });
  }
};

}  // namespace

TEST_CASE("an envelope that was moved to another name, owner or version does not open") {
  Fixture f;
  must(f.vault.put("zoho_acme", "refresh_token", Secret("made-up token")));
  for (const char* move :
       {"UPDATE secret SET name = 'client_secret'", "UPDATE secret SET owner = 'zoho_other', name = 'refresh_token'",
        "UPDATE secret SET owner = 'zoho_acme', name = 'refresh_token', version = 2"}) {
    f.sql(move);
    const auto row = read(*f.database, [](Connection& c) { return storage::secrets::list_all(c); }).front();
    CHECK(f.vault.get(row.owner, row.name).error().reason == "vault.damaged");
  }
  f.sql("UPDATE secret SET version = 1");
  CHECK(f.text("zoho_acme", "refresh_token") == "made-up token");
}

TEST_CASE("an envelope put back from an older version of the same name does not open as the newer one") {
  Fixture f;
  must(f.vault.put("i", "token", Secret("old")));
  const auto old = *read(*f.database, [](Connection& c) { return storage::secrets::find(c, "i", "token"); });
  must(f.vault.put("i", "token", Secret("new")));
  auto mixed = *read(*f.database, [](Connection& c) { return storage::secrets::find(c, "i", "token"); });
  CHECK(mixed.version == old.version + 1);
  mixed.sealed_key = old.sealed_key;
  mixed.sealed_value = old.sealed_value;
  write(*f.database, [&](Connection& c) { return storage::secrets::put(c, mixed); });
  CHECK(f.vault.get("i", "token").error().reason == "vault.damaged");
}

TEST_CASE("a change of any single byte of an envelope is refused") {
  SeededRandom random(1);
  const auto key = key_of('k');
  const vault::Identity identity{"i", "token", 1};
  const auto sealed = vault::seal(key, identity, "made-up token", random);
  CHECK(must(vault::open(key, identity, sealed)).reveal() == "made-up token");
  for (std::size_t at = 0; at < sealed.sealed_key.size(); ++at) {
    auto changed = sealed;
    changed.sealed_key[at] = static_cast<char>(changed.sealed_key[at] ^ 1);
    CHECK_FALSE(vault::open(key, identity, changed).ok());
  }
  for (std::size_t at = 0; at < sealed.sealed_value.size(); ++at) {
    auto changed = sealed;
    changed.sealed_value[at] = static_cast<char>(changed.sealed_value[at] ^ 1);
    CHECK_FALSE(vault::open(key, identity, changed).ok());
  }
  for (const auto size : {std::size_t{0}, std::size_t{10}, sealed.sealed_value.size() - 1}) {
    auto cut = sealed;
    cut.sealed_value.resize(size);
    CHECK_FALSE(vault::open(key, identity, cut).ok());
  }
  CHECK_FALSE(vault::open(key, {"it", "oken", 1}, sealed).ok());
  CHECK_FALSE(vault::open(key_of('x'), identity, sealed).ok());
}

TEST_CASE("another master key is vault.wrong_key and names both keys, and no value") {
  Fixture f;
  must(f.vault.put("i", "token", Secret("made-up token")));
  Vault other(*f.database, key_of('o'), f.random, f.clock);
  const auto error = other.get("i", "token").error();
  CHECK(error.reason == "vault.wrong_key");
  CHECK(error.message.find(key_of('k').id()) != std::string::npos);
  CHECK(error.message.find(key_of('o').id()) != std::string::npos);
  const auto status = must(other.status());
  CHECK(status.other_key == 1);
  CHECK(status.other_key_ids == std::vector<std::string>{key_of('k').id()});
  CHECK(other.rotate(key_of('n')).error().reason == "vault.wrong_key");
}

TEST_CASE("rotation seals all data keys anew and leaves the values, the old key opens nothing then") {
  Fixture f;
  must(f.vault.put("i", "token", Secret("one")));
  must(f.vault.put("", "console", Secret(std::string("two\0bytes", 9))));
  const auto before = read(*f.database, [](Connection& c) { return storage::secrets::list_all(c); });
  CHECK(must(f.vault.rotate(key_of('n'))) == 2);
  const auto after = read(*f.database, [](Connection& c) { return storage::secrets::list_all(c); });
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(after[i].sealed_value == before[i].sealed_value);
    CHECK(after[i].sealed_key != before[i].sealed_key);
    CHECK(after[i].key_id == key_of('n').id());
  }
  CHECK(f.text("i", "token") == "one");
  CHECK(f.text("", "console") == std::string("two\0bytes", 9));
  must(f.vault.put("i", "token", Secret("three")));
  CHECK(must(f.vault.status()).other_key == 0);
  CHECK(Vault(*f.database, key_of('k'), f.random, f.clock).get("i", "token").error().reason == "vault.wrong_key");
}

TEST_CASE("a rotation that meets a damaged envelope changes nothing") {
  Fixture f;
  must(f.vault.put("a", "good", Secret("one")));
  must(f.vault.put("b", "bad", Secret("two")));
  f.sql("UPDATE secret SET version = 9 WHERE owner = 'b'");
  CHECK(f.vault.rotate(key_of('n')).error().reason == "vault.damaged");
  CHECK(f.text("a", "good") == "one");
  CHECK(must(f.vault.status()).key_id == key_of('k').id());
}

TEST_CASE("secrets are read and written by other threads while the key is rotated") {
  Fixture f;
  must(f.vault.put("i", "token", Secret("one")));
  std::atomic<bool> failed = false;
  std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!f.vault.get("i", "token").ok() || !f.vault.put("i", "other", Secret("x")).ok()) failed = true;
    }
  });
  for (char byte = 'a'; byte < 'k'; ++byte) must(f.vault.rotate(key_of(byte)));
  reader.request_stop();
  reader.join();
  CHECK_FALSE(failed.load());
  CHECK(must(f.vault.status()).other_key == 0);
}

TEST_CASE("nothing of a secret lies readable in the database file") {
  Fixture f;
  must(f.vault.put("i", "token", Secret("needle-in-the-file")));
  const auto row = *read(*f.database, [](Connection& c) { return storage::secrets::find(c, "i", "token"); });
  CHECK(row.sealed_value.find("needle") == std::string::npos);
  must(f.vault.put("i", "token", Secret("needle-in-the-file")));
  CHECK(read(*f.database, [](Connection& c) { return storage::secrets::find(c, "i", "token"); })->sealed_value !=
        row.sealed_value);
}

TEST_CASE("names and sizes are limited, and what is not there is vault.not_found") {
  Fixture f;
  CHECK(f.vault.put("i", "", Secret("x")).error().reason == "vault.name_invalid");
  CHECK(f.vault.put("i", std::string(201, 'n'), Secret("x")).error().reason == "vault.name_invalid");
  CHECK(f.vault.put("i", "n", Secret(std::string(vault::kSecretBytesMax + 1, 'x'))).error().reason ==
        "vault.too_large");
  CHECK(f.vault.get("i", "n").error().reason == "vault.not_found");
  CHECK_FALSE(must(f.vault.try_get("i", "n")));
  must(f.vault.put("i", "empty", Secret("")));
  CHECK(f.text("i", "empty").empty());
  CHECK(must(f.vault.list("i")).front().name == "empty");
  CHECK(must(f.vault.erase("i", "empty")));
  CHECK_FALSE(must(f.vault.erase("i", "empty")));
}

TEST_CASE("a secret put in a transaction that fails is not kept") {
  Fixture f;
  CHECK(refusal(*f.database, [&](Connection& c) -> Result<Unit> {
          BERTH_CHECK(f.vault.put(c, "i", "token", Secret("x")));
          return make_error(Code::kInternal, "test.stop", "stopped on purpose");
        }) == "test.stop");
  CHECK_FALSE(must(f.vault.try_get("i", "token")));
}
