#include "host/config/config.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>

#include "unit/config/temp_folder.hpp"

namespace {
using namespace berth;
using namespace berth::config;
using namespace std::chrono_literals;

constexpr std::string_view kChart =
    "accounts:\n"
    "  - {id: sales, name: Sales, type: income}\n"
    "  - {id: receivable, name: Accounts Receivable, type: asset}\n"
    "  - {id: undeposited, name: Undeposited Funds, type: asset}\n"
    "  - {id: cogs, name: Cost of Goods Sold, type: expense}\n"
    "roles: {ar: receivable, undeposited: undeposited}\n";

// Every mistake below is one change to this file.
constexpr std::string_view
    kGood =
        "berth: 1\n"                                                                      // 1
        "data_dir: ./data\n"                                                              // 2
        "storage: sqlite\n"                                                               // 3
        "vault: {key: file:./vault.key}\n"                                                // 4
        "server: {listen: 127.0.0.1:8484, public_url: http://127.0.0.1:8484}\n"           // 5
        "plugins: {paths: [./plugins], isolation: worker}\n"                              // 6
        "classifications: [{name: Service Type, lines: [Consulting, Support]}]\n"         // 7
        "companies:\n"                                                                    // 8
        "  - {id: acme_us, name: Acme US, base_currency: USD, accounts: ./chart.yaml}\n"  // 9
        "  - {id: acme_west, base_currency: CAD, accounts: ./chart.yaml}\n"               // 10
        "integrations:\n"                                                                 // 11
        "  - id: zoho_acme\n"                                                             // 12
        "    plugin: zoho_books\n"                                                        // 13
        "    company: acme_us\n"                                                          // 14
        "    mode: pull_only\n"                                                           // 15
        "    client: {id: env:CLIENT_ID, secret: env:CLIENT_SECRET, redirect_uri: "
        "http://127.0.0.1:8484/oauth/callback}\n"                                                             // 16
        "    plan: premium\n"                                                                                 // 17
        "    reserve: 20%\n"                                                                                  // 18
        "    budgets: {invoices.detail: 2000, contacts.detail: 40%}\n"                                        // 19
        "    backfill: {from: 2026-01-01}\n"                                                                  // 20
        "    schedule: {invoices: 1h, customer_payments: 5m}\n"                                               // 21
        "    accounts: {default_income: sales, payment_mode: {Cash: undeposited}, role: {ar: receivable}}\n"  // 22
        "    webhook: {secret: file:./hook, allow_unsigned: false}\n"                                         // 23
        "    data_centers:\n"                                                                                 // 24
        "      - {location: test, accounts: http://127.0.0.1:9100, api: \"http://127.0.0.1:9100/\", "
        "allow_http_loopback: true,\n"                                              // 25
        "         limits: {per_minute: 6000, concurrent: 10, per_day: 100000}}\n";  // 26

std::string changed(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, std::string(from));
  return text.replace(at, from.size(), to);
}

struct Folder : berth::testing::TempFolder {
  Folder() { write("chart.yaml", std::string(kChart)); }
  Result<Config> load(const std::string& text, Findings& findings) const {
    write("berth.yaml", text);
    return config::load(path() / "berth.yaml", findings);
  }
};

struct Mistake {
  const char* from;
  const char* to;
  const char* id;
  std::size_t line;
  std::size_t column;
  const char* hint;  // a part of it
};

constexpr Mistake kMistakes[] = {
    {"berth: 1", "berth: 2", "config.version", 1, 8, "version 1"},
    {"berth: 1\n", "", "config.missing_key", 1, 1, "1"},
    {"data_dir: ./data", "data_dri: ./data", "config.unknown_key", 2, 1, "did you mean `data_dir`?"},
    {"data_dir: ./data", "data_dir: [./data]", "config.type", 2, 11, ""},
    {"data_dir: ./data", "data_dir: \"\"", "config.empty", 2, 11, ""},
    {"storage: sqlite", "storage: sqllite", "config.storage", 3, 10, "did you mean `sqlite`?"},
    {"storage: sqlite", "storage: postgresql://berth:hunter22@db/berth", "config.secret_literal", 3, 10, "env:NAME"},
    {"storage: sqlite", "storage: postgresql://berth:hun/ter22@db/berth", "config.secret_literal", 3, 10, "env:NAME"},
    {"storage: sqlite", "storage: postgresql://berth@db/berth?sslmode=require&password=hunter22", "config.secret_literal", 3, 10, "env:NAME"},
    {"storage: sqlite", "storage: postgresql://berth@db/berth?sslmod=require", "config.storage_address", 3, 10, "did you mean `sslmode`?"},
    {"storage: sqlite", "storage: postgresql://berth@db/berth?sslmode=requird", "config.storage_address", 3, 10, "did you mean `require`?"},
    {"storage: sqlite", "storage: postgresql://berth@db:99999/berth", "config.storage_address", 3, 10, "65535"},
    {"storage: sqlite", "storage: postgres://berth@db/berth", "config.storage", 3, 10, "did you mean `postgresql://`?"},
    {"storage: sqlite", "storage: postgres://berth:hunter22@db/berth", "config.secret_literal", 3, 10, "env:NAME"},
    {"storage: sqlite", "storage: {url: postgresql://berth@db/berth, password: hunter22}", "config.secret_literal", 3, 55, "credential:NAME"},
    {"storage: sqlite", "storage: {url: postgresql://berth@db/berth, password: vault:db}", "config.secret_reference", 3, 55, "env:NAME"},
    {"storage: sqlite", "storage: {url: postgresql://berth@db/berth, pasword: env:X}", "config.unknown_key", 3, 45,
     "did you mean `password`?"},
    {"file:./vault.key", "hunter22hunter22", "config.secret_literal", 4, 14, "env:NAME"},
    {"file:./vault.key", "vault:master", "config.secret_reference", 4, 14, "file:PATH"},
    {"listen: 127.0.0.1:8484", "listen: 127.0.0.1", "config.address", 5, 18, "127.0.0.1:8484"},
    {"public_url: http://127.0.0.1:8484}", "public_url: books.example.com}", "config.url", 5, 46, "https://"},
    {"isolation: worker", "isolation: wroker", "config.choice", 6, 42, "did you mean `worker`?"},
    {"paths: [./plugins]", "paths: ./plugins", "config.type", 6, 18, ""},
    {"lines: [Consulting, Support]", "lines: [Support, Support]", "config.duplicate_id", 7, 57, ""},
    {"base_currency: USD", "base_currency: usd", "config.currency", 9, 49, "did you mean `USD`?"},
    {"base_currency: USD", "base_currency: ABC", "config.currency", 9, 49, "USD"},
    {"{id: acme_west,", "{id: Acme West,", "config.id", 10, 10, ""},
    {"accounts: ./chart.yaml}\n  -", "accounts: ./chrat.yaml}\n  -", "config.file_missing", 9, 64, "relative"},
    {"{id: acme_west,", "{id: acme_us,", "config.duplicate_id", 10, 10, ""},
    {"{id: acme_west, base_currency", "{base_currency", "config.missing_key", 10, 5, ""},
    {"plugin: zoho_books\n", "plugin: zoho_books\n    plugin: other\n", "config.duplicate_key", 14, 5, "line 13"},
    {"company: acme_us", "company: acme_su", "config.unknown_company", 14, 14, "did you mean `acme_us`?"},
    {"mode: pull_only", "mode: pull-only", "config.choice", 15, 11, "did you mean `pull_only`?"},
    {"secret: env:CLIENT_SECRET", "secret: hunter22", "config.secret_literal", 16, 41, "env:NAME"},
    {"secret: env:CLIENT_SECRET", "secret: \"env:\"", "config.secret_reference", 16, 41, "behind the colon"},
    {"secret: env:CLIENT_SECRET, ", "", "config.missing_key", 16, 13, "client secret"},
    {"plan: premium", "plan: premum", "config.choice", 17, 11, "did you mean `premium`?"},
    {"plan: premium", "plan: premium\n    pull: reducd", "config.choice", 18, 11, "did you mean `reduced`?"},
    {"plan: premium", "plan: premium\n    pull: some", "config.choice", 18, 11, ""},
    {"reserve: 20%", "reserve: 99%", "config.range", 18, 14, ""},
    {"reserve: 20%", "reserve: 20", "config.type", 18, 14, "20%"},
    {"invoices.detail: 2000", "invoices.detail: lots", "config.budget", 19, 32, "2000 or 40%"},
    {"from: 2026-01-01", "from: 2026-02-30", "config.choice", 20, 22, ""},
    {"from: 2026-01-01", "from: 6_months", "config.choice", 20, 22, "a date like 2025-01-31"},
    {"from: 2026-01-01", "from: 01.02.2025", "config.choice", 20, 22, "a date like 2025-01-31"},
    {"from: 2026-01-01", "from: 2126-01-01", "config.date_future", 20, 22, "from which on"},
    {"backfill: {from: 2026-01-01}", "backfill: all", "config.type", 20, 15, "{from: all}"},
    {"plan: premium", "plan: premium\n    api_version: 3", "config.api_version", 18, 18, "did you mean `v3`?"},
    {"plan: premium", "plan: premium\n    api_version: \"../../x\"", "config.api_version", 18, 18, "v3"},
    {"from: 2026-01-01", "from: conected", "config.choice", 20, 22, "did you mean `connected`?"},
    {"invoices: 1h", "invoices: 1 hour", "config.duration", 21, 26, "1h"},
    {"invoices: 1h", "invoices: \"0 6 * *\"", "config.cron", 21, 26, "day of the week"},
    {"invoices: 1h", "invoices: \"0 0 30 2 *\"", "config.cron", 21, 26, ""},
    {"invoices: 1h", "zone: Europe/Atlantis", "config.zone", 21, 22, "Europe/Berlin"},
    {"invoices: 1h", "invoices: 0s", "config.duration", 21, 26, ""},
    {"invoices: 1h", "invoices: 59s", "config.duration", 21, 26, "5m, 1h"},
    {"invoices: 1h", "zone: \"\"", "config.zone", 21, 22, "Europe/Berlin"},
    {"default_income: sales", "default_income: sale", "config.unknown_account", 22, 32, "did you mean `sales`?"},
    {"payment_mode: {", "payment_modes: {", "config.unknown_account_kind", 22, 39, "did you mean `payment_mode`?"},
    {"payment_mode: {Cash: undeposited}", "payment_mode: undeposited", "config.type", 22, 53, ""},
    {"role: {ar: receivable}", "role: {arr: receivable}", "config.unknown_role", 22, 81, "did you mean `ar`?"},
    {"allow_unsigned: false", "allow_unsigned: no", "config.yaml_ambiguous", 23, 52, "write false"},
    {"allow_unsigned: false", "allow_unsigned: \"false\"", "config.type", 23, 52, ""},
    {"accounts: http://127.0.0.1:9100", "accounts: http://accounts.example.com", "config.http_refused", 25, 36,
     "https"},
    {"accounts: http://127.0.0.1:9100", "accounts: http://127.0.0.1.example.com", "config.http_refused", 25, 36,
     "https"},
    {"allow_http_loopback: true", "allow_http_loopback: false", "config.http_refused", 25, 36,
     "allow_http_loopback: true"},
    {"per_minute: 6000", "per_minute: -1", "config.range", 26, 31, ""},
    {"per_minute: 6000", "per_minute: 100001", "config.range", 26, 31, ""},
    {"concurrent: 10", "concurrent: 0", "config.range", 26, 49, ""},
    {"concurrent: 10", "concurrent: 17", "config.range", 26, 49, ""},
    {"per_day: 100000", "per_day: -1", "config.range", 26, 62, ""},
    {"per_minute: 6000", "per_minute: \"6000\"", "config.type", 26, 31, ""},
    {"    data_centers:\n", "    limits: {per_minute: 1}\n    data_centers:\n", "config.limits_misplaced", 24, 5,
     "data_centers"},
};

}  // namespace

TEST_CASE("every kind of mistake is named with file, line, column and the nearest key") {
  const Folder folder;
  std::set<std::string> kinds;
  for (const Mistake& mistake : kMistakes) {
    INFO(std::string(mistake.from), " -> ", std::string(mistake.to));
    Findings findings;
    const auto loaded = folder.load(changed(mistake.from, mistake.to), findings);
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().reason == "config.invalid");
    CHECK(loaded.error().code == Code::kInvalidConfig);
    bool is_found = false;
    for (const Finding& finding : findings.all()) {
      is_found =
          is_found || (finding.id == mistake.id && finding.line == mistake.line && finding.column == mistake.column &&
                       finding.hint.find(mistake.hint) != std::string::npos &&
                       finding.file == (folder.path() / "berth.yaml").string() &&
                       finding.severity == Severity::kError && !finding.excerpt.empty());
    }
    CHECK_MESSAGE(is_found, findings.print());
    CHECK(findings.print().find("hunter22") == std::string::npos);
    CHECK(loaded.error().message.find("hunter22") == std::string::npos);
    kinds.insert(mistake.id);
  }
  CHECK(kinds.size() >= 20);
}

TEST_CASE("one mistake makes one finding, so that nobody hunts for its echoes") {
  const Folder folder;
  for (const Mistake& mistake : kMistakes) {
    INFO(std::string(mistake.from), " -> ", std::string(mistake.to));
    Findings findings;
    CHECK_FALSE(folder.load(changed(mistake.from, mistake.to), findings).ok());
    // Both origins of the data centre need the permission that one of the changes takes away; `no` is ambiguous and not
    // a boolean.
    const std::size_t expected = std::string_view(mistake.to) == "allow_http_loopback: false" ||
                                         std::string_view(mistake.id) == "config.yaml_ambiguous"
                                     ? 2
                                     : 1;
    CHECK_MESSAGE(findings.errors() == expected, findings.print());
  }
}

TEST_CASE("all mistakes of a file are found at once") {
  const Folder folder;
  Findings findings;
  std::string text = changed("plan: premium", "plan: premum");
  text.replace(text.find("reserve: 20%"), 12, "reserv: 20%");
  text.replace(text.find("USD"), 3, "USDD");
  const auto loaded = folder.load(text, findings);
  REQUIRE_FALSE(loaded.ok());
  CHECK(findings.errors() == 3);
  CHECK(loaded.error().message.find("3 errors") != std::string::npos);
}

TEST_CASE("mistakes in a chart of accounts are named in its own file") {
  struct ChartMistake {
    const char* from;
    const char* to;
    const char* id;
    std::size_t line;
    std::size_t column;
    const char* hint;
  };
  const ChartMistake mistakes[] = {
      {"type: income", "type: incom", "config.choice", 2, 36, "did you mean `income`?"},
      {"{id: receivable,", "{id: sales,", "config.duplicate_id", 3, 10, ""},
      {"ar: receivable", "arr: receivable", "config.unknown_role", 6, 9, "did you mean `ar`?"},
      {"ar: receivable", "ar: recievable", "config.unknown_account", 6, 13, "did you mean `receivable`?"},
      {"name: Sales", "nmae: Sales", "config.unknown_key", 2, 17, "did you mean `name`?"},
      {"id: sales,", "id: my sales,", "config.id", 2, 10, ""},
      {"roles: {", "role: {", "config.unknown_key", 6, 1, "did you mean `roles`?"},
  };
  for (const ChartMistake& mistake : mistakes) {
    INFO(std::string(mistake.from), " -> ", std::string(mistake.to));
    std::string text(kChart);
    text.replace(text.find(mistake.from), std::string_view(mistake.from).size(), mistake.to);
    Findings findings;
    CHECK(parse_chart(text, "chart.yaml", findings).error().reason == "config.invalid");
    bool is_found = false;
    for (const Finding& finding : findings.all()) {
      is_found =
          is_found || (finding.id == mistake.id && finding.file == "chart.yaml" && finding.line == mistake.line &&
                       finding.column == mistake.column && finding.hint.find(mistake.hint) != std::string::npos);
    }
    CHECK_MESSAGE(is_found, findings.print());
  }
}

TEST_CASE("an error in a company's chart stops the loading, under the chart's name") {
  const Folder folder;
  folder.write("chart.yaml", "accounts: [{id: sales, type: incom}]\n");
  Findings findings;
  CHECK_FALSE(folder.load(std::string(kGood), findings).ok());
  CHECK(findings.all().front().file == (folder.path() / "chart.yaml").string());
}

TEST_CASE("a role on an account of another type is a warning, and income and expense stand in for each other") {
  Findings findings;
  const auto chart =
      parse_chart("accounts: [{id: a, type: expense}, {id: b, type: liability}]\nroles: {fx_realised: a, ar: b}\n",
                  "chart.yaml", findings);
  REQUIRE(chart.ok());
  CHECK(findings.warnings() == 1);
  CHECK(findings.all().front().id == "config.account_type");
  CHECK(findings.all().front().column == 29);
  CHECK(chart->roles.at("ar") == "b");
}

TEST_CASE("settings of two_way are kept, and a warning says that pull_only does not use them") {
  const Folder folder;
  Findings findings;
  const auto loaded = folder.load(
      changed("    plan: premium\n",
              "    plan: premium\n    sync: {invoice_outbound: false}\n    remote_accounts: {fees: \"900\"}\n"),
      findings);
  REQUIRE(loaded.ok());
  CHECK(findings.warnings() == 2);
  CHECK(findings.all().front().id == "config.two_way_only");
  CHECK_FALSE(loaded->integrations.front().sync.invoice_outbound);
  CHECK(loaded->integrations.front().sync.payment_outbound);
  CHECK(loaded->integrations.front().remote_accounts.at("fees") == "900");
  Findings none;
  CHECK(folder.load(changed("mode: pull_only\n", "mode: two_way\n    sync: {invoice_outbound: false}\n"), none).ok());
  CHECK(none.empty());
}

TEST_CASE("two integrations cannot take webhooks at one address") {
  const Folder folder;
  const std::string second = "  - {id: zoho_two, plugin: zoho_books, company: acme_us, webhook: {secret: env:HOOK}}\n";
  Findings findings;
  CHECK_FALSE(folder.load(std::string(kGood) + second, findings).ok());
  CHECK(findings.all().front().id == "config.webhook_conflict");
  CHECK(findings.all().front().line == 27);
  Findings none;
  CHECK(folder
            .load(std::string(kGood) + "  - {id: zoho_two, plugin: zoho_books, company: acme_us, tenant: two, webhook: "
                                       "{secret: env:HOOK}}\n",
                  none)
            .ok());
}

TEST_CASE("a good file is read with every value") {
  const Folder folder;
  Findings findings;
  const auto loaded = folder.load(std::string(kGood), findings);
  REQUIRE_MESSAGE(loaded.ok(), findings.print());
  CHECK(findings.empty());
  const Config& config = *loaded;
  CHECK(config.file == folder.path() / "berth.yaml");
  CHECK(config.data_dir == folder.path() / "data");
  CHECK(config.storage.engine == StorageConfig::Engine::kSqlite);
  REQUIRE(config.vault_key.has_value());
  CHECK(config.vault_key->kind == SecretRef::Kind::kFile);
  CHECK(config.vault_key->name == (folder.path() / "vault.key").string());
  CHECK(config.server.host == "127.0.0.1");
  CHECK(config.server.port == 8484);
  CHECK(config.server.public_url == "http://127.0.0.1:8484");
  CHECK(config.plugins.paths == std::vector{folder.path() / "plugins"});
  CHECK(config.plugins.isolation == Isolation::kWorker);
  CHECK(config.plugins.workers_max == 4);
  CHECK(config.classifications.at(0).lines == std::vector<std::string>{"Consulting", "Support"});

  REQUIRE(config.companies.size() == 2);
  const Company* company = config.find_company("acme_us");
  REQUIRE(company != nullptr);
  CHECK(company->name == "Acme US");
  CHECK(company->base_currency.code() == "USD");
  CHECK(company->chart.find("sales")->type == AccountType::kIncome);
  CHECK(company->chart.roles.at("ar") == "receivable");
  CHECK(company->policies.periods == Policies::Periods::kRedate);
  CHECK(config.find_company("acme_west")->name == "acme_west");
  CHECK(config.find_company("none") == nullptr);

  const Integration* integration = config.find_integration("zoho_acme");
  REQUIRE(integration != nullptr);
  CHECK(integration->plugin == "zoho_books");
  CHECK(integration->tenant == "default");
  CHECK(integration->environment == "production");
  CHECK(integration->mode == Mode::kPullOnly);
  REQUIRE(integration->client.has_value());
  CHECK(integration->client->id.to_string() == "env:CLIENT_ID");
  CHECK(integration->client->secret.to_string() == "env:CLIENT_SECRET");
  CHECK(integration->client->redirect_uri.literal == "http://127.0.0.1:8484/oauth/callback");
  CHECK(integration->client->home == "us");
  CHECK_FALSE(integration->organization.has_value());
  CHECK(integration->plan == "premium");
  CHECK(integration->pull == PullExtent::kFull);
  CHECK(integration->enabled);
  CHECK(integration->reserve_percent == 20);
  CHECK(integration->budgets.at("invoices.detail").value == 2000);
  CHECK_FALSE(integration->budgets.at("invoices.detail").is_share);
  CHECK(integration->budgets.at("contacts.detail").is_share);
  CHECK(integration->backfill.from == Backfill::From::kDate);
  CHECK(to_string(*integration->backfill.date) == "2026-01-01");
  CHECK(integration->schedule.at("customer_payments").every == 5min);
  CHECK_FALSE(integration->mapping_file.has_value());
  REQUIRE(integration->accounts.size() == 3);
  CHECK(integration->accounts.at(0).kind == "default_income");
  CHECK(integration->accounts.at(0).key.empty());
  CHECK(integration->accounts.at(1).kind == "payment_mode");
  CHECK(integration->accounts.at(1).key == "Cash");
  CHECK(integration->accounts.at(1).account == "undeposited");
  CHECK(integration->webhook.secret->name == (folder.path() / "hook").string());
  REQUIRE(integration->data_centers.size() == 1);
  const DataCenter& center = integration->data_centers.front();
  CHECK(center.location == "test");
  CHECK(center.api == "http://127.0.0.1:9100");
  CHECK(center.allow_http_loopback);
  CHECK(center.limits->per_day == 100000);
}

TEST_CASE("0 calls a minute or a day means no limit, and has to be written") {
  const Folder folder;
  Findings findings;
  const auto loaded = folder.load(changed("{per_minute: 6000, concurrent: 10, per_day: 100000}", "{per_minute: 0, concurrent: 10, per_day: 0}"), findings);
  REQUIRE_MESSAGE(loaded.ok(), findings.print());
  const DataCenter& center = loaded->integrations.front().data_centers.front();
  CHECK(center.limits->per_minute == 0);
  CHECK(center.limits->per_day == 0);
  CHECK_FALSE(folder.load(changed("per_minute: 6000, ", ""), findings).ok());
}

TEST_CASE("what is left out has its default") {
  const Folder folder;
  Findings findings;
  const auto loaded = folder.load(
      "berth: 1\ncompanies: [{id: a, base_currency: USD, accounts: chart.yaml}]\nintegrations: [{id: z, plugin: p, "
      "company: a, organization: 927000001}]\n",
      findings);
  REQUIRE_MESSAGE(loaded.ok(), findings.print());
  CHECK(loaded->data_dir == folder.path() / "data");
  CHECK_FALSE(loaded->vault_key.has_value());
  CHECK(loaded->server.port == 8484);
  const Integration& integration = loaded->integrations.front();
  CHECK(integration.plan == "free");
  CHECK(integration.organization == "927000001");
  CHECK(integration.reserve_percent == 20);
  CHECK(integration.enabled);
  CHECK(integration.backfill.from == Backfill::From::kConnected);
  CHECK_FALSE(integration.client.has_value());
  CHECK(integration.data_centers.empty());
}

TEST_CASE("PostgreSQL is named without its password") {
  const Folder folder;
  Findings findings;
  const auto plain = folder.load(changed("storage: sqlite", "storage: postgresql://berth@db:5432/berth"), findings);
  REQUIRE_MESSAGE(plain.ok(), findings.print());
  CHECK(plain->storage.engine == StorageConfig::Engine::kPostgresql);
  CHECK(plain->storage.url == "postgresql://berth@db:5432/berth");
  CHECK_FALSE(plain->storage.password.has_value());
  const auto with = folder.load(
      changed("storage: sqlite", "storage: {url: postgresql://berth@db/berth, password: file:./db}"), findings);
  REQUIRE_MESSAGE(with.ok(), findings.print());
  CHECK(with->storage.password->name == (folder.path() / "db").string());
}

TEST_CASE("a file that is not there or not YAML says so") {
  const Folder folder;
  Findings findings;
  CHECK(load(folder.path() / "none.yaml", findings).error().reason == "config.file_unreadable");
  CHECK(folder.load("a: [1\n", findings).error().reason == "config.yaml_syntax");
  CHECK(folder.load("", findings).error().reason == "config.invalid");
  CHECK(folder.load("- a\n", findings).error().reason == "config.invalid");
  CHECK(folder.load("text\n", findings).error().reason == "config.invalid");
}

TEST_CASE("no file, however broken, stops the process") {
  const Folder folder;
  // Every value of the good file replaced by each kind of thing, one at a time.
  const std::string good(kGood);
  for (std::size_t at = good.find(": "); at != std::string::npos; at = good.find(": ", at + 2)) {
    const std::size_t end = good.find_first_of(",}\n", at);
    for (const char* other : {"null", "[]", "{}", "[[1]]", "{a: {b: 1}}", "text", "-1", "\"\""}) {
      std::string text = good;
      text.replace(at + 2, end - at - 2, other);
      Findings findings;
      const auto loaded = folder.load(text, findings);
      CHECK(loaded.ok() != findings.has_errors());
    }
  }
}
