#pragma once
// Whose quota an integration draws on: "zoho_books/927000001", the plugin and what its phase file calls `shared_by`.
//
//   QuotaKeys keys(config, discovered);
//   auto state = BERTH_TRY(load_quota(connection, keys.of(row)));
//
// No plugin is opened for it, so the status of an integration can be shown without one. What the phase file says is read
// once. Refers to what it is made from. Any thread. Nothing fails: a phase file that cannot be read shares by organisation,
// and its integration cannot run.
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/config.hpp"
#include "host/plugins/manifest.hpp"
#include "host/storage/integrations.hpp"

namespace berth::runs {

/// What an integration that was made by REST has in common with those of berth.yaml: the first one of its plugin. nullptr:
/// there is none.
[[nodiscard]] const config::Integration* declared_like(const config::Config& config, std::string_view plugin);

/// `shared_by` as the phase file has it; empty: the organisation. Before one is chosen nobody shares anything.
[[nodiscard]] std::string quota_key(std::string_view shared_by, const storage::Integration& integration);

class QuotaKeys {
 public:
  QuotaKeys(const config::Config& config, const std::vector<plugins::Discovered>& discovered)
      : config_(config), discovered_(discovered) {}

  [[nodiscard]] std::string of(const storage::Integration& integration);
  [[nodiscard]] const config::Config& config() const { return config_; }
  /// What a phase file said that was read anyway.
  void remember(std::string_view integration, std::string_view shared_by);

 private:
  [[nodiscard]] std::string read_shared_by(const storage::Integration& integration) const;

  const config::Config& config_;
  const std::vector<plugins::Discovered>& discovered_;
  std::mutex mutex_;                                              // guards what follows
  std::map<std::string, std::string, std::less<>> shared_by_;     // by integration
};

}  // namespace berth::runs
