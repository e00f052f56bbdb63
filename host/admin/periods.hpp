#pragma once
// Closing and opening months of a company, for the command line and the REST API.
//
// Errors besides the database's: runs.company_unknown, ledger.period_invalid.
#include <cstdint>
#include <string_view>

#include "berth/json.hpp"
#include "host/config/config.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// [{"company":"acme_us","month":"2026-05","closed_at":..,"closed_by":..}]; "" = of all companies.
Result<json::Value> periods_view(storage::Connection& connection, std::string_view company);

/// Closes or opens the month, with an audit row in the same transaction where that changes something. What a lock held back
/// becomes pending, of every integration; the caller applies. {"company":..,"month":..,"state":"open","changed":true,"woken":2}
Result<json::Value> set_period(storage::Database& database, const config::Config& config, std::string_view company, std::string_view month, bool is_open,
                               std::string_view actor, Instant now);

}  // namespace berth::admin
