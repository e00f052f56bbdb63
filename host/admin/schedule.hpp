#pragma once
// When an integration runs next, phase by phase, and why it does not, for people: REST and `berth schedule`. What is due is the
// scheduler's own answer (schedule/plan.hpp).
#include <vector>

#include "berth/json.hpp"
#include "host/config/config.hpp"
#include "host/core/result.hpp"
#include "host/plugins/manifest.hpp"
#include "host/schedule/plan.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

/// {"id","zone","archiving","nothing_runs","is_running","sync_asked_for","looked_at_next","phases":[{"phase","timing","is_cron",
/// "last_started","next_due","is_due"}],"comparisons":[{"phase","under_way","last_started","last_complete","next_due","is_due"}]};
/// docs/reference/rest.md says what each means. Errors: runs.phases_invalid, storage's.
Result<json::Value> schedule_view(storage::Connection& connection, const config::Integration& declared, const std::vector<plugins::Discovered>& discovered,
                                  const std::string& id, Instant now, const schedule::IsDeadOwner& is_dead_owner);

}  // namespace berth::admin
