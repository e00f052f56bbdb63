#include "hosts/support/fleet.hpp"

#include <libpq-fe.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "host/app/stores.hpp"
#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"
#include "host/vault/vault.hpp"
#include "support/postgresql_server.hpp"

namespace hosts {

namespace fs = std::filesystem;
using namespace e2e;

namespace {

const fs::path kSource = BERTH_SOURCE_DIR;
const fs::path kBinary = BERTH_BINARY_DIR;

template <class T>
T must_be(berth::Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().reason + ": " + result.error().message);
  return std::move(result).value();
}

void write_file(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<SqlRow> rows_or_none(Sql& sql, const std::string& text) {
  try {
    return sql.rows(text);
  } catch (const std::exception& error) {
    return {{error.what()}};
  }
}

/// What every row of a run's tables notes: who wrote it, and the lease at that moment; of a lease also how long the one that it
/// replaces, of another owner, would still have held. Writers follow one another, so the numbers
/// are in the order of the commits.
constexpr const char* kWatch = R"(
CREATE TABLE seen_commit (seq BIGSERIAL PRIMARY KEY, host TEXT, what TEXT, integration TEXT, owner TEXT, fencing BIGINT,
  left_ms BIGINT NOT NULL DEFAULT 0, transaction BIGINT DEFAULT txid_current());
CREATE FUNCTION seen_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO seen_commit (host, what, integration, owner, fencing, left_ms)
    VALUES (current_setting('application_name'), 'lease', NEW.integration, NEW.owner, NEW.fencing,
      CASE WHEN TG_OP = 'UPDATE' AND OLD.owner <> '' AND NEW.owner <> '' AND OLD.owner <> NEW.owner
        THEN GREATEST(0, OLD.expires_ms - CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)) ELSE 0 END);
  RETURN NULL;
END $$;
CREATE FUNCTION seen_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO seen_commit (host, what, integration, owner, fencing)
    SELECT current_setting('application_name'), TG_TABLE_NAME, NEW.integration, COALESCE(MAX(owner), ''), COALESCE(MAX(fencing), 0)
    FROM lease WHERE integration = NEW.integration;
  RETURN NULL;
END $$;
CREATE TRIGGER seen AFTER INSERT OR UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION seen_lease();
)";

}  // namespace

// ---- Sql

Sql::Sql(const std::string& url) : connection_(PQconnectdb((url + "&application_name=test").c_str())) {
  if (PQstatus(connection_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection_));
  PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
}

Sql::~Sql() { PQfinish(connection_); }

std::vector<SqlRow> Sql::rows(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection_, sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(connection_));
  std::vector<SqlRow> rows;
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    SqlRow columns;
    for (int column = 0; column < PQnfields(answer.get()); ++column) columns.emplace_back(PQgetvalue(answer.get(), row, column));
    rows.push_back(std::move(columns));
  }
  return rows;
}

std::int64_t Sql::number(const std::string& sql) { return std::stoll(rows(sql).at(0).at(0)); }

// ---- Member

Member::Member(const std::string& name, const std::string& yaml, const std::string& key, std::string origin, const Network* network)
    : name_(name), origin_(std::move(origin)), network_(network) {
  std::string folder = (fs::temp_directory_path() / "berth-hosts.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = folder;
  for (const char* made : {"accounts", "secrets"}) fs::create_directories(folder_ / made);
  chmod((folder_ / "secrets").c_str(), S_IRWXU);
  for (const char* company : {"acme_us.yaml", "acme_west.yaml"}) fs::copy_file(kSource / "configs/accounts" / company, folder_ / "accounts" / company);
  fs::copy_file(kSource / "plugins/zoho_books/mapping.yaml", folder_ / "mapping.yaml");
  write_file(folder_ / "berth.yaml", yaml);
  if (!key.empty()) {
    write_file(folder_ / "secrets/vault.key", key);
    chmod((folder_ / "secrets/vault.key").c_str(), S_IRUSR | S_IWUSR);
  }
}

Member::~Member() {
  process_.reset();
  std::error_code failure;
  fs::remove_all(folder_, failure);
}

std::unique_ptr<Process> Member::begin(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), (kBinary / "bin/berth").string());
  if (network_ != nullptr) {
    const std::vector<std::string> starter = network_->starter();
    arguments.insert(arguments.begin(), starter.begin(), starter.end());
  }
  return std::make_unique<Process>(arguments, Start{.folder = folder_.string(),
                                                    .environment = {{"ZOHO_CLIENT_ID", kClientId},
                                                                    {"ZOHO_CLIENT_SECRET", kClientSecret},
                                                                    {"ZOHO_REDIRECT_URI", origin_ + "/oauth/callback"}},
                                                    .input = {}});
}

Outcome Member::run(std::vector<std::string> arguments) const { return begin(std::move(arguments))->wait(); }

std::string Member::must(std::vector<std::string> arguments) const {
  const Outcome outcome = run(arguments);
  if (outcome.exit != 0) throw std::runtime_error("berth " + arguments.front() + ": " + outcome.out + outcome.err);
  return outcome.out;
}

void Member::start() { process_ = begin({"--config", "berth.yaml", "serve"}); }
bool Member::serves() { return !process_->wait_for_line("berth serves").empty(); }
int Member::ready() const { return ask("/readyz").status; }

Answer Member::ask(const std::string& path) const {
  if (network_ == nullptr) return get(origin_ + path);
  Answer answer;
  network_->inside([&] { answer = get(origin_ + path); });
  return answer;
}

// ---- Fleet

Fleet::Fleet(const Plan& plan) : plan_(plan), url_(berth::test::PostgresqlServer::shared().create_database()) {
  for (int i = 0; i < plan_.simulators; ++i) {
    Sizes sizes = plan_.books;
    sizes.seed += i;
    sizes.per_day = 1'000'000;
    for (const char* none : {"--drafts", "--voids", "--custom-fields", "--vendors", "--inactive"}) sizes.more.insert(sizes.more.end(), {none, "0"});
    sizes.more.insert(sizes.more.end(), {"--organization-id", std::to_string(927000001 + i)});
    simulators_.push_back(std::make_unique<Simulator>(sizes));
  }
  sql_ = std::make_unique<Sql>(url_);
}

std::string Fleet::socket_path() const { return url_.substr(url_.find("host=") + 5) + "/.s.PGSQL.5432"; }

std::string Fleet::id(int integration) const {
  std::string number = std::to_string(integration);
  return "i" + std::string(3 - std::min<std::size_t>(number.size(), 3), '0') + number;
}

Member& Fleet::add(const std::string& name, const Proxy* through, const Network* network) {
  const std::string origin = "http://127.0.0.1:" + std::to_string(free_port());
  std::string url = url_;
  if (through != nullptr) {
    const std::string database = url_.substr(url_.rfind('/', url_.find('?')) + 1, url_.find('?') - url_.rfind('/', url_.find('?')) - 1);
    url = "postgresql://berth@" + through->address() + ":" + std::to_string(through->port()) + "/" + database + "?sslmode=disable&gssencmode=disable";
  }
  std::ostringstream yaml;
  yaml << "berth: 1\ndata_dir: ./data\nstorage: \"" << url << "&application_name=" << name
       << "\"\n"
          "vault: {key: file:./secrets/vault.key}\n"
          "server: {listen: "
       << origin.substr(7) << ", public_url: " << origin << "}\nhosts: {lease: " << plan_.lease << ", drain: 20s}\nplugins: {paths: [" << kBinary.string()
       << "/plugins], workers_max: " << plan_.workers
       << "}\n"
          "companies:\n"
          "  - {id: acme_us, name: Acme US, base_currency: USD, accounts: ./accounts/acme_us.yaml}\n"
          "  - {id: acme_west, name: Acme West, base_currency: USD, accounts: ./accounts/acme_west.yaml}\n"
          "integrations:\n";
  for (int i = 0; i < plan_.integrations; ++i) {
    const std::string remote = simulators_[static_cast<std::size_t>(i % plan_.simulators)]->origin();
    yaml << "  - id: " << id(i)
         << "\n    plugin: zoho_books\n    company: acme_us\n    mode: pull_only\n"
            "    client: {id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}\n"
            "    plan: premium\n    backfill: {from: all}\n    mapping: ./mapping.yaml\n"
            "    schedule: {invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1h}\n"
            "    accounts:\n      default_income: sales\n      default_expense: cogs\n"
            "      payment_mode: {Check: undeposited, Cash: undeposited, Bank Transfer: undeposited, Credit Card: undeposited, Stripe: undeposited, ACH/WIRE: undeposited}\n"
            "      tax: {\"4815162342000400047\": sales_tax, \"4815162342000400049\": sales_tax, \"4815162342000400051\": sales_tax, "
            "\"4815162342000400053\": sales_tax, \"4815162342000400055\": sales_tax}\n"
            "    data_centers:\n      - {location: test, accounts: \""
         << remote << "\", api: \"" << remote << "\", allow_http_loopback: true, limits: " << plan_.limits << "}\n";
  }
  members_.push_back(std::make_unique<Member>(name, yaml.str(), key_, origin, network));
  Member& member = *members_.back();
  if (key_.empty()) {
    member.must({"vault", "init"});
    key_ = read_file(member.folder() / "secrets/vault.key");
    member.must({"plugin", "trust", "zoho_books"});
  }
  return member;
}

void Fleet::connect_all() {
  const Member& member = *members_.front();
  for (int i = 0; i < plan_.simulators; ++i) {
    const auto waiting = member.begin({"connect", id(i), "--wait", "60"});
    const std::string url = waiting->wait_for_line("http");
    const Answer page = url.empty() ? Answer{} : get(accept_consent(url));
    if (page.status != 200 || waiting->wait().exit != 0) throw std::runtime_error("not connected: " + page.body + waiting->out() + waiting->err());
  }
  const berth::SystemClock clock;
  berth::SystemRandom random;
  const auto database = must_be(berth::storage::open_postgresql({.url = url_}, clock));
  berth::vault::Vault vault(*database, must_be(berth::vault::load_master_key("file:" + (member.folder() / "secrets/vault.key").string())), random, clock);
  berth::app::VaultTokenStore tokens(*database, vault);
  for (int i = plan_.simulators; i < plan_.integrations; ++i) {
    auto set = must_be(tokens.load(id(i % plan_.simulators)));
    set->generation = 1;
    if (!must_be(tokens.save(id(i), *set, 0))) throw std::runtime_error("tokens were there already");
    sql_->rows("UPDATE integration AS i SET remote_id = f.remote_id, name = f.name, organization_json = f.organization_json, connected_ms = f.connected_ms, "
               "actual = f.actual FROM integration AS f WHERE f.id = '" + id(i % plan_.simulators) + "' AND i.id = '" + id(i) + "'");
  }
}

void Fleet::watch_commits() {
  sql_->rows(kWatch);
  for (const char* table : {"phase_cursor", "record", "detail_queue", "entry", "open_item", "run"}) {
    sql_->rows("CREATE TRIGGER seen AFTER INSERT OR UPDATE ON " + std::string(table) + " FOR EACH ROW EXECUTE FUNCTION seen_write()");
  }
}

std::string Fleet::not_done() {
  std::string text;
  for (const char* sql : {"SELECT i.id, i.actual, i.reason, i.message, COALESCE((SELECT string_agg(r.outcome || ' ' || r.reason || ' ' || r.message, '; ' ORDER BY "
                          "started_ms) FROM run AS r WHERE r.integration = i.id), 'no run'), s.look_at_ms / 1000 - CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) FROM "
                          "integration AS i JOIN schedule AS s ON s.integration = i.id WHERE last_sync_ms = 0 OR EXISTS (SELECT 1 FROM record AS p WHERE p.integration = i.id AND p.state = 'pending') ORDER BY 1 LIMIT 8",
                          "SELECT kind, label, COUNT(*) FROM account_row WHERE account = '' GROUP BY 1, 2",
                          "SELECT entity, state, reason, COUNT(*), MAX(message) FROM record GROUP BY 1, 2, 3"}) {
    for (const SqlRow& row : rows_or_none(*sql_, sql)) {
      for (const std::string& column : row) text += column + " | ";
      text += "\n";
    }
  }
  return text;
}

std::vector<std::string> Fleet::faults_of_commits(const std::set<std::string>& dead) {
  struct Holder {
    std::int64_t fencing = 0;
    std::string host, owner;   // "": given back
  };
  std::map<std::string, Holder> holders;
  std::vector<std::string> faults;
  for (const SqlRow& row : sql_->rows("SELECT host, what, integration, owner, fencing, seq, left_ms FROM seen_commit ORDER BY seq")) {
    const std::string &host = row[0], &what = row[1], &owner = row[3];
    const std::int64_t fencing = std::stoll(row[4]);
    Holder& holder = holders[row[2]];
    const auto fault = [&](const std::string& why) {
      faults.push_back("commit " + row[5] + ", " + row[2] + ": " + host + " wrote " + what + " under number " + row[4] + " of \"" + owner + "\"; " + why +
                       " (before: " + holder.host + ", number " + std::to_string(holder.fencing) + ")");
    };
    if (what == "lease") {
      if (owner.empty()) {
        if (fencing != holder.fencing) fault("it gave back another number than the last one");
        if (host != holder.host && !dead.contains(holder.host)) fault("it gave back what another host held");
      } else if (owner != holder.owner) {
        if (fencing <= holder.fencing) fault("it took the lease and the number did not grow");
        if (row[6] != "0") fault("it took a lease that would have held for " + row[6] + " ms more");
      } else if (host != holder.host || fencing != holder.fencing) {
        fault("it renewed a lease that is not its own");
      }
      holder = {fencing, owner.empty() ? holder.host : host, owner};
    } else if (owner.empty() || owner != holder.owner || fencing != holder.fencing || host != holder.host) {
      fault("it does not hold the lease");
    }
  }
  if (holders.size() < static_cast<std::size_t>(plan_.integrations)) faults.push_back("only " + std::to_string(holders.size()) + " integrations were written");
  return faults;
}

std::vector<std::string> Fleet::faults_of_books() {
  std::vector<std::string> faults;
  const auto expect = [&](const std::string& what, const std::string& sql, const std::string& wanted) {
    for (const SqlRow& row : sql_->rows(sql)) {
      if (row[1] != wanted) faults.push_back(row[0] + " has " + row[1] + " " + what + ", and the remote " + wanted);
    }
  };
  for (int s = 0; s < plan_.simulators; ++s) {
    const Value books = simulators_[static_cast<std::size_t>(s)]->control("books");
    const std::string of_simulator = " FROM integration AS i WHERE i.remote_id = '" + std::to_string(927000001 + s) + "'";
    const auto count = [&](const char* member) { return std::to_string(number_at(books, std::string("counts.") + member)); };
    for (const auto& [entity, member] : std::map<std::string, const char*>{{"invoice", "invoices"}, {"customer_payment", "payments"}, {"contact", "contacts"}, {"item", "items"}}) {
      expect(entity + " records", "SELECT i.id, (SELECT COUNT(*) FROM record AS r WHERE r.integration = i.id AND r.entity = '" + entity + "')" + of_simulator, count(member));
      expect(entity + " records that posted",
             "SELECT i.id, (SELECT COUNT(*) FROM record AS r WHERE r.integration = i.id AND r.entity = '" + entity + "' AND r.state = 'posted')" + of_simulator, count(member));
    }
    expect("cents of receivables",
           "SELECT i.id, (SELECT COALESCE(SUM(l.base_minor), 0) FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE e.integration = i.id AND l.control = 'ar')" +
               of_simulator,
           std::to_string(cents(books.at_path("sums.receivable")->text())));
  }
  for (const SqlRow& row : sql_->rows("SELECT integration, entity, remote_id, event, COUNT(*) FROM entry GROUP BY 1, 2, 3, 4 HAVING COUNT(*) > 1")) {
    faults.push_back(row[0] + " has " + row[4] + " entries for " + row[3] + " of " + row[1] + " " + row[2]);
  }
  return faults;
}

}  // namespace hosts
