#pragma once
// Journal entries as a table, one row a line; what the lines of an entry share stands in its first row only. `berth ledger
// entries` and the dry run print the same.
//
//   EntryTable table(EntryIds::kShown);
//   for (const json::Value& entry : entries) table.add(entry);   // views::entry_view
//   print(table.text());
#include <string>

#include "berth/json.hpp"
#include "host/cli/output.hpp"

namespace berth::cli {

/// Entries of a dry run have ids of a copy that is thrown away.
enum class EntryIds { kShown, kHidden };

class EntryTable {
 public:
  explicit EntryTable(EntryIds ids);
  void add(const json::Value& entry);
  [[nodiscard]] std::string text() const { return table_.text(); }

 private:
  EntryIds ids_;
  Table table_;
};

}  // namespace berth::cli
