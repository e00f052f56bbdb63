// Putting an integration together: what is missing, untrusted, changed or broken is said with its name and place.
#include "host/runs/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "host/plugins/library_file.hpp"
#include "host/storage/pins.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::filesystem::path plugin_file(const std::string& name) { return std::filesystem::path(BERTH_SOURCE_DIR) / "plugins/zoho_books" / name; }

const Error& refusal(const Result<runs::IntegrationUnit*>& unit) {
  REQUIRE(!unit.ok());
  return unit.error();
}

WorldOptions few() { return {.contacts = 2, .items = 2, .invoices = 2, .payments = 1, .credit_notes = 0}; }

}  // namespace

TEST_CASE("an unknown integration, and one whose plugin is nowhere, are told apart by name") {
  WorldOptions options = few();
  options.integrations = "  - {id: other, plugin: nothing_books, company: acme_us, client: {id: a, secret: env:B, redirect_uri: \"http://localhost/\"}}\n";
  World world(options);
  CHECK(refusal(world.registry->unit("nobody")).reason == "runs.integration_unknown");
  const auto missing = world.registry->unit("other");
  CHECK(refusal(missing).reason == "runs.plugin_missing");
  CHECK(missing.error().message.find("nothing_books") != std::string::npos);
  CHECK(world.registry->unit(kIntegration).ok());
  CHECK(world.registry->ids().value() == std::vector<std::string>{"other", std::string(kIntegration)});
}

TEST_CASE("a plugin that nobody trusted, and one that changed since, are not loaded") {
  World world(few());
  REQUIRE(world.database->write("test.write", [](storage::Connection& connection) -> Status {
    BERTH_TRY(storage::pins::erase(connection, "zoho_books"));
    return success();
  }).ok());
  CHECK(refusal(world.registry->unit(kIntegration)).reason == "plugin.untrusted");
  REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) {
    return storage::pins::set(connection, {.plugin = "zoho_books", .sha256 = std::string(64, 'a'), .pinned = world.clock.now(), .pinned_by = "test"});
  }).ok());
  CHECK(refusal(world.registry->unit(kIntegration)).reason == "plugin.changed");
}

TEST_CASE("a broken mapping file is named with its line, and is read again once it was mended") {
  WorldOptions options = few();
  options.mapping = text_of(plugin_file("mapping.yaml"));
  const auto at = options.mapping.find("      legal_name:");
  REQUIRE(at != std::string::npos);
  const auto line = 1 + std::count(options.mapping.begin(), options.mapping.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  std::string broken = options.mapping;
  broken.insert(at, "      nmae: {path: contact_name}\n");
  World world(options);
  world.folder.write("mapping.yaml", broken);
  const auto unit = world.registry->unit(kIntegration);
  CHECK(refusal(unit).reason == "mapping.invalid");
  CHECK_MESSAGE(unit.error().message.find("mapping.yaml:" + std::to_string(line)) != std::string::npos, unit.error().message);
  CHECK(unit.error().message.find("nmae") != std::string::npos);
  world.folder.write("mapping.yaml", options.mapping);
  CHECK(world.registry->unit(kIntegration).ok());
  std::filesystem::remove(world.folder.path() / "mapping.yaml");
  world.registry->forget(kIntegration);
  CHECK(refusal(world.registry->unit(kIntegration)).message.find("mapping.yaml") != std::string::npos);
}

TEST_CASE("a broken phase file is named with its line") {
  WorldOptions options = few();
  options.phases = text_of(plugin_file("phases.yaml"));
  World world(options);
  std::string broken = options.phases;
  const auto at = broken.find("    entity: invoice\n");
  REQUIRE(at != std::string::npos);
  broken.erase(at, std::string("    entity: invoice\n").size());
  world.folder.write("phases.yaml", broken);
  const auto unit = world.registry->unit(kIntegration);
  REQUIRE(!unit.ok());
  CHECK_MESSAGE(unit.error().message.find("phases.yaml:") != std::string::npos, unit.error().message);
}

TEST_CASE("optional phases are on where the schedule names them, the quota follows the plan unless an added data centre has its own") {
  WorldOptions options = few();
  options.schedule = "{invoices: 1h}";
  World without(options);
  CHECK(!without.unit().setup.find_phase("credit_notes")->enabled);
  CHECK(without.unit().setup.find_phase("items")->enabled);
  CHECK(World(few()).unit().setup.find_phase("credit_notes")->enabled);
  without.connect();
  const runs::RemoteAccess access = without.registry->access(without.unit()).value();
  CHECK(access.quota_key == "zoho_books/927000001");
  CHECK(access.gate->limits().per_minute == 60'000);
  CHECK(without.registry->find_gate(without.unit(), "927000001") == access.gate);
  CHECK(without.registry->find_gate(without.unit(), "5") == nullptr);
  CHECK(without.registry->access(without.unit())->gate == access.gate);   // one gate for an organisation
}

TEST_CASE("a unit that is forgotten stays alive for whoever uses it, and the next one is new") {
  World world(few());
  runs::IntegrationUnit* first = &world.unit();
  world.registry->forget(kIntegration);
  CHECK(first->setup.id == kIntegration);
  CHECK(&world.unit() != first);
  world.registry->forget("nobody");
}

TEST_CASE("classifications of the file are made once, with the same ids on every host") {
  World world(few());
  World other(few());
  const char* sql = "SELECT COUNT(*) FROM local_row WHERE kind IN ('classification', 'classification_line')";
  CHECK(world.number(sql) == 4);
  world.restart();
  CHECK(world.number(sql) == 4);
  const char* sum = "SELECT SUM(unicode(substr(id, 4, 1)) * 256 + unicode(substr(id, 5, 1))) FROM local_row WHERE kind = 'classification_line'";
  CHECK(world.number(sum) == other.number(sum));
}
