#pragma once
// The pull engine: run_phase of a connector whose pulling is described by a phase file.
//
//   config_ = berth::read_pull_config(config_json);          // in the constructor
//   berth::pull(host_, config_, run);                        // in run_phase
//
// A pass reads the list page by page: known, new rows out, wanted details into the host's queue, a checkpoint with the
// page and the watermark candidate. At the end of the list the watermark moves (PASS_COMPLETE). Then the host's queue
// is worked off in batches, each followed by a checkpoint, until it is empty or the host says stop, budget or quota;
// whatever was answered before is kept. Everything that goes wrong is thrown as berth::Failure; a status of the host is
// passed on.
//
// Runs on the thread of run_phase, keeps nothing between calls.
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "berth/connector.hpp"
#include "berth/host.hpp"
#include "berth/phases.hpp"

namespace berth {

struct PullConfig {
  phases::File file;
  std::map<std::string, std::string, std::less<>> values;  // of placeholders, "connection.organization_id"
};

/// What YAML cannot say. Empty members: as the phase file says.
struct PullHooks {
  std::function<std::string(const phases::Phase& phase, const json::Value& row)> row_id;
  std::function<bool(const phases::Phase& phase, const json::Value& row)> needs_detail;
};

/// Reads the configuration that the host gives to a connector: `integration`, `connection` and `phases`. Throws
/// BERTH_INVALID_CONFIG with the place of the first problem.
[[nodiscard]] PullConfig read_pull_config(std::string_view config_json);

/// Carries out one run_phase.
void pull(const Host& host, const PullConfig& config, const Run& run, const PullHooks& hooks = {});

}  // namespace berth
