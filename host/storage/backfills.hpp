#pragma once
// The history of an integration that is pulled behind its changes (docs/decisions/0018): which windows of each list are read,
// and what is expected to come. What it asks for stands in the detail queue under the cause "backfill".
//
//   BERTH_CHECK(storage::backfills::wish(c, integration));                          // once, when it is first seen
//   auto backfill = BERTH_TRY(storage::backfills::find(c, integration));            // nothing: it has none
//   for (auto& list : BERTH_TRY(storage::backfills::lists(c, integration))) ...
//
// Plain repository: it decides nothing. Errors: storage's.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

/// What entries of the detail queue have as their cause that the history asked for.
inline constexpr std::string_view kBackfillCause = "backfill";

struct Backfill {
  std::string integration{};
  Instant began{};  // 0: not yet
  Instant done{};   // 0: not yet
};

struct BackfillList {
  std::string integration{};
  std::string phase{};
  Instant from{};              // of the window that is read, or comes next
  Instant to{};                // 0: the whole list, without a window; of a list with windows only once rows of it are listed
  std::int64_t expected = -1;  // documents that the remote said it has; -1: it has not
  std::int64_t listed = 0;     // rows of all windows so far
  std::int64_t in_window = 0;  // of those, rows of this window
  Instant done{};              // 0: there are windows left
};

namespace backfills {

/// It shall have one; nothing if it has.
Status wish(Connection& connection, std::string_view integration);
Result<std::optional<Backfill>> find(Connection& connection, std::string_view integration);
Status set_began(Connection& connection, std::string_view integration, Instant now);
Status set_done(Connection& connection, std::string_view integration, Instant now);

Result<std::vector<BackfillList>> lists(Connection& connection, std::string_view integration);
Result<std::optional<BackfillList>> find_list(Connection& connection, std::string_view integration, std::string_view phase);
/// Writes it, new or not.
Status save(Connection& connection, const BackfillList& list);

}  // namespace backfills

/// What an integration is expected to need, as the run engine last computed it (runs/forecast.hpp); for those who show it.
struct StoredForecast {
  Instant at{};
  std::string json = "{}";
};

namespace forecasts {

Result<std::optional<StoredForecast>> find(Connection& connection, std::string_view integration);
Status save(Connection& connection, std::string_view integration, std::string_view json, Instant now);

}  // namespace forecasts
}  // namespace berth::storage
