#include "host/runs/lower_bound.hpp"

#include <algorithm>

namespace berth::runs {

std::int64_t whole_pages(std::int64_t rows, std::int64_t page_size) {
  const std::int64_t size = std::max<std::int64_t>(1, page_size);
  return std::max<std::int64_t>(1, (rows + size - 1) / size);
}

std::int64_t overlapping_pages(std::int64_t rows, std::int64_t page_size) {
  std::int64_t count = 1;
  std::int64_t read = page_size;
  while (read < rows) {
    // The page, of those that begin at the last row that was read or before, that reaches furthest.
    std::int64_t end = read;
    for (std::int64_t size = page_size; size > 0; --size) end = std::max(end, ((read - 1) / size + 1) * size);
    if (end == read) ++end;   // pages of one row: nothing can overlap
    read = end;
    ++count;
  }
  return count;
}

CallCounts calls_lower_bound(std::int64_t rows, std::int64_t page_size, PageEdges edges, std::int64_t details, std::int64_t files) {
  const std::int64_t pages = edges == PageEdges::kOverlapping ? overlapping_pages(rows, std::max<std::int64_t>(1, page_size)) : whole_pages(rows, page_size);
  return {.list = pages, .detail = details, .file = files};
}

}  // namespace berth::runs
