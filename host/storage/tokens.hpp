#pragma once
// Tokens of the REST API. Only the hash of a token is stored.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct ApiToken {
  std::string id{};
  std::string name{};
  std::string role{};        // admin | viewer
  std::string token_hash{};  // SHA-256, hex
  Instant created{};
  Instant last_used{};  // 0: never
  Instant revoked{};    // 0: valid
};

namespace tokens {

Status insert(Connection& connection, const ApiToken& token);
/// Valid ones only.
Result<std::optional<ApiToken>> find_by_hash(Connection& connection, std::string_view token_hash);
Status touch(Connection& connection, std::string_view id, Instant now);
/// False if there is none of that id or it already was.
Result<bool> revoke(Connection& connection, std::string_view id, Instant now);
/// By time of making, revoked ones too.
Result<std::vector<ApiToken>> list(Connection& connection);

}  // namespace tokens
}  // namespace berth::storage
