// docs/reference/bad-input.md as a whole: every declared row is there, none that no case makes, in order, each reason explained.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "bad_input/table.hpp"

using namespace bad_input;

TEST_CASE("the page of bad input has exactly the rows that cases make, in their order") {
  std::set<std::string> declared;
  for (const Row* row : all_rows()) {
    CHECK_MESSAGE(declared.insert(row->id()).second, row->id(), " is declared twice");
    CHECK_MESSAGE((row->reason().empty() || explanation_of(row->reason()) != nullptr), row->reason(), " is not in docs/reference/reasons.md");
  }
  const char* update = std::getenv("BERTH_UPDATE_GENERATED");
  if (update != nullptr && std::string_view(update) == "1") return;  // the page is being made by the other cases
  std::map<std::string, std::string> lines;
  for (auto& [id, line] : rows_of_page()) {
    CHECK_MESSAGE(declared.contains(id), id, " is in the page, but no case makes it");
    lines[id] = line;
  }
  std::vector<std::pair<const Row*, std::string>> expected;
  for (const Row* row : all_rows()) {
    CHECK_MESSAGE(lines.contains(row->id()), row->id(), " is not in the page; run its case with BERTH_UPDATE_GENERATED=1");
    expected.emplace_back(row, lines[row->id()]);
  }
  CHECK(page_text() == page_of(expected));
}
