#include "host/storage/audit.hpp"

#include "berth/json.hpp"
#include "host/core/hash.hpp"
#include "host/storage/changes.hpp"
#include "host/storage/conditions.hpp"

namespace berth::storage::audit {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, at_ms, actor, action, target, detail_json, previous_hash, hash FROM audit";

AuditEntry read(const Row& row) {
  return {row.integer(0), row.instant(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6), row.text(7)};
}

/// Over a JSON array, whose quoting keeps neighbouring texts apart.
std::string hash_of(const AuditEntry& entry) {
  return sha256_hex(json::dump(json::Value(json::Array{entry.previous_hash, static_cast<long long>(entry.at.unix_ms),
                                                       entry.actor, entry.action, entry.target, entry.detail_json})));
}

}  // namespace

Result<AuditEntry> append(Connection& connection, AuditEntry entry) {
  const auto last = BERTH_TRY(connection.first("SELECT hash FROM audit ORDER BY id DESC LIMIT 1"));
  entry.previous_hash = last ? last->text(0) : "";
  entry.hash = hash_of(entry);
  const auto id = BERTH_TRY(one_integer(
      connection,
      "INSERT INTO audit (at_ms, actor, action, target, detail_json, previous_hash, hash) VALUES "
      "(?, ?, ?, ?, ?, ?, ?) RETURNING id",
      {entry.at, entry.actor, entry.action, entry.target, entry.detail_json, entry.previous_hash, entry.hash}));
  entry.id = id.value_or(0);
  return entry;
}

Result<Page<AuditEntry>> list(Connection& connection, const PageRequest& page) {
  Conditions where;
  if (!page.after.empty()) {
    const auto before = BERTH_TRY(parse_place(page.after, "audit entries"));
    where.add("id < ?", before);
  }
  where.then(page.rows() + 1);
  Page<AuditEntry> found;
  BERTH_CHECK(connection.each(std::string(kSelect) + where.sql() + " ORDER BY id DESC LIMIT ?", where.parameters(),
                              [&](const Row& row) {
                                found.items.push_back(read(row));
                                return true;
                              }));
  return cut_page(std::move(found), page.rows(), [](const AuditEntry& entry) { return std::to_string(entry.id); });
}

Result<std::vector<AuditFinding>> verify(Connection& connection) {
  std::vector<AuditFinding> findings;
  std::string previous;
  BERTH_CHECK(connection.each(std::string(kSelect) + " ORDER BY id", {}, [&](const Row& row) {
    const auto entry = read(row);
    if (entry.previous_hash != previous) {
      findings.push_back(
          {entry.id, "Entry " + std::to_string(entry.id) +
                         " does not follow the one before it: an entry was removed, inserted or changed"});
    } else if (hash_of(entry) != entry.hash) {
      findings.push_back({entry.id, "Entry " + std::to_string(entry.id) + " was changed after it was written"});
    }
    previous = entry.hash;
    return findings.empty();  // what follows a break says nothing more
  }));
  return findings;
}

}  // namespace berth::storage::audit
