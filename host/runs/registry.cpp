#include "host/runs/registry.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>

#include "host/config/yaml.hpp"
#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "host/plugins/phase_file.hpp"
#include "host/runs/offline_setup.hpp"
#include "host/runs/classifications.hpp"
#include "host/runs/quota_board.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/backfills.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/looks.hpp"
#include "host/storage/mapping_revisions.hpp"
#include "host/storage/pins.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/waiting.hpp"

namespace berth::runs {

namespace {

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return make_error(Code::kInvalidConfig, "runs.file_unreadable", fmt::format("{} cannot be read", path.string()));
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

/// The first errors of a file, as one message.
Error from_findings(std::string reason, const std::filesystem::path& path, const config::Findings& findings) {
  const auto& all = findings.all();
  const auto first = std::find_if(all.begin(), all.end(), [](const config::Finding& f) { return f.severity == config::Severity::kError; });
  if (first == all.end()) return make_error(Code::kInvalidConfig, std::move(reason), fmt::format("{} cannot be used", path.string()));
  std::string message = first->file;
  if (first->line > 0) message += fmt::format(":{}:{}", first->line, first->column);
  message += ": " + first->message;
  if (!first->hint.empty()) message += "; " + first->hint;
  if (findings.errors() > 1) message += fmt::format(" (and {} more; `berth mapping validate` and `berth config validate` show all)", findings.errors() - 1);
  return make_error(Code::kInvalidConfig, std::move(reason), std::move(message));
}

ledger::PeriodPolicy to_ledger(config::Policies::Periods policy) {
  switch (policy) {
    case config::Policies::Periods::kRedate: return ledger::PeriodPolicy::kRedate;
    case config::Policies::Periods::kHold: return ledger::PeriodPolicy::kHold;
    case config::Policies::Periods::kSkip: return ledger::PeriodPolicy::kSkip;
  }
  return ledger::PeriodPolicy::kRedate;
}

/// The schedule of the file, so that another one than before is noticed.
std::string schedule_text(const config::Integration& declared) {
  std::string text = declared.schedule_zone;
  for (const auto& [phase, timing] : declared.schedule) text += fmt::format(";{}={}", phase, config::to_string(timing));
  return text;
}

/// Where the backfill of a new integration begins.
Instant floor_of(const config::Backfill& backfill, Instant created) {
  switch (backfill.from) {
    case config::Backfill::From::kAll: return {0};
    case config::Backfill::From::kConnected: return created;
    case config::Backfill::From::kTwelveMonthsThenAll: return created - std::chrono::hours(24 * 365);
    case config::Backfill::From::kDate:
      return backfill.date ? Instant{backfill.date->day_number() * 86'400'000} : created;
  }
  return created;
}

}  // namespace

ledger::Companies companies_of(const config::Config& config) {
  ledger::Companies companies;
  for (const config::Company& declared : config.companies) {
    ledger::Company company;
    company.id = declared.id;
    company.name = declared.name;
    company.base_currency = declared.base_currency;
    company.policies.periods = to_ledger(declared.policies.periods);
    company.policies.presentation = declared.policies.presentation == config::Policies::Presentation::kGross
                                        ? ledger::Presentation::kGross
                                        : ledger::Presentation::kNet;
    if (declared.policies.intercompany == config::Policies::Intercompany::kDueToFrom) company.policies.intercompany = "due_to_from";
    company.policies.bad_debt_relief = declared.policies.bad_debt_relief;
    for (const config::Account& account : declared.chart.accounts) {
      const auto type = ledger::account_type(config::to_string(account.type));
      company.chart.accounts[account.id] = {account.id, account.name, type.value_or(ledger::AccountType::kAsset)};
    }
    for (const auto& [role, account] : declared.chart.roles) company.chart.roles[role] = account;
    companies[company.id] = std::move(company);
  }
  return companies;
}

storage::Integration row_of(const config::Integration& declared) {
  storage::Integration row;
  row.id = declared.id;
  row.plugin = declared.plugin;
  row.company = declared.company;
  row.tenant = declared.tenant;
  row.environment = declared.environment;
  row.mode = config::to_string(declared.mode);
  row.desired = declared.enabled ? "enabled" : "disabled";
  return row;
}

Registry::Registry(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      companies_(companies_of(dependencies_.config)),
      discovered_(plugins::discover(dependencies_.plugin_folders)),
      quota_keys_(dependencies_.config, discovered_),
      units_(dependencies_.units_in_memory),
      quotas_(dependencies_.gates_in_memory, [](const Quota& quota) { return quota.is_idle(); }) {
  static std::atomic<int> made_up{0};
  for (const plugins::Discovered& found : discovered_) {
    if (found.manifest && found.manifest->explained) reasons::catalogue().add(*found.manifest->explained);
  }
  if (dependencies_.owner.empty()) dependencies_.owner = fmt::format("registry:{}:{}", getpid(), ++made_up);
}

Status Registry::sync_declared() {
  const Instant now = dependencies_.clock.now();
  return dependencies_.database.write("config.declare", [&](storage::Connection& connection) -> Status {
    for (const config::Classification& classification : dependencies_.config.classifications) {
      BERTH_CHECK(declare_classification(connection, classification.name, {}, now));
      for (const std::string& line : classification.lines) BERTH_CHECK(declare_classification(connection, classification.name, line, now));
    }
    for (const config::Integration& declared : dependencies_.config.integrations) {
      const bool is_new = !BERTH_TRY(storage::integrations::find(connection, declared.id)).has_value();
      storage::Integration row = row_of(declared);
      row.since = now;
      row.created = now;
      BERTH_CHECK(storage::integrations::upsert_declared(connection, row));
      BERTH_CHECK(storage::looks::declare(connection, declared.id, schedule_text(declared)));
      if (is_new) BERTH_CHECK(storage::integrations::set_backfill_floor(connection, declared.id, floor_of(declared.backfill, now)));
      const bool has_history = declared.backfill.from == config::Backfill::From::kTwelveMonthsThenAll;
      if (is_new && has_history) BERTH_CHECK(storage::backfills::wish(connection, declared.id));
      std::vector<storage::AccountPrefill> prefill;
      for (const config::AccountPrefill& entry : declared.accounts) {
        prefill.push_back({entry.kind, entry.key, declared.company, entry.account});
      }
      for (const storage::AccountRow& filled : BERTH_TRY(storage::account_rows::prefill(connection, declared.id, prefill, now))) {
        BERTH_CHECK(storage::waiting::wake(connection, declared.id, filled.awaited(), now));
      }
    }
    return success();
  });
}

Status Registry::note_safe_mode() {
  const Instant now = dependencies_.clock.now();
  return dependencies_.database.write("config.safe_mode", [&](storage::Connection& connection) -> Status {
    // Outside of safe mode it is about those alone that were told: there may be very many others.
    const std::string_view told = dependencies_.only_plugins_in.empty() ? "plugin.safe_mode" : "";
    for (const storage::Integration& row : BERTH_TRY(storage::integrations::list(connection, told))) {
      const auto disabled = disabled_plugin(row.plugin);
      const bool was_told = row.reason == "plugin.safe_mode";
      // What waits for a person anyway keeps its own reason.
      if (row.desired != "enabled" || row.connected.unix_ms == 0 || row.actual == "needs_reauth" || disabled.has_value() == was_told) continue;
      const bool has_synced = row.last_sync.unix_ms > 0;
      storage::IntegrationStatus status{.actual = has_synced ? "degraded" : "initial_sync", .next_attempt = row.next_attempt};
      if (disabled) {
        status.reason = disabled->reason;
        status.message = disabled->message;
        status.who_acts = "operator";
      } else {
        status.message = "the host left safe mode; the next run will show how it stands";
        status.who_acts = "nobody";
        BERTH_CHECK(storage::looks::wake(connection, row.id, now));
      }
      BERTH_CHECK(storage::integrations::set_status(connection, row.id, status, now));
    }
    return success();
  });
}

Result<std::vector<std::string>> Registry::ids() {
  std::vector<std::string> result;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const storage::Integration& row : BERTH_TRY(storage::integrations::list(connection))) {
      if (has(row)) result.push_back(row.id);
    }
    return success();
  }));
  return result;
}

bool Registry::has(const storage::Integration& row) const {
  return row.origin == "api" || dependencies_.config.find_integration(row.id) != nullptr;
}

Result<oauth::ClientSettings> Registry::client_of(const config::Integration& declared) const {
  config::ClientConfig client;
  if (declared.client) {
    client = *declared.client;
  } else {
    // "zoho_books" → ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REDIRECT_URI.
    std::string vendor = declared.plugin.substr(0, declared.plugin.find('_'));
    std::transform(vendor.begin(), vendor.end(), vendor.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const auto variable = [&](std::string_view what) {
      return config::SecretRef{config::SecretRef::Kind::kEnv, fmt::format("{}_{}", vendor, what)};
    };
    client.id.reference = variable("CLIENT_ID");
    client.secret = variable("CLIENT_SECRET");
    client.redirect_uri.reference = variable("REDIRECT_URI");
  }
  oauth::ClientSettings settings;
  settings.client_id = BERTH_TRY(config::resolve(client.id, dependencies_.environment));
  settings.client_secret = BERTH_TRY(config::resolve(client.secret, dependencies_.environment));
  settings.redirect_uri = BERTH_TRY(config::resolve(client.redirect_uri, dependencies_.environment));
  settings.home = client.home;
  return settings;
}

std::set<std::string> Registry::redirect_uris() const {
  std::set<std::string> uris, declared_plugins;
  const auto add = [&](const config::Integration& declared) {
    if (const auto client = client_of(declared); client.ok()) uris.insert(client->redirect_uri);
  };
  for (const config::Integration& declared : dependencies_.config.integrations) {
    declared_plugins.insert(declared.plugin);
    add(declared);
  }
  for (const plugins::Discovered& found : discovered_) {
    if (!found.manifest || declared_plugins.contains(found.manifest->id)) continue;
    config::Integration made;
    made.plugin = found.manifest->id;
    add(made);
  }
  return uris;
}

Result<bool> Registry::has_other_rules(const IntegrationUnit& unit) {
  const Setup& setup = unit.setup;
  const auto mapping_file = setup.mapping_file();
  if (!setup.rules || !mapping_file) return false;
  std::optional<storage::MappingRevision> in_force;
  const Status read = dependencies_.database.read([&](storage::Connection& connection) -> Status {
    in_force = BERTH_TRY(storage::mapping_revisions::latest(connection, setup.id));
    return success();
  });
  // Storage that cannot be read is told by whoever works on it next.
  if (!read.ok() || !in_force || in_force->revision == setup.rules->revision()) return false;
  const auto text = read_file(*mapping_file);
  return text.ok() && mapping::revision_of(*text) == in_force->revision;
}

Result<std::shared_ptr<IntegrationUnit>> Registry::unit(std::string_view id) {
  if (const auto known = find_unit(id); known != nullptr && BERTH_TRY(has_other_rules(*known))) {
    dependencies_.log.info("other mapping rules are in force; they are loaded", {{"integration", id}});
    forget(id);
  }
  {
    std::unique_lock lock(mutex_);
    made_.wait(lock, [&] { return !making_.contains(id); });
    if (auto found = units_.find(id)) return found;
    making_.emplace(id);
  }
  // Without the lock: a plugin that hangs while it is loaded must not keep the other integrations waiting.
  auto made = assemble(id);
  const std::scoped_lock lock(mutex_);
  making_.erase(making_.find(id));
  made_.notify_all();
  if (!made.ok()) return std::move(made).error().with_context(fmt::format("integration {}", id));
  units_.put(id, *made);
  crashes_.erase(std::string(id));
  return std::move(made).value();
}

std::shared_ptr<IntegrationUnit> Registry::find_unit(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  return units_.find(id);
}

std::size_t Registry::units_kept() {
  const std::scoped_lock lock(mutex_);
  units_.trim();
  return units_.size();
}

std::size_t Registry::gates_kept() {
  const std::scoped_lock lock(mutex_);
  quotas_.trim();
  return quotas_.size();
}

bool Registry::Quota::is_idle() const {
  const http::QuotaSnapshot now = gate->snapshot();
  return now.in_flight == 0 && now.used_in_minute == 0;
}

std::optional<plugins::Crash> Registry::crash_of(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  const auto found = crashes_.find(id);
  return found == crashes_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Error> Registry::disabled_plugin(std::string_view plugin) const {
  if (dependencies_.only_plugins_in.empty()) return std::nullopt;
  for (const plugins::Discovered& found : discovered_) {
    if (!found.manifest || found.manifest->id != plugin) continue;
    std::error_code failure;
    const std::filesystem::path folder = std::filesystem::weakly_canonical(found.manifest->folder, failure);
    for (const std::filesystem::path& allowed : dependencies_.only_plugins_in) {
      const std::filesystem::path within = std::filesystem::weakly_canonical(allowed, failure);
      if (std::mismatch(within.begin(), within.end(), folder.begin(), folder.end()).first == within.end()) return std::nullopt;
    }
    return make_error(Code::kConflict, "plugin.safe_mode",
                      fmt::format("the host runs in safe mode, and the plugin {} in {} does not come with Berth; start without --safe-mode to use it",
                                  plugin, found.manifest->folder.string()));
  }
  return std::nullopt;
}

void Registry::forget(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  units_.erase(id);
}

/// The manifest of its plugin, with the hash that it is trusted by.
Status Registry::find_plugin(Setup& setup) const {
  const config::Integration& declared = *setup.declared;
  for (const plugins::Discovered& found : discovered_) {
    if (found.manifest && found.manifest->id == declared.plugin) setup.manifest = &*found.manifest;
  }
  if (setup.manifest == nullptr) {
    std::string why;
    for (const plugins::Discovered& found : discovered_) {
      if (!found.refusal) continue;
      // A plugin lies in a folder of its name. Where that one was refused, its reason is the one that helps.
      if (found.file.parent_path().filename() == declared.plugin) return *found.refusal;
      why += fmt::format("; {} was refused: {}", found.file.string(), found.refusal->message);
    }
    return make_error(Code::kInvalidConfig, "runs.plugin_missing",
                      fmt::format("no plugin \"{}\" in the configured folders{}", declared.plugin, why));
  }
  if (auto disabled = disabled_plugin(declared.plugin)) return *std::move(disabled);
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    const auto pin = BERTH_TRY(storage::pins::find(connection, declared.plugin));
    if (!pin) {
      return make_error(Code::kInvalidConfig, "plugin.untrusted",
                        fmt::format("the plugin {} is not trusted yet; look at it and run `berth plugin trust {}`", declared.plugin,
                                    setup.manifest->folder.string()));
    }
    setup.pin_sha256 = pin->sha256;
    return success();
  }));
  return success();
}

/// Opens the plugin for what it says of itself; how that ended its worker, if it did, is remembered.
Status Registry::describe(IntegrationUnit& unit) {
  Setup& setup = unit.setup;
  std::optional<plugins::Crash> crash;
  auto descriptor = dependencies_.runner.descriptor(
      {.manifest = setup.manifest, .pin_sha256 = setup.pin_sha256, .config_json = {}, .crash = &crash});
  {
    const std::scoped_lock lock(mutex_);
    crashes_.erase(setup.id);
    if (crash) crashes_[setup.id] = *crash;
  }
  unit.descriptor = BERTH_TRY(std::move(descriptor));
  for (const plugins::DescribedEntity& entity : unit.descriptor.entities) {
    setup.entity_version_is_time[entity.id] = entity.version == plugins::VersionKind::kTime;
  }
  return success();
}

/// Phases, limits and error rules: those of the file, else those that the plugin says it has.
Status Registry::load_phases(IntegrationUnit& unit) {
  Setup& setup = unit.setup;
  const config::Integration& declared = *setup.declared;
  const auto phases_file = declared.phases_file ? declared.phases_file : setup.manifest->phases;
  if (phases_file) {
    config::Findings findings;
    const auto root = config::load_yaml(*phases_file, findings);
    if (root.ok()) plugins::check_phase_file(*root, findings);
    if (!root.ok() || findings.has_errors()) return from_findings("runs.phases_invalid", *phases_file, findings);
    setup.phases_json = config::to_json(*root);
    std::vector<std::string> switched_on;
    for (const auto& [phase, interval] : declared.schedule) switched_on.push_back(phase);
    setup.phases = BERTH_TRY(phases_of(setup.phases_json, switched_on, declared.pull));
  } else {
    for (const plugins::DescribedPhase& described : unit.descriptor.phases) {
      Phase phase;
      phase.id = described.id;
      phase.entity = described.entity;
      phase.is_optional = described.optional;
      phase.enabled = !described.optional || declared.schedule.contains(described.id);
      setup.phases.push_back(std::move(phase));
    }
  }
  for (const Phase& phase : setup.phases) {
    if (phase.enabled) unit.enabled_phases.push_back(phase.id);
  }
  const json::Value* limits = setup.phases_json.find("limits");
  quota_keys_.remember(setup.id, limits == nullptr ? std::string_view() : limits->text_of("shared_by"));
  const json::Value* errors = setup.phases_json.find("errors");
  unit.rules = BERTH_TRY(http::ErrorRules::parse(errors == nullptr ? json::Value() : *errors));
  return success();
}

/// The mapping rules. They are in force, and kept as a revision, once somebody applies them.
Status Registry::load_rules(Setup& setup) const {
  const auto mapping_file = setup.mapping_file();
  if (mapping_file) {
    config::Findings findings;
    setup.rules_text = BERTH_TRY(read_file(*mapping_file));
    auto rules = mapping::load_text(setup.rules_text, mapping_file->string(), findings);
    if (!rules.ok()) return from_findings("mapping.invalid", *mapping_file, findings);
    setup.rules = std::move(rules).value();
  }
  return success();
}

Result<std::shared_ptr<IntegrationUnit>> Registry::assemble(std::string_view id) {
  auto unit = std::make_shared<IntegrationUnit>();
  unit->declared = std::make_unique<config::Integration>(BERTH_TRY(declaration_of(dependencies_.config, dependencies_.database, id)));
  const config::Integration& declared = *unit->declared;
  Setup& setup = unit->setup;
  setup.id = declared.id;
  setup.declared = unit->declared.get();
  setup.company = dependencies_.config.find_company(declared.company);
  if (setup.company == nullptr) {
    return make_error(Code::kInvalidConfig, "runs.company_unknown", fmt::format("there is no company \"{}\"", declared.company));
  }
  for (const config::Company& company : dependencies_.config.companies) setup.companies.push_back(&company);

  BERTH_CHECK(find_plugin(setup));
  BERTH_CHECK(describe(*unit));
  BERTH_CHECK(load_phases(*unit));
  BERTH_CHECK(load_rules(setup));

  std::vector<oauth::DataCenter> added;
  for (const config::DataCenter& center : declared.data_centers) {
    added.push_back({center.location, center.accounts, center.api, center.allow_http_loopback, true});
  }
  unit->provider = BERTH_TRY(oauth::Provider::parse(unit->descriptor.oauth, added));
  if (!declared.api_version.empty()) BERTH_CHECK(unit->provider.set_api_version(declared.api_version));
  unit->rules.set_status_page(unit->provider.status_page);
  unit->client = BERTH_TRY(client_of(declared));
  unit->tokens = std::make_unique<oauth::IntegrationTokens>(setup.id, unit->provider, unit->client, dependencies_.transport,
                                                            dependencies_.token_store, dependencies_.clock);
  return unit;
}

Result<RemoteAccess> Registry::access(IntegrationUnit& unit) {
  const oauth::TokenSet tokens = BERTH_TRY(unit.tokens->current());
  std::optional<storage::Integration> row;
  std::vector<std::string> sharers;
  BERTH_CHECK(dependencies_.database.read([&](storage::Connection& connection) -> Status {
    row = BERTH_TRY(storage::integrations::find(connection, unit.setup.id));
    if (!row || row->remote_id.empty()) return success();
    const std::string key = quota_keys_.of(*row);
    for (const storage::Integration& other : BERTH_TRY(storage::integrations::connected_like(connection, row->remote_id))) {
      if (other.id != row->id && other.desired == "enabled" && other.actual != "needs_reauth" && quota_keys_.of(other) == key) sharers.push_back(other.id);
    }
    return success();
  }));
  const json::Value* block = unit.setup.phases_json.find("limits");
  http::Limits limits = BERTH_TRY(http::Limits::parse(block == nullptr ? json::Value::object() : *block, unit.declared->plan));
  RemoteAccess access;
  access.tokens = unit.tokens.get();
  access.sharers = std::move(sharers);
  access.quota_key = quota_keys_.of(row.value_or(row_of(*unit.declared)));
  access.rules = unit.rules;
  const std::string api_base = BERTH_TRY(unit.tokens->api_base());
  access.data_center_mismatch = oauth::data_center_mismatch(unit.provider, tokens, api_base).value_or("");
  const oauth::DataCenter* center = unit.provider.by_location(tokens.location);
  access.allow_http_loopback = center != nullptr && center->allow_http_loopback;

  const std::scoped_lock lock(mutex_);
  std::shared_ptr<Quota> quota = quotas_.find(access.quota_key);
  if (!quota) {
    quota = std::make_shared<Quota>();
    // Only an added data centre may have limits of its own; the built-in ones keep the remote's.
    for (const config::DataCenter& added : unit.declared->data_centers) {
      if (added.location != tokens.location || !added.limits) continue;
      limits.per_minute = static_cast<int>(added.limits->per_minute);
      limits.concurrent = static_cast<int>(added.limits->concurrent);
      limits.per_day = added.limits->per_day;
    }
    http::QuotaOptions options;
    options.reserve_percent = unit.declared->reserve_percent;
    options.owner = dependencies_.owner;
    options.is_dead_owner = dependencies_.is_dead_owner;
    if (row) {
      const json::Parsed organization = json::parse(row->organization_json);
      const std::string_view zone = organization.value.text_of("time_zone");
      if (!zone.empty() && zone_exists(zone)) options.zone = zone;
    }
    storage::Database& kept_in = dependencies_.quota_database != nullptr ? *dependencies_.quota_database : dependencies_.database;
    quota->board = std::make_unique<DatabaseQuotaBoard>(kept_in, dependencies_.clock, access.quota_key);
    quota->gate = std::make_unique<http::QuotaGate>(limits, options, dependencies_.clock, quota->board.get());
    quotas_.put(access.quota_key, quota);
  }
  access.gate = {quota, quota->gate.get()};   // whoever has the gate keeps both
  if (dependencies_.quota_database != nullptr) access.quota_key.clear();
  return access;
}

std::shared_ptr<http::QuotaGate> Registry::find_gate(const IntegrationUnit& unit, std::string_view organization) {
  storage::Integration row = row_of(*unit.declared);
  row.remote_id = organization;
  const std::string key = quota_keys_.of(row);
  const std::scoped_lock lock(mutex_);
  const std::shared_ptr<Quota> found = quotas_.find(key);
  return found ? std::shared_ptr<http::QuotaGate>(found, found->gate.get()) : nullptr;
}

}  // namespace berth::runs
