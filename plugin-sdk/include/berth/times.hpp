#pragma once
// Moments and durations as remotes and phase files write them. Times are compared as numbers, never as text: the same
// moment may be written with another offset. Pure functions; nothing throws except std::bad_alloc.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::times {

/// A moment with the offset it was written with; `unix_ms` is in UTC.
struct Moment {
  std::int64_t unix_ms = 0;
  std::int32_t offset_minutes = 0;
};

/// "2026-05-21T08:41:30-0400", also "±hh:mm", "Z", a blank for the "T", fractions of a second, no seconds, or a date
/// alone. Without an offset the time is taken as UTC. Nothing for anything else and for days that do not exist.
[[nodiscard]] std::optional<Moment> parse(std::string_view text);

/// "Thu, 21 May 2026 12:41:30 GMT", as the Date header of an answer has it (RFC 9110, IMF-fixdate); in UTC milliseconds.
/// Nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

/// "2026-05-21T12:41:30+0000": ISO 8601 in UTC with seconds and an offset, which every known remote accepts.
[[nodiscard]] std::string format_utc(std::int64_t unix_ms);

/// "2026-05-21": the calendar day of a moment in the offset it was written with.
[[nodiscard]] std::string format_date(const Moment& moment);

/// "250ms", "2s", "10m", "24h", "5d": whole numbers with one unit. Nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace berth::times
