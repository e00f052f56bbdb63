#pragma once
// From the clock on the wall of a time zone to moments, with the hours that a change of the clock leaves out or repeats.
//
//   const LocalMoments at = BERTH_TRY(moments_of(day, 2 * 60 + 30, "Europe/Berlin"));
//
// Pure functions, any thread. Errors: core.zone_unknown.
#include <string>
#include <string_view>

#include "host/core/time.hpp"

namespace berth {

struct LocalMoments {
  Instant first;
  Instant second;   // later than `first` only where that time of the day occurs twice
};
/// The moments at which clocks of the zone show that minute of that day (0 to 1439). A time that is left out stands for the
/// first moment after the gap.
Result<LocalMoments> moments_of(Date day, int minute_of_day, std::string_view zone);

struct LocalTime {
  Date day;
  int minute_of_day = 0;
};
/// What clocks of the zone show at that moment.
Result<LocalTime> local_time(Instant instant, std::string_view zone);

/// "2026-05-04T11:12:31+02:00", whole seconds; "…Z" for UTC and for a zone that this machine does not know.
[[nodiscard]] std::string text_in_zone(Instant instant, std::string_view zone);

}  // namespace berth
