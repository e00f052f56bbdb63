#pragma once
// When the phases of an integration are next due, for people: REST and `berth schedule`.
#include "berth/json.hpp"
#include "host/config/config.hpp"
#include "host/core/result.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

/// {"id","zone","looked_at_next","waits_until","phases":[{"phase","timing","last_started","next_due"}],"comparisons":[{"phase","under_way",
/// "last_started","last_complete","next_due"}]}. A phase that never began is due at once (null). Errors: storage's.
Result<json::Value> schedule_view(storage::Connection& connection, const config::Integration& declared, const storage::Integration& row, Instant now);

}  // namespace berth::admin
