#include "host/app/host.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "host/app/data_folder.hpp"
#include "host/core/hash.hpp"
#include "host/core/text.hpp"

namespace berth::app {

namespace {

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "host";
  return name;
}

/// Where the numbers of processes mean what they mean here: two machines, or two containers, may have the same name.
std::string process_space() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code failure;
  const std::string processes = std::filesystem::read_symlink("/proc/self/ns/pid", failure).string();
  return fmt::format("{}/{}", host_name(), sha256_hex(boot + processes).substr(0, 8));
}

}  // namespace

/// Owners are "name/space:pid:random", and a run adds its own part.
bool is_dead_owner(std::string_view owner) {
  static const std::string here = process_space();
  const auto parts = split(owner, ':');
  if (parts.size() < 2 || parts[0] != here) return false;
  const long pid = std::strtol(parts[1].c_str(), nullptr, 10);
  return pid > 0 && kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

std::filesystem::path database_file(const config::Config& config) { return config.data_dir / "berth.db"; }

Result<std::unique_ptr<storage::Database>> open_database(const config::Config& config, const Clock& clock) {
  BERTH_CHECK(prepare_data_folder(config.data_dir));
  runs::Scratch::remove_left_over(config.data_dir);
  return open_storage(config, config.storage, clock);
}

Result<std::unique_ptr<storage::Database>> open_storage(const config::Config& config, const config::StorageConfig& where, const Clock& clock) {
  if (where.engine == config::StorageConfig::Engine::kSqlite) return storage::open_sqlite({.path = database_file(config).string()}, clock);
  storage::PostgresqlOptions options{.url = where.url, .folder = config.data_dir.string()};
  if (where.password) options.password = BERTH_TRY(config::resolve(*where.password, config::process_environment()));
  return storage::open_postgresql(options, clock);
}

Result<vault::MasterKey> open_master_key(const config::Config& config) {
  if (!config.vault_key) {
    return make_error(Code::kInvalidConfig, "app.vault_key_missing",
                      fmt::format("{} names no vault key; add `vault: {{key: file:./secrets/vault.key}}` and run `berth vault init`",
                                  config.file.string()));
  }
  return vault::load_master_key(config.vault_key->to_string());
}

std::vector<std::filesystem::path> plugin_folders(const config::Config& config, const std::vector<std::filesystem::path>& first) {
  std::vector<std::filesystem::path> folders = first;
  folders.insert(folders.end(), config.plugins.paths.begin(), config.plugins.paths.end());
  if (const char* more = std::getenv("BERTH_PLUGIN_PATH"); more != nullptr) {
    for (const std::string& folder : split(more, ':')) {
      if (!folder.empty()) folders.emplace_back(folder);
    }
  }
  return folders;
}

std::vector<std::filesystem::path> bundled_plugin_folders() {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (failure) return {"/usr/lib/berth/plugins"};
  const std::filesystem::path root = program.parent_path().parent_path();
  return {root / "plugins", root / "lib/berth/plugins"};
}

Host::Host(const config::Config& config, HostOptions options)
    : config_(config),
      options_(std::move(options)),
      clock_(options_.clock != nullptr ? std::make_unique<storage::SharedClock>(*options_.clock) : std::make_unique<storage::SharedClock>()) {
  if (options_.sink) log_ = telemetry::Log(options_.sink, *clock_, options_.least);
  owner_ = fmt::format("{}:{}:{}", process_space(), getpid(), random_.token(6));
}

Result<std::unique_ptr<Host>> Host::open(const config::Config& config, HostOptions options) {
  std::unique_ptr<Host> host(new Host(config, std::move(options)));
  BERTH_CHECK(host->build());
  return host;
}

Status Host::build() {
  database_ = BERTH_TRY(open_database(config_, *clock_));
  BERTH_CHECK(clock_->follow(*database_));
  if (options_.is_trial) scratch_.emplace(BERTH_TRY(runs::Scratch::of(*database_, *clock_)));
  storage::Database& books = database();
  vault_ = std::make_unique<vault::Vault>(*database_, BERTH_TRY(open_master_key(config_)), random_, *clock_);
  tokens_ = std::make_unique<VaultTokenStore>(*database_, *vault_);
  states_ = std::make_unique<DatabaseStateStore>(*database_, *clock_);
  bool has_loopback = false;
  for (const config::Integration& integration : config_.integrations) {
    for (const config::DataCenter& center : integration.data_centers) has_loopback = has_loopback || center.allow_http_loopback;
  }
  transport_ = BERTH_TRY(http::make_poco_transport({.timeouts = {.connect = config_.http.connect_timeout,
                                                                  .header = config_.http.header_timeout,
                                                                  .idle = config_.http.idle_timeout,
                                                                  .deadline = config_.http.deadline},
                                                     .allow_http_loopback = has_loopback}));
  if (config_.plugins.isolation == config::Isolation::kInProcess) {
    log_.warning("plugins run inside this process: for tests and debugging only, nothing isolates them");
    runner_ = plugins::make_in_process_runner();
  } else {
    runner_ = plugins::make_worker_runner();
  }
  std::vector<std::filesystem::path> only_plugins_in;
  if (options_.safe_mode) {
    log_.warning("safe mode: plugins that do not come with Berth are not opened");
    only_plugins_in = bundled_plugin_folders();
  }
  registry_ = std::make_unique<runs::Registry>(runs::Registry::Dependencies{.config = config_,
                                                                            .environment = config::process_environment(),
                                                                            .database = books,
                                                                            .transport = *transport_,
                                                                            .token_store = *tokens_,
                                                                            .runner = *runner_,
                                                                            .clock = *clock_,
                                                                            .log = log_,
                                                                            .plugin_folders = plugin_folders(config_, options_.plugin_folders),
                                                                            .owner = owner_,
                                                                            .is_dead_owner = is_dead_owner,
                                                                            .only_plugins_in = only_plugins_in,
                                                                            .quota_database = scratch_ ? database_.get() : nullptr});
  metrics_.describe("berth_runs_total", "Runs that ended, by outcome");
  metrics_.describe("berth_run_seconds", "How long runs took");
  metrics_.describe("berth_remote_calls_total", "Calls to the remote API, repeats included, by kind");
  metrics_.describe("berth_records_total", "Records that runs moved to a state");
  BERTH_CHECK(registry_->sync_declared());
  engine_ = std::make_unique<runs::Engine>(runs::Engine::Dependencies{.database = books,
                                                                      .transport = *transport_,
                                                                      .runner = *runner_,
                                                                      .clock = *clock_,
                                                                      .random = random_,
                                                                      .log = log_,
                                                                      .companies = registry_->companies(),
                                                                      .owner = owner_,
                                                                      .is_dead_owner = is_dead_owner,
                                                                      .metrics = &metrics_,
                                                                      .lease_ttl = config_.hosts.lease});
  connector_ = std::make_unique<runs::Connector>(runs::Connector::Dependencies{.database = books,
                                                                              .transport = *transport_,
                                                                              .states = *states_,
                                                                              .engine = *engine_,
                                                                              .registry = *registry_,
                                                                              .clock = *clock_,
                                                                              .random = random_,
                                                                              .log = log_});
  return success();
}

admin::ApiServices Host::api_services(std::function<void()> wake_scheduler, std::function<bool()> is_ready,
                                       std::function<Status()> reachable) {
  return {.config = config_,
          .database = database(),
          .registry = *registry_,
          .engine = *engine_,
          .connector = *connector_,
          .clock = *clock_,
          .random = random_,
          .log = log_,
          .metrics = metrics_,
          .wake_scheduler = std::move(wake_scheduler),
          .is_ready = std::move(is_ready),
          .reachable = std::move(reachable),
          .is_dead_owner = is_dead_owner};
}

}  // namespace berth::app
