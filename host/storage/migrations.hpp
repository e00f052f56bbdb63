#pragma once
// The numbered SQL files of host/storage/migrations, embedded at build time, and the rules for applying them. Shared by
// the engines; each runs the statements in its own way.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::storage {

struct Migration {
  std::int64_t version = 0;  // the number at the start of the file's name
  std::string_view name;     // the file's name without ".sql"
  std::string_view sql;      // as in the file, with @SERIAL@, @SERIAL_COLUMN@ and @BLOB@
};
/// By version, without gaps in their order. Generated from the folder by host/storage/migrations.cmake.
[[nodiscard]] std::span<const Migration> embedded_migrations();

/// What the database says was applied.
struct AppliedMigration {
  std::int64_t version = 0;
  std::string name{};
  std::string checksum{};
};
/// SHA-256 of the file's text.
[[nodiscard]] std::string checksum(const Migration& migration);
/// The table that remembers; the same for every engine.
inline constexpr std::string_view kMigrationTable =
    "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT "
    "NULL, "
    "applied_ms BIGINT NOT NULL)";

/// The next migration to apply, or nullptr. Errors: storage.newer (a version that this Berth does not have),
/// storage.migration_changed (the text of an applied file is not what was applied).
Result<const Migration*> next_migration(std::span<const Migration> known, std::span<const AppliedMigration> applied);

}  // namespace berth::storage
