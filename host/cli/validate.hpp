#pragma once
// `berth config validate`: the file by itself, and then against the plugins that it names.
//
// Offline: besides berth.yaml and what it names, only plugin.yaml, phases.yaml and mapping.yaml are read; no library is
// opened and no storage.
// Findings besides those of config, plugin.phase_file and mapping.*: config.plugin_unknown, config.phase_unknown,
// config.cost_class_unknown, config.public_http (a warning).
#include <filesystem>
#include <vector>

#include "host/config/config.hpp"

namespace berth::cli {

/// The configuration, also where later checks found errors; all of them are in `findings`. `first` are folders of plugins
/// that are looked through before those of the configuration. Errors: those of config::load().
Result<config::Config> validate_config(const std::filesystem::path& file, const std::vector<std::filesystem::path>& first,
                                       config::Findings& findings);

}  // namespace berth::cli
