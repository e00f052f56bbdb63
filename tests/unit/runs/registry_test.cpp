// Putting an integration together: what is missing, untrusted, changed or broken is said with its name and place.
#include "host/runs/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "host/plugins/library_file.hpp"
#include "host/storage/integrations.hpp"
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

const Error& refusal(const Result<std::shared_ptr<runs::IntegrationUnit>>& unit) {
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
  const std::shared_ptr<runs::IntegrationUnit> first = world.registry->unit(kIntegration).value();
  world.registry->forget(kIntegration);
  CHECK(first->setup.id == kIntegration);
  CHECK(world.registry->unit(kIntegration).value() != first);
  world.registry->forget("nobody");
}

namespace {

/// Some integrations of an organisation each, made by REST, with the tokens of the first.
struct Many : World {
  explicit Many(std::size_t units, std::size_t gates, int more) : World(with_room_for(units, gates)) {
    connect();
    for (int i = 0; i < more; ++i) {
      const std::string id = "more_" + std::to_string(i);
      REQUIRE(database->write("test.more", [&](storage::Connection& connection) -> Status {
        storage::Integration row;
        row.id = id;
        row.plugin = "zoho_books";
        row.company = "acme_us";
        row.tenant = id;
        row.environment = "production";
        row.mode = "pull_only";
        row.origin = "api";
        row.remote_id = "5000" + std::to_string(i);
        row.created = row.connected = clock.now();
        return storage::integrations::insert(connection, row);
      }).ok());
      REQUIRE(tokens.save(id, *tokens.load(kIntegration).value(), 0).value());
      ids.push_back(id);
    }
    restart();
  }
  static WorldOptions with_room_for(std::size_t units, std::size_t gates) {
    WorldOptions options = few();
    options.units_in_memory = units;
    options.gates_in_memory = gates;
    return options;
  }
  std::vector<std::string> ids;
};

}  // namespace

TEST_CASE("as many units are kept as there is room for, those used last, and never a second one of what somebody holds") {
  Many world(2, 2, 4);
  runs::Registry& registry = *world.registry;
  const auto held = registry.unit(world.ids[0]).value();
  for (int round = 0; round < 3; ++round) {
    for (const std::string& id : world.ids) REQUIRE(registry.unit(id).ok());
  }
  CHECK(registry.units_kept() == 2);
  CHECK(registry.find_unit(world.ids[0]) == held);
  CHECK(registry.find_unit(world.ids[3]) != nullptr);   // used last
  CHECK(registry.find_unit(world.ids[1]) == nullptr);
  CHECK(registry.find_unit(world.ids[2]) == nullptr);

  // More of them are in use than there is room for: they are all there, until they are given back.
  std::vector<std::shared_ptr<runs::IntegrationUnit>> all;
  for (const std::string& id : world.ids) all.push_back(registry.unit(id).value());
  CHECK(registry.units_kept() == 4);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(registry.unit(world.ids[i]).value() == all[i]);
  const std::weak_ptr<runs::IntegrationUnit> gone = all[1];
  all.clear();
  CHECK(registry.units_kept() == 2);
  CHECK(gone.expired());
  CHECK(registry.find_unit(world.ids[0]) == held);
}

TEST_CASE("a run goes on with its unit and its gate while others take their room") {
  Many world(1, 1, 3);
  bool is_done = false;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (is_done || call.find("/books/v3/") == std::string::npos) return std::nullopt;
    is_done = true;
    for (const std::string& id : world.ids) {
      const auto unit = world.registry->unit(id);
      REQUIRE(unit.ok());
      REQUIRE(world.registry->access(**unit).ok());
    }
    return std::nullopt;
  };
  std::weak_ptr<runs::IntegrationUnit> used;
  {
    const auto unit = world.registry->unit(kIntegration).value();
    used = unit;
    const runs::RemoteAccess access = world.registry->access(*unit).value();
    const auto report = world.engine->run(unit->setup, access, {}, {});
    REQUIRE_MESSAGE(report.ok(), report.error().message);
    CHECK(report->outcome == runs::RunOutcome::kSucceeded);
    CHECK(is_done);
    CHECK(world.registry->find_unit(kIntegration) == unit);
    CHECK(world.registry->access(*unit)->gate == access.gate);
  }
  CHECK(world.registry->unit(world.ids[0]).ok());
  CHECK(world.registry->units_kept() == 1);
  CHECK(used.expired());
}

TEST_CASE("a gate is kept for the minute in which its calls count, and the next one knows the day, pauses and blocks") {
  Many world(2, 1, 2);
  const auto gate_of = [&](std::string_view id) {
    const auto unit = world.registry->unit(id).value();
    return world.registry->access(*unit).value().gate;
  };
  std::weak_ptr<http::QuotaGate> first;
  {
    const auto gate = gate_of(world.ids[0]);
    first = gate;
    for (int i = 0; i < 3; ++i) gate->acquire({}).value().finish(nullptr);
    gate->block_until(world.clock.now() + std::chrono::hours(2), "zoho_books.rate_limit.daily", "no more");
    REQUIRE(gate->rest().ok());
  }
  gate_of(world.ids[1]);
  CHECK_FALSE(first.expired());   // three calls are younger than a minute
  CHECK(gate_of(world.ids[0])->snapshot().used_in_minute == 3);
  world.later(std::chrono::seconds(61));
  gate_of(world.ids[1]);
  CHECK(world.registry->gates_kept() == 1);
  CHECK(first.expired());

  {
    const auto again = gate_of(world.ids[0]);
    REQUIRE(again->look().ok());
    CHECK(again->snapshot().day_used == 3);
    CHECK(again->snapshot().blocked_reason == "zoho_books.rate_limit.daily");
    // Told again, the calls of before count once.
    REQUIRE(again->add(2).ok());
    REQUIRE(again->look().ok());
    CHECK(again->snapshot().day_used == 5);
    REQUIRE(again->rest().ok());
  }
  world.restart();
  const auto elsewhere = gate_of(world.ids[0]);
  REQUIRE(elsewhere->look().ok());
  CHECK(elsewhere->snapshot().day_used == 5);
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
