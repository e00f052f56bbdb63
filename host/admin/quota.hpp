#pragma once
// The quotas of remote organisations, for people: what REST, `berth status --json` and `berth quota` show, and how a person
// lifts what stands in the way. See docs/operator/quota.md.
#include <string_view>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/http/quota_board.hpp"
#include "host/runs/quota_key.hpp"
#include "host/storage/database.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

/// As far as all processes of this database have told. `day_left` is after the reserve.
[[nodiscard]] json::Value quota_view(const http::QuotaState& state, std::string_view key, Instant now);
/// That of the integration's organisation. Errors: storage's.
Result<json::Value> quota_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, Instant now);

/// Forgets pauses, blocks and what is known of the day, and ends the waits of the integrations that draw on the quota: the
/// next call finds out how it stands. What was called within the last minute stays counted. Returns the view as it is then.
/// Errors: storage's.
Result<json::Value> reset_quota(storage::Database& database, runs::QuotaKeys& keys, const storage::Integration& integration,
                                std::string_view actor, Instant now);

}  // namespace berth::admin
