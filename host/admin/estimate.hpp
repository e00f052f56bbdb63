#pragma once
// What a sync would cost in calls, against what is left of the day: `berth sync ID --estimate` and
// GET /api/v1/integrations/{id}/sync/estimate. Asks nobody.
//
// Errors: those of runs/estimate.hpp.
#include "berth/json.hpp"
#include "host/runs/estimate.hpp"
#include "host/runs/quota_key.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

/// {"mode":..,"phases":[{"phase":..,"calls":{"list":1,..},"if_all_changed":{..},"formula":".."}],"at_least":5,"at_most":812,
/// "at_most_is":"left of the day","if_all_changed":90,"day_left":812,...}
Result<json::Value> estimate_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, const runs::Setup& setup,
                                  const runs::RunRequest& request, Instant now);

}  // namespace berth::admin
