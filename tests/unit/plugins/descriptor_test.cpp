#include "host/plugins/descriptor.hpp"

#include <doctest/doctest.h>

#include "host/plugins/manifest.hpp"

using namespace berth;
using namespace berth::plugins;

TEST_CASE("a descriptor that is wrong is refused with what is wrong in it") {
  const std::pair<const char*, const char*> cases[] = {
      {"no json", "is not JSON"},
      {"[]", "is not a JSON object"},
      {R"({"id":"s","phases":[],"entities":[]})", R"(needs "id" and "version")"},
      {R"({"id":"s","version":"1","phases":[]})", R"(needs a list "entities")"},
      {R"({"id":"s","version":"1","entities":[]})", R"(needs a list "phases")"},
      {R"({"id":"s","version":"1","phases":[],"entities":[{"id":"a","version":"date"}]})", R"(version kind "date")"},
      {R"({"id":"s","version":"1","phases":[],"entities":[{"version":"time"}]})", R"(without "id" in "entities")"},
      {R"({"id":"s","version":"1","phases":[],"entities":[{"id":"a","version":"time"},{"id":"a","version":"time"}]})",
       R"(names "a" twice)"},
      {R"({"id":"s","version":"1","phases":[{"id":"p","entity":"b"}],"entities":[]})",
       R"(the entity "b", which it does not list)"},
      {R"({"id":"s","version":"1","phases":[{"id":"p","entity":"a","after":["q"]}],"entities":[{"id":"a","version":"time"}]})",
       R"(after the unknown phase "q")"},
      {R"({"id":"s","version":"1","phases":[{"id":"p","entity":"a","after":["q"]},{"id":"q","entity":"a","after":["p"]}],)"
       R"("entities":[{"id":"a","version":"time"}]})",
       "wait for each other"},
  };
  for (const auto& [text, part] : cases) {
    CAPTURE(text);
    const auto parsed = parse_descriptor(text, "s");
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().reason == "plugin.descriptor_invalid");
    CHECK_MESSAGE(parsed.error().message.find(part) != std::string::npos, parsed.error().message);
  }
}

TEST_CASE("a descriptor lists phases in order with what they wait for") {
  const auto parsed = parse_descriptor(
      R"({"id":"s","version":"1.0","phases":[{"id":"b","entity":"x","after":["a"],"optional":true},{"id":"a","entity":"x"}],)"
      R"("entities":[{"id":"x","version":"opaque"}],"oauth":{"pkce":true}})",
      "s");
  REQUIRE(parsed.ok());
  CHECK(parsed.value().name == "s");
  CHECK(parsed.value().phases[0].after == std::vector<std::string>{"a"});
  CHECK(parsed.value().phase("b")->optional);
  CHECK(parsed.value().phase("c") == nullptr);
  CHECK(parsed.value().oauth.find("pkce")->boolean());
  CHECK(parsed.value().webhook.is_null());
}

TEST_CASE("manifest and descriptor must name the same plugin, version and phases") {
  const auto parsed = parse_descriptor(
      R"({"id":"s","version":"1.0","phases":[{"id":"a","entity":"x"}],"entities":[{"id":"x","version":"time"}]})", "s");
  REQUIRE(parsed.ok());
  Manifest manifest;
  manifest.id = "s";
  manifest.version = "1.0";
  CHECK(check_matches(manifest, parsed.value()).ok());
  manifest.phase_ids = {"a"};
  CHECK(check_matches(manifest, parsed.value()).ok());
  manifest.phase_ids = {"a", "b"};
  CHECK(check_matches(manifest, parsed.value()).error().reason == "plugin.descriptor_mismatch");
  manifest.phase_ids = {"a"};
  manifest.version = "1.1";
  CHECK(check_matches(manifest, parsed.value()).error().message.find("version \"1.0\", the manifest \"1.1\"") !=
        std::string::npos);
}
