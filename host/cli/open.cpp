// Opening configuration, storage and host for commands.
#include <fmt/format.h>

#include "host/cli/commands.hpp"
#include "host/storage/shared_clock.hpp"

namespace berth::cli {

namespace {

/// Log lines on standard error while a command runs; a progress bar and a log do not mix, so only what matters.
telemetry::Level least_level(const Global& global) {
  if (global.verbose) return telemetry::Level::kDebug;
  return global.quiet ? telemetry::Level::kError : telemetry::Level::kWarning;
}

}  // namespace

namespace {

/// Read when something is not explained by the host itself; most commands never need it.
void explain_later(std::vector<std::filesystem::path> folders) {
  reasons::catalogue().add_later([folders = std::move(folders)] {
    std::vector<reasons::File> files;
    for (const plugins::Discovered& found : plugins::discover(folders)) {
      if (found.manifest && found.manifest->explained) files.push_back(*found.manifest->explained);
    }
    return files;
  });
}

std::vector<std::filesystem::path> first_folders(const Global& global) { return {global.plugin_dirs.begin(), global.plugin_dirs.end()}; }

}  // namespace

std::vector<plugins::Discovered> discover_plugins(const Global& global, const config::Config& config) {
  return plugins::discover(app::plugin_folders(config, first_folders(global)));
}

void know_plugins_reasons(const Global& global) {
  config::Findings unshown;
  if (const auto loaded = config::load(global.config, unshown); loaded.ok()) explain_later(app::plugin_folders(*loaded, first_folders(global)));
  std::vector<std::filesystem::path> folders = first_folders(global);
  for (std::filesystem::path& folder : app::bundled_plugin_folders()) folders.push_back(std::move(folder));
  explain_later(std::move(folders));
}

Result<config::Config> load_config(const Global& global) {
  config::Findings findings;
  auto loaded = config::load(global.config, findings);
  if (!findings.empty() && !global.quiet) fmt::print(stderr, "{}", findings.print());
  if (loaded.ok()) explain_later(app::plugin_folders(*loaded, first_folders(global)));
  return loaded;
}

Result<std::unique_ptr<app::Host>> open_host(const Global& global, bool is_trial) {
  const config::Config config = BERTH_TRY(load_config(global));
  app::HostOptions options;
  options.sink = telemetry::make_stderr_sink(telemetry::Format::kHuman);
  options.least = least_level(global);
  options.is_trial = is_trial;
  for (const std::string& folder : global.plugin_dirs) options.plugin_folders.emplace_back(folder);
  return app::Host::open(config, std::move(options));
}

Result<Opened> open_storage(const Global& global) {
  Opened opened;
  opened.config = BERTH_TRY(load_config(global));
  auto clock = std::make_unique<storage::SharedClock>();
  opened.database = BERTH_TRY(app::open_database(opened.config, *clock));
  BERTH_CHECK(clock->follow(*opened.database));
  opened.clock = std::move(clock);
  return opened;
}

}  // namespace berth::cli
