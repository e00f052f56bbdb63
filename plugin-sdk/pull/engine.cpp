#include "berth/pull.hpp"

#include "session.hpp"

namespace berth {
namespace {

void take_values(PullConfig& config, const json::Value& document, const std::string& block) {
  const json::Value* object = document.find(block);
  if (object == nullptr) return;
  const std::string prefix = block + ".";
  for (const auto& [key, value] : object->members()) {
    if (value.is_string() || value.is_number()) config.values[prefix + key] = value.text();
  }
}

/// A phase that was cut while it worked off its queue goes on with the queue alone in the next slice of the same run. Another
/// run reads the list, however soon it comes: whoever asked for it wants to know what is new.
bool goes_on_draining(const pulling::Session& session) {
  return session.plan().goes_on && !session.cursor.pass && session.cursor.draining_ms;
}

[[noreturn]] void unsupported(const phases::Phase& phase, const std::string& what) {
  throw Failure(BERTH_UNSUPPORTED, "sdk.plan_mode_unsupported", "The phase " + phase.id + " " + what + ".");
}

}  // namespace

PullConfig read_pull_config(std::string_view config_json) {
  const json::Parsed parsed = json::parse(config_json);
  if (!parsed.ok() || !parsed.value.is_object()) {
    throw Failure(BERTH_INVALID_CONFIG, "sdk.config_json",
                  "The configuration is not a JSON object" +
                      (parsed.ok() ? std::string(".") : " (" + parsed.error.message + ")."));
  }
  PullConfig config;
  take_values(config, parsed.value, "integration");
  take_values(config, parsed.value, "connection");
  const json::Value* file = parsed.value.find("phases");
  if (file == nullptr)
    throw Failure(BERTH_INVALID_CONFIG, "sdk.phases_missing", "The configuration has no key \"phases\".");
  phases::Parsed phases = phases::parse(*file);
  if (!phases.ok()) {
    const phases::Problem& first = phases.problems.front();
    throw Failure(BERTH_INVALID_CONFIG, "sdk.phases_invalid",
                  "The phase file is wrong at " + (first.path.empty() ? "its top" : first.path) + ": " + first.message);
  }
  config.file = std::move(phases.file);
  return config;
}

void pull(const Host& host, const PullConfig& config, const Run& run, const PullHooks& hooks) {
  const phases::Phase* phase = config.file.find(run.phase);
  if (phase == nullptr) {
    throw Failure(BERTH_UNSUPPORTED, "sdk.phase_unknown",
                  "The phase \"" + std::string(run.phase.substr(0, 80)) + "\" is not known.");
  }
  pulling::Session session(host, config, *phase, run, hooks);
  const pulling::Mode mode = session.plan().mode;
  if (mode == pulling::Mode::kIds) {
    if (!phase->detail) unsupported(*phase, "has no details, so it cannot fetch single records");
    return pulling::run_ids(session, session.plan().ids);
  }
  if (mode == pulling::Mode::kWindow && session.plan().from && !phase->window) unsupported(*phase, "has no window");
  std::optional<Failure> unsteady;
  if (!session.plan().queue_only && !goes_on_draining(session)) {
    try {
      pulling::run_list(session);
    } catch (const Failure& failure) {
      if (failure.reason() != "berth.list_unsteady") throw;
      unsteady = failure;  // what was listed is fetched all the same: the next run may fare no better
    }
  }
  if (mode != pulling::Mode::kSweep) pulling::run_queue(session);
  if (unsteady) throw Failure(*unsteady);
}

}  // namespace berth
