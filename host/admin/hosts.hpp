#pragma once
// The hosts on a database and what each of them runs, for people: REST and `berth hosts`. See docs/operator/hosts.md.
#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/schedule/plan.hpp"
#include "host/storage/database.hpp"

namespace berth::admin {

/// {"hosts": [...]}; a command that runs an integration beside them has the state "command". What `is_dead_owner` knows to be dead
/// is gone, whatever it told last. Errors: storage's.
Result<json::Value> hosts_view(storage::Connection& connection, Instant now, const schedule::IsDeadOwner& is_dead_owner);

}  // namespace berth::admin
