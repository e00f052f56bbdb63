#pragma once
// The fewest calls that could have brought what a run brought, so that a report can be held against it. Each number can be
// checked by hand:
//
//   list     pages of 200 rows side by side (10,000 rows: 50), where the remote counts the rows of the list or nothing new
//            was on it; else pages that overlap by a row (10,000 rows: 55), because side by side nobody would notice a row
//            that was pulled up between two calls (docs/decisions/0012). One at least: that nothing is new has to be asked.
//   detail   one for each document and each part of one, because the remote has no endpoint for several
//   file     one for each
//
// Pure functions; nothing fails.
#include <cstdint>

#include "host/runs/report.hpp"

namespace berth::runs {

enum class PageEdges { kSideBySide, kOverlapping };

/// Calls of the kinds above for so many rows, details (with parts) and files.
[[nodiscard]] CallCounts calls_lower_bound(std::int64_t rows, std::int64_t page_size, PageEdges edges, std::int64_t details, std::int64_t files);

/// Pages of a list of so many rows side by side; one at least.
[[nodiscard]] std::int64_t whole_pages(std::int64_t rows, std::int64_t page_size);
/// Pages that a list of so many rows takes where each begins before the end of the one before (docs/decisions/0012).
[[nodiscard]] std::int64_t overlapping_pages(std::int64_t rows, std::int64_t page_size);

}  // namespace berth::runs
