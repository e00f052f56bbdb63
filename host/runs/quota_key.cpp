#include "host/runs/quota_key.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "host/config/yaml.hpp"
#include "host/core/text.hpp"
#include "host/http/limits.hpp"

namespace berth::runs {

const config::Integration* declared_like(const config::Config& config, std::string_view plugin) {
  for (const config::Integration& declared : config.integrations) {
    if (declared.plugin == plugin) return &declared;
  }
  return nullptr;
}

std::string quota_key(std::string_view shared_by, const storage::Integration& integration) {
  std::string whose(shared_by.empty() ? http::kSharedByOrganization : shared_by);
  if (integration.remote_id.empty()) whose = fmt::format("integration:{}", http::kSharedByIntegration);
  whose = replace_all(whose, http::kSharedByOrganization, integration.remote_id);
  return fmt::format("{}/{}", integration.plugin, replace_all(whose, http::kSharedByIntegration, integration.id));
}

std::string QuotaKeys::of(const storage::Integration& integration) {
  const std::scoped_lock lock(mutex_);
  auto found = shared_by_.find(integration.id);
  if (found == shared_by_.end()) found = shared_by_.emplace(integration.id, read_shared_by(integration)).first;
  return quota_key(found->second, integration);
}

void QuotaKeys::remember(std::string_view integration, std::string_view shared_by) {
  const std::scoped_lock lock(mutex_);
  shared_by_.insert_or_assign(std::string(integration), std::string(shared_by));
}

std::string QuotaKeys::read_shared_by(const storage::Integration& integration) const {
  const config::Integration* declared = config_.find_integration(integration.id);
  if (declared == nullptr) declared = declared_like(config_, integration.plugin);
  std::optional<std::filesystem::path> file = declared == nullptr ? std::nullopt : declared->phases_file;
  for (const plugins::Discovered& found : discovered_) {
    if (!file && found.manifest && found.manifest->id == integration.plugin) file = found.manifest->phases;
  }
  if (!file) return {};
  config::Findings findings;
  const auto root = config::load_yaml(*file, findings);
  if (!root.ok()) return {};
  const json::Value phases = config::to_json(*root);
  const json::Value* limits = phases.find("limits");
  return limits == nullptr ? std::string() : std::string(limits->text_of("shared_by"));
}

}  // namespace berth::runs
