#pragma once
// When a phase is due by the schedule of its integration: an interval after its last start, or the next time of its cron
// expression. Pure, any thread, cannot fail.
#include <string>
#include <string_view>

#include "host/config/config.hpp"
#include "host/core/time.hpp"
#include "host/storage/integrations.hpp"

namespace berth::runs {

/// The name under which a schedule says when the ids of everything are compared.
inline constexpr std::string_view kArchiving = "archiving";

/// Whose clock cron expressions follow: the zone of the schedule, else that of the organisation, else UTC.
[[nodiscard]] std::string zone_of(const config::Integration& declared, const storage::Integration& row);
/// When a phase that began at `last` is due again. One that the schedule does not name runs hourly.
[[nodiscard]] Instant next_due(const config::Integration& declared, std::string_view phase, Instant last, std::string_view zone);

}  // namespace berth::runs
