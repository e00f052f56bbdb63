#include "host/admin/periods.hpp"

#include <fmt/format.h>

#include "host/admin/views.hpp"
#include "host/ledger/periods.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/waiting.hpp"

namespace berth::admin {

Result<json::Value> periods_view(storage::Connection& connection, std::string_view company) {
  json::Value list = json::Value::array();
  for (const ledger::ClosedPeriod& period : BERTH_TRY(ledger::closed_periods(connection, company))) {
    list.push_back(json::Value::object(
        {{"company", period.company}, {"month", to_string(period.month)}, {"closed_at", to_string(period.closed_at)}, {"closed_by", period.closed_by}}));
  }
  return list;
}

Result<json::Value> set_period(storage::Database& database, const config::Config& config, std::string_view company, std::string_view month_text, bool is_open,
                               std::string_view actor, Instant now) {
  if (config.find_company(company) == nullptr) {
    return make_error(Code::kNotFound, "runs.company_unknown", fmt::format("there is no company \"{}\"", company));
  }
  const ledger::Month month = BERTH_TRY(ledger::parse_month(month_text));
  json::Value view;
  BERTH_CHECK(database.write("period.open_or_close", [&](storage::Connection& connection) -> Status {
    std::int64_t woken = 0;
    bool changed = false;
    if (is_open) {
      changed = BERTH_TRY(ledger::open_period(connection, company, month));
      for (const storage::Integration& integration : BERTH_TRY(storage::integrations::list(connection))) {
        woken += BERTH_TRY(storage::waiting::wake(connection, integration.id, ledger::awaited_period(company, month), now));
      }
    } else {
      changed = BERTH_TRY(ledger::close_period(connection, company, month, now, actor));
    }
    view = json::Value::object({{"company", company}, {"month", to_string(month)}, {"state", is_open ? "open" : "closed"}, {"changed", changed}, {"woken", woken}});
    return changed ? note(connection, actor, is_open ? "period.open" : "period.close", company, now, json::dump(view)) : success();
  }));
  return view;
}

}  // namespace berth::admin
