#pragma once
// What rules and stored state say of an integration, put together without its plugin, its credentials and the network: for
// whoever looks at records and does not run anything.
//
//   const auto made = BERTH_TRY(offline_setup(config, discovered, database, "zoho_acme"));
//   StoreLookups lookups(connection, made->setup);
//
// It refers to the configuration and the manifests. Any thread. Errors: runs.integration_unknown, runs.company_unknown,
// runs.plugin_missing (and the integration names no rules of its own), runs.phases_invalid, mapping.invalid, those of YAML files.
#include <memory>
#include <string_view>
#include <vector>

#include "host/config/config.hpp"
#include "host/plugins/manifest.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

struct OfflineSetup {
  config::Integration declared;
  Setup setup;   // refers to it
};
Result<std::unique_ptr<OfflineSetup>> offline_setup(const config::Config& config, const std::vector<plugins::Discovered>& discovered,
                                                    storage::Database& database, std::string_view id);

/// The phases of an integration as its phases file, or its plugin's, has them, with those switched on that its schedule names. None
/// where there is no such file. Errors: runs.phases_invalid, those of YAML files.
Result<std::vector<Phase>> offline_phases(const config::Integration& declared, const std::vector<plugins::Discovered>& discovered);

/// As berth.yaml has it; one that was made by REST has what the first declared one of its plugin has. Errors:
/// runs.integration_unknown, storage's.
Result<config::Integration> declaration_of(const config::Config& config, storage::Database& database, std::string_view id);

}  // namespace berth::runs
