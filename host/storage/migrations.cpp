#include "host/storage/migrations.hpp"

#include <algorithm>

#include "host/core/hash.hpp"

namespace berth::storage {

std::string checksum(const Migration& migration) {
  std::string text(migration.sql);
  for (const std::string_view own : {migration.sqlite, migration.postgresql}) text.append(1, '\0').append(own);
  return sha256_hex(text);
}

Result<const Migration*> next_migration(std::span<const Migration> known, std::span<const AppliedMigration> applied) {
  std::int64_t newest = 0;
  for (const auto& done : applied) {
    newest = std::max(newest, done.version);
    const auto found = std::ranges::find(known, done.version, &Migration::version);
    if (found == known.end()) {
      return make_error(Code::kEnvironment, "storage.newer",
                        "The database has migration " + done.name +
                            ", which this Berth does not know; use the Berth that made it or a newer one");
    }
    if (checksum(*found) != done.checksum) {
      return make_error(
          Code::kEnvironment, "storage.migration_changed",
          "Migration " + done.name +
              " was applied with another text than this Berth has; the database was made by another build");
    }
  }
  const auto next = std::ranges::find_if(known, [&](const Migration& migration) { return migration.version > newest; });
  return next == known.end() ? nullptr : &*next;
}

}  // namespace berth::storage
