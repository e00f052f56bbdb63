#pragma once
// Closed months of a company. Nothing is posted into a closed month (C3); what happens instead is the company's policy.
#include <compare>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger {

struct Month {
  int year = 1970;
  int month = 1;
  friend auto operator<=>(const Month&, const Month&) = default;
  static Month of(Date date) { return {date.year, date.month}; }
  [[nodiscard]] Month next() const { return month == 12 ? Month{year + 1, 1} : Month{year, month + 1}; }
  [[nodiscard]] Date first_day() const { return {year, month, 1}; }
};
/// "2026-05". Errors: ledger.period_invalid.
Result<Month> parse_month(std::string_view text);
std::string to_string(Month month);

/// The date itself where its month is open, else the first day of the next open month.
[[nodiscard]] Date first_open_day(Date date, const std::set<Month>& closed);

struct ClosedPeriod {
  std::string company;
  Month month;
  Instant closed_at;
  std::string closed_by;
};

/// Closing a closed month changes nothing. Both answer whether something changed.
Result<bool> close_period(storage::Connection& connection, std::string_view company, Month month, Instant now,
                          std::string_view actor);
/// Afterwards records that wait for `awaited_period` are worth applying again.
Result<bool> open_period(storage::Connection& connection, std::string_view company, Month month);
/// "" = all companies. By company and month.
Result<std::vector<ClosedPeriod>> closed_periods(storage::Connection& connection, std::string_view company);
/// "period/acme_us/2026-05": what a held document waits for.
std::string awaited_period(std::string_view company, Month month);

}  // namespace berth::ledger
