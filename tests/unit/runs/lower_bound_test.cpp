// The fewest calls, against counts made by hand.
#include "host/runs/lower_bound.hpp"

#include <doctest/doctest.h>

using namespace berth;
using namespace berth::runs;

namespace {

std::int64_t list_calls(std::int64_t rows, PageEdges edges, std::int64_t page_size = 200) { return calls_lower_bound(rows, page_size, edges, 0, 0).total(); }

}  // namespace

TEST_CASE("B2: pages side by side: one to learn that there is nothing, and one for each 200 rows begun") {
  CHECK(list_calls(0, PageEdges::kSideBySide) == 1);
  CHECK(list_calls(1, PageEdges::kSideBySide) == 1);
  CHECK(list_calls(200, PageEdges::kSideBySide) == 1);
  CHECK(list_calls(201, PageEdges::kSideBySide) == 2);
  CHECK(list_calls(400, PageEdges::kSideBySide) == 2);
  CHECK(list_calls(401, PageEdges::kSideBySide) == 3);
  CHECK(list_calls(10'000, PageEdges::kSideBySide) == 50);
  CHECK(list_calls(10'001, PageEdges::kSideBySide) == 51);
}

// By hand, rows that are read after each page of 200, of 199 that begins at the 200th row, of 198 that begins at the 397th, ...:
// 200, 398, 594, 788, 980, 1170, 1358, 1544, 1728, 1910, 2090, 2268, 2444, 2618, 2790, 2960, ...
TEST_CASE("B2: pages that overlap: each begins at the last row of the one before, so it is shorter") {
  CHECK(list_calls(0, PageEdges::kOverlapping) == 1);
  CHECK(list_calls(200, PageEdges::kOverlapping) == 1);
  CHECK(list_calls(201, PageEdges::kOverlapping) == 2);
  CHECK(list_calls(398, PageEdges::kOverlapping) == 2);
  CHECK(list_calls(399, PageEdges::kOverlapping) == 3);
  CHECK(list_calls(594, PageEdges::kOverlapping) == 3);
  CHECK(list_calls(595, PageEdges::kOverlapping) == 4);
  CHECK(list_calls(1'910, PageEdges::kOverlapping) == 10);
  CHECK(list_calls(1'911, PageEdges::kOverlapping) == 11);
  // Pages of three: rows 1-3, then 3-4 (page 2 of 2: its first row is the third), then 4, 5, ... one at a time side by side,
  // for no page of two begins at the fourth row but that of rows 3-4.
  CHECK(list_calls(3, PageEdges::kOverlapping, 3) == 1);
  CHECK(list_calls(4, PageEdges::kOverlapping, 3) == 2);
  CHECK(list_calls(0, PageEdges::kOverlapping, 0) == 1);   // a size that nobody declares
}

TEST_CASE("B2: details, parts of documents and files cost one call each, and stand under their kind") {
  const CallCounts fewest = calls_lower_bound(201, 200, PageEdges::kSideBySide, 7, 5);
  CHECK(fewest.list == 2);
  CHECK(fewest.detail == 7);
  CHECK(fewest.file == 5);
  CHECK(fewest.other == 0);
  CHECK(fewest.total() == 14);
}
