#pragma once
// Authorisations under way. A state is good for one redirect; an authorisation code is sent once.
#include <optional>
#include <string>
#include <string_view>

#include "host/storage/database.hpp"

namespace berth::storage {

struct OauthState {
  std::string state_hash{};  // SHA-256 of the state; the state itself is not stored
  std::string integration{};
  std::string redirect_uri{};
  std::string context_json = "{}";
  Instant expires{};
};

namespace oauth_states {

constexpr std::int64_t kUnderWayMax = 1000;  // more are refused: nobody fills the table by opening links

/// Also removes what has expired. Errors: storage.oauth_states_full, storage.unique.
Status put(Connection& connection, const OauthState& state, Instant now);
/// Removes it; nothing if it is unknown, used or expired.
Result<std::optional<OauthState>> take(Connection& connection, std::string_view state_hash, Instant now);
/// Looks without taking it.
Result<std::optional<OauthState>> find(Connection& connection, std::string_view state_hash);
/// True the first time for this code.
Result<bool> use_code(Connection& connection, std::string_view code_hash, Instant now);
/// Forgets codes used before `before`.
Status prune_codes(Connection& connection, Instant before);

}  // namespace oauth_states
}  // namespace berth::storage
