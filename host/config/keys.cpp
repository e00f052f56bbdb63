#include "host/config/keys.hpp"

#include <array>

namespace berth::config {
namespace {

using T = ValueType;
using Words = std::string_view;

/// What the quota gate can keep (host/http/limits.hpp): it remembers each call of a minute, and has that many places.
constexpr std::int64_t kPerMinuteMax = 100'000;
constexpr std::int64_t kConcurrentMax = 16;

constexpr std::array<Words, 2> kIsolations{"worker", "in_process"};
constexpr std::array<Words, 3> kPeriods{"redate", "hold", "skip"};
constexpr std::array<Words, 2> kIntercompany{"separate", "due_to_from"};
constexpr std::array<Words, 2> kPresentations{"net", "gross"};
constexpr std::array<Words, 2> kModes{"pull_only", "two_way"};
constexpr std::array<Words, 2> kPulls{"full", "reduced"};
constexpr std::array<Words, 6> kPlans{"free", "standard", "professional", "premium", "elite", "ultimate"};
constexpr std::array<Words, 3> kBackfills{"connected", "all", "12_months_then_all"};
constexpr std::array<Words, 5> kAccountTypes{"asset", "liability", "equity", "income", "expense"};

constexpr Key kVaultKeys[] = {
    {.name = "key",
     .type = T::kKeySecret,
     .help = "Where the master key is: file:PATH, env:NAME or credential:NAME (a systemd credential).",
     .is_required = true},
};
constexpr Shape kVault{"vault", kVaultKeys};

constexpr Key kServerKeys[] = {
    {.name = "listen",
     .type = T::kAddress,
     .help = "The address and port the server listens on.",
     .fallback = "127.0.0.1:8484"},
    {.name = "public_url",
     .type = T::kOrigin,
     .help = "The address by which browsers and webhooks reach the server.",
     .fallback = "http://127.0.0.1:8484"},
};
constexpr Shape kServer{"server", kServerKeys};

constexpr Key kHttpKeys[] = {
    {.name = "connect_timeout",
     .type = T::kDuration,
     .help = "How long a connection to a remote may take to open, TLS included.",
     .fallback = "10s"},
    {.name = "header_timeout",
     .type = T::kDuration,
     .help = "How long a remote may take to begin its answer and to send the headers.",
     .fallback = "30s"},
    {.name = "idle_timeout",
     .type = T::kDuration,
     .help = "How long a remote may pause inside the body of an answer.",
     .fallback = "20s"},
    {.name = "deadline",
     .type = T::kDuration,
     .help = "How long a whole call may take, however steadily the answer trickles in; at most 5m.",
     .fallback = "60s"},
};
constexpr Shape kHttp{"http", kHttpKeys};

constexpr Key kHostsKeys[] = {
    {.name = "lease",
     .type = T::kDuration,
     .help = "How long an integration stays with a host that is not heard of any more, 20s to 10m; then another host goes on.",
     .fallback = "2m"},
    {.name = "drain",
     .type = T::kDuration,
     .help = "How long a host that is asked to end waits for its runs to come to their next checkpoint; at most 10m.",
     .fallback = "1m"},
};
constexpr Shape kHosts{"hosts", kHostsKeys};

constexpr Key kPluginsKeys[] = {
    {.name = "paths",
     .type = T::kPath,
     .help = "Folders that hold plugins, one folder a plugin.",
     .holds = Holds::kList},
    {.name = "isolation",
     .type = T::kChoice,
     .help = "Where plugins run: in a worker process, or in this process for tests and debugging.",
     .fallback = "worker",
     .choices = kIsolations},
    {.name = "workers_max",
     .type = T::kInteger,
     .help = "Runs at once, each with a worker process of its own; others wait for a place.",
     .fallback = "4",
     .min = 1,
     .max = 64},
};
constexpr Shape kPlugins{"plugins", kPluginsKeys};

constexpr Key kClassificationKeys[] = {
    {.name = "name",
     .type = T::kText,
     .help = "The name of the classification, such as Service Type.",
     .is_required = true},
    {.name = "lines",
     .type = T::kText,
     .help = "The lines that records may name.",
     .is_required = true,
     .holds = Holds::kList},
};
constexpr Shape kClassification{"a classification", kClassificationKeys};

constexpr Key kPoliciesKeys[] = {
    {.name = "periods",
     .type = T::kChoice,
     .help = "What happens to a posting in a closed period: it is dated the first open day, held or skipped.",
     .fallback = "redate",
     .choices = kPeriods},
    {.name = "intercompany",
     .type = T::kChoice,
     .help = "How a payment for invoices of two companies is booked: as one cash entry a company, or with due-to and "
             "due-from legs.",
     .fallback = "separate",
     .choices = kIntercompany},
    {.name = "presentation",
     .type = T::kChoice,
     .help = "Whether discounts of lines lower the income (net) or are posted to the discount account (gross).",
     .fallback = "net",
     .choices = kPresentations},
    {.name = "bad_debt_relief",
     .type = T::kBoolean,
     .help = "Whether a write-off takes back the tax part of the invoice.",
     .fallback = "false"},
};
constexpr Shape kPolicies{"policies", kPoliciesKeys};

constexpr Key kCompanyKeys[] = {
    {.name = "id",
     .type = T::kId,
     .help = "The id by which integrations and commands name the company.",
     .is_required = true},
    {.name = "name", .type = T::kText, .help = "The name that people see; the id if it is missing."},
    {.name = "base_currency",
     .type = T::kCurrency,
     .help = "The currency of the company's books, an ISO 4217 code.",
     .is_required = true},
    {.name = "accounts",
     .type = T::kPath,
     .help = "The file with the company's chart of accounts.",
     .is_required = true},
    {.name = "policies",
     .type = T::kMap,
     .help = "How the company wants its books kept where there is a choice.",
     .shape = &kPolicies},
};
constexpr Shape kCompany{"a company", kCompanyKeys};

constexpr Key kClientKeys[] = {
    {.name = "id",
     .type = T::kSetting,
     .help = "The client id of the application registered with the remote, or a reference to it.",
     .is_required = true},
    {.name = "secret",
     .type = T::kSecret,
     .help = "A reference to the client secret: env:NAME, file:PATH or vault:NAME.",
     .is_required = true},
    {.name = "redirect_uri",
     .type = T::kSetting,
     .help = "The redirect address registered with the remote, or a reference to it.",
     .is_required = true},
    {.name = "home",
     .type = T::kText,
     .help = "The location (data centre) whose consent page is opened.",
     .fallback = "us"},
};
constexpr Shape kClient{"client", kClientKeys};

constexpr Key kBackfillKeys[] = {
    {.name = "from",
     .type = T::kBackfill,
     .help = "How far back the first pull goes: connected (changes since the connection), all, 12_months_then_all, or "
             "a date.",
     .fallback = "connected",
     .choices = kBackfills},
};
constexpr Shape kBackfill{"backfill", kBackfillKeys};

constexpr Key kWebhookKeys[] = {
    {.name = "secret", .type = T::kSecret, .help = "A reference to the secret that signs webhooks."},
    {.name = "allow_unsigned",
     .type = T::kBoolean,
     .help = "Whether a webhook without a signature is taken as a hint to fetch.",
     .fallback = "false"},
};
constexpr Shape kWebhook{"webhook", kWebhookKeys};

constexpr Key kSyncKeys[] = {
    {.name = "invoice_outbound",
     .type = T::kBoolean,
     .help = "Whether invoices made here are sent.",
     .fallback = "true"},
    {.name = "customer_inbound",
     .type = T::kBoolean,
     .help = "Whether customers are taken over from the remote.",
     .fallback = "true"},
    {.name = "payment_outbound",
     .type = T::kBoolean,
     .help = "Whether payments made here are sent.",
     .fallback = "true"},
};
constexpr Shape kSync{"sync", kSyncKeys};

constexpr Key kRemoteAccountsKeys[] = {
    {.name = "undeposited_funds",
     .type = T::kText,
     .help = "The remote id of the account for payments not yet deposited."},
    {.name = "payout_bank", .type = T::kText, .help = "The remote id of the bank account that payouts reach."},
    {.name = "fees", .type = T::kText, .help = "The remote id of the account for processing fees."},
};
constexpr Shape kRemoteAccounts{"remote_accounts", kRemoteAccountsKeys};

constexpr Key kLimitsKeys[] = {
    {.name = "per_minute",
     .type = T::kInteger,
     .help = "Calls in a minute; 0: no limit.",
     .is_required = true,
     .min = 0,
     .max = kPerMinuteMax},
    {.name = "concurrent",
     .type = T::kInteger,
     .help = "Calls at the same time.",
     .is_required = true,
     .min = 1,
     .max = kConcurrentMax},
    {.name = "per_day",
     .type = T::kInteger,
     .help = "Calls in a day, until the headers of an answer say otherwise; 0: no limit.",
     .is_required = true,
     .min = 0,
     .max = kCallsMax},
};
constexpr Shape kLimits{"limits", kLimitsKeys};

constexpr Key kDataCenterKeys[] = {
    {.name = "location",
     .type = T::kId,
     .help = "The name of the location, as redirects and client.home give it.",
     .is_required = true},
    {.name = "accounts",
     .type = T::kOrigin,
     .help = "The origin of the server that gives tokens.",
     .is_required = true},
    {.name = "api", .type = T::kOrigin, .help = "The origin of the API server.", .is_required = true},
    {.name = "allow_http_loopback",
     .type = T::kBoolean,
     .help = "Whether http is allowed for addresses of this machine.",
     .fallback = "false"},
    {.name = "limits",
     .type = T::kMap,
     .help = "The limits of this data centre; those of the plugin if they are missing.",
     .shape = &kLimits},
};
constexpr Shape kDataCenter{"a data centre", kDataCenterKeys};

constexpr Key kIntegrationKeys[] = {
    {.name = "id",
     .type = T::kId,
     .help = "The id by which commands and the REST interface name the integration.",
     .is_required = true},
    {.name = "plugin", .type = T::kId, .help = "The plugin that speaks to the remote.", .is_required = true},
    {.name = "company",
     .type = T::kId,
     .help = "The company whose books the records reach if they name no other.",
     .is_required = true},
    {.name = "tenant", .type = T::kId, .help = "The tenant in the address of webhooks.", .fallback = "default"},
    {.name = "environment",
     .type = T::kId,
     .help = "The environment in the address of webhooks.",
     .fallback = "production"},
    {.name = "mode",
     .type = T::kChoice,
     .help = "Whether records are only pulled or also sent; with pull_only nothing but GET reaches the remote.",
     .fallback = "pull_only",
     .choices = kModes},
    {.name = "client",
     .type = T::kMap,
     .help = "The application registered with the remote; the one registered with this host if it is missing.",
     .shape = &kClient},
    {.name = "organization",
     .type = T::kText,
     .help = "The organisation to pull: its id, or first.",
     .fallback = "first"},
    {.name = "plan",
     .type = T::kChoice,
     .help = "The plan at the remote; it sets the daily quota until the remote says otherwise.",
     .fallback = "free",
     .choices = kPlans},
    {.name = "api_version",
     .type = T::kApiVersion,
     .help = "The version of the remote's API that is called, such as v3; the connector's own if it is missing."},
    {.name = "pull",
     .type = T::kChoice,
     .help = "full, or reduced: invoices and credit notes without lines, customers without addresses and contacts, for far fewer calls.",
     .fallback = "full",
     .choices = kPulls},
    {.name = "enabled",
     .type = T::kBoolean,
     .help = "Whether the integration runs by its schedule.",
     .fallback = "true"},
    {.name = "reserve",
     .type = T::kPercent,
     .help = "The share of the day's calls that is left to the customer's other programs.",
     .fallback = "20%",
     .min = 0,
     .max = 95},
    {.name = "budgets",
     .type = T::kBudget,
     .help = "Calls a cost class may use in a run, as a number or a share of what is left of the day; `run` is for all "
             "calls of a run; overrides the plugin's.",
     .holds = Holds::kMapOf},
    {.name = "backfill", .type = T::kMap, .help = "How far back the first pull goes.", .shape = &kBackfill},
    {.name = "schedule",
     .type = T::kTiming,
     .help = "When each phase runs: every so often, or at the times of a cron expression, which are those of `zone`; no more often than once a minute; `archiving` is the comparison of all ids.",
     .holds = Holds::kMapOf},
    {.name = "phases", .type = T::kPath, .help = "The file with the phases; the plugin's own if it is missing."},
    {.name = "mapping",
     .type = T::kPath,
     .help = "The file with the mapping rules; the plugin's own if it is missing."},
    {.name = "accounts",
     .type = T::kAccounts,
     .help =
         "Rows of the account table that are filled in from the start; the others are mapped by command or console."},
    {.name = "webhook", .type = T::kMap, .help = "How webhooks of the remote are checked.", .shape = &kWebhook},
    {.name = "sync",
     .type = T::kMap,
     .help = "What is sent and received besides the pull, with mode two_way.",
     .shape = &kSync},
    {.name = "remote_accounts",
     .type = T::kMap,
     .help = "Accounts of the remote that documents made here use, with mode two_way.",
     .shape = &kRemoteAccounts},
    {.name = "data_centers",
     .type = T::kMap,
     .help = "Additions to the plugin's table of data centres; the only way to reach any other host.",
     .holds = Holds::kList,
     .shape = &kDataCenter},
};
constexpr Shape kIntegration{"an integration", kIntegrationKeys};

constexpr Key kConfigKeys[] = {
    {.name = "berth", .type = T::kVersion, .help = "The version of this file's format: 1.", .is_required = true},
    {.name = "data_dir",
     .type = T::kPath,
     .help = "The folder for the database and what the host keeps.",
     .fallback = "./data"},
    {.name = "storage",
     .type = T::kStorage,
     .help = "sqlite, or postgresql://user@host:5432/name; with a password: {url: ..., password: env:NAME}.",
     .fallback = "sqlite"},
    {.name = "vault", .type = T::kMap, .help = "How credentials are kept.", .shape = &kVault},
    {.name = "server",
     .type = T::kMap,
     .help = "The web server for REST, webhooks and the console.",
     .shape = &kServer},
    {.name = "http", .type = T::kMap, .help = "How long calls to remote systems may take.", .shape = &kHttp},
    {.name = "hosts", .type = T::kMap, .help = "How this host gets along with others on the same database.", .shape = &kHosts},
    {.name = "plugins", .type = T::kMap, .help = "Where plugins are and how they run.", .shape = &kPlugins},
    {.name = "classifications",
     .type = T::kMap,
     .help = "Classifications of records, each with its lines.",
     .holds = Holds::kList,
     .shape = &kClassification},
    {.name = "companies",
     .type = T::kMap,
     .help = "The companies whose books are kept.",
     .is_required = true,
     .holds = Holds::kList,
     .shape = &kCompany},
    {.name = "integrations",
     .type = T::kMap,
     .help = "The connections to remote systems that belong to this file.",
     .holds = Holds::kList,
     .shape = &kIntegration},
};
constexpr Shape kConfig{"berth.yaml", kConfigKeys};

constexpr Key kAccountKeys[] = {
    {.name = "id",
     .type = T::kAccountId,
     .help = "The id by which rows, roles and exports name the account.",
     .is_required = true},
    {.name = "name", .type = T::kText, .help = "The name that people see; the id if it is missing."},
    {.name = "type",
     .type = T::kChoice,
     .help = "What the account is: asset, liability, equity, income or expense.",
     .is_required = true,
     .choices = kAccountTypes},
};
constexpr Shape kAccount{"an account", kAccountKeys};

constexpr Key kChartKeys[] = {
    {.name = "accounts",
     .type = T::kMap,
     .help = "The accounts of the company.",
     .is_required = true,
     .holds = Holds::kList,
     .shape = &kAccount},
    {.name = "roles",
     .type = T::kAccountId,
     .help = "The account that plays each role in posting: ar, undeposited, credits and so on.",
     .holds = Holds::kMapOf},
};
constexpr Shape kChart{"a chart of accounts", kChartKeys};

constexpr AccountKind kAccountKinds[] = {
    {"default_income", false, "The income account of lines that name no other."},
    {"default_expense", false, "The expense account of lines that name no other."},
    {"payment_mode", true, "The cash account of each mode of payment."},
    {"tax", true, "The liability account of each tax, by the remote's tax id."},
    {"zoho_account", true, "The account for each account of the remote, by its id."},
    {"service_line", true, "The income account of each service line."},
    {"reduced_total", false, "The other side of invoices and credit notes of which only the total is known, with `pull: reduced`."},
    {"role", true, "The control account of each role, where the chart of accounts does not say."},
};

}  // namespace

const Shape& config_shape() {
  return kConfig;
}
const Shape& chart_shape() {
  return kChart;
}
std::span<const AccountKind> account_kinds() {
  return kAccountKinds;
}

}  // namespace berth::config
