#include "host/oauth/state_store.hpp"

namespace berth::oauth {

Status MemoryStateStore::put(std::string_view state_hash, const PendingState& state) {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  std::erase_if(states_, [&](const auto& entry) { return entry.second.expires_at <= now; });
  if (states_.size() >= kOpenMax) {
    return make_error(Code::kConflict, "oauth.too_many_open",
                      "1,000 authorisations are open; try again in 15 minutes.");
  }
  states_.insert_or_assign(std::string(state_hash), state);
  return success();
}

Result<std::optional<PendingState>> MemoryStateStore::take(std::string_view state_hash) {
  const std::scoped_lock lock(mutex_);
  const auto found = states_.find(state_hash);
  if (found == states_.end()) return std::optional<PendingState>{};
  std::optional<PendingState> state(std::move(found->second));
  states_.erase(found);
  return state;
}

Result<bool> MemoryStateStore::claim_code(std::string_view code_hash, Instant forget_at) {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  std::erase_if(codes_, [&](const auto& entry) { return entry.second <= now; });
  return codes_.emplace(std::string(code_hash), forget_at).second;
}

}  // namespace berth::oauth
