#include "e2e/support/world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace e2e {

namespace fs = std::filesystem;

namespace {

const std::string kPrograms = std::string(BERTH_BINARY_DIR) + "/bin/";

std::string shown(const std::vector<std::string>& arguments, const Outcome& outcome) {
  std::string text = "berth";
  for (const std::string& argument : arguments) text += " " + argument;
  return text + (outcome.timed_out ? " took too long" : " ended with " + std::to_string(outcome.exit)) + "\n" + outcome.out + outcome.err;
}

}  // namespace

int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool fine = bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(descriptor);
  if (!fine) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

Simulator::Simulator(const Sizes& sizes) {
  std::vector<std::string> arguments{kPrograms + "zoho_sim", "--port", "0", "--location", "test", "--client-id", kClientId,
                                     "--client-secret", kClientSecret, "--no-token-throttle", "--parent-pid", std::to_string(getpid())};
  const auto size = [&](const char* flag, int value) {
    arguments.emplace_back(flag);
    arguments.push_back(std::to_string(value));
  };
  size("--contacts", sizes.contacts);
  size("--items", sizes.items);
  size("--invoices", sizes.invoices);
  size("--payments", sizes.payments);
  size("--credit-notes", sizes.credit_notes);
  size("--seed", sizes.seed);
  size("--per-minute", sizes.per_minute);
  size("--per-day", sizes.per_day);
  arguments.insert(arguments.end(), sizes.more.begin(), sizes.more.end());
  process_ = std::make_unique<Process>(arguments, Start{});
  const std::string line = process_->wait_for_line("listening on");
  if (line.empty()) throw std::runtime_error("zoho_sim did not start: " + process_->err());
  origin_ = line.substr(line.find("http://"));
}

Value Simulator::control(const std::string& path) const { return get(origin_ + "/_control/" + path).json(); }

Value Simulator::post(const std::string& path, const std::string& body) const {
  const Answer answer = http("POST", origin_ + "/_control/" + path, body);
  if (answer.status != 200) throw std::runtime_error("the simulator refused " + path + ": " + answer.body);
  return answer.json();
}

void Simulator::clear_faults() const {
  if (http("DELETE", origin_ + "/_control/faults").status != 200) throw std::runtime_error("the simulator keeps its faults");
}

std::int64_t Simulator::calls(const std::string& kind) const {
  const Value counters = control("counters");
  const Value* number = counters.find("by_kind")->find(kind);
  return number == nullptr ? 0 : number->integer().value();
}

std::vector<std::string> Simulator::log() const {
  std::vector<std::string> lines;
  const Value log = control("log");
  for (const Value& line : log.find("calls")->items()) lines.emplace_back(line.text());
  return lines;
}

Workspace::Workspace(const Simulator& simulator, const Settings& settings) {
  std::string name = (fs::temp_directory_path() / "berth-e2e.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = name;
  origin_ = "http://127.0.0.1:" + std::to_string(free_port());
  redirect_uri_ = origin_ + "/oauth/callback";
  const fs::path source = BERTH_SOURCE_DIR;
  fs::create_directories(folder_ / "accounts");
  fs::create_directories(folder_ / "secrets");
  chmod((folder_ / "secrets").c_str(), S_IRWXU);
  for (const char* company : {"acme_us", "acme_west"}) {
    fs::copy_file(source / "configs/accounts" / (std::string(company) + ".yaml"), folder_ / "accounts" / (std::string(company) + ".yaml"));
  }
  fs::copy_file(source / "plugins/zoho_books/mapping.yaml", folder_ / "mapping.yaml");
  const std::string data_centers =
      settings.data_centers.empty() ? "{location: test, accounts: \"" + simulator.origin() + "\", api: \"" + simulator.origin() +
                                          "\", allow_http_loopback: true, limits: " + settings.limits + "}"
                                    : settings.data_centers;
  std::ostringstream yaml;
  yaml << "berth: 1\n"
          "data_dir: ./data\n"
          "storage: sqlite\n"
          "vault: {key: file:./secrets/vault.key}\n"
          "server: {listen: "
       << origin_.substr(7) << ", public_url: " << origin_
       << "}\n"
          "plugins: {paths: ["
       << BERTH_BINARY_DIR
       << "/plugins]}\n"
          "classifications:\n"
          "  - {name: Service Type, lines: [Consulting, Support, Implementation]}\n"
          "companies:\n"
          "  - {id: acme_us, name: Acme US, base_currency: USD, accounts: ./accounts/acme_us.yaml}\n"
          "  - {id: acme_west, name: Acme West, base_currency: USD, accounts: ./accounts/acme_west.yaml}\n"
          "integrations:\n"
          "  - id: zoho\n"
          "    plugin: zoho_books\n"
          "    company: acme_us\n"
          "    mode: pull_only\n"
          "    client: {id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}\n"
          "    organization: first\n"
          "    plan: premium\n"
          "    backfill: {from: all}\n"
          "    schedule: "
       << settings.schedule
       << "\n"
          "    mapping: ./mapping.yaml\n"
          "    data_centers:\n"
          "      - "
       << data_centers << "\n"
       << settings.extra;
  if (settings.page_rows > 0) {
    std::ifstream in(source / "plugins/zoho_books/phases.yaml", std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    std::string phases = text.str();
    const std::string size = "size: 200";
    if (phases.find(size) == std::string::npos) throw std::runtime_error("the connector's pages have another size than 200");
    write("phases.yaml", phases.replace(phases.find(size), size.size(), "size: " + std::to_string(settings.page_rows)));
    yaml << "    phases: ./phases.yaml\n";
  }
  write("berth.yaml", yaml.str());
  must({"vault", "init"});
  must({"plugin", "trust", "zoho_books"});
}

Workspace::Workspace(CopyOf copy) : origin_(copy.from.origin_), redirect_uri_(copy.from.redirect_uri_) {
  const fs::path memory = "/dev/shm";
  const bool is_usable = access(memory.c_str(), W_OK) == 0;
  std::string name = ((is_usable ? memory : fs::temp_directory_path()) / "berth-e2e.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = name;
  fs::copy(copy.from.folder_, folder_, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

Workspace::~Workspace() {
  std::error_code failure;
  fs::remove_all(folder_, failure);
}

std::string Workspace::read(const std::string& file) const {
  std::ifstream in(folder_ / file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void Workspace::write(const std::string& file, const std::string& text) const { std::ofstream(folder_ / file, std::ios::binary) << text; }

std::unique_ptr<Process> Workspace::start_by(std::vector<std::string> starter, std::vector<std::string> arguments) const {
  starter.push_back(kPrograms + "berth");
  starter.insert(starter.end(), arguments.begin(), arguments.end());
  return std::make_unique<Process>(
      starter, Start{.folder = folder_.string(),
                     .environment = {{"ZOHO_CLIENT_ID", kClientId}, {"ZOHO_CLIENT_SECRET", kClientSecret}, {"ZOHO_REDIRECT_URI", redirect_uri_}},
                     .input = {}});
}

std::unique_ptr<Process> Workspace::start(std::vector<std::string> arguments, std::map<std::string, std::string> environment) const {
  return start_program(kPrograms + "berth", std::move(arguments), std::move(environment));
}

std::unique_ptr<Process> Workspace::start_program(const std::string& program, std::vector<std::string> arguments, std::map<std::string, std::string> environment) const {
  arguments.insert(arguments.begin(), program);
  environment.insert({{"ZOHO_CLIENT_ID", kClientId}, {"ZOHO_CLIENT_SECRET", kClientSecret}, {"ZOHO_REDIRECT_URI", redirect_uri_}});
  return std::make_unique<Process>(arguments, Start{.folder = folder_.string(), .environment = std::move(environment), .input = {}});
}

Outcome Workspace::run(std::vector<std::string> arguments, std::chrono::seconds limit) const { return start(std::move(arguments))->wait(limit); }

Value Workspace::json(std::vector<std::string> arguments, int exit) const {
  arguments.insert(arguments.begin(), "--json");
  const Outcome outcome = run(arguments);
  auto parsed = berth::json::parse(outcome.out);
  if (outcome.exit != exit || !parsed.ok()) throw std::runtime_error(shown(arguments, outcome) + parsed.error.message);
  return parsed.value;
}

std::string Workspace::must(std::vector<std::string> arguments) const {
  const Outcome outcome = run(arguments);
  if (outcome.exit != 0) throw std::runtime_error(shown(arguments, outcome));
  return outcome.out;
}

Outcome Workspace::connect() const {
  const auto waiting = start({"connect", "zoho", "--wait", "60"});
  const std::string url = waiting->wait_for_line("http");
  if (url.empty()) throw std::runtime_error("berth connect printed no address: " + waiting->out() + waiting->err());
  const Answer page = get(accept_consent(url));
  Outcome outcome = waiting->wait();
  if (page.status != 200 || outcome.exit != 0) throw std::runtime_error("not connected: " + page.body + outcome.out + outcome.err);
  return outcome;
}

std::unique_ptr<Process> Workspace::serve() const {
  auto process = start({"serve"});
  if (process->wait_for_line("berth serves").empty()) throw std::runtime_error("berth serve did not start: " + process->err());
  return process;
}

void Workspace::map_all_accounts() const {
  // Mapping one row can bring another to light: an invoice asks for its income account before its taxes.
  for (int round = 0; round < 20; ++round) {
    const Value list = json({"accounts", "list", "zoho"});
    bool all_mapped = true;
    for (const Value& row : list.find("accounts")->items()) {
      if (!row.text_of("account").empty()) continue;
      all_mapped = false;
      const std::string name(row.text_of("row"));
      const std::string account = name.starts_with("tax/")             ? "sales_tax"
                                  : name.starts_with("payment_mode/")    ? "undeposited"
                                  : name.starts_with("default_expense/") ? "cogs"
                                                                         : "sales";
      must({"accounts", "map", "zoho", name, account});
    }
    if (all_mapped) return;
  }
  throw std::runtime_error("there are always new account rows");
}

std::int64_t cents(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto point = text.find('.');
  std::string digits(text.substr(0, point));
  std::string decimals(point == std::string_view::npos ? "" : text.substr(point + 1));
  while (decimals.size() < 2) decimals += '0';
  if (digits.empty() || decimals.size() > 2) throw std::runtime_error("no amount: " + std::string(text));
  const std::int64_t value = std::stoll(digits + decimals);
  return negative ? -value : value;
}

const Value& row_where(const Value& list, std::string_view member, std::string_view value) {
  for (const Value& row : list.items()) {
    if (row.text_of(member) == value) return row;
  }
  throw std::runtime_error("no row has " + std::string(member) + " " + std::string(value));
}

std::int64_t number_at(const Value& value, std::string_view dotted) {
  const Value* found = value.at_path(dotted);
  if (found == nullptr || !found->integer()) throw std::runtime_error("no number at " + std::string(dotted));
  return *found->integer();
}

}  // namespace e2e
