#pragma once
// The board of a remote organisation's quota as a row of the database, under its key (quota_key.hpp). What stands there is
// the http folder's (host/http/quota_board.hpp).
#include <string>
#include <string_view>

#include "host/core/time.hpp"
#include "host/http/quota_gate.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

class DatabaseQuotaBoard final : public http::QuotaBoard {
 public:
  /// Refers to both.
  DatabaseQuotaBoard(storage::Database& database, const Clock& clock, std::string key)
      : database_(database), clock_(clock), key_(std::move(key)) {}
  Status exchange(const std::function<void(http::QuotaState& state)>& change) override;

 private:
  storage::Database& database_;
  const Clock& clock_;
  const std::string key_;
};

/// As it is stored, with moments as this machine's clock shows them; a new one where there is none. In the row they are those
/// of the time that all agree on, so that a host whose clock is wrong neither forgets the shares of others nor keeps its own
/// for too long. Errors: storage's.
Result<http::QuotaState> load_quota(storage::Connection& connection, std::string_view key);
Status save_quota(storage::Connection& connection, std::string_view key, const http::QuotaState& state, Instant now);
/// The gate's numbers into the row, within a transaction that is open already. Errors: storage's.
Status tell_quota(storage::Connection& connection, std::string_view key, http::QuotaGate& gate, Instant now);

}  // namespace berth::runs
