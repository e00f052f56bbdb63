#pragma once
// Small readings of answers that several repositories of this folder share. Not for other folders.
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/core/text.hpp"
#include "host/storage/database.hpp"

namespace berth::storage {

/// For an UPDATE that must have met its row: "There is no run run_17".
inline Status expect_changed(const Result<std::int64_t>& changed, std::string_view what, std::string_view id) {
  if (!changed.ok()) return changed.error();
  if (*changed > 0) return success();
  return make_error(Code::kNotFound, "storage.not_found", "There is no " + std::string(what) + " " + std::string(id));
}

/// The one number of "... RETURNING x" or "SELECT COUNT(*) ...". Reads the answer to its end, as a statement that
/// changes rows must be.
inline Result<std::optional<std::int64_t>> one_integer(Connection& connection, std::string_view sql,
                                                       std::initializer_list<Parameter> parameters) {
  const auto rows = BERTH_TRY(connection.query(sql, parameters));
  return rows.empty() ? std::optional<std::int64_t>() : rows.front().integer(0);
}

/// The place of a page of something that is listed by its number. Errors: storage.page_invalid.
inline Result<std::int64_t> parse_place(const std::string& after, std::string_view what) {
  std::int64_t place = 0;
  const char* end = after.data() + after.size();
  const auto read = std::from_chars(after.data(), end, place);
  if (read.ec == std::errc() && read.ptr == end) return place;
  return make_error(Code::kInvalidArgument, "storage.page_invalid",
                    "\"" + shortened(after, 40) + "\" is not the place of a page of " + std::string(what));
}

/// Cuts a list that was read with one row more than the page holds, and sets `next` to what `place_of` says of its
/// last.
template <class P, class PlaceOf>
P cut_page(P page, std::size_t rows, const PlaceOf& place_of) {
  if (page.items.size() > rows) {
    page.items.erase(page.items.begin() + static_cast<std::ptrdiff_t>(rows), page.items.end());
    page.next = place_of(page.items.back());
  }
  return page;
}

}  // namespace berth::storage
