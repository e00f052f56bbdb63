#pragma once
// The product's ledger, fed with a world's documents: plan and commit against a real SQLite database, in transactions of many
// documents; what is refused because something else is missing waits and is planned again when that moves, as the engine does.
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"
#include "host/ledger/export.hpp"
#include "host/ledger/periods.hpp"
#include "property/reference.hpp"
#include "property/world.hpp"

namespace berth::property {

/// One thing that was done to the books.
struct Step {
  int document = -1;        // -1: close `month`, or open it again
  int version = -1;         // -1: plan again what was delivered last; else this version arrives
  int month = 0;
  bool opens = false;
  bool is_wrong = false;    // a version with a wrong total arrives, and has to be refused
  bool is_opening = false;  // what was open of it before is brought in
};

struct Counts {
  std::size_t planned = 0, entries = 0, reversals = 0, refusals = 0, waiting_shares = 0, again = 0;
  std::size_t openings = 0, locked = 0, skipped = 0;  // refused for a closed month, and how many of these for good
};

class Books {
 public:
  struct Options {
    bool checks_each = true;      // I1 to I5 of what each commit touched, within its transaction
    std::size_t transaction = 1'000;  // steps
    std::array<ledger::PeriodPolicy, 2> periods{ledger::PeriodPolicy::kRedate, ledger::PeriodPolicy::kRedate};
  };
  Books(const World& world, const Options& options);
  ~Books();
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  /// Each is "" when all is well; else what went wrong, and with which document.
  std::string run(std::vector<Step> steps);
  /// Plans again what waits, until nothing moves. Nothing but shares of invoices that have not arrived may wait then, if it is
  /// final; else also what a closed month holds, and what waits for that.
  std::string settle(bool is_final = true);
  /// What a closed month held or skipped is due again, as after a person's retry.
  void retry_held();
  /// I1 to I8 over everything.
  std::string check_all();
  /// Balances, by dimensions and by currency of the documents, and open items against the second implementation.
  std::string compare(const Expected& expected, bool from_start = true);
  /// Which events are live, and the dates of all entries. What was posted into a month that was closed then is named.
  std::string compare_dates(const Expected& expected);
  /// Only that no entry stands in a month that was closed when it posted, or was moved where that is not the policy.
  std::string check_dates();
  /// Revalues what is open in both companies, at a day after all others, and compares what that posts.
  std::string revalue(const Expected& expected, int currency, Minor rate, int day);
  std::string export_to(ledger::ExportFormat format, const std::filesystem::path& file);
  [[nodiscard]] Nets nets();

  [[nodiscard]] const std::vector<Step>& log() const { return log_; }
  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const ledger::Companies& companies() const { return context_.companies; }

 private:
  documents::Document build(int document, bool is_wrong) const;
  Status step(storage::Connection& connection, ledger::Books& books, const Step& step);
  Status post(storage::Connection& connection, ledger::Books& books, int document, bool is_wrong);
  Status bring_in(storage::Connection& connection, int document);
  Status close(storage::Connection& connection, ledger::Books& books, const Step& step);
  [[nodiscard]] bool is_there(int document) const;
  std::string walk_dates(const Expected* expected);
  Status add_up(bool from_start);
  void wait(int document, const std::string& awaited);
  void wake(const std::string& moved);
  [[nodiscard]] std::string describe(int document) const;

  const World& world_;
  const Options options_;
  std::filesystem::path folder_;
  std::unique_ptr<ManualClock> clock_;
  std::unique_ptr<storage::Database> database_;
  ledger::BooksContext context_;
  /// A month was closed, or opened again, after this entry.
  struct Closing {
    std::int64_t entry = 0;
    int month = 0;
    bool is_closed = true;
  };
  History history_;
  std::vector<Closing> closings_;
  std::set<int> held_;  // refused for a closed month
  std::map<Cell, Sums> cells_;  // of entries up to this one
  std::int64_t added_ = 0;
  std::set<std::string> names_;  // that cells_ points to
  std::vector<Step> log_;
  std::map<int, std::set<int>> waiters_;  // of a document
  std::map<int, std::string> refused_;    // why
  std::set<int> woken_;
  std::string failure_;
  Counts counts_;
};

}  // namespace berth::property
