#pragma once
// The integrations of this host, each put together from configuration, plugin, rules and stored state, when it is used.
//
//   Registry registry({...});
//   const std::shared_ptr<IntegrationUnit> unit = BERTH_TRY(registry.unit("zoho_acme"));
//   engine.run(unit->setup, BERTH_TRY(registry.access(*unit)), {}, stop);
//
// Declared ones come from berth.yaml; those made by REST are read from storage and take client settings, added data
// centres, plan, phases and mapping from the first declared integration of their plugin, else the client from the
// environment and the rest by default: hourly, from the moment of connecting, a fifth of the quota left to others.
//
// A host may have very many of them and runs a few at a time. So no more than kUnitsInMemory are kept, and of the gates of remote
// organisations kGatesInMemory: beyond that those go that nobody has used for longest. Whoever holds a unit or a gate keeps it,
// and while somebody does there is no second one. What a unit knows beside its files is stored (tokens), and so is what a
// gate knows, once the calls of the last minute have passed, which it waits for.
//
// Any thread.
//
// Errors: plugin.safe_mode, runs.integration_unknown, runs.plugin_missing (with the reason for which a plugin of that
// name was refused), plugin.untrusted, plugin.changed, runs.phases_invalid, mapping.invalid (findings in the message),
// oauth.provider_invalid.
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/config/config.hpp"
#include "host/core/recently_used.hpp"
#include "host/ledger/books.hpp"
#include "host/oauth/authorization.hpp"
#include "host/oauth/integration_tokens.hpp"
#include "host/oauth/provider.hpp"
#include "host/plugins/descriptor.hpp"
#include "host/plugins/runner.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/quota_key.hpp"
#include "host/runs/setup.hpp"

namespace berth::runs {

/// Units that are kept although nobody uses them now. One takes about a third of a mebibyte (tests/bench, units_bench).
inline constexpr std::size_t kUnitsInMemory = 128;
/// Gates, the same. They are small.
inline constexpr std::size_t kGatesInMemory = 4'096;

/// One integration with everything a run or a connect needs. Immutable but for tokens and gate.
struct IntegrationUnit {
  std::unique_ptr<config::Integration> declared;
  plugins::Descriptor descriptor;
  Setup setup;
  oauth::Provider provider;
  oauth::ClientSettings client;
  std::unique_ptr<oauth::IntegrationTokens> tokens;
  std::vector<std::string> enabled_phases;
  http::ErrorRules rules;
};

class Registry {
 public:
  struct Dependencies {
    const config::Config& config;
    config::Environment environment;
    storage::Database& database;
    http::Transport& transport;
    oauth::TokenStore& token_store;
    plugins::PluginRunner& runner;
    Clock& clock;
    telemetry::Log log;
    std::vector<std::filesystem::path> plugin_folders;
    std::string owner{};                 // names this process to others that draw on the same quota; empty: made up
    std::function<bool(std::string_view owner)> is_dead_owner{};   // as the engine's
    /// Safe mode: plugins outside of these folders are not opened. Empty: every trusted plugin is.
    std::vector<std::filesystem::path> only_plugins_in{};
    /// Where the state of the quotas is kept, if not in `database`: a trial's database is a copy, but its calls are real.
    storage::Database* quota_database = nullptr;
    std::size_t units_in_memory = kUnitsInMemory;
    std::size_t gates_in_memory = kGatesInMemory;
  };
  explicit Registry(Dependencies dependencies);

  /// Writes the declared integrations and their account rows to storage, and classifications. Once at start.
  Status sync_declared();
  /// Says of the integrations whose plugin is not opened in safe mode that it is so, and no longer of the others. For the
  /// host that serves.
  Status note_safe_mode();
  /// Ids of all integrations, declared and made by REST.
  Result<std::vector<std::string>> ids();
  /// Whether this host is the one to run it: it is in the configuration, or was made by REST.
  [[nodiscard]] bool has(const storage::Integration& row) const;
  /// Every redirect URI that an integration of this host can have, with none of them put together: those of the declared ones, of whose
  /// clients the others take one, and of plugins that nobody declared.
  [[nodiscard]] std::set<std::string> redirect_uris() const;
  /// Puts it together where nobody has yet, and anew where another process applied the rules that are in its file now, which opens its plugin in a worker: that may take as long as a plugin may hang.
  Result<std::shared_ptr<IntegrationUnit>> unit(std::string_view id);
  /// The same without any wait: nullptr where it is not put together, or is no longer kept.
  [[nodiscard]] std::shared_ptr<IntegrationUnit> find_unit(std::string_view id);
  /// How the plugin ended its worker when the unit was last put together, if it did.
  [[nodiscard]] std::optional<plugins::Crash> crash_of(std::string_view id);
  /// plugin.safe_mode where this plugin is not opened in safe mode.
  [[nodiscard]] std::optional<Error> disabled_plugin(std::string_view plugin) const;
  /// Forgets the unit, so that the next unit() reads configuration and rules again.
  void forget(std::string_view id);
  /// With the gate of the organisation that is chosen now. Its tokens are those of the unit, which has to outlive it.
  Result<RemoteAccess> access(IntegrationUnit& unit);
  /// nullptr where the gate was not used in this process, or is no longer kept.
  [[nodiscard]] std::shared_ptr<http::QuotaGate> find_gate(const IntegrationUnit& unit, std::string_view organization);
  /// How many of each are kept now.
  [[nodiscard]] std::size_t units_kept();
  [[nodiscard]] std::size_t gates_kept();
  [[nodiscard]] QuotaKeys& quota_keys() { return quota_keys_; }
  [[nodiscard]] const ledger::Companies& companies() const { return companies_; }
  [[nodiscard]] const std::vector<plugins::Discovered>& discovered() const { return discovered_; }

 private:
  Result<std::shared_ptr<IntegrationUnit>> assemble(std::string_view id);
  Status find_plugin(Setup& setup) const;
  Status describe(IntegrationUnit& unit);
  Status load_phases(IntegrationUnit& unit);
  Status load_rules(Setup& setup) const;
  Result<bool> has_other_rules(const IntegrationUnit& unit);
  Result<oauth::ClientSettings> client_of(const config::Integration& declared) const;

  Dependencies dependencies_;
  ledger::Companies companies_;
  std::vector<plugins::Discovered> discovered_;
  QuotaKeys quota_keys_;
  std::mutex mutex_;                                              // guards what follows
  std::condition_variable made_;
  std::set<std::string, std::less<>> making_;                     // units that some thread puts together now
  std::map<std::string, plugins::Crash, std::less<>> crashes_;
  RecentlyUsed<IntegrationUnit> units_;
  struct Quota {
    std::unique_ptr<http::QuotaBoard> board;
    std::unique_ptr<http::QuotaGate> gate;
    /// No call under way, and none within the last minute: all that it knows stands on its board.
    [[nodiscard]] bool is_idle() const;
  };
  RecentlyUsed<Quota> quotas_;                                    // by quota_keys_
};

/// The books of each company that the configuration declares.
[[nodiscard]] ledger::Companies companies_of(const config::Config& config);
/// A declared integration as storage begins it: what is in the file, and nothing of what happened since.
[[nodiscard]] storage::Integration row_of(const config::Integration& declared);

}  // namespace berth::runs
