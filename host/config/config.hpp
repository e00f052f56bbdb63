#pragma once
// berth.yaml, typed and checked: companies, integrations and how the host runs.
//
//   Findings findings;
//   auto loaded = config::load("berth.yaml", findings);
//   if (!loaded) { std::cerr << findings.print(); return 1; }
//   for (const Integration& integration : loaded->integrations) ...
//
// Loading is offline: it reads berth.yaml and the charts of accounts it names, nothing else; no variable of the
// environment and no secret. Every mistake is a finding with its place; a Config comes back only without errors. Keys,
// types, defaults and help texts are one table (keys.cpp), from which the JSON Schema for editors is made.
// Plain data after that; no threads.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/config/accounts.hpp"
#include "host/config/findings.hpp"
#include "host/config/secret_ref.hpp"
#include "host/core/cron.hpp"
#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::config {

struct StorageConfig {
  enum class Engine { kSqlite, kPostgresql };
  Engine engine = Engine::kSqlite;
  std::string url;                    // of PostgreSQL, without a password
  std::optional<SecretRef> password;  // of PostgreSQL
};

struct ServerConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8484;
  std::string public_url = "http://127.0.0.1:8484";  // without a slash at the end
};

/// How long each part of a call to a remote may take.
struct HttpConfig {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds header_timeout{30'000};
  std::chrono::milliseconds idle_timeout{20'000};
  std::chrono::milliseconds deadline{60'000};
};

/// How a host gets along with others on the same database.
struct HostsConfig {
  std::chrono::milliseconds lease{120'000};   // an integration stays so long with a host that is gone
  std::chrono::milliseconds drain{60'000};    // runs have so long to end when the host is asked to
};

enum class Isolation { kWorker, kInProcess };

struct PluginsConfig {
  std::vector<std::filesystem::path> paths;  // absolute; folders that hold plugins
  Isolation isolation = Isolation::kWorker;
  std::int64_t workers_max = 4;  // runs at once
};

/// A classification whose lines records may name: Service Type with Consulting, Support.
struct Classification {
  std::string name;
  std::vector<std::string> lines;
};

struct Policies {
  enum class Periods { kRedate, kHold, kSkip };
  enum class Presentation { kNet, kGross };
  enum class Intercompany { kSeparate, kDueToFrom };
  Periods periods = Periods::kRedate;
  Presentation presentation = Presentation::kNet;
  Intercompany intercompany = Intercompany::kSeparate;
  bool bad_debt_relief = false;
};

struct Company {
  std::string id;
  std::string name;
  Currency base_currency;
  std::filesystem::path accounts_file;  // absolute
  ChartOfAccounts chart;
  Policies policies;
};

enum class Mode { kPullOnly, kTwoWay };
[[nodiscard]] std::string_view to_string(Mode mode);  // "pull_only", "two_way"
enum class PullExtent { kFull, kReduced };
[[nodiscard]] std::string_view to_string(PullExtent extent);  // "full", "reduced"

/// The application registered with the remote.
struct ClientConfig {
  Setting id;
  SecretRef secret;
  Setting redirect_uri;
  std::string home = "us";  // the location whose consent page is opened
};

struct Backfill {
  enum class From { kConnected, kAll, kTwelveMonthsThenAll, kDate };
  From from = From::kConnected;
  std::optional<Date> date;  // of kDate
};

/// Calls a phase may use in a run: a number, or a share of what is left of the day.
struct Budget {
  bool is_share = false;
  std::int64_t value = 0;  // calls, or whole percent
};
/// "2000" or "40%". Errors: config.budget.
[[nodiscard]] Result<Budget> parse_budget(std::string_view text);

/// A row of the account table that the file fills in: (integration, kind, key, company) → account.
struct AccountPrefill {
  std::string kind;  // default_income, default_expense, payment_mode, tax, zoho_account, service_line, reduced_total, role
  std::string key;   // "" for the two defaults
  std::string account;
};

struct WebhookConfig {
  std::optional<SecretRef> secret;
  bool allow_unsigned = false;
};

/// What two_way integrations send and receive besides the pull; kept here until it is used.
struct TwoWaySync {
  bool invoice_outbound = true;
  bool customer_inbound = true;
  bool payment_outbound = true;
};

/// When a phase runs: every so often, or at the times of a cron expression.
struct Timing {
  std::chrono::milliseconds every{0};   // where there is no `cron`
  std::optional<Cron> cron{};
};
/// No phase runs more often: each run asks every list at least once.
inline constexpr std::chrono::minutes kTimingMin{1};
/// "1h", or "0 6 * * mon-fri". Errors: core.duration_invalid, core.cron_invalid.
[[nodiscard]] Result<Timing> parse_timing(std::string_view text);
/// As it was written, or "1h".
[[nodiscard]] std::string to_string(const Timing& timing);

struct RemoteLimits {
  std::int64_t per_minute = 0;  // 0: no limit
  std::int64_t concurrent = 0;
  std::int64_t per_day = 0;     // 0: none but what the answers' headers say
};

/// An addition to a plugin's table of data centres; the only way to reach any other host.
struct DataCenter {
  std::string location;
  std::string accounts;  // origin without a slash at the end: "http://127.0.0.1:9100"
  std::string api;
  bool allow_http_loopback = false;
  std::optional<RemoteLimits> limits;
};

struct Integration {
  std::string id;
  std::string plugin;
  std::string company;
  std::string tenant = "default";
  std::string environment = "production";
  Mode mode = Mode::kPullOnly;
  std::optional<ClientConfig> client;       // absent: the host's registered application is used
  std::optional<std::string> organization;  // an id; absent: the first
  std::string plan = "free";                // sets the daily quota until the remote says otherwise
  std::string api_version;                  // "v3"; "": the connector's own
  PullExtent pull = PullExtent::kFull;
  bool enabled = true;
  int reserve_percent = 20;
  std::map<std::string, Budget, std::less<>> budgets;  // by cost class, "invoices.detail"
  Backfill backfill;
  std::map<std::string, Timing, std::less<>> schedule;  // by phase; phases not named run hourly
  std::string schedule_zone;                            // of cron expressions; "": that of the organisation
  std::optional<std::filesystem::path> phases_file;   // absolute; absent: the plugin's own
  std::optional<std::filesystem::path> mapping_file;  // absolute; absent: the plugin's own
  std::vector<AccountPrefill> accounts;
  WebhookConfig webhook;
  TwoWaySync sync;
  std::map<std::string, std::string, std::less<>> remote_accounts;  // undeposited_funds, payout_bank, fees → remote id
  std::vector<DataCenter> data_centers;
};

struct Config {
  std::filesystem::path file;      // absolute
  std::filesystem::path data_dir;  // absolute
  StorageConfig storage;
  std::optional<SecretRef> vault_key;  // absent: <data_dir>/vault.key is not assumed; commands that need it say so
  ServerConfig server;
  HttpConfig http;
  HostsConfig hosts;
  PluginsConfig plugins;
  std::vector<Classification> classifications;
  std::vector<Company> companies;
  std::vector<Integration> integrations;

  /// nullptr if there is none.
  [[nodiscard]] const Company* find_company(std::string_view id) const;
  [[nodiscard]] const Integration* find_integration(std::string_view id) const;
};

/// Errors: config.file_unreadable, or config.invalid with the first mistake and their number; all are in `findings`.
[[nodiscard]] Result<Config> load(const std::filesystem::path& path, Findings& findings);

/// The JSON Schema (draft-07) of berth.yaml, for editors.
[[nodiscard]] json::Value schema();
/// The same of a chart of accounts.
[[nodiscard]] json::Value accounts_schema();

}  // namespace berth::config
