#include "host/runs/timing.hpp"

#include "host/runs/setup.hpp"

namespace berth::runs {

std::string zone_of(const config::Integration& declared, const storage::Integration& row) {
  if (!declared.schedule_zone.empty()) return declared.schedule_zone;
  const json::Parsed organization = json::parse(row.organization_json);
  const std::string_view zone = organization.value.text_of("time_zone");
  return zone_exists(zone) ? std::string(zone) : std::string();
}

Instant next_due(const config::Integration& declared, std::string_view phase, Instant last, std::string_view zone) {
  const auto found = declared.schedule.find(phase);
  if (found == declared.schedule.end()) return last + kDefaultInterval;
  if (!found->second.cron) return last + found->second.every;
  const auto next = found->second.cron->next_after(last, zone);
  // A zone that the machine lost since it was checked: the phase runs by the clock of the world.
  return next.ok() ? *next : found->second.cron->next_after(last, "").value_or(last + kDefaultInterval);
}

}  // namespace berth::runs
