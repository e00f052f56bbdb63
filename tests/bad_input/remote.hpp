#pragma once
// A remote that misbehaves on command, beside the real programs: one simulator, one folder that is connected and synced.
//
//   Remote remote({.invoices = 20});
//   remote.breaks(R"({"kind":"html","path":"/books/v3/invoices","count":-1})");
//   remote.sync_shows(kHtml, 1);      // runs `berth sync zoho`, enters what it prints, holds status, runs and call counts against it
//   remote.mends();                   // the fault is gone: the next sync ends well
//   remote.books_are_undisturbed();   // the journal is that of a host that never saw a fault
//
// Waits between repeats are milliseconds here, by a phases file of its own; how often is repeated is the connector's.
#include <functional>

#include "bad_input/table.hpp"

namespace bad_input {

class Remote {
 public:
  /// `page_rows` of a page of the lists; 0: 200, as the connector has it.
  explicit Remote(const e2e::Sizes& sizes = {.contacts = 6, .items = 4, .invoices = 12, .payments = 5, .credit_notes = 0}, int page_rows = 0);

  const e2e::Simulator simulator;
  const e2e::Workspace berth;
  mutable bool is_impatient = false;   // short time-outs while a fault is there

  /// Injects a fault into the simulator.
  void breaks(const std::string& fault) const { simulator.post("faults", fault); }
  /// `berth sync zoho` as it is now, entered as the row; then `berth status` and `berth runs` say the same. `calls_max` bounds the calls
  /// that reach the simulator, repeats included.
  e2e::Outcome sync_shows(const Row& row, int exit, std::int64_t calls_max = 60, const Replacements& more = {}) const;
  /// Takes the faults away; the next sync ends well.
  void mends() const;
  /// breaks(), sync_shows(), mends().
  void takes(const std::string& fault, const Row& row, int exit = 1, std::int64_t calls_max = 60) const;
  /// The journal, sorted by source, is that of a fresh folder that syncs with this simulator now.
  void books_are_undisturbed() const;
  [[nodiscard]] std::string journal() const;
  /// A new invoice over this amount; its id.
  [[nodiscard]] std::string invoice(const std::string& amount) const;
  /// State, reason and message of an invoice's record.
  [[nodiscard]] e2e::Value record(const std::string& id) const;

 private:
  mutable std::string books_;   // the journal that a fault must not change; empty: not known
};

/// What differs from run to run in what `berth sync` prints: the table of phases before the outcome, ids.
const Replacements& of_syncs();

/// For a folder that is set up as Remote's is, not yet connected. With a size of pages, credit notes are switched on, too.
e2e::Settings fast_settings(int page_rows = 0);
/// Maps all accounts by `accounts:` in berth.yaml, a sync at a time.
void map_by_file(const e2e::Workspace& berth);

/// Largest VmHWM, in bytes, of a program and of its children while it runs to its end.
struct Peak {
  std::int64_t host = 0, worker = 0;
  e2e::Outcome outcome;
};
Peak peak_of(const e2e::Workspace& berth, const std::vector<std::string>& arguments);

}  // namespace bad_input
