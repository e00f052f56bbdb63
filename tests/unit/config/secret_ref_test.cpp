#include "host/config/secret_ref.hpp"

#include <doctest/doctest.h>

#include <map>

#include "unit/config/temp_folder.hpp"

namespace {
using namespace berth;
using namespace berth::config;

Environment variables(std::map<std::string, std::string> all) {
  return [all = std::move(all)](std::string_view name) -> std::optional<std::string> {
    const auto found = all.find(std::string(name));
    if (found == all.end()) return std::nullopt;
    return found->second;
  };
}

std::string outcome(const SecretRef& reference, const Environment& environment) {
  const auto secret = resolve(reference, environment);
  return secret ? std::string(secret->reveal()) : secret.error().reason;
}
}  // namespace

TEST_CASE("references are told from literal texts") {
  CHECK(SecretRef::parse("env:NAME")->kind == SecretRef::Kind::kEnv);
  CHECK(SecretRef::parse("file:./a")->name == "./a");
  CHECK(SecretRef::parse("vault:x")->kind == SecretRef::Kind::kVault);
  CHECK(SecretRef::parse("credential:x")->kind == SecretRef::Kind::kCredential);
  for (const char* text : {"", "env:", "file:", "ENV:NAME", "secret", "http://x"})
    CHECK_FALSE(SecretRef::parse(text).has_value());
  CHECK(SecretRef::parse("credential:x")->to_string() == "credential:x");
}

TEST_CASE("a secret that is not there is an error that names the reference") {
  const berth::testing::TempFolder folder;
  folder.write("empty", "\n");
  const Environment environment = variables({{"EMPTY", ""}});
  const auto missing = resolve(*SecretRef::parse("env:NONE"), environment);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().reason == "config.secret_missing");
  CHECK(missing.error().message == "env:NONE is not set in the environment");
  CHECK(outcome(*SecretRef::parse("env:EMPTY"), environment) == "config.secret_missing");
  CHECK(outcome({SecretRef::Kind::kFile, (folder.path() / "none").string()}, environment) == "config.secret_missing");
  CHECK(outcome({SecretRef::Kind::kFile, folder.path().string()}, environment) == "config.secret_missing");
  CHECK(outcome({SecretRef::Kind::kFile, (folder.path() / "empty").string()}, environment) == "config.secret_missing");
  CHECK(outcome(*SecretRef::parse("credential:key"), environment) == "config.secret_missing");
  CHECK(outcome(*SecretRef::parse("vault:key"), environment) == "config.secret_vault");
}

TEST_CASE("secrets come from the environment, from files and from systemd") {
  const berth::testing::TempFolder folder;
  folder.write("secret", "hunter2\r\n");
  folder.write("blank", " two lines\n\n");
  folder.write("large", std::string(70'000, 'x'));
  const Environment environment = variables({{"NAME", "hunter2"}, {"CREDENTIALS_DIRECTORY", folder.path().string()}});
  CHECK(outcome(*SecretRef::parse("env:NAME"), environment) == "hunter2");
  CHECK(outcome({SecretRef::Kind::kFile, (folder.path() / "secret").string()}, environment) == "hunter2");
  CHECK(outcome({SecretRef::Kind::kFile, (folder.path() / "blank").string()}, environment) == " two lines\n");
  CHECK(outcome({SecretRef::Kind::kFile, (folder.path() / "large").string()}, environment) ==
        "config.secret_too_large");
  CHECK(outcome(*SecretRef::parse("credential:secret"), environment) == "hunter2");
  CHECK(outcome(*SecretRef::parse("credential:../secret"), environment) == "config.secret_missing");
}

TEST_CASE("a setting is a text or a reference") {
  const Environment environment = variables({{"ID", "1000.ABC"}});
  CHECK(*resolve(Setting{std::nullopt, "literal"}, environment) == "literal");
  CHECK(*resolve(Setting{SecretRef::parse("env:ID"), ""}, environment) == "1000.ABC");
  CHECK_FALSE(resolve(Setting{SecretRef::parse("env:NONE"), ""}, environment).ok());
  CHECK(Setting{}.empty());
}
