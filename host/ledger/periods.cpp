#include "host/ledger/periods.hpp"

#include <fmt/format.h>

namespace berth::ledger {

Result<Month> parse_month(std::string_view text) {
  const auto first = parse_date(std::string(text) + "-01");
  if (text.size() != 7 || !first) {
    return make_error(Code::kInvalidArgument, "ledger.period_invalid",
                      fmt::format("\"{}\" is not a month like 2026-05", text));
  }
  return Month::of(*first);
}

std::string to_string(Month month) {
  return to_string(month.first_day()).substr(0, 7);
}

Date first_open_day(Date date, const std::set<Month>& closed) {
  Month month = Month::of(date);
  if (!closed.contains(month)) return date;
  while (closed.contains(month)) month = month.next();
  return month.first_day();
}

Result<bool> close_period(storage::Connection& connection, std::string_view company, Month month, Instant now,
                          std::string_view actor) {
  const auto changed =
      BERTH_TRY(connection.execute("INSERT INTO period_lock (company, month, closed_ms, closed_by) VALUES (?, ?, ?, ?) "
                                   "ON CONFLICT (company, month) DO NOTHING",
                                   {company, to_string(month), now, actor}));
  return changed > 0;
}

Result<bool> open_period(storage::Connection& connection, std::string_view company, Month month) {
  const auto changed = BERTH_TRY(
      connection.execute("DELETE FROM period_lock WHERE company = ? AND month = ?", {company, to_string(month)}));
  return changed > 0;
}

Result<std::vector<ClosedPeriod>> closed_periods(storage::Connection& connection, std::string_view company) {
  std::vector<ClosedPeriod> periods;
  const auto rows =
      BERTH_TRY(connection.query("SELECT company, month, closed_ms, closed_by FROM period_lock WHERE ? = '' OR company "
                                 "= ? ORDER BY company, month",
                                 {company, company}));
  for (const storage::Row& row : rows) {
    periods.push_back({row.text(0), BERTH_TRY(parse_month(row.text(1))), row.instant(2), row.text(3)});
  }
  return periods;
}

std::string awaited_period(std::string_view company, Month month) {
  return fmt::format("period/{}/{}", company, to_string(month));
}

}  // namespace berth::ledger
