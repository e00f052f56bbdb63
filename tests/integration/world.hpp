#pragma once
// A host in one process against the Zoho Books simulator: SQLite in a temporary folder, the built plugin in process,
// tokens in memory, one virtual clock for both sides, the configuration as a file.
//
//   World world({.invoices = 40});
//   world.connect();
//   world.sync();
//   world.map_all();
//   CHECK(world.journal() == other.journal());
//
// Used by one thread; members that a run uses are the host's own.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/admin/views.hpp"
#include "host/app/stores.hpp"
#include "host/config/config.hpp"
#include "host/oauth/integration_tokens.hpp"
#include "host/runs/connect.hpp"
#include "host/runs/engine.hpp"
#include "host/runs/registry.hpp"
#include "host/storage/records.hpp"
#include "integration/paced_clock.hpp"
#include "integration/simulator_transport.hpp"

namespace berth::integration {

inline constexpr std::string_view kIntegration = "zoho_acme";
inline constexpr std::string_view kOrigin = "http://127.0.0.1:9100";
inline constexpr std::int64_t kStart = 1'780'000'000;   // 2026-05-28T20:26:40Z

/// A sanitized build takes about ten times as long. In it, a case that repeats a run for each of its moments takes every
/// kEvery-th of them, and the longest ones have smaller books; what they check is the same.
#ifdef BERTH_SANITIZED
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif
inline constexpr int kEvery = kIsSanitized ? 3 : 1;

/// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

/// A database that can die: after a number of commits nothing is written or read any more, until revive().
class MortalDatabase final : public storage::Database {
 public:
  explicit MortalDatabase(std::unique_ptr<storage::Database> real) : real_(std::move(real)) {}
  Status write(WriteName name, const std::function<Status(storage::Connection&)>& work) override;
  Status read(const std::function<Status(storage::Connection&)>& work) override;
  [[nodiscard]] std::string_view engine() const override { return real_->engine(); }
  Result<std::vector<std::string>> check() override { return real_->check(); }
  Result<std::unique_ptr<storage::Database>> copy_to(const std::string& path, const Clock& at) override;
  [[nodiscard]] std::string folder() const override { return real_->folder(); }
  Result<std::uint64_t> size() override { return real_->size(); }

  void die_after(int commits) { left_ = commits; }
  /// Dies in the transaction after so many commits: `before` is called before it, `inside` when its work is done, and
  /// nothing of it is kept.
  void die_inside(int commits, std::function<void()> before = {}, std::function<void(storage::Connection&)> inside = {}) {
    before_death_ = std::move(before);
    inside_death_ = std::move(inside);
    whole_left_ = commits;
  }
  /// The transaction after so many commits is committed, and whoever asked for it is told that it failed: the connection ended
  /// before the answer came.
  void lose_answer_after(int commits) { answers_left_ = commits; }
  void revive() { left_ = whole_left_ = answers_left_ = -1; }
  [[nodiscard]] bool is_dead() const { return left_ == 0; }
  [[nodiscard]] int commits() const { return commits_; }
  /// Before it is copied, on the thread that copies.
  std::function<void()> before_copy;
  /// Before each transaction that writes, and before each that reads: an error is its outcome.
  std::function<std::optional<Error>()> refuse, refuse_read;
  /// After each commit, on the thread that committed.
  std::function<void()> after_commit;

 private:
  std::unique_ptr<storage::Database> real_;
  Status die_in(WriteName name, const std::function<Status(storage::Connection&)>& work);
  std::atomic<int> left_ = -1;       // commits until death; -1: for ever
  std::atomic<int> whole_left_ = -1; // commits until the transaction that is cut; -1: none is
  std::atomic<int> answers_left_ = -1;   // commits until one whose answer is lost; -1: none is
  std::function<void()> before_death_;
  std::function<void(storage::Connection&)> inside_death_;
  std::atomic<int> commits_ = 0;
};

struct WorldOptions {
  std::uint64_t seed = 7;
  int contacts = 12, items = 8, invoices = 30, payments = 18, credit_notes = 4;
  int drafts = 500, voids = 300;                    // basis points
  int foreign = 0, write_offs = 0;                  // basis points
  zoho_sim::Undocumented undocumented = zoho_sim::Undocumented::kHonoured;
  std::string plan = "premium";
  std::string limits = "{per_minute: 60000, concurrent: 5, per_day: 100000}";   // of the simulator; empty: those of the phases file
  std::string schedule = "{invoices: 1h, customer_payments: 5m, contacts: 1h, items: 1d, credit_notes: 1h}";
  std::string backfill = "{from: all}";
  std::string more{};                               // lines of the integration, indented by four blanks
  std::string integrations{};                        // further entries of `integrations:`, indented by two
  std::string phases{};                             // phases.yaml instead of the plugin's
  std::string mapping{};                            // mapping.yaml instead of the plugin's
  std::string reserve = "0%";
  std::string organization_zone{};                  // of the simulated organisation; its own default if empty
  std::size_t units_in_memory = runs::kUnitsInMemory;
  std::size_t gates_in_memory = runs::kGatesInMemory;
  bool is_paced = false;                            // calls take their time side by side (PacedClock)
  std::int64_t start = kStart;
};

/// What runs integrations in one process.
struct Running {
  std::unique_ptr<SeededRandom> random;
  std::unique_ptr<runs::Registry> registry;
  std::unique_ptr<runs::Engine> engine;
};

class World {
 public:
  explicit World(WorldOptions options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Through the consent page, as a person would.
  void connect();
  Result<runs::Connected> try_connect();
  /// The query of the redirect that the simulator answers with.
  std::string consent(const std::string& url);
  runs::RunReport sync(runs::RunRequest request = {}, std::stop_token stop = {});
  Result<runs::RunReport> try_sync(runs::RunRequest request = {}, std::stop_token stop = {});
  /// Maps every row that waits, round after round, and applies.
  void map_all();
  void map(std::string_view kind, std::string_view key, std::string_view company, std::string_view account);
  void apply();
  /// Pins a plugin as `berth plugin trust` does.
  void trust(const plugins::Manifest& manifest);
  /// A connected integration whose plugin is nowhere.
  void add_without_plugin(const std::string& id);
  /// A new process over the same database: engine, registry and everything in memory begin anew.
  void restart();
  /// One more process over the same database, with a clock of its own. `is_dead_owner` says which others it knows to be gone.
  Running begin_process(const std::string& owner, Clock& its_clock, std::function<bool(std::string_view)> is_dead_owner);
  /// An operator edits berth.yaml and starts the process again. `from` stands there once.
  void reconfigure(std::string_view from, std::string_view to);
  /// A new process over another database that holds the same.
  void use(std::unique_ptr<storage::Database> other);
  /// Time passes on both sides.
  void later(std::chrono::milliseconds by) { clock.advance(by); }

  /// As the registry has it now; it stays while the registry has no other one.
  runs::IntegrationUnit& unit(std::string_view id = kIntegration);
  storage::Integration integration(std::string_view id = kIntegration);
  storage::Record record(std::string_view entity, std::string_view remote_id);
  std::optional<storage::Record> find_record(std::string_view entity, std::string_view remote_id);
  std::vector<storage::Record> records(std::string_view entity = {}, std::string_view state = {});
  /// One number of one SQL question.
  std::int64_t number(std::string_view sql);
  /// The first column of every row of one SQL question, which has to be text.
  std::vector<std::string> lines(std::string_view sql);
  /// Every entry ever made as a line of text without ids of this host, sorted; and the live ones only.
  std::vector<std::string> journal(bool only_live = false);
  std::vector<std::string> balances();
  /// Invariants of the ledger, and receivables against the simulator's balances for each posted invoice.
  void check_books();
  /// The simulator's control interface. The answer as JSON; fails the test if it is refused.
  json::Value control(const std::string& method, const std::string& path, const std::string& body = "{}");
  /// Makes an invoice of one line without tax, and returns its id.
  std::string make_invoice(const std::string& amount, const std::string& more = {});
  std::string make_payment(const std::string& body);
  /// Any invoice that the simulator has with this status ("sent", "draft", ...), posted where `posted`.
  std::string some_invoice(std::string_view status);
  json::Value books();

  TemporaryFolder folder;
  std::unique_ptr<ManualClock> own_clock;
  ManualClock& clock;
  SeededRandom random{11};
  std::shared_ptr<telemetry::MemorySink> sink = std::make_shared<telemetry::MemorySink>();
  telemetry::Log log{sink, clock, telemetry::Level::kDebug};
  zoho_sim::Simulator simulator;
  SimulatorTransport transport;
  config::Config config;
  std::unique_ptr<MortalDatabase> database;
  oauth::MemoryTokenStore tokens;
  std::size_t units_in_memory = runs::kUnitsInMemory, gates_in_memory = runs::kGatesInMemory;   // of processes that begin
  std::unique_ptr<app::DatabaseStateStore> states;
  std::unique_ptr<plugins::PluginRunner> runner;
  std::unique_ptr<runs::Registry> registry;
  std::unique_ptr<runs::Engine> engine;
  std::unique_ptr<runs::Connector> connector;

 private:
  int processes_ = 0;
  std::map<std::string, std::shared_ptr<runs::IntegrationUnit>, std::less<>> used_;   // the last that unit() gave out
  std::unique_ptr<SeededRandom> random_of_process_;   // of the engine, which refers to it
};

/// Asks for one phase.
runs::RunRequest only(std::string_view phase);
/// Asks for a pass over everything, compared with what is stored.
runs::RunRequest everything();
/// The phase of a report; fails the test if it is not there.
const runs::PhaseReport& phase_of(const runs::RunReport& report, std::string_view phase);

}  // namespace berth::integration
