// Built plugins, opened as a host opens them.
#include <doctest/doctest.h>

#include "berth/connector.hpp"
#include "berth/testing/fake_host.hpp"
#include "library.hpp"

namespace {

using abi_test::entry_of;
using berth::testing::Answer;
using berth::testing::FakeHost;

const std::string kTests = "test_plugins";

const berth_plugin* opened(const std::string& plugin, std::string* reason = nullptr) {
  const auto identity = abi_test::host_identity();
  berth_error error{-1, {}, {}};
  const auto entry = entry_of(kTests, plugin);
  REQUIRE((entry != nullptr));
  const berth_plugin* made = entry(&identity, &error);
  if (reason != nullptr) *reason = error.reason;
  return made;
}

/// Runs the phase things of a plugin once against the fake host.
berth::testing::Outcome run(FakeHost& host, const std::string& plugin) {
  const berth_plugin* made = opened(plugin);
  REQUIRE(made != nullptr);
  return host.run(
      [&](const berth::Run& one) {
        berth_error error{-1, {}, {}};
        berth_connector* connector = made->create(host.c_host(), berth::to_c("{}"), &error);
        REQUIRE(connector != nullptr);
        const berth_run c{berth::to_c(one.phase), berth::to_c(one.plan_json), berth::to_c(one.cursor_json),
                          one.deadline_unix_ms};
        const std::int32_t status = connector->run_phase(connector, &c, &error);
        connector->destroy(connector);
        if (status != BERTH_OK) throw berth::Failure(status, error);
      },
      "things", "changes");
}

}  // namespace

TEST_CASE("each wrong plugin is wrong in the way its name says") {
  CHECK(opened("wrong_major")->identity->abi_major == 99);
  CHECK(opened("wrong_struct_size")->identity->struct_size != sizeof(berth_identity));
  CHECK((entry_of(kTests, "no_entry") == nullptr));
  std::string reason;
  CHECK(opened("entry_null", &reason) == nullptr);
  CHECK(reason == "entry_null.refused");
  CHECK_FALSE(berth::json::parse(berth::from_c(opened("bad_descriptor")->descriptor_json())).ok());
  CHECK(berth::json::parse(berth::from_c(opened("plain_c")->descriptor_json())).ok());
  FakeHost host;
  CHECK(run(host, "unknown_phase").status == BERTH_UNSUPPORTED);
  CHECK(run(host, "throws_42").reason == "sdk.unknown_exception");
  CHECK(run(host, "checkpoint_overdue").reason == "sdk.checkpoint_overdue");
  CHECK(host.records.empty());
  CHECK(run(host, "posts").status == BERTH_UNSUPPORTED);
  CHECK(host.requests.empty());
}

TEST_CASE("a connector in plain C uses every service of the host") {
  FakeHost host;
  host.serve = [](const berth::Request& request) {
    return Answer::json(request.path == "/things" ? R"({"id":"1"})" : R"({"id":"1","more":12.10})");
  };
  CHECK(run(host, "plain_c").status == BERTH_OK);
  REQUIRE(host.requests.size() == 2);
  CHECK(host.requests[0].query.at(0) == std::pair<std::string, std::string>("page", "1"));
  CHECK(host.requests[1].path == "/things/1");
  const auto* stored = host.find("thing", "1");
  REQUIRE(stored != nullptr);
  CHECK(stored->row == R"({"id":"1"})");
  CHECK(stored->detail == R"({"id":"1","more":12.10})");
  CHECK(stored->files.at("raw") == stored->detail);
  CHECK(host.cursors.at({"things", "changes"}) == R"({"step":2})");
  CHECK(host.passes_completed == 1);
  CHECK(host.logs.at(0).fields.text_of("mode") == "changes");
  CHECK(run(host, "plain_c").status == BERTH_OK);
  CHECK(host.logs.at(2).fields.text_of("step") == "2");
}

TEST_CASE("the manifest beside a built plugin names the hash of its library") {
  for (const char* plugin : {"plain_c", "throws_42"}) {
    const std::string manifest = abi_test::text_of(abi_test::folder_of(kTests, plugin) / "plugin.yaml");
    const auto at = manifest.find("sha256: ");
    REQUIRE(at != std::string::npos);
    CHECK(manifest.size() - at == std::string("sha256: ").size() + 64 + 1);
  }
}
