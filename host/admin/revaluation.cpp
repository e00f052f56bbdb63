#include "host/admin/revaluation.hpp"

#include <fmt/format.h>

#include "host/admin/views.hpp"
#include "host/ledger/revaluation.hpp"
#include "host/runs/offline_setup.hpp"
#include "host/runs/registry.hpp"

namespace berth::admin {

namespace {

/// What a person wrote is that person's mistake, and no broken data.
template <class T>
Result<T> as_given(Result<T> read) {
  if (read.ok()) return read;
  Error error = std::move(read).error();
  error.code = Code::kInvalidArgument;
  return error;
}

}  // namespace

Result<json::Value> revalue(storage::Database& database, const config::Config& config, const RevaluationOrder& order, std::string_view actor, Instant now) {
  const config::Integration declared = BERTH_TRY(runs::declaration_of(config, database, order.integration));
  ledger::BooksContext context;
  context.companies = runs::companies_of(config);
  context.integration = {order.integration, declared.company, ""};
  const std::string company = order.company.empty() ? declared.company : order.company;
  if (!context.companies.contains(company)) return make_error(Code::kNotFound, "runs.company_unknown", fmt::format("there is no company \"{}\"", company));
  const Currency currency = BERTH_TRY(as_given(Currency::of(order.currency)));
  const Decimal rate = BERTH_TRY(as_given(Decimal::parse(order.rate)));
  const Date period_end = BERTH_TRY(as_given(parse_date(order.period_end)));
  json::Value view = json::Value::object({{"company", company}, {"currency", currency.code()}, {"rate", rate.to_plain()}, {"date", to_string(period_end)}});
  BERTH_CHECK(database.write("ledger.revalue", [&](storage::Connection& connection) -> Status {
    const ledger::Revaluation revaluation = BERTH_TRY(ledger::load_revaluation(connection, order.integration, company, currency, rate, period_end));
    const ledger::Committed committed = BERTH_TRY(ledger::post_revaluation(connection, revaluation, context, now));
    json::Value entries = json::Value::array();
    for (const std::int64_t entry : committed.entries) entries.push_back(entry);
    view.set("entries", std::move(entries));
    return committed.entries.empty() ? success() : note(connection, actor, "books.revalue", order.integration, now, json::dump(view));
  }));
  return view;
}

}  // namespace berth::admin
