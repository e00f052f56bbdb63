#pragma once
// When a host looks at an integration next, in the order of time: a tick of the scheduler reads those whose moment has come
// and no others, however many there are. The row of an integration comes and goes with it, and what could make it due earlier
// moves it to "at once" by triggers (migrations/*/0005_schedule.sql), in the transaction of that event.
//
//   for (const storage::Look& look : BERTH_TRY(storage::looks::come(connection, now, 256))) ...
//   const bool is_mine = BERTH_TRY(storage::looks::move(connection, look, {.to = now + kClaim, .now = now, .taken_by = owner}));   // not if somebody was faster
//
// Threads and errors: database.hpp.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Look {
  std::string integration{};
  Instant at{};              // 0: at once
  std::int64_t wakes = 0;    // of the row when it was read
};

namespace looks {

/// No look is further ahead than this when it is written. What is was written while the clock was wrong, and has come.
constexpr std::chrono::hours kAheadMax{26};
/// Clocks that are right differ by less. What was written at a moment that has not come yet, by more than this, was written
/// while a clock was ahead: it has come.
constexpr std::chrono::seconds kClocksDifferMax{5};

/// Those whose moment has come, oldest first.
Result<std::vector<Look>> come(Connection& connection, Instant now, std::size_t limit);
struct Move {
  Instant to{};
  Instant now{};              // when that was decided
  std::string taken_by = {};  // who is about to run it; "": nobody
};
/// Moves one that was read, unless it was moved or woken since: false.
Result<bool> move(Connection& connection, const Look& look, const Move& move);
struct Taken {
  std::string integration{};
  std::string by{};
};
/// Those that somebody was about to run when they were moved last, and that nobody looks at before some later moment.
Result<std::vector<Taken>> taken(Connection& connection, Instant now);
/// Not later than that, and whoever decided before looks again.
Status wake(Connection& connection, std::string_view integration, Instant at);
/// The schedule that a file declares for it: another one than before wakes it.
Status declare(Connection& connection, std::string_view integration, std::string_view declared);
/// The next look; the end of time for an integration that is not there.
Result<Instant> next(Connection& connection, std::string_view integration);

}  // namespace looks
}  // namespace berth::storage
