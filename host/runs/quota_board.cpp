#include "host/runs/quota_board.hpp"

#include "host/storage/quota.hpp"

namespace berth::runs {

Result<http::QuotaState> load_quota(storage::Connection& connection, std::string_view key) {
  const auto stored = BERTH_TRY(storage::quota::load(connection, key));
  if (!stored) return http::QuotaState{};
  const json::Parsed parsed = json::parse(*stored);
  http::QuotaState state = http::QuotaState::from_json(parsed.ok() ? parsed.value : json::Value());
  state.shift(-connection.shared_ahead());
  return state;
}

Status save_quota(storage::Connection& connection, std::string_view key, const http::QuotaState& state, Instant now) {
  http::QuotaState shared = state;
  shared.shift(connection.shared_ahead());
  return storage::quota::save(connection, key, json::dump(shared.to_json()), now);
}

Status DatabaseQuotaBoard::exchange(const std::function<void(http::QuotaState& state)>& change) {
  return database_.write("quota.count", [&](storage::Connection& connection) -> Status {
    http::QuotaState state = BERTH_TRY(load_quota(connection, key_));
    change(state);
    return save_quota(connection, key_, state, clock_.now());
  });
}

Status tell_quota(storage::Connection& connection, std::string_view key, http::QuotaGate& gate, Instant now) {
  http::QuotaState state = BERTH_TRY(load_quota(connection, key));
  gate.tell(state);
  return save_quota(connection, key, state, now);
}

}  // namespace berth::runs
