#pragma once
// Where each phase of an integration stands, one cursor per plan mode, and the passes over its rows.
//
// A pass begins with an empty cursor or after the last completed pass. Its number is taken when it begins and grows
// over all phases and modes of the integration, so "seen in pass N or later" means "seen since that pass began", also
// while a sweep of several days and the hourly changes run side by side.
//
//   auto cursor = BERTH_TRY(storage::cursors::begin(c, integration, "invoices", "changes", now));   // before run_phase
//   BERTH_CHECK(storage::cursors::save(c, cursor, cursor_json, true));                                    // at each
//   checkpoint BERTH_CHECK(storage::cursors::complete_pass(c, cursor, cursor_json, now));                      //
//   PASS_COMPLETE
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct PhaseCursor {
  std::string integration{};
  std::string phase{};
  std::string mode{};         // changes | full | sweep | window | ids
  std::string cursor_json{};  // "" = from the start
  std::int64_t pass = 0;      // number of the pass under way, or of the last one
  bool under_way = false;
  bool has_rows = false;      // whether that pass has seen any row
  std::int64_t passes_complete = 0;
  Instant last_complete{};  // 0: never
  Instant last_started{};   // of the last begin()
};

namespace cursors {

/// Without a row: an empty cursor of pass 0.
Result<PhaseCursor> load(Connection& connection, std::string_view integration, std::string_view phase,
                         std::string_view mode);
/// Loads it and begins the next pass where none is under way, or one that has seen no row yet: its number would be older than
/// what others saw meanwhile.
Result<PhaseCursor> begin(Connection& connection, std::string_view integration, std::string_view phase,
                          std::string_view mode, Instant now);
/// Keeps the cursor of the pass that `begun` names, also after that pass is over, while details that it listed are still
/// fetched. `has_rows`: something was seen. Errors: storage.pass_not_under_way when a later pass has begun.
Status save(Connection& connection, const PhaseCursor& begun, std::string_view cursor_json, bool has_rows);
/// The same, and the pass is over. Errors: storage.pass_not_under_way.
Status complete_pass(Connection& connection, const PhaseCursor& begun, std::string_view cursor_json, Instant now);
/// The next begin() starts from the beginning.
Status reset(Connection& connection, std::string_view integration, std::string_view phase, std::string_view mode);
/// Passes that this phase completed in any mode of changes, full and window: whether its rows were ever listed whole.
Result<std::int64_t> passes_complete(Connection& connection, std::string_view integration, std::string_view phase);
Result<std::vector<PhaseCursor>> list(Connection& connection, std::string_view integration);

}  // namespace cursors
}  // namespace berth::storage
