#pragma once
// Checking a phase file (phases.yaml) without running a plugin, by the very code that the pull engine reads it with.
//
//   for (const auto& problem : plugins::validate_phase_file(json)) complain(problem.path, problem.message);
//
// Pure; any thread.
#include <vector>

#include "berth/json.hpp"
#include "berth/phases.hpp"
#include "host/config/findings.hpp"
#include "host/config/yaml.hpp"

namespace berth::plugins {

/// Every problem of the file, each with a JSON pointer ("/phases/0/list/rows"); none: the engine takes it.
[[nodiscard]] std::vector<phases::Problem> validate_phase_file(const json::Value& file);

/// The same for a file that was read as YAML: each problem becomes a finding plugin.phase_file at its line and column.
void check_phase_file(const config::Node& file, config::Findings& findings);

}  // namespace berth::plugins
