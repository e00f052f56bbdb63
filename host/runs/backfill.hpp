#pragma once
// In which windows the history of a list is read (docs/decisions/0018): from the floor backwards, the newest first; a window
// that held little is followed by a longer one, so that an empty past costs a few calls, and one that held much by a shorter
// one; and in the end, once, the days from the floor on, for documents whose own date lies there although nobody touched them
// since before it.
//
//   Window window = first_window(floor);
//   while (window) { ...read its rows...; window = next_window(*window, rows, page_size, floor); }
//
// Pure functions; nothing fails.
#include <cstdint>
#include <optional>

#include "host/core/time.hpp"

namespace berth::runs {

/// From the first day to before the second one, by the dates of documents. Midnights of UTC.
struct Window {
  Instant from, to;
  friend bool operator==(const Window&, const Window&) = default;
};

/// Nothing is older, and no date lies behind.
inline constexpr Instant kOldestDay{0};                          // 1970-01-01
inline constexpr Instant kLastDay{4'102'444'800'000};            // 2100-01-01
inline constexpr std::chrono::hours kFirstWindow{24 * 90};
inline constexpr std::chrono::hours kShortestWindow{24 * 7};
/// Pages of a window above which the next one is half as long; with one page at most the next is twice as long.
inline constexpr std::int64_t kWindowPages = 20;

[[nodiscard]] Window first_window(Instant floor);
/// The one that comes after a window with so many rows; nothing after the last.
[[nodiscard]] std::optional<Window> next_window(const Window& read, std::int64_t rows, std::int64_t page_size, Instant floor);

}  // namespace berth::runs
