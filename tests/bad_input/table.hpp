#pragma once
// The table of bad input, docs/reference/bad-input.md: one row for each bad input, with what the program really printed.
//
//   const Row kUnknownKey(Section::kFiles, "yaml.unknown_key", "a key that does not exist", "berth config validate", "config.unknown_key");
//
//   TEST_CASE("an unknown key is named with the nearest valid one") {
//     ...make the bad input...
//     kUnknownKey.refused(berth, 1);   // runs the command, holds its answer to the rules below, and enters it
//     ...mend it...
//   }
//
// A row that differs from the page fails the case with both texts; with BERTH_UPDATE_GENERATED=1 the page is written
// instead. Cases run in parallel processes: writing takes a lock on a file. Cause and resolution of a row are those of
// its reason in docs/reference/reasons.md. Rows are declared at namespace scope, so that every process knows them all:
// a case of page_test.cpp holds the page against the declarations.
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "e2e/support/world.hpp"

namespace bad_input {

/// In the order of the page.
enum class Section { kFiles, kSecrets, kPlugins, kDatabase, kMachine, kAnswers, kBodies, kTokens };

/// Regular expressions and what stands in the page instead, besides what is_normalised() takes out of every text: values that differ
/// from run to run.
using Replacements = std::vector<std::pair<std::string, std::string>>;

class Row {
 public:
  /// `id` is stable and names the row in links; `command` is what the user types, blanks between its words; `reason` is empty for what
  /// looks bad and is understood.
  Row(Section section, std::string id, std::string what, std::string command, std::string reason,
      std::source_location place = std::source_location::current());
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  ~Row() = default;

  /// Runs the row's command in the folder, then answered().
  e2e::Outcome refused(const e2e::Workspace& berth, int exit, const Replacements& more = {}) const;
  /// Holds an answer to what every bad input must get: it ended by itself with this code, gives the row's reason, shows no secret, no
  /// crash and no inside of the program, is short and is printable. Where the row has no reason, it ended well and gives none at all
  /// (`more` takes out what the test itself did). Then enters what was printed.
  void answered(const e2e::Workspace& berth, const e2e::Outcome& outcome, int exit, const Replacements& more = {}) const;
  /// Enters a text: compares it with the page, or writes it there.
  void shows(const e2e::Workspace& berth, const std::string& text, const Replacements& more = {}) const;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const std::string& command() const { return command_; }

 private:
  friend std::vector<const Row*> all_rows();
  Section section_;
  std::string id_, what_, command_, reason_;
  std::string file_;  // where it is declared: the order within a section
  unsigned line_ = 0;
  [[nodiscard]] std::string line_of(const std::string& shown) const;
  friend std::string page_of(const std::vector<std::pair<const Row*, std::string>>& lines);
};

/// Every row that is declared, in the order of the page.
std::vector<const Row*> all_rows();

/// The whole page with these lines.
std::string page_of(const std::vector<std::pair<const Row*, std::string>>& lines);
/// Rows of the page as it is now: id and line.
std::vector<std::pair<std::string, std::string>> rows_of_page();
std::string page_text();

/// Cause, who acts and what to do of a reason, from docs/reference; nullptr where it is in none of the pages.
struct Explanation {
  std::string cause, who, what_to_do;
};
const Explanation* explanation_of(std::string_view reason);

/// What differs from run to run, in a fixed form: folders, ports, times, ids of processes, hashes.
std::string normalised(const e2e::Workspace& berth, std::string text, const Replacements& more = {});

/// "berth sync zoho" → {"sync", "zoho"}.
std::vector<std::string> arguments_of(std::string_view command);

}  // namespace bad_input
