// Credentials that are not there and vaults that do not open: said at once, before anything goes to the remote system.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "bad_input/fixture.hpp"
#include "bad_input/table.hpp"

using namespace bad_input;

namespace {

constexpr const char* kSync = "berth sync zoho";
/// Ids of keys are made by chance.
const Replacements kKeyIds{{"vault key [0-9a-f]{16}", "vault key 0f3a96c1d2b45e78"}, {"in use is [0-9a-f]{16}", "in use is 77c01b9e4a5d3f26"}};

const Row kUnset(Section::kSecrets, "secret.unset", "the variable of a secret is not set", kSync, "config.secret_missing");
const Row kEmpty(Section::kSecrets, "secret.empty", "the variable of a secret is empty", kSync, "config.secret_missing");
const Row kFileMissing(Section::kSecrets, "secret.file_missing", "the file of a secret is not there", kSync, "config.secret_missing");
const Row kFileEmpty(Section::kSecrets, "secret.file_empty", "the file of a secret is empty", kSync, "config.secret_missing");
const Row kFileHuge(Section::kSecrets, "secret.file_huge", "the file of a secret is another file", kSync, "config.secret_too_large");
const Row kKeyMissing(Section::kSecrets, "vault.key_missing", "the vault key is not there", kSync, "vault.key_missing");
const Row kKeyOther(Section::kSecrets, "vault.key_other", "another vault key than the one that sealed the tokens", kSync, "vault.wrong_key");
const Row kKeyShort(Section::kSecrets, "vault.key_short", "half of the vault key", kSync, "vault.key_invalid");
const Row kKeyOpen(Section::kSecrets, "vault.key_open", "a vault key that others may read", kSync, "vault.key_permissions");
const Row kKeyFolder(Section::kSecrets, "vault.key_folder", "a folder instead of the vault key", kSync, "vault.key_permissions");
const Row kDamaged(Section::kSecrets, "vault.damaged", "a secret that was changed in the database", kSync, "vault.damaged");

}  // namespace

TEST_CASE("a secret that is not there is named, and nothing is sent") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  books.simulator.reset_counters();
  kUnset.answered(berth, berth.run_by({"env", "-u", "ZOHO_CLIENT_SECRET"}, {"sync", "zoho"}), 1);
  kEmpty.answered(berth, berth.run_by({"env", "ZOHO_CLIENT_SECRET="}, {"sync", "zoho"}), 1);
  {
    const Broken named(berth, "berth.yaml", with_mistake(berth.read("berth.yaml"), "secret: env:ZOHO_CLIENT_SECRET", "secret: file:./secrets/client"));
    kFileMissing.refused(berth, 1);
    write_bytes(berth.folder() / "secrets/client", "");
    kFileEmpty.refused(berth, 1);
    write_bytes(berth.folder() / "secrets/client", std::string(100'000, 'x'));
    kFileHuge.refused(berth, 1);
    write_bytes(berth.folder() / "secrets/client", std::string(e2e::kClientSecret) + "\n");
    CHECK(books.simulator.calls("list") == 0);
    CHECK(books.simulator.calls("token") == 0);
    CHECK(berth.run({"sync", "zoho"}).exit == 0);
  }
  books.check_recovered();
}

TEST_CASE("a vault that does not open says which key is missing, and opens again with it") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  const std::filesystem::path key = berth.folder() / "secrets/vault.key", away = berth.folder() / "secrets/away.key";
  const std::string good = bytes_of(key);
  books.simulator.reset_counters();
  std::filesystem::rename(key, away);
  kKeyMissing.refused(berth, 3);
  berth.must({"vault", "init"});
  kKeyOther.refused(berth, 3, kKeyIds);
  CHECK(berth.run({"vault", "status"}).exit == 1);
  write_bytes(key, good.substr(0, good.size() / 2));
  kKeyShort.refused(berth, 3);
  write_bytes(key, good);
  chmod(key.c_str(), 0644);
  kKeyOpen.refused(berth, 3);
  std::filesystem::remove(key);
  std::filesystem::create_directory(key);
  kKeyFolder.refused(berth, 3);
  std::filesystem::remove(key);
  std::filesystem::rename(away, key);
  // What needs no secret worked all the time; what needs one never asked the remote system without it.
  CHECK(books.simulator.calls("list") + books.simulator.calls("token") == 0);
  books.check_recovered();
}

TEST_CASE("a sealed secret that was changed is not used, and connecting again writes it anew") {
  const Books books;
  const e2e::Workspace& berth = books.berth;
  sql(books.database(), "UPDATE secret SET sealed_value = zeroblob(200)");
  books.simulator.reset_counters();
  kDamaged.refused(berth, 3);
  CHECK(books.simulator.calls("list") + books.simulator.calls("token") == 0);
  // What cannot be read is in nobody's way: neither of disconnecting nor of connecting.
  const e2e::Outcome forgotten = berth.run({"disconnect", "zoho"});
  CHECK(forgotten.err.find("oauth.not_revoked") != std::string::npos);
  berth.connect();
  sql(books.database(), "UPDATE secret SET sealed_value = zeroblob(200)");
  berth.connect();
  books.check_recovered();
}
