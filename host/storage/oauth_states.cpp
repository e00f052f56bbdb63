#include "host/storage/oauth_states.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage::oauth_states {

Status put(Connection& connection, const OauthState& state, Instant now) {
  BERTH_CHECK(connection.execute("DELETE FROM oauth_state WHERE expires_ms <= ?", {now}));
  const auto under_way = BERTH_TRY(one_integer(connection, "SELECT COUNT(*) FROM oauth_state", {}));
  if (under_way.value_or(0) >= kUnderWayMax) {
    return make_error(Code::kConflict, "storage.oauth_states_full",
                      std::to_string(kUnderWayMax) + " authorisations are under way; try again when some have expired");
  }
  BERTH_CHECK(
      connection.execute("INSERT INTO oauth_state (state_hash, integration, redirect_uri, context_json, expires_ms) "
                         "VALUES (?, ?, ?, ?, ?)",
                         {state.state_hash, state.integration, state.redirect_uri, state.context_json, state.expires}));
  return success();
}

Result<std::optional<OauthState>> take(Connection& connection, std::string_view state_hash, Instant now) {
  const auto rows =
      BERTH_TRY(connection.query("DELETE FROM oauth_state WHERE state_hash = ? RETURNING state_hash, integration, "
                                 "redirect_uri, context_json, expires_ms",
                                 {state_hash}));
  if (rows.empty() || rows.front().instant(4) <= now) return std::optional<OauthState>();
  const auto& row = rows.front();
  return std::optional(OauthState{row.text(0), row.text(1), row.text(2), row.text(3), row.instant(4)});
}

Result<std::optional<OauthState>> find(Connection& connection, std::string_view state_hash) {
  const auto row = BERTH_TRY(connection.first(
      "SELECT state_hash, integration, redirect_uri, context_json, expires_ms FROM oauth_state WHERE state_hash = ?", {state_hash}));
  if (!row) return std::optional<OauthState>();
  return std::optional(OauthState{row->text(0), row->text(1), row->text(2), row->text(3), row->instant(4)});
}

Result<bool> use_code(Connection& connection, std::string_view code_hash, Instant now) {
  return BERTH_TRY(
             connection.execute("INSERT INTO oauth_code_used (code_hash, used_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
                                {code_hash, now})) > 0;
}

Status prune_codes(Connection& connection, Instant before) {
  BERTH_CHECK(connection.execute("DELETE FROM oauth_code_used WHERE used_ms < ?", {before}));
  return success();
}

}  // namespace berth::storage::oauth_states
