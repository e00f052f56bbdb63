#include "host/admin/quota.hpp"

#include <algorithm>

#include "host/admin/views.hpp"
#include "host/runs/quota_board.hpp"

namespace berth::admin {

namespace {

/// It waits because of the remote's limits: no run before the day turns, or before what a single answer asked for.
bool waits_for_quota(const storage::Integration& integration, const http::QuotaState& state) {
  if (integration.next_attempt.unix_ms == 0) return false;
  return integration.actual == "waiting_quota" || (!state.blocked_reason.empty() && integration.reason == state.blocked_reason);
}

}  // namespace

json::Value quota_view(const http::QuotaState& state, std::string_view key, Instant now) {
  const bool has_turned = state.day_resets_at <= now;
  const auto ahead = [&](Instant until) { return until > now ? json::Value(to_string(until)) : json::Value(); };
  const bool is_blocked = state.blocked_until > now;
  const std::int64_t used = has_turned ? 0 : state.day_made();
  std::int64_t processes = 0;
  std::int64_t places = 0;
  json::Value shares = json::Value::array();
  for (const http::QuotaShare& share : state.shares) {
    if (share.until <= now) continue;
    processes += share.is_resting ? 0 : 1;
    places += share.places;
    shares.push_back(json::Value::object({{"process", share.owner},
                                          {"places", share.places},
                                          {"at_once", share.at_once},
                                          {"day_used", has_turned ? 0 : share.made},
                                          {"resting", share.is_resting}}));
  }
  return json::Value::object(
      {{"key", key},
       {"per_minute", state.per_minute > 0 ? json::Value(state.per_minute) : json::Value()},
       {"minute_held", places},
       {"at_once", state.concurrent},
       {"at_once_limit", state.at_once > 0 ? json::Value(state.at_once) : json::Value()},
       {"day_limit", state.day_limit > 0 ? json::Value(state.day_limit) : json::Value()},
       {"day_used", used},
       {"used_by_others", has_turned ? 0 : state.by_others()},
       {"day_reserve", state.day_reserve},
       {"day_left", state.day_limit > 0 ? json::Value(std::max<std::int64_t>(state.day_limit - state.day_reserve - used, 0)) : json::Value()},
       {"day_resets_at", ahead(state.day_resets_at)},
       {"paused_until", ahead(state.paused_until)},
       {"blocked_until", ahead(state.blocked_until)},
       {"blocked_reason", is_blocked ? json::Value(state.blocked_reason) : json::Value()},
       {"blocked_message", is_blocked ? json::Value(state.blocked_message) : json::Value()},
       {"processes", processes},
       {"shares", std::move(shares)}});
}

Result<json::Value> quota_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, Instant now) {
  const std::string key = keys.of(integration);
  return quota_view(BERTH_TRY(runs::load_quota(connection, key)), key, now);
}

Result<json::Value> reset_quota(storage::Database& database, runs::QuotaKeys& keys, const storage::Integration& integration,
                                std::string_view actor, Instant now) {
  const std::string key = keys.of(integration);
  json::Value view;
  BERTH_CHECK(database.write("quota.reset", [&](storage::Connection& connection) -> Status {
    http::QuotaState state = BERTH_TRY(runs::load_quota(connection, key));
    for (const storage::Integration& each : BERTH_TRY(storage::integrations::list(connection))) {
      if (keys.of(each) != key || !waits_for_quota(each, state)) continue;
      BERTH_CHECK(storage::integrations::set_status(
          connection, each.id, {.actual = each.actual, .reason = each.reason, .message = each.message, .who_acts = each.who_acts, .next_attempt = {}}, now));
    }
    state.lift(now);
    BERTH_CHECK(runs::save_quota(connection, key, state, now));
    view = quota_view(state, key, now);
    return note(connection, actor, "quota.reset", key, now);
  }));
  return view;
}

}  // namespace berth::admin
