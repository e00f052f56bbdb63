#include "host/runs/backfill.hpp"

#include <algorithm>

namespace berth::runs {

namespace {

constexpr std::int64_t kDayMs = 24 * 3'600'000;

Instant midnight(Instant at) { return Instant{at.unix_ms / kDayMs * kDayMs}; }

/// The day of the floor belongs to both sides.
Instant first_end(Instant floor) { return midnight(floor) + std::chrono::milliseconds(kDayMs); }

Window before(Instant to, std::chrono::milliseconds length) { return {std::max(kOldestDay, midnight(to - length)), to}; }

}  // namespace

Window first_window(Instant floor) { return before(first_end(floor), kFirstWindow); }

std::optional<Window> next_window(const Window& read, std::int64_t rows, std::int64_t page_size, Instant floor) {
  if (read.to == kLastDay) return std::nullopt;
  if (read.from == kOldestDay) return Window{midnight(floor), kLastDay};
  std::chrono::milliseconds length = read.to - read.from;
  if (rows <= page_size) length *= 2;
  if (rows > kWindowPages * page_size) length = std::max<std::chrono::milliseconds>(length / 2, kShortestWindow);
  return before(read.from, length);
}

}  // namespace berth::runs
