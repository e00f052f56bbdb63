// Read-only toward the remote, whatever a plugin tries.
#include <filesystem>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("D14: a plugin that tries POST, PUT and DELETE in pull_only mode is refused, and the remote sees nothing") {
  World world;
  world.connect();
  const auto found = plugins::discover(std::vector<std::filesystem::path>{BERTH_BINARY_DIR "/test_plugins/posts"});
  REQUIRE(found.size() == 1);
  REQUIRE(found.front().manifest.has_value());
  world.trust(*found.front().manifest);
  runs::Setup setup = world.unit().setup;
  setup.manifest = &*found.front().manifest;
  setup.rules.reset();
  setup.phases_json = json::Value::object();
  setup.pin_sha256 = plugins::load_manifest(found.front().file)->sha256;
  runs::Phase phase;
  phase.id = "things";
  phase.entity = "thing";
  setup.phases = {phase};
  const runs::RemoteAccess access = *world.registry->access(world.unit());
  world.transport.forget_calls();
  const auto report = world.engine->run(setup, access, {}, {});
  REQUIRE_MESSAGE(report.ok(), report.error().message);
  CHECK(report->outcome == runs::RunOutcome::kFailed);
  CHECK(report->reason == "berth.pull_only");
  CHECK(world.transport.calls().empty());
  CHECK(world.simulator.counters().writes == 0);
  // What the plugin saw for each of the three.
  const auto things = world.records("thing");
  REQUIRE(things.size() == 1);
  storage::Bodies bodies;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    bodies = BERTH_TRY(storage::records::load(connection, things.front().id));
    return success();
  }).ok());
  const json::Value seen = json::parse(bodies.detail->body).value;
  for (const char* method : {"POST", "PUT", "DELETE"}) CHECK_MESSAGE(seen.find(method)->integer().value_or(0) != 0, method);

  // The whole life of an integration makes no write either.
  world.sync();
  world.map_all();
  world.later(std::chrono::hours(1));
  world.sync(everything());
  CHECK(world.simulator.counters().writes == 0);
}
