#include "host/vault/master_key.hpp"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "contract/storage/engines.hpp"
#include "host/core/hash.hpp"

using namespace berth;
using namespace berth::test;
using vault::load_master_key;

namespace {

constexpr const char* kVariable = "BERTH_TEST_VAULT_KEY";
const std::string kBytes(32, '\x2a');

std::string write_file(const TemporaryFolder& folder, const std::string& content, mode_t mode = 0600) {
  auto path = folder.file("vault.key");
  std::ofstream(path, std::ios::binary) << content;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}
std::string reason(std::string_view source) {
  const auto key = load_master_key(source);
  return key.ok() ? "" : key.error().reason;
}

}  // namespace

TEST_CASE("a key file that others can read or write is refused") {
  const TemporaryFolder folder;
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0666}) {
    CHECK(reason("file:" + write_file(folder, kBytes, mode)) == "vault.key_permissions");
  }
  CHECK(reason("file:" + write_file(folder, kBytes, 0400)).empty());
  CHECK(reason("file:" + folder.file("")) == "vault.key_permissions");  // a folder
  CHECK(reason("file:" + folder.file("missing")) == "vault.key_missing");
}

TEST_CASE("a key of the wrong length, of zeros or in no known encoding is refused without being shown") {
  const TemporaryFolder folder;
  for (const auto& content : {std::string(), std::string(31, 'x'), std::string(33, 'x'), std::string(64, 'g'),
                              std::string(100'000, 'a'), std::string(32, '\0')}) {
    CHECK(reason("file:" + write_file(folder, content)) == "vault.key_invalid");
  }
  ::setenv(kVariable, "not-a-key", 1);
  const auto key = load_master_key(std::string("env:") + kVariable);
  CHECK(key.error().reason == "vault.key_invalid");
  CHECK(key.error().message.find("not-a-key") == std::string::npos);
}

TEST_CASE("the same key comes from raw bytes, hex and base64, from a file, the environment and a credential") {
  const TemporaryFolder folder;
  const auto id = must(vault::MasterKey::from_bytes(kBytes)).id();
  CHECK(id.size() == 16);
  const std::string base64 = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";
  for (const auto& content : {kBytes, to_hex(kBytes), to_hex(kBytes) + "\n", base64, base64 + "=\n"}) {
    CHECK(must(load_master_key("file:" + write_file(folder, content))).id() == id);
  }
  ::setenv(kVariable, (base64 + "=").c_str(), 1);
  CHECK(must(load_master_key(std::string("env:") + kVariable)).id() == id);
  ::setenv("CREDENTIALS_DIRECTORY", folder.file("").c_str(), 1);
  CHECK(must(load_master_key("credential:vault.key")).id() == id);
  CHECK(reason("credential:../vault.key") == "vault.key_source");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  ::unsetenv(kVariable);
  CHECK(reason("credential:vault.key") == "vault.key_missing");
  CHECK(reason(std::string("env:") + kVariable) == "vault.key_missing");
}

TEST_CASE("a source that is none, such as the key itself, is refused and not repeated") {
  for (const auto source : {"", "file:", "KioqKioqKioq", "vault:key"}) {
    const auto key = load_master_key(source);
    CHECK(key.error().reason == "vault.key_source");
    CHECK(key.error().message.find("KioqKioqKioq") == std::string::npos);
  }
}

TEST_CASE("a new key file has mode 0600 whatever the mask, can be loaded, and is never overwritten") {
  const TemporaryFolder folder;
  SystemRandom random;
  const auto path = folder.file("new.key");
  const auto mask = ::umask(0);
  must(vault::create_key_file(path, random));
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777u) == 0600);
  const auto id = must(load_master_key("file:" + path)).id();
  CHECK(vault::create_key_file(path, random).error().reason == "vault.key_exists");
  CHECK(must(load_master_key("file:" + path)).id() == id);
  const auto other = folder.file("other.key");
  must(vault::create_key_file(other, random));
  CHECK(must(load_master_key("file:" + other)).id() != id);
  CHECK_FALSE(vault::create_key_file(folder.file("no/folder/key"), random).ok());
}

// The advice used to be a higher limit of locked memory. The key's memory is locked if it can be, and had if not.
TEST_CASE("without memory for the key the reason is that, and a limit of locked memory is none") {
#ifdef BERTH_SANITIZED
  MESSAGE("skipped: sanitizers need the address space that is taken away here");
#else
  REQUIRE(vault::MasterKey::from_bytes(kBytes).ok());   // what is made only once is made
  const auto with_limit = [](auto resource, rlim_t limit) {
    rlimit before{};
    REQUIRE(::getrlimit(resource, &before) == 0);
    const rlimit lower{limit, before.rlim_max};
    REQUIRE(::setrlimit(resource, &lower) == 0);
    auto key = vault::MasterKey::from_bytes(kBytes);
    REQUIRE(::setrlimit(resource, &before) == 0);
    return key;
  };
  CHECK(with_limit(RLIMIT_MEMLOCK, 0).ok());
  const auto refused = with_limit(RLIMIT_AS, 1);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().reason == "vault.memory");
  CHECK(refused.error().message.find("Cannot allocate memory") != std::string::npos);
#endif
}
