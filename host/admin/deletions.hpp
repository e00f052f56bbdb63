#pragma once
// A person lets a comparison of ids go on that the deletion brake stopped: for REST and the command line.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

/// {"id":"zoho","released":[{"phase":"invoices","entity":"invoice","missing":25}]}; a sync is queued that asks for each of them. Errors:
/// storage's.
Result<json::Value> confirm_deletions(storage::Database& database, const storage::Integration& integration, std::string_view actor, Instant now);

}  // namespace berth::admin
