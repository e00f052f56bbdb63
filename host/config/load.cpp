#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/config/config.hpp"
#include "host/config/keys.hpp"
#include "host/config/yaml.hpp"
#include "host/core/text.hpp"

namespace berth::config {
namespace {

namespace fs = std::filesystem;

/// Reads the typed values out of a checked tree and judges what one value alone does not show: names that must be
/// unique, names that must exist, files that must be there.
class Loader {
 public:
  Loader(fs::path file, fs::path shown_folder, Findings& findings)
      : file_(std::move(file)), shown_folder_(std::move(shown_folder)), findings_(findings) {}

  Config read(const Node& root) {
    const Reader reader(&root, config_shape());
    Config config;
    config.file = file_;
    config.data_dir = absolute(reader.text("data_dir"));
    config.storage = storage(reader);
    const Reader vault = reader.map("vault");
    if (vault.has("key")) config.vault_key = secret(vault, "key");
    config.server = server(reader.map("server"));
    config.http = http(reader.map("http"));
    config.hosts = hosts(reader.map("hosts"));
    config.plugins = plugins(reader.map("plugins"));
    config.classifications = classifications(reader.maps("classifications"));
    for (const Reader& each : reader.maps("companies")) config.companies.push_back(company(each));
    unique(reader.maps("companies"), "id", "company");
    for (const Reader& each : reader.maps("integrations")) config.integrations.push_back(integration(each, config));
    unique(reader.maps("integrations"), "id", "integration");
    webhook_addresses(config, reader.maps("integrations"));
    return config;
  }

 private:
  [[nodiscard]] fs::path absolute(const fs::path& path) const {
    return (file_.parent_path() / path).lexically_normal();
  }
  [[nodiscard]] std::string shown(const fs::path& path) const {
    return (shown_folder_ / path).lexically_normal().string();
  }

  void unique(const std::vector<Reader>& all, std::string_view key, std::string_view what) {
    std::set<std::string, std::less<>> seen;
    for (const Reader& each : all) {
      const std::string name = each.text(key);
      if (!name.empty() && !seen.insert(name).second) {
        findings_.error(each.place(key), "config.duplicate_id",
                        fmt::format("the {} `{}` is there twice", what, shortened(name, 60)));
      }
    }
  }

  /// The file behind a key, which must be there.
  std::optional<fs::path> file(const Reader& reader, std::string_view key) {
    if (!reader.has(key)) return std::nullopt;
    fs::path path = absolute(reader.text(key));
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      findings_.error(reader.place(key), "config.file_missing",
                      fmt::format("there is no file {}", shown(reader.text(key))), "paths are relative to this file");
      return std::nullopt;
    }
    return path;
  }

  SecretRef secret(const Reader& reader, std::string_view key) const {
    SecretRef reference = SecretRef::parse(reader.text(key)).value_or(SecretRef{});
    if (reference.kind == SecretRef::Kind::kFile) reference.name = absolute(reference.name).string();
    return reference;
  }

  Setting setting(const Reader& reader, std::string_view key) const {
    if (SecretRef::parse(reader.text(key))) return {secret(reader, key), ""};
    return {std::nullopt, reader.text(key)};
  }

  StorageConfig storage(const Reader& reader) const {
    StorageConfig storage;
    const Node* node = reader.value("storage");
    if (node == nullptr) return storage;
    const Node* url = node->is_map() ? node->find("url") : node;
    if (url == nullptr || !url->is_scalar() || url->scalar == "sqlite") return storage;
    storage.engine = StorageConfig::Engine::kPostgresql;
    storage.url = url->scalar;
    const Node* password = node->find("password");
    if (password != nullptr) storage.password = SecretRef::parse(password->scalar);
    if (storage.password && storage.password->kind == SecretRef::Kind::kFile)
      storage.password->name = absolute(storage.password->name).string();
    return storage;
  }

  static ServerConfig server(const Reader& reader) {
    ServerConfig server;
    if (const auto address = parse_address(reader.text("listen"))) {
      server.host = address->host;
      server.port = address->port;
    }
    if (const auto origin = parse_origin(reader.text("public_url"))) server.public_url = origin->text;
    return server;
  }

  HttpConfig http(const Reader& reader) {
    // A plugin that waits for a call is given up a little later than the longest call.
    constexpr std::chrono::milliseconds kDeadlineMax = std::chrono::minutes(5);
    HttpConfig http;
    const auto read = [&](std::string_view key, std::chrono::milliseconds& into) {
      const auto duration = parse_duration(reader.text(key));
      if (duration && duration->count() > 0) into = *duration;
      if (into > kDeadlineMax) {
        findings_.error(reader.place(key), "config.range",
                        fmt::format("`{}` is {}, more than the longest time of a call, 5m", key, reader.text(key)));
      }
    };
    read("connect_timeout", http.connect_timeout);
    read("header_timeout", http.header_timeout);
    read("idle_timeout", http.idle_timeout);
    read("deadline", http.deadline);
    return http;
  }

  HostsConfig hosts(const Reader& reader) {
    constexpr std::chrono::milliseconds kMax = std::chrono::minutes(10);
    HostsConfig hosts;
    const auto read = [&](std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds& into) {
      if (const auto duration = parse_duration(reader.text(key))) into = *duration;
      if (into < least || into > kMax) {
        findings_.error(reader.place(key), "config.range",
                        fmt::format("`{}` is {}; it is {} to {}", key, reader.text(key), to_string_duration(least), to_string_duration(kMax)));
      }
    };
    // A host that is cut off in the middle of a write keeps the others from writing for 8 s (host/storage/postgresql); that, and the
    // quarter until the next renewal, must pass before the sixth at the end in which a run stops.
    read("lease", std::chrono::seconds(20), hosts.lease);
    read("drain", std::chrono::seconds(1), hosts.drain);
    return hosts;
  }

  PluginsConfig plugins(const Reader& reader) const {
    PluginsConfig plugins;
    for (const std::string& path : reader.texts("paths")) plugins.paths.push_back(absolute(path));
    plugins.workers_max = reader.integer("workers_max");
    plugins.isolation = reader.text("isolation") == "in_process" ? Isolation::kInProcess : Isolation::kWorker;
    return plugins;
  }

  std::vector<Classification> classifications(const std::vector<Reader>& all) {
    unique(all, "name", "classification");
    std::vector<Classification> read;
    for (const Reader& each : all) {
      std::set<std::string, std::less<>> seen;
      if (const Node* lines = each.value("lines")) {
        for (const Node& line : lines->items) {
          if (!seen.insert(line.scalar).second)
            findings_.error(line.place, "config.duplicate_id",
                            fmt::format("the line `{}` is there twice", shortened(line.scalar, 60)));
        }
      }
      read.push_back({each.text("name"), each.texts("lines")});
    }
    return read;
  }

  Company company(const Reader& reader) {
    Company company;
    company.id = reader.text("id");
    company.name = reader.has("name") ? reader.text("name") : company.id;
    if (const auto currency = Currency::of(reader.text("base_currency"))) company.base_currency = *currency;
    if (const auto path = file(reader, "accounts")) {
      company.accounts_file = *path;
      if (auto chart = load_chart(*path, findings_, shown(reader.text("accounts")))) company.chart = std::move(*chart);
    }
    const Reader policies = reader.map("policies");
    const std::string periods = policies.text("periods");
    company.policies.periods = periods == "hold"   ? Policies::Periods::kHold
                               : periods == "skip" ? Policies::Periods::kSkip
                                                   : Policies::Periods::kRedate;
    company.policies.presentation =
        policies.text("presentation") == "gross" ? Policies::Presentation::kGross : Policies::Presentation::kNet;
    company.policies.intercompany = policies.text("intercompany") == "due_to_from" ? Policies::Intercompany::kDueToFrom
                                                                                   : Policies::Intercompany::kSeparate;
    company.policies.bad_debt_relief = policies.boolean("bad_debt_relief");
    return company;
  }

  Integration integration(const Reader& reader, const Config& config) {
    Integration integration;
    integration.id = reader.text("id");
    integration.plugin = reader.text("plugin");
    integration.company = reader.text("company");
    const Company* company = config.find_company(integration.company);
    if (company == nullptr && reader.has("company")) {
      std::vector<std::string> ids;
      for (const Company& each : config.companies) ids.push_back(each.id);
      findings_.error(reader.place("company"), "config.unknown_company",
                      fmt::format("there is no company `{}`", shortened(integration.company, 60)),
                      did_you_mean(integration.company, ids));
    }
    integration.tenant = reader.text("tenant");
    integration.environment = reader.text("environment");
    integration.mode = reader.text("mode") == "two_way" ? Mode::kTwoWay : Mode::kPullOnly;
    if (reader.has("client")) {
      const Reader client = reader.map("client");
      integration.client = ClientConfig{setting(client, "id"), secret(client, "secret"),
                                        setting(client, "redirect_uri"), client.text("home")};
    }
    if (reader.text("organization") != "first") integration.organization = reader.text("organization");
    integration.plan = reader.text("plan");
    integration.api_version = reader.text("api_version");
    integration.pull = reader.text("pull") == "reduced" ? PullExtent::kReduced : PullExtent::kFull;
    integration.enabled = reader.boolean("enabled");
    integration.reserve_percent = static_cast<int>(reader.integer("reserve"));
    integration.backfill = backfill(reader.map("backfill"));
    if (const Node* budgets = reader.value("budgets")) {
      for (const Member& member : budgets->members) {
        if (const auto budget = parse_budget(member.value.scalar)) integration.budgets.emplace(member.key, *budget);
      }
    }
    if (const Node* schedule = reader.value("schedule")) {
      for (const Member& member : schedule->members) {
        if (member.key == kScheduleZone) {
          integration.schedule_zone = member.value.scalar;
        } else if (const auto timing = parse_timing(member.value.scalar); timing.ok()) {
          integration.schedule.emplace(member.key, *timing);
        }
      }
    }
    integration.phases_file = file(reader, "phases");
    integration.mapping_file = file(reader, "mapping");
    if (reader.has("accounts")) integration.accounts = prefills(*reader.value("accounts"), company);
    const Reader webhook = reader.map("webhook");
    if (webhook.has("secret")) integration.webhook.secret = secret(webhook, "secret");
    integration.webhook.allow_unsigned = webhook.boolean("allow_unsigned");
    two_way(reader, integration);
    integration.data_centers = data_centers(reader.maps("data_centers"));
    return integration;
  }

  static Backfill backfill(const Reader& reader) {
    const std::string from = reader.text("from");
    if (from == "all") return {Backfill::From::kAll, std::nullopt};
    if (from == "12_months_then_all") return {Backfill::From::kTwelveMonthsThenAll, std::nullopt};
    if (const auto date = parse_date(from)) return {Backfill::From::kDate, *date};
    return {Backfill::From::kConnected, std::nullopt};
  }

  std::vector<AccountPrefill> prefills(const Node& node, const Company* company) {
    std::vector<AccountPrefill> rows;
    const auto add = [&](const std::string& kind, const std::string& key, const Node& account) {
      if (!account.is_scalar()) return;
      // A chart that could not be read has been reported; its accounts are not.
      if (company != nullptr && !company->chart.accounts.empty() && company->chart.find(account.scalar) == nullptr) {
        findings_.error(account.place, "config.unknown_account",
                        fmt::format("`{}` is not an account of {}", shortened(account.scalar, 60), company->id),
                        did_you_mean(account.scalar, company->chart.ids()));
      }
      rows.push_back({kind, key, account.scalar});
    };
    for (const Member& member : node.members) {
      if (member.value.is_scalar()) add(member.key, "", member.value);
      for (const Member& row : member.value.members) {
        if (member.key == "role") known_role(row);
        add(member.key, row.key, row.value);
      }
    }
    return rows;
  }

  void known_role(const Member& row) {
    std::vector<std::string> names;
    for (const Role& role : roles()) names.emplace_back(role.name);
    if (std::find(names.begin(), names.end(), row.key) == names.end()) {
      findings_.error(row.key_place, "config.unknown_role", fmt::format("`{}` is not a role", shortened(row.key, 60)),
                      did_you_mean(row.key, names));
    }
  }

  void two_way(const Reader& reader, Integration& integration) {
    if (integration.mode == Mode::kPullOnly) {
      for (const std::string_view key : {"sync", "remote_accounts"}) {
        if (const Member* member = reader.value(key) == nullptr ? nullptr : reader.node()->member(key)) {
          findings_.warning(member->key_place, "config.two_way_only",
                            fmt::format("`{}` does nothing with mode pull_only", key),
                            "set mode: two_way, or remove it");
        }
      }
    }
    const Reader sync = reader.map("sync");
    integration.sync = {sync.boolean("invoice_outbound"), sync.boolean("customer_inbound"),
                        sync.boolean("payment_outbound")};
    if (const Node* accounts = reader.value("remote_accounts")) {
      for (const Member& member : accounts->members)
        integration.remote_accounts.emplace(member.key, member.value.scalar);
    }
  }

  std::vector<DataCenter> data_centers(const std::vector<Reader>& all) {
    unique(all, "location", "location");
    std::vector<DataCenter> read;
    for (const Reader& each : all) {
      DataCenter center;
      center.location = each.text("location");
      center.allow_http_loopback = each.boolean("allow_http_loopback");
      center.accounts = origin(each, "accounts", center.allow_http_loopback);
      center.api = origin(each, "api", center.allow_http_loopback);
      if (each.has("limits")) {
        const Reader limits = each.map("limits");
        center.limits =
            RemoteLimits{limits.integer("per_minute"), limits.integer("concurrent"), limits.integer("per_day")};
      }
      read.push_back(std::move(center));
    }
    return read;
  }

  /// Tokens go to these addresses: without TLS only on this machine, and only where that is asked for.
  std::string origin(const Reader& reader, std::string_view key, bool allows_http) {
    const auto origin = parse_origin(reader.text(key));
    if (!origin) return "";
    if (origin->scheme == "http" && !(allows_http && is_loopback(origin->host))) {
      findings_.error(
          reader.place(key), "config.http_refused",
          fmt::format("`{}` is http, and credentials would go there unprotected", key),
          is_loopback(origin->host) ? "set allow_http_loopback: true for tests on this machine" : "use https");
    }
    return origin->text;
  }

  /// Two integrations with the same address for webhooks: nobody could say whose a webhook is.
  void webhook_addresses(const Config& config, const std::vector<Reader>& readers) {
    std::set<std::string, std::less<>> seen;
    for (std::size_t i = 0; i < readers.size(); ++i) {
      const Integration& each = config.integrations[i];
      if (!each.webhook.secret && !each.webhook.allow_unsigned) continue;
      if (!seen.insert(fmt::format("{}/{}/{}", each.plugin, each.tenant, each.environment)).second) {
        findings_.error(readers[i].place("webhook"), "config.webhook_conflict",
                        fmt::format("another integration takes webhooks for tenant `{}` and environment `{}`",
                                    each.tenant, each.environment),
                        "give it its own `tenant` or `environment`");
      }
    }
  }

  fs::path file_;
  fs::path shown_folder_;
  Findings& findings_;
};

/// One sentence that says how many errors there are and what the first is.
Error invalid(const std::string& file, const Findings& findings) {
  const auto first = std::find_if(findings.all().begin(), findings.all().end(),
                                  [](const Finding& each) { return each.severity == Severity::kError; });
  const std::string count = findings.errors() == 1 ? "1 error" : fmt::format("{} errors", findings.errors());
  if (first == findings.all().end())
    return make_error(Code::kInvalidConfig, "config.invalid", fmt::format("{} has {}", file, count));
  return make_error(Code::kInvalidConfig, "config.invalid",
                    fmt::format("{} has {}; the first is {}:{}:{}: {}", file, count, first->file, first->line,
                                first->column, first->message));
}

}  // namespace

Result<Config> load(const fs::path& path, Findings& findings) {
  const Node root = BERTH_TRY(load_yaml(path, findings));
  check(root, config_shape(), findings);
  std::error_code error;
  const fs::path file = fs::absolute(path, error).lexically_normal();
  Loader loader(error ? path : file, path.parent_path(), findings);
  Config config = loader.read(root);
  if (findings.has_errors()) return invalid(path.string(), findings);
  return config;
}

Result<Timing> parse_timing(std::string_view text) {
  if (Cron::looks_like_one(text)) return Timing{{}, BERTH_TRY(Cron::parse(text))};
  return Timing{BERTH_TRY(parse_duration(text)), std::nullopt};
}

std::string to_string(const Timing& timing) { return timing.cron ? timing.cron->text() : to_string_duration(timing.every); }

Result<Budget> parse_budget(std::string_view text) {
  const bool is_share = text.ends_with('%');
  const std::string_view digits = is_share ? text.substr(0, text.size() - 1) : text;
  std::int64_t value = 0;
  const bool is_number = !digits.empty() && digits.size() <= 9 &&
                         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number) {
    for (const char c : digits) value = value * 10 + (c - '0');
  }
  if (!is_number || value > (is_share ? 100 : kCallsMax)) {
    return make_error(Code::kInvalidConfig, "config.budget",
                      fmt::format("\"{}\" is not a budget like 2000 or 40%", shortened(text, 60)));
  }
  return Budget{is_share, value};
}

std::string_view to_string(Mode mode) {
  return mode == Mode::kTwoWay ? "two_way" : "pull_only";
}

std::string_view to_string(PullExtent extent) {
  return extent == PullExtent::kReduced ? "reduced" : "full";
}

const Company* Config::find_company(std::string_view id) const {
  const auto found =
      std::find_if(companies.begin(), companies.end(), [&](const Company& each) { return each.id == id; });
  return found == companies.end() ? nullptr : &*found;
}

const Integration* Config::find_integration(std::string_view id) const {
  const auto found =
      std::find_if(integrations.begin(), integrations.end(), [&](const Integration& each) { return each.id == id; });
  return found == integrations.end() ? nullptr : &*found;
}

}  // namespace berth::config
