#pragma once
// What applying came to, record by record: a run applies after each slice, and a record counts once, by the state that it
// has in the end. Plain data; no threads.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/runs/per_record.hpp"

namespace berth::runs {

/// Records by the state in which they ended.
struct ApplyCounts {
  std::int64_t posted = 0, parked = 0, skipped = 0, failed = 0, ignored = 0;
  [[nodiscard]] std::int64_t total() const { return posted + parked + skipped + failed + ignored; }
};
struct ApplyResult {
  /// The state that a record has now; its earlier one is forgotten.
  void decided(std::int64_t record, std::string_view entity, std::string_view state);
  /// What was decided later than all of this.
  void add(const ApplyResult& later);
  [[nodiscard]] std::map<std::string, ApplyCounts> by_entity() const;
  /// Whether a record ended otherwise than waiting for its own detail. Counts name no archived records, this knows them.
  [[nodiscard]] bool has_outcome() const;
  bool wants_fetch = false;      // references or forced documents were put into the detail queue
  bool was_stopped = false;

 private:
  /// visit(record, entity, state) of each.
  template <class Visit>
  void each(Visit visit) const;
  std::vector<std::string> entities_;
  PerRecord last_;   // 1 + place in entities_ * number of states + state
};

}  // namespace berth::runs
