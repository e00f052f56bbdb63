#pragma once
// The audit log: what people did. Each entry holds the hash of the one before, so a changed, removed or inserted entry
// shows in verify().
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"
#include "host/storage/page.hpp"

namespace berth::storage {

struct AuditEntry {
  std::int64_t id = 0;
  Instant at{};
  std::string actor{};   // "token:console", "cli:root"
  std::string action{};  // "integration.pause"
  std::string target{};  // "zoho_acme"
  std::string detail_json = "{}";
  std::string previous_hash{};  // append() sets it; "" for the first
  std::string hash{};           // append() sets it
};
struct AuditFinding {
  std::int64_t id = 0;  // of the first entry that does not fit
  std::string message{};
};

namespace audit {

/// Call within Database::write; id and hashes of `entry` are set here. Returns the entry as stored.
Result<AuditEntry> append(Connection& connection, AuditEntry entry);
/// Newest first.
Result<Page<AuditEntry>> list(Connection& connection, const PageRequest& page = {});
/// Walks the chain; empty when it is whole. Cutting off the newest entries cannot be seen from inside: compare the last
/// hash with one noted elsewhere.
Result<std::vector<AuditFinding>> verify(Connection& connection);

}  // namespace audit
}  // namespace berth::storage
