#pragma once
// Revaluing what is open in a foreign currency (docs/accounting.md, E19), for the command line and the REST API.
//
// Errors besides the database's and those of ledger::post_revaluation: runs.integration_unknown, runs.company_unknown,
// core.currency_unknown, core.decimal_invalid, core.date_invalid.
#include <string>
#include <string_view>

#include "berth/json.hpp"
#include "host/config/config.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// As a person writes it.
struct RevaluationOrder {
  std::string integration;
  std::string company;      // "": that of the integration
  std::string currency, rate, period_end;
};

/// Posts it and its reversal of the next day, with an audit row, in one transaction. {"company":..,"currency":..,"rate":..,
/// "date":..,"entries":[812,813]}; no entries, and no audit row, where everything is carried at that rate already.
Result<json::Value> revalue(storage::Database& database, const config::Config& config, const RevaluationOrder& order, std::string_view actor, Instant now);

}  // namespace berth::admin
