// Dates and times as the organisation sees them. Zoho prints timestamps in the organisation's time zone with the offset
// of that moment and without a colon, "2026-05-21T08:41:30-0400" (Zoho Books API v3, Introduction; wire recordings).
//
// Immutable after construction; any thread. A zone the system does not know throws std::runtime_error on construction.
#pragma once

#include "tests/zoho_sim/clock.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zoho_sim {

using Day = std::int32_t;  // days since 1970-01-01

class OrgTime {
 public:
  explicit OrgTime(std::string zone_name);
  ~OrgTime();
  OrgTime(const OrgTime&) = delete;
  OrgTime& operator=(const OrgTime&) = delete;

  const std::string& zone_name() const { return zone_name_; }
  int offset_seconds(Time time) const;
  std::string timestamp(Time time) const;
  Day day_of(Time time) const;
  Time start_of_day(Day day) const;  // local midnight; the first existing moment where midnight is skipped
  // Reads "YYYY-MM-DDTHH:MM:SS" with "±hhmm", "±hh:mm", "Z" or nothing (then the organisation's zone).
  std::optional<Time> parse_timestamp(std::string_view text) const;

 private:
  std::string zone_name_;
  struct Zone;
  std::unique_ptr<Zone> zone_;
};

std::string date_text(Day day);                        // 2026-05-21
std::string display_date(Day day);                     // 21 May 2026, as created_date of a contact shows it
std::optional<Day> parse_date(std::string_view text);  // exactly yyyy-mm-dd

}  // namespace zoho_sim
