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

/// {"mode":..,"phases":[{"phase":..,"at_least":{"list":1,..},"at_most":{..},"if_all_changed":{..},"formula":".."}],"at_least":5,
/// "at_most":7,"if_all_changed":90,"allowed":812,"allowed_by":"what is left of the day","day_left":812,...}
Result<json::Value> estimate_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, const runs::Setup& setup,
                                  const runs::RunRequest& request, Instant now);

}  // namespace berth::admin
