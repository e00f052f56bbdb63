#include "integration/world.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "host/ledger/queries.hpp"
#include "host/plugins/library_file.hpp"
#include "host/storage/pins.hpp"
#include "host/storage/rows.hpp"
#include "support/postgresql_server.hpp"

namespace berth::integration {

namespace {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().reason << ": " << result.error().message);
  return std::move(result).value();
}
void must(const Status& status) {
  if (!status.ok()) FAIL(status.error().reason << ": " << status.error().message);
}

/// SQLite, or what BERTH_TEST_STORAGE says: the same tests hold for both engines.
std::unique_ptr<storage::Database> open_database(const std::filesystem::path& file, const Clock& clock) {
  const char* engine = std::getenv("BERTH_TEST_STORAGE");
  if (engine == nullptr || std::string_view(engine) != "postgresql") return must(storage::open_sqlite({.path = file.string()}, clock));
  if (const auto why = test::PostgresqlServer::unavailable()) FAIL(*why);
  return must(storage::open_postgresql({.url = test::PostgresqlServer::shared().create_database(), .folder = file.parent_path().string(), .is_time_of_server = false}, clock));
}

zoho_sim::Options simulator_options(const WorldOptions& options) {
  zoho_sim::Options made;
  made.books.seed = options.seed;
  made.books.now = options.start;
  if (!options.organization_zone.empty()) made.books.time_zone = options.organization_zone;
  made.books.contacts = options.contacts;
  made.books.items = options.items;
  made.books.invoices = options.invoices;
  made.books.payments = options.payments;
  made.books.credit_notes = options.credit_notes;
  made.books.foreign = options.foreign;
  made.books.write_offs = options.write_offs;
  made.books.drafts = options.drafts;
  made.books.voids = options.voids;
  made.oauth.location = "test";
  made.oauth.auto_consent = true;
  made.oauth.throttle = false;
  made.limits = {0, 0, 0};
  made.undocumented = options.undocumented;
  made.public_origin = kOrigin;
  return made;
}

std::string configuration(const WorldOptions& options) {
  std::string text = fmt::format(R"(berth: 1
data_dir: ./data
storage: sqlite
plugins:
  paths: [{0}/plugins]
  isolation: in_process
classifications:
  - {{name: Service Type, lines: [Consulting, Support, Implementation]}}
companies:
  - {{id: acme_us, name: Acme US, base_currency: USD, accounts: {1}/configs/accounts/acme_us.yaml}}
  - {{id: acme_west, name: Acme West, base_currency: USD, accounts: {1}/configs/accounts/acme_west.yaml}}
integrations:
  - id: zoho_acme
    plugin: zoho_books
    company: acme_us
    mode: pull_only
    client: {{id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}}
    plan: {7}
    reserve: {6}
    backfill: {2}
    schedule: {3}
    data_centers:
      - {{location: test, accounts: "{4}", api: "{4}", allow_http_loopback: true{5}}}
)",
                                 BERTH_BINARY_DIR, BERTH_SOURCE_DIR, options.backfill, options.schedule, kOrigin,
                                 options.limits.empty() ? "" : ", limits: " + options.limits, options.reserve, options.plan);
  if (!options.phases.empty()) text += "    phases: ./phases.yaml\n";
  if (!options.mapping.empty()) text += "    mapping: ./mapping.yaml\n";
  return text + options.more + options.integrations;
}

std::optional<std::string> environment(std::string_view name) {
  if (name == "ZOHO_CLIENT_ID") return "1000.SIMULATORCLIENT";
  if (name == "ZOHO_CLIENT_SECRET") return "simulator-secret";
  if (name == "ZOHO_REDIRECT_URI") return "http://127.0.0.1:8484/oauth/callback";
  return std::nullopt;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  // In memory where there is such a folder: a process dies here, never the machine, and a disk makes it five times slower.
  const std::filesystem::path memory = "/dev/shm";
  const bool is_usable = access(memory.c_str(), W_OK) == 0;
  std::string name = ((is_usable ? memory : std::filesystem::temp_directory_path()) / "berth-integration-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryFolder::write(const std::string& name, std::string_view content) const {
  std::ofstream out(path_ / name, std::ios::binary);
  out << content;
  REQUIRE(out.good());
}

Status MortalDatabase::write(WriteName name, const std::function<Status(storage::Connection&)>& work) {
  if (is_dead()) return make_error(Code::kEnvironment, "test.dead", "this process is dead");
  if (whole_left_ == 0) return die_in(name, work);
  if (refuse) {
    if (auto error = refuse()) return std::move(*error);
  }
  const Status done = real_->write(name, work);
  if (done.ok()) {
    ++commits_;
    if (left_ > 0) --left_;
    if (whole_left_ > 0) --whole_left_;
    if (after_commit) after_commit();
    if (answers_left_ >= 0 && answers_left_-- == 0) return make_error(Code::kUnavailable, "storage.failed", "the connection ended before the answer to COMMIT came");
  }
  return done;
}

Status MortalDatabase::die_in(WriteName name, const std::function<Status(storage::Connection&)>& work) {
  whole_left_ = -1;
  if (before_death_) before_death_();
  const Status cut = real_->write(name, [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(work(connection));
    if (inside_death_) inside_death_(connection);
    return make_error(Code::kEnvironment, "test.dead", "this process died before it committed");
  });
  left_ = 0;
  return cut;
}

Result<std::unique_ptr<storage::Database>> MortalDatabase::copy_to(const std::string& path, const Clock& at) {
  if (before_copy) before_copy();
  if (is_dead()) return make_error(Code::kUnavailable, "storage.failed", "the host is dead");
  return real_->copy_to(path, at);
}

Status MortalDatabase::read(const std::function<Status(storage::Connection&)>& work) {
  if (is_dead()) return make_error(Code::kEnvironment, "test.dead", "this process is dead");
  if (refuse_read) {
    if (auto error = refuse_read()) return std::move(*error);
  }
  return real_->read(work);
}

World::World(WorldOptions options)
    : own_clock(options.is_paced ? std::make_unique<PacedClock>(Instant{options.start * 1000}) : std::make_unique<ManualClock>(Instant{options.start * 1000})),
      clock(*own_clock),
      simulator(simulator_options(options), std::make_shared<SharedClock>(clock)), transport(simulator, clock, std::string(kOrigin), options.is_paced) {
  units_in_memory = options.units_in_memory;
  gates_in_memory = options.gates_in_memory;
  folder.write("berth.yaml", configuration(options));
  if (!options.phases.empty()) folder.write("phases.yaml", options.phases);
  if (!options.mapping.empty()) folder.write("mapping.yaml", options.mapping);
  config::Findings findings;
  auto loaded = config::load(folder.path() / "berth.yaml", findings);
  if (!loaded.ok()) FAIL(findings.print());
  config = std::move(loaded).value();
  database = std::make_unique<MortalDatabase>(open_database(folder.path() / "berth.db", clock));
  states = std::make_unique<app::DatabaseStateStore>(*database, clock);
  runner = plugins::make_in_process_runner();
  restart();
  for (const plugins::Discovered& found : registry->discovered()) {
    if (found.refusal) FAIL(found.refusal->message);
    trust(*found.manifest);
  }
}

void World::trust(const plugins::Manifest& manifest) {
  const std::string hash = must(plugins::hash_for_pin(manifest));
  must(database->write("test.write", [&](storage::Connection& connection) {
    return storage::pins::set(connection, {.plugin = manifest.id, .sha256 = hash, .pinned = clock.now(), .pinned_by = "test"});
  }));
}

void World::add_without_plugin(const std::string& id) {
  REQUIRE(database->write("test.write", [&](storage::Connection& connection) -> Status {
    storage::Integration row;
    row.id = id;
    row.plugin = "nothing";
    row.company = "acme_us";
    row.tenant = "default";
    row.environment = "production";
    row.mode = "pull_only";
    row.origin = "api";
    row.created = clock.now();
    BERTH_CHECK(storage::integrations::insert(connection, row));
    return storage::integrations::set_connected(connection, id, clock.now());
  }).ok());
}

void World::use(std::unique_ptr<storage::Database> other) {
  connector.reset();
  engine.reset();
  registry.reset();
  states.reset();
  database = std::make_unique<MortalDatabase>(std::move(other));
  states = std::make_unique<app::DatabaseStateStore>(*database, clock);
  restart();
}

void World::reconfigure(std::string_view from, std::string_view to) {
  std::ifstream in(folder.path() / "berth.yaml", std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  folder.write("berth.yaml", text.replace(at, from.size(), to));
  used_.clear();
  connector.reset();
  engine.reset();
  registry.reset();
  config::Findings findings;
  auto loaded = config::load(folder.path() / "berth.yaml", findings);
  if (!loaded.ok()) FAIL(findings.print());
  config = std::move(loaded).value();
  restart();
}

Running World::begin_process(const std::string& owner, Clock& its_clock, std::function<bool(std::string_view)> is_dead_owner) {
  Running begun;
  begun.random = std::make_unique<SeededRandom>(std::hash<std::string>()(owner));
  begun.registry = std::make_unique<runs::Registry>(runs::Registry::Dependencies{.config = config,
                                                                                 .environment = environment,
                                                                                 .database = *database,
                                                                                 .transport = transport,
                                                                                 .token_store = tokens,
                                                                                 .runner = *runner,
                                                                                 .clock = its_clock,
                                                                                 .log = log,
                                                                                 .plugin_folders = config.plugins.paths,
                                                                                 .owner = owner,
                                                                                 .is_dead_owner = std::move(is_dead_owner),
                                                                                 .units_in_memory = units_in_memory,
                                                                                 .gates_in_memory = gates_in_memory});
  must(begun.registry->sync_declared());
  begun.engine = std::make_unique<runs::Engine>(runs::Engine::Dependencies{.database = *database,
                                                                           .transport = transport,
                                                                           .runner = *runner,
                                                                           .clock = its_clock,
                                                                           .random = *begun.random,
                                                                           .log = log,
                                                                           .companies = begun.registry->companies(),
                                                                           .owner = owner});
  return begun;
}

void World::restart() {
  connector.reset();
  engine.reset();
  registry.reset();
  ++processes_;
  // Earlier processes of this world ended.
  Running begun = begin_process(fmt::format("test:{}", processes_), clock, [this](std::string_view owner) {
    return owner.starts_with("test:") && owner != fmt::format("test:{}", processes_);
  });
  random_of_process_ = std::move(begun.random);
  registry = std::move(begun.registry);
  engine = std::move(begun.engine);
  connector = std::make_unique<runs::Connector>(runs::Connector::Dependencies{.database = *database,
                                                                              .transport = transport,
                                                                              .states = *states,
                                                                              .engine = *engine,
                                                                              .registry = *registry,
                                                                              .clock = clock,
                                                                              .random = random,
                                                                              .log = log});
}

runs::IntegrationUnit& World::unit(std::string_view id) {
  std::shared_ptr<runs::IntegrationUnit>& held = used_[std::string(id)];
  held = must(registry->unit(id));
  return *held;
}

std::string World::consent(const std::string& url) {
  REQUIRE(url.starts_with(kOrigin));
  const zoho_sim::Response page = simulator.handle(zoho_sim::make_request("GET", url.substr(kOrigin.size())));
  REQUIRE_MESSAGE(page.status == 302, page.body);
  const std::string to(zoho_sim::header_of(page.headers, "Location"));
  const auto question = to.find('?');
  REQUIRE(question != std::string::npos);
  return to.substr(question + 1);
}

Result<runs::Connected> World::try_connect() {
  const oauth::Authorization begun = BERTH_TRY(connector->begin(unit()));
  auto [owner, grant] = BERTH_TRY(connector->accept_redirect(consent(begun.url), "/oauth/callback"));
  REQUIRE(owner.get() == &unit());
  return connector->complete(*owner, grant, {});
}

void World::connect() { must(try_connect()); }

Result<runs::RunReport> World::try_sync(runs::RunRequest request, std::stop_token stop) {
  const runs::RemoteAccess access = BERTH_TRY(registry->access(unit()));
  return engine->run(unit().setup, access, request, stop);
}

runs::RunReport World::sync(runs::RunRequest request, std::stop_token stop) { return must(try_sync(std::move(request), stop)); }

void World::apply() { must(engine->apply(unit().setup, {})); }

void World::map(std::string_view kind, std::string_view key, std::string_view company, std::string_view account) {
  must(admin::map_account(*database, config, kIntegration, kind, key, company, account, "test", clock.now()));
}

void World::map_all() {
  const std::map<std::string, std::string, std::less<>> accounts = {
      {"default_income", "sales"}, {"default_expense", "cogs"}, {"payment_mode", "undeposited"}, {"tax", "sales_tax"}, {"reduced_total", "owner_equity"}};
  for (int round = 0; round < 10; ++round) {
    std::vector<storage::AccountRow> unmapped;
    must(database->read([&](storage::Connection& connection) -> Status {
      for (storage::AccountRow& row : BERTH_TRY(storage::account_rows::list(connection, kIntegration))) {
        if (!row.is_mapped()) unmapped.push_back(std::move(row));
      }
      return success();
    }));
    if (unmapped.empty()) return;
    for (const storage::AccountRow& row : unmapped) {
      const auto account = accounts.find(row.kind);
      REQUIRE_MESSAGE(account != accounts.end(), row.awaited());
      map(row.kind, row.label, row.company, account->second);
    }
    apply();
  }
  FAIL("accounts are still unmapped after ten rounds");
}

storage::Integration World::integration(std::string_view id) {
  std::optional<storage::Integration> found;
  must(database->read([&](storage::Connection& connection) -> Status {
    found = BERTH_TRY(storage::integrations::find(connection, id));
    return success();
  }));
  REQUIRE(found.has_value());
  return *found;
}

std::optional<storage::Record> World::find_record(std::string_view entity, std::string_view remote_id) {
  std::optional<storage::Record> found;
  must(database->read([&](storage::Connection& connection) -> Status {
    found = BERTH_TRY(storage::records::find(connection, kIntegration, entity, remote_id));
    return success();
  }));
  return found;
}

storage::Record World::record(std::string_view entity, std::string_view remote_id) {
  const auto found = find_record(entity, remote_id);
  REQUIRE_MESSAGE(found.has_value(), entity << "/" << remote_id << " is not stored");
  return *found;
}

std::vector<storage::Record> World::records(std::string_view entity, std::string_view state) {
  std::vector<storage::Record> all;
  storage::RecordFilter filter;
  filter.integration = kIntegration;
  filter.entity = entity;
  filter.state = state;
  must(database->read([&](storage::Connection& connection) -> Status {
    storage::PageRequest page;
    while (true) {
      auto part = BERTH_TRY(storage::records::list(connection, filter, page));
      all.insert(all.end(), part.items.begin(), part.items.end());
      if (part.next.empty()) return success();
      page.after = part.next;
    }
  }));
  return all;
}

std::int64_t World::number(std::string_view sql) {
  std::int64_t found = -1;
  must(database->read([&](storage::Connection& connection) -> Status {
    const auto row = BERTH_TRY(connection.first(sql));
    if (row) found = row->integer(0);
    return success();
  }));
  return found;
}

std::vector<std::string> World::lines(std::string_view sql) {
  std::vector<std::string> found;
  must(database->read([&](storage::Connection& connection) -> Status {
    for (const storage::Row& row : BERTH_TRY(connection.query(sql))) found.push_back(row.text(0));
    return success();
  }));
  return found;
}

std::vector<std::string> World::journal(bool only_live) {
  std::vector<std::string> lines;
  must(database->read([&](storage::Connection& connection) -> Status {
    std::map<std::string, std::string> remote_ids;
    const auto name_of = [&](const std::string& local) -> Result<std::string> {
      if (local.empty()) return std::string();
      if (const auto known = remote_ids.find(local); known != remote_ids.end()) return known->second;
      const auto row = BERTH_TRY(storage::rows::find(connection, local));
      return remote_ids[local] = row ? row->kind + "/" + (row->remote_id.empty() ? row->name : row->remote_id) : "?" + local;
    };
    ledger::EntryFilter filter;
    filter.only_live = only_live;
    return ledger::each_entry(connection, filter, [&](const ledger::StoredEntry& entry) -> Status {
      std::vector<std::string> parts;
      for (const ledger::StoredLine& line : entry.lines) {
        parts.push_back(fmt::format("{} {} {} {} {} {}", line.side == ledger::Side::kDebit ? "D" : "C", line.account, line.base.to_string(),
                                    BERTH_TRY(name_of(line.party)), BERTH_TRY(name_of(line.location)), BERTH_TRY(name_of(line.service_type))));
      }
      std::sort(parts.begin(), parts.end());
      lines.push_back(fmt::format("{} {} {}/{} {} #{} {}: {}", to_string(entry.date), entry.company, entry.source.entity, entry.source.remote_id,
                                  entry.event, entry.sequence, entry.reverses != 0 ? "reverses" : "", fmt::join(parts, "; ")));
      return success();
    });
  }));
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> World::balances() {
  std::vector<std::string> lines;
  must(database->read([&](storage::Connection& connection) -> Status {
    for (const ledger::Balance& balance : BERTH_TRY(ledger::trial_balance(connection))) {
      lines.push_back(fmt::format("{} {} {}", balance.company, balance.account, balance.net().to_string()));
    }
    return success();
  }));
  return lines;
}

json::Value World::books() { return json::parse(simulator.books_json()).value; }

void World::check_books() {
  const json::Value remote = books();
  REQUIRE(remote.find("problems")->items().empty());
  must(database->read([&](storage::Connection& connection) -> Status {
    for (const ledger::CheckFinding& finding : BERTH_TRY(ledger::check(connection))) CHECK_MESSAGE(false, finding.invariant << ": " << finding.message);
    for (const ledger::Receivable& receivable : BERTH_TRY(ledger::receivables(connection, kIntegration))) {
      const json::Value* invoice = remote.find("invoices")->find(receivable.remote_id);
      REQUIRE_MESSAGE(invoice != nullptr, receivable.remote_id);
      const json::Value* balance = invoice->find("balance");
      const std::string wanted = balance->is_string() ? std::string(balance->text()) : json::dump(*balance);
      const Money open = must(Money::parse(wanted, receivable.open.currency()));
      const bool is_equal = open == receivable.open;
      CHECK_MESSAGE(is_equal, receivable.number << ": " << receivable.open.to_string() << " here, " << wanted << " there");
    }
    return success();
  }));
}

json::Value World::control(const std::string& method, const std::string& path, const std::string& body) {
  zoho_sim::Request request = zoho_sim::make_request(method, "/_control/" + path);
  request.body = body;
  const zoho_sim::Response response = simulator.handle(request);
  REQUIRE_MESSAGE(response.status < 300, method << " " << path << ": " << response.body);
  return json::parse(response.body).value;
}

std::string World::make_invoice(const std::string& amount, const std::string& more) {
  return std::string(control("POST", "invoices",
                             fmt::format(R"({{"line_items":[{{"name":"Work","rate":{},"quantity":1}}]{}}})", amount, more.empty() ? "" : "," + more))
                         .text_of("id"));
}

std::string World::make_payment(const std::string& body) { return std::string(control("POST", "payments", body).text_of("id")); }

std::string World::some_invoice(std::string_view status) {
  const json::Value remote = books();
  for (const json::Member& invoice : remote.find("invoices")->members()) {
    if (invoice.second.text_of("status") == status) return invoice.first;
  }
  FAIL("the simulator has no invoice with status " << status);
  return {};
}

runs::RunRequest only(std::string_view phase) {
  runs::RunRequest request;
  request.phases.emplace_back(phase);
  return request;
}

runs::RunRequest everything() {
  runs::RunRequest request;
  request.full = true;
  return request;
}

const runs::PhaseReport& phase_of(const runs::RunReport& report, std::string_view phase) {
  for (const runs::PhaseReport& one : report.phases) {
    if (one.phase == phase) return one;
  }
  FAIL("the report has no phase " << phase);
  return report.phases.front();
}

}  // namespace berth::integration
