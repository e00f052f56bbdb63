// Opening configuration, storage and host for commands.
#include <fmt/format.h>

#include "host/cli/commands.hpp"

namespace berth::cli {

namespace {

/// Log lines on standard error while a command runs; a progress bar and a log do not mix, so only what matters.
telemetry::Level least_level(const Global& global) {
  if (global.verbose) return telemetry::Level::kDebug;
  return global.quiet ? telemetry::Level::kError : telemetry::Level::kWarning;
}

}  // namespace

Result<config::Config> load_config(const Global& global) {
  config::Findings findings;
  auto loaded = config::load(global.config, findings);
  if (!findings.empty() && !global.quiet) fmt::print(stderr, "{}", findings.print());
  return loaded;
}

Result<std::unique_ptr<app::Host>> open_host(const Global& global) {
  const config::Config config = BERTH_TRY(load_config(global));
  app::HostOptions options;
  options.sink = telemetry::make_stderr_sink(telemetry::Format::kHuman);
  options.least = least_level(global);
  for (const std::string& folder : global.plugin_dirs) options.plugin_folders.emplace_back(folder);
  return app::Host::open(config, std::move(options));
}

Result<Opened> open_storage(const Global& global) {
  Opened opened;
  opened.config = BERTH_TRY(load_config(global));
  opened.clock = std::make_unique<SystemClock>();
  opened.database = BERTH_TRY(app::open_database(opened.config, *opened.clock));
  return opened;
}

}  // namespace berth::cli
