#pragma once
// The two sides of an end-to-end test: the simulator of Zoho Books as a program on a loopback port, and a folder with a
// configuration in which the real `berth` is run.
//
//   Simulator simulator({.invoices = 300});
//   Workspace berth(simulator);
//   berth.connect();
//   CHECK(berth.run({"sync", "zoho"}).exit == 0);
//
// What they start ends with them. Not for several threads.
#include <filesystem>
#include <memory>

#include "berth/json.hpp"
#include "e2e/support/http.hpp"
#include "e2e/support/process.hpp"

namespace e2e {

using berth::json::Value;

struct Sizes {
  int contacts = 60, items = 30, invoices = 300, payments = 200, credit_notes = 30;
  int seed = 7;
  int per_minute = 60000, per_day = 100000;   // 0: no limit
  std::vector<std::string> more = {};         // further flags of zoho_sim
};

class Simulator {
 public:
  explicit Simulator(const Sizes& sizes = {});

  [[nodiscard]] pid_t id() const { return process_->id(); }
  [[nodiscard]] const std::string& origin() const { return origin_; }
  /// GET of the control interface, "books" or "counters".
  [[nodiscard]] Value control(const std::string& path) const;
  /// POST of the control interface; fails the test where it is refused.
  Value post(const std::string& path, const std::string& body = "{}") const;
  void reset_counters() const { post("counters/reset"); }
  /// Takes back the faults that have not come yet, and gives the answers that were held back.
  void clear_faults() const;
  /// Calls of a kind (list, detail, file, token, other) since the last reset.
  [[nodiscard]] std::int64_t calls(const std::string& kind) const;
  /// Every call, in order: "200 GET /books/v3/…".
  [[nodiscard]] std::vector<std::string> log() const;

 private:
  std::unique_ptr<Process> process_;
  std::string origin_;
};

/// What a Workspace's berth.yaml may differ in.
struct Settings {
  std::string extra;              // further lines of the integration
  std::string data_centers;       // instead of the entry of the simulator
  std::string limits = "{per_minute: 60000, concurrent: 10, per_day: 100000}";
  std::string schedule = "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d, credit_notes: 1h}";
  int page_rows = 0;              // of the lists; 0: as the connector has it, 200
};

class Workspace {
 public:
  explicit Workspace(const Simulator& simulator, const Settings& settings = {});
  /// Another folder with everything that one has by now; no process uses it meanwhile. In memory where that is possible.
  struct CopyOf {
    const Workspace& from;
  };
  explicit Workspace(CopyOf copy);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const std::string& redirect_uri() const { return redirect_uri_; }
  /// Address of the REST API while `berth serve` runs.
  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] std::string read(const std::string& file) const;
  void write(const std::string& file, const std::string& text) const;

  /// `berth ARGUMENTS` in the folder.
  Outcome run(std::vector<std::string> arguments, std::chrono::seconds limit = std::chrono::seconds(120)) const;
  /// The same, started by another program with these words: {"prlimit", "--nofile=20"}, {"env", "-u", "ZOHO_CLIENT_ID"}.
  std::unique_ptr<Process> start_by(std::vector<std::string> starter, std::vector<std::string> arguments) const;
  Outcome run_by(std::vector<std::string> starter, std::vector<std::string> arguments, std::chrono::seconds limit = std::chrono::seconds(120)) const {
    return start_by(std::move(starter), std::move(arguments))->wait(limit);
  }
  std::unique_ptr<Process> start(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) const;
  /// The same with another program than `berth`, by its path.
  std::unique_ptr<Process> start_program(const std::string& program, std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) const;
  /// `berth --json ARGUMENTS`, which must end with this code.
  Value json(std::vector<std::string> arguments, int exit = 0) const;
  /// Runs it and fails the test unless it ends with 0.
  std::string must(std::vector<std::string> arguments) const;

  /// `berth connect` and what a person does in the browser.
  Outcome connect() const;
  /// `berth serve`, ready; ends with the process that is returned.
  std::unique_ptr<Process> serve() const;
  /// Maps every row of the account table as the demo does, until none is left.
  void map_all_accounts() const;
  /// The journal, sorted by source: the same bytes from every host that took the same documents.
  [[nodiscard]] std::string sorted_journal() const { return must({"ledger", "export", "--format", "hledger", "--sort", "source"}); }
  /// One row of `berth status`.
  Value status() const { return json({"status", "zoho"}).find("integrations")->items().at(0); }

 private:
  std::filesystem::path folder_;
  std::string origin_, redirect_uri_;
};

/// A port nobody listens on; the redirect URI has to name one before the host starts.
int free_port();
/// "12.3", "12.30", "-0.05" → hundredths, exactly. Throws where there are more than two decimals.
std::int64_t cents(std::string_view text);
/// The row of a list whose member has this value; throws where there is none.
const Value& row_where(const Value& list, std::string_view member, std::string_view value);
/// The whole number of a member of a phase's report, "listed" or "calls.list".
std::int64_t number_at(const Value& value, std::string_view dotted);

inline constexpr const char* kClientId = "1000.E2ECLIENT";
inline constexpr const char* kClientSecret = "e2e-made-up-secret";

}  // namespace e2e
