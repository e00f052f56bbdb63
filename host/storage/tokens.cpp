#include "host/storage/tokens.hpp"

#include "host/storage/changes.hpp"

namespace berth::storage::tokens {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, name, role, token_hash, created_ms, last_used_ms, revoked_ms FROM api_token";
ApiToken read(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.instant(4), row.instant(5), row.instant(6)};
}

}  // namespace

Status insert(Connection& connection, const ApiToken& token) {
  BERTH_CHECK(connection.execute(
      "INSERT INTO api_token (id, name, role, token_hash, created_ms, last_used_ms, revoked_ms) VALUES (?, ?, ?, ?, ?, "
      "?, ?)",
      {token.id, token.name, token.role, token.token_hash, token.created, token.last_used, token.revoked}));
  return success();
}

Result<std::optional<ApiToken>> find_by_hash(Connection& connection, std::string_view token_hash) {
  const auto row =
      BERTH_TRY(connection.first(std::string(kSelect) + " WHERE token_hash = ? AND revoked_ms = 0", {token_hash}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Status touch(Connection& connection, std::string_view id, Instant now) {
  return expect_changed(connection.execute("UPDATE api_token SET last_used_ms = ? WHERE id = ?", {now, id}),
                        "API token", id);
}

Result<bool> revoke(Connection& connection, std::string_view id, Instant now) {
  return BERTH_TRY(
             connection.execute("UPDATE api_token SET revoked_ms = ? WHERE id = ? AND revoked_ms = 0", {now, id})) > 0;
}

Result<std::vector<ApiToken>> list(Connection& connection) {
  std::vector<ApiToken> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " ORDER BY created_ms, id", {}, [&](const Row& row) {
    all.push_back(read(row));
    return true;
  }));
  return all;
}

}  // namespace berth::storage::tokens
