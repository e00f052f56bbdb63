#pragma once
// The composition root: the only place that builds everything from a configuration.
//
//   auto host = BERTH_TRY(app::Host::open(config, {}));
//   const auto unit = BERTH_TRY(host->registry().unit("zoho_acme"));
//
// Commands open a host, use parts of it and let it go; `berth serve` keeps one. `berth sync --dry-run` opens a trial. What is expensive or may fail for reasons
// of its own (vault, transport) is opened here once. Members are destroyed in the reverse order of their use.
//
// Errors: those of data_folder.hpp, app.vault_key_missing, and
// those of storage, vault and transport.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "host/admin/api.hpp"
#include "host/app/stores.hpp"
#include "host/config/config.hpp"
#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/http/transport.hpp"
#include "host/plugins/runner.hpp"
#include "host/runs/connect.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/registry.hpp"
#include "host/runs/scratch.hpp"
#include "host/storage/database.hpp"
#include "host/storage/shared_clock.hpp"
#include "host/telemetry/log.hpp"
#include "host/telemetry/metrics.hpp"
#include "host/vault/vault.hpp"

namespace berth::app {

struct HostOptions {
  std::shared_ptr<telemetry::Sink> sink;            // of the log; nullptr: no log
  telemetry::Level least = telemetry::Level::kInfo;
  std::vector<std::filesystem::path> plugin_folders; // before those of the configuration
  Clock* clock = nullptr;                           // nullptr: the machine's
  bool safe_mode = false;                           // only plugins that come with Berth are opened
  /// Everything that is written goes into a scratch copy of the books, and with it. Calls are real: they are counted, and
  /// tokens are kept, in the real database.
  bool is_trial = false;
};

class Host {
 public:
  static Result<std::unique_ptr<Host>> open(const config::Config& config, HostOptions options);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const config::Config& config() const { return config_; }
  /// What runs, rules and people work on; in a trial the scratch copy.
  [[nodiscard]] storage::Database& database() { return scratch_ ? scratch_->database() : *database_; }
  [[nodiscard]] vault::Vault& vault() { return *vault_; }
  [[nodiscard]] plugins::PluginRunner& runner() { return *runner_; }
  [[nodiscard]] runs::Registry& registry() { return *registry_; }
  [[nodiscard]] runs::Engine& engine() { return *engine_; }
  [[nodiscard]] runs::Connector& connector() { return *connector_; }
  /// Right where the machine's is not, as far as the database knows.
  [[nodiscard]] storage::SharedClock& clock() { return *clock_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] const telemetry::Log& log() const { return log_; }
  [[nodiscard]] telemetry::Metrics& metrics() { return metrics_; }
  /// What the REST API works with.
  [[nodiscard]] admin::ApiServices api_services(std::function<void()> wake_scheduler, std::function<bool()> is_ready,
                                               std::function<Status()> reachable = {});
  /// Names this process in leases.
  [[nodiscard]] const std::string& owner() const { return owner_; }

 private:
  Host(const config::Config& config, HostOptions options);
  Status build();

  config::Config config_;
  HostOptions options_;
  std::unique_ptr<storage::SharedClock> clock_;
  SystemRandom random_;
  telemetry::Log log_;
  telemetry::Metrics metrics_;
  std::string owner_;
  std::unique_ptr<storage::Database> database_;   // the real one
  std::optional<runs::Scratch> scratch_;          // of a trial
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<VaultTokenStore> tokens_;
  std::unique_ptr<DatabaseStateStore> states_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<plugins::PluginRunner> runner_;
  std::unique_ptr<runs::Registry> registry_;
  std::unique_ptr<runs::Engine> engine_;
  std::unique_ptr<runs::Connector> connector_;
};

/// Whether the process that the owner of a lease stands for is certainly gone: one of this machine that does not exist any more. A
/// number that was given to another process looks alive.
[[nodiscard]] bool is_dead_owner(std::string_view owner);
/// The file that holds everything on SQLite.
[[nodiscard]] std::filesystem::path database_file(const config::Config& config);
/// Opens (and migrates) the storage that the configuration names, without vault or plugins.
Result<std::unique_ptr<storage::Database>> open_database(const config::Config& config, const Clock& clock);
/// The same for another storage than the configured one, in a data folder that is prepared. Errors: storage.*, config.secret_*.
Result<std::unique_ptr<storage::Database>> open_storage(const config::Config& config, const config::StorageConfig& where, const Clock& clock);
/// The vault's master key. Errors: app.vault_key_missing, vault.*.
Result<vault::MasterKey> open_master_key(const config::Config& config);
/// Folders whose plugins come with Berth: plugins/ and lib/berth/plugins/ beside the folder of this program. By place and
/// not by name: whoever may write there could replace the program as well.
[[nodiscard]] std::vector<std::filesystem::path> bundled_plugin_folders();
/// Folders of plugins in the order in which they are looked through: `first`, then the configuration's, then
/// BERTH_PLUGIN_PATH.
[[nodiscard]] std::vector<std::filesystem::path> plugin_folders(const config::Config& config,
                                                                const std::vector<std::filesystem::path>& first);

}  // namespace berth::app
