#pragma once
// What an authorisation that is under way must remember, and which codes were sent already. Kept by the host in
// storage, because the redirect may reach another process than the one that began; any thread.
//
// Only hashes of states and codes are handed over (BLAKE2b-256 in hex), so a copy of the storage is no way in.
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::oauth {

struct PendingState {
  std::string integration = {};
  std::string redirect_uri = {};
  std::string location = {};       // data centre where the authorisation began
  std::string pkce_verifier = {};  // empty without PKCE
  Instant expires_at = {};
};

class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Status put(std::string_view state_hash, const PendingState& state) = 0;
  /// Removes and returns it in one step, expired or not: of two redirects with one state, one finds nothing.
  virtual Result<std::optional<PendingState>> take(std::string_view state_hash) = 0;
  /// true for the first caller with this hash until `forget_at`; false for every other. Durable before it returns.
  virtual Result<bool> claim_code(std::string_view code_hash, Instant forget_at) = 0;
};

/// In memory, for one process: tests, and hosts whose admin server and CLI are one process.
class MemoryStateStore final : public StateStore {
 public:
  explicit MemoryStateStore(const Clock& clock) : clock_(clock) {}
  Status put(std::string_view state_hash, const PendingState& state) override;
  Result<std::optional<PendingState>> take(std::string_view state_hash) override;
  Result<bool> claim_code(std::string_view code_hash, Instant forget_at) override;
  /// Open authorisations at most; beginning one more is refused (oauth.too_many_open).
  static constexpr std::size_t kOpenMax = 1'000;

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, PendingState, std::less<>> states_;
  std::map<std::string, Instant, std::less<>> codes_;
};

}  // namespace berth::oauth
