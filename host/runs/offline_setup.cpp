#include "host/runs/offline_setup.hpp"

#include <fmt/format.h>

#include "host/config/yaml.hpp"
#include "host/runs/quota_key.hpp"
#include "host/storage/integrations.hpp"

namespace berth::runs {

Result<config::Integration> declaration_of(const config::Config& config, storage::Database& database, std::string_view id) {
  if (const config::Integration* declared = config.find_integration(id)) return *declared;
  std::optional<storage::Integration> row;
  BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
    row = BERTH_TRY(storage::integrations::find(connection, id));
    return success();
  }));
  if (!row || row->origin != "api") {
    return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"", id));
  }
  config::Integration made;
  // Its client and the data centres it may reach are the host's, never the request's.
  if (const config::Integration* declared = declared_like(config, row->plugin)) {
    made.client = declared->client;
    made.data_centers = declared->data_centers;
    made.plan = declared->plan;
    made.phases_file = declared->phases_file;
    made.mapping_file = declared->mapping_file;
  }
  made.id = row->id;
  made.plugin = row->plugin;
  made.company = row->company;
  made.tenant = row->tenant;
  made.environment = row->environment;
  return made;
}

namespace {

const plugins::Manifest* manifest_of(const config::Integration& declared, const std::vector<plugins::Discovered>& discovered) {
  const plugins::Manifest* manifest = nullptr;
  for (const plugins::Discovered& found : discovered) {
    if (found.manifest && found.manifest->id == declared.plugin) manifest = &*found.manifest;
  }
  return manifest;
}

std::vector<std::string> switched_on_by(const config::Integration& declared) {
  std::vector<std::string> phases;
  for (const auto& [phase, timing] : declared.schedule) phases.push_back(phase);
  return phases;
}

}  // namespace

Result<std::vector<Phase>> offline_phases(const config::Integration& declared, const std::vector<plugins::Discovered>& discovered) {
  std::optional<std::filesystem::path> file = declared.phases_file;
  if (const plugins::Manifest* manifest = manifest_of(declared, discovered); !file && manifest != nullptr) file = manifest->phases;
  if (!file) return std::vector<Phase>{};
  config::Findings findings;
  return phases_of(config::to_json(BERTH_TRY(config::load_yaml(*file, findings))), switched_on_by(declared), declared.pull);
}

Result<std::unique_ptr<OfflineSetup>> offline_setup(const config::Config& config, const std::vector<plugins::Discovered>& discovered,
                                                    storage::Database& database, std::string_view id) {
  auto made = std::make_unique<OfflineSetup>();
  made->declared = BERTH_TRY(declaration_of(config, database, id));
  const config::Integration& declared = made->declared;
  Setup& setup = made->setup;
  setup.id = declared.id;
  setup.declared = &declared;
  setup.company = config.find_company(declared.company);
  if (setup.company == nullptr) {
    return make_error(Code::kInvalidConfig, "runs.company_unknown", fmt::format("there is no company \"{}\"", declared.company));
  }
  for (const config::Company& company : config.companies) setup.companies.push_back(&company);
  setup.manifest = manifest_of(declared, discovered);
  std::optional<std::filesystem::path> phases = declared.phases_file;
  std::optional<std::filesystem::path> mapping = declared.mapping_file;
  if (setup.manifest != nullptr) {
    if (!phases) phases = setup.manifest->phases;
    if (!mapping) mapping = setup.manifest->mapping;
  }
  if (!mapping) {
    return make_error(Code::kInvalidConfig, "runs.plugin_missing",
                      fmt::format("no plugin \"{}\" in the configured folders, and {} names no mapping of its own", declared.plugin, declared.id));
  }
  config::Findings findings;
  if (phases) {
    setup.phases_json = config::to_json(BERTH_TRY(config::load_yaml(*phases, findings)));
    setup.phases = BERTH_TRY(phases_of(setup.phases_json, switched_on_by(declared), declared.pull));
  }
  setup.rules = BERTH_TRY(mapping::load_file(mapping->string(), findings));
  return made;
}

}  // namespace berth::runs
