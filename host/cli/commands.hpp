#pragma once
// The commands, one function each; main.cpp parses the command line and calls one of them. Every function returns the
// exit code.
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "host/app/host.hpp"
#include "host/cli/output.hpp"
#include "host/config/config.hpp"

namespace berth::cli {

/// "still to come: 93000 calls, done by 2026-06-07T04:52:00Z at 9800 calls a day; history under way: ..."; "" where nothing is.
/// Of an integration that may run: where none may, nothing is done by any moment.
std::string forecast_text(const json::Value& forecast, Instant now);
/// Whether the scheduler may run it: it is enabled and connected.
bool may_run(const storage::Integration& integration);
/// Those of the storage, and of the configuration those that are not there yet; by id.
Result<std::vector<storage::Integration>> all_integrations(storage::Connection& connection, const config::Config& config);
/// As REST shows them (admin/views.hpp); of all integrations where `id` is empty.
Result<json::Value> status_views(storage::Database& database, const config::Config& config, runs::QuotaKeys& keys, Instant now, const std::string& id);
/// What `berth status` prints of these views: a row each, and below them what is still to come, what is the matter and what to do.
std::string status_page(const json::Value& views, Instant now);

/// Loads the configuration; its findings go to standard error.
Result<config::Config> load_config(const Global& global);
/// Opens the whole host. Log lines of warnings and errors go to standard error; with --verbose all.
Result<std::unique_ptr<app::Host>> open_host(const Global& global, bool is_trial = false);
/// Storage alone: for commands that only read or write what is stored.
struct Opened {
  config::Config config;
  std::unique_ptr<Clock> clock;   // as the hosts on the database agree on it
  std::unique_ptr<storage::Database> database;
};
Result<Opened> open_storage(const Global& global);
/// The plugins in the configured folders.
std::vector<plugins::Discovered> discover_plugins(const Global& global, const config::Config& config);
/// Reasons of the connectors in the configured folders, those that come with Berth where there is no configuration, are
/// explained from now on. Opening a configuration does it; for commands that can do without one.
void know_plugins_reasons(const Global& global);
/// Whose quota an integration draws on, for commands without a host.
struct OfflineQuotaKeys {
  OfflineQuotaKeys(const Global& global, const config::Config& config);
  OfflineQuotaKeys(const OfflineQuotaKeys&) = delete;
  OfflineQuotaKeys& operator=(const OfflineQuotaKeys&) = delete;
  const std::vector<plugins::Discovered> discovered;
  runs::QuotaKeys keys;
};
/// As it is stored, else as it is declared. Errors: runs.integration_unknown, storage's.
Result<storage::Integration> integration_of(storage::Database& database, const config::Config& config, const std::string& id);
/// Requests a stop when Ctrl-C or SIGTERM comes: the run ends at its next checkpoint. A second one ends the process at
/// once, as if nobody handled it, which loses nothing that is committed.
std::stop_token stop_on_signal();

// setup
int init(const Global& global, const std::string& folder);
int config_validate(const Global& global);
int vault_init(const Global& global);
int vault_status(const Global& global);
int vault_rotate(const Global& global, const std::string& new_key);
int token_create(const Global& global, const std::string& name, const std::string& role);
int token_list(const Global& global);
int token_revoke(const Global& global, const std::string& id);
int plugin_list(const Global& global);
int plugin_trust(const Global& global, const std::string& path);
struct ServeOptions {
  bool json_log = false, safe_mode = false;
};
/// Engine and books, as `berth ledger check` and more.
int db_check(const Global& global);
int db_backup(const Global& global, const std::string& file);
int db_restore(const Global& global, const std::string& file);
/// Applies migrations; with `to`, copies everything into that storage and compares.
int db_migrate(const Global& global, const std::string& to, const std::string& password);
/// What is wrong, and what to do about it; `online` asks the remotes too. See doctor.hpp.
int doctor(const Global& global, bool online);
int serve(const Global& global, const ServeOptions& options);

// reasons
int explain(const Global& global, const std::string& reason);
/// Cause and resolution of what these views have, each once; for below a table.
void print_ways_out(const std::vector<json::Value>& views);

// integrations
int status(const Global& global, const std::string& id, bool watch);
struct ConnectOptions {
  std::string id, code, accounts_server, location, self_client;
  int wait_seconds = 900;
};
int connect(const Global& global, const ConnectOptions& options);
struct SyncOptions {
  std::string id, since;
  std::vector<std::string> phases;
  bool full = false, strict = false;
  bool is_dry_run = false, is_estimate = false;
  std::size_t limit = 100;   // of entries and refusals that a dry run lists
};
/// What a dry run came to (admin/trial.hpp), below the phases of its run.
void print_dry_run(const json::Value& view);
int sync(const Global& global, const SyncOptions& options);
/// What it would cost in calls; makes none.
int sync_estimate(const Global& global, const SyncOptions& options);
int change_desired(const Global& global, const std::string& id, const std::string& verb);
int disconnect(const Global& global, const std::string& id);
int confirm_deletions(const Global& global, const std::string& id);
int schedule_show(const Global& global, const std::string& id);
int test(const Global& global, const std::string& id);
int organizations(const Global& global, const std::string& id, const std::string& choose);
int runs(const Global& global, const std::string& id);
int run_show(const Global& global, const std::string& run);

// hosts
int hosts(const Global& global);

// quota
int quota_show(const Global& global, const std::string& id);
int quota_reset(const Global& global, const std::string& id);

// records
int records_list(const Global& global, const std::string& id, const std::string& entity, const std::string& state, std::size_t limit);
/// Why a document became what it became (lineage/lineage.hpp).
int records_show(const Global& global, const std::string& id, const std::string& name);
int records_retry(const Global& global, const std::string& id, const std::string& reference);
int records_archive(const Global& global, const std::string& id, const std::vector<std::string>& record, const std::string& why);
int records_unarchive(const Global& global, const std::string& id, const std::vector<std::string>& record);
/// Applies what is pending, or queues that for whoever runs the integration now, and says `done` and what came of it.
int apply_now(const Global& global, app::Host& host, const std::string& id, json::Value answer, const std::string& done);
int accounts_list(const Global& global, const std::string& id);
int accounts_map(const Global& global, const std::string& id, const std::string& row, const std::string& account);

int customers_list(const Global& global, const std::string& id);
int customers_link(const Global& global, const std::string& id, const std::string& remote_id, const std::string& local);
int customers_unlink(const Global& global, const std::string& id, const std::string& remote_id);
int customers_create(const Global& global, const std::string& id, const std::string& remote_id, const std::string& name);
int classifications_list(const Global& global);
int classifications_add(const Global& global, const std::string& name, const std::string& line);
int classifications_remove(const Global& global, const std::string& name, const std::string& line);

// mapping
int mapping_validate(const Global& global, const std::string& file, bool deny_warnings);
int mapping_test(const Global& global, const std::string& folder, bool with_coverage);
struct RemapOptions {
  std::string id, file;
  bool all = false;
  std::size_t limit = 20;
  int wait_seconds = 120;
};
/// The integration with the rules of a file, its own if that is ""; findings go to standard error.
Result<runs::Setup> candidate_of(const Global& global, const runs::Setup& setup, const std::string& file);
int mapping_explain(const Global& global, const std::string& id, const std::string& reference, const std::string& file);
int mapping_diff(const Global& global, const RemapOptions& options);
int mapping_apply(const Global& global, const RemapOptions& options);

// ledger
int ledger_balance(const Global& global, const std::string& company);
int ledger_entries(const Global& global, const std::string& company, const std::string& source, std::size_t limit);
int ledger_check(const Global& global);
int ledger_receivables(const Global& global, const std::string& id);
int ledger_export(const Global& global, const std::string& format, const std::string& sort);
int ledger_tie_out(const Global& global, const std::string& id);
struct RevalueOptions {
  std::string id, company, currency, rate, period_end;
};
int ledger_revalue(const Global& global, const RevalueOptions& options);
int ledger_opening(const Global& global, const std::string& id, const std::string& file);
int ledger_period(const Global& global, const std::string& verb, const std::string& company, const std::string& month);

}  // namespace berth::cli
