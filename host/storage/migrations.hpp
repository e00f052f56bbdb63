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
#include "host/storage/database.hpp"
#include "host/storage/sessions.hpp"

namespace berth::storage {

struct Migration {
  std::int64_t version = 0;  // the number at the start of the file's name
  std::string_view name;     // the file's name without ".sql"
  std::string_view sql;      // as in the file, with @SERIAL@, @SERIAL_COLUMN@, @NUMBER_KEY@, @CLUSTERED@ and @BLOB@
  std::string_view sqlite{}, postgresql{};  // what only this engine runs after it: triggers and functions
};
/// By version, without gaps in their order. Generated from the folder by host/storage/migrations.cmake.
[[nodiscard]] std::span<const Migration> embedded_migrations();

/// What the database says was applied.
struct AppliedMigration {
  std::int64_t version = 0;
  std::string name{};
  std::string checksum{};
};
/// SHA-256 of the file's text and of what the engines add.
[[nodiscard]] std::string checksum(const Migration& migration);
/// The table that remembers; the same for every engine.
inline constexpr std::string_view kMigrationTable =
    "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT "
    "NULL, "
    "applied_ms BIGINT NOT NULL)";

/// The next migration to apply, or nullptr. Errors: storage.newer (a version that this Berth does not have),
/// storage.migration_changed (the text of an applied file is not what was applied).
Result<const Migration*> next_migration(std::span<const Migration> known, std::span<const AppliedMigration> applied);

/// Applies what is missing, each file in a transaction of its own. Other processes may do the same at once. `engine_sql` turns a
/// migration into the engine's statements.
template <class Session, class EngineSql>
Status migrate(Session& session, std::string_view begin_write, EngineSql engine_sql, const Clock& clock) {
  for (;;) {
    Transaction<Session> transaction(session);
    BERTH_CHECK(transaction.begin(begin_write));
    BERTH_CHECK(session.run_script(kMigrationTable));
    std::vector<AppliedMigration> applied;
    for (const Row& row : BERTH_TRY(session.query("SELECT version, name, checksum FROM schema_migration ORDER BY version")))
      applied.push_back({row.integer(0), row.text(1), row.text(2)});
    const Migration* next = BERTH_TRY(next_migration(embedded_migrations(), applied));
    if (next == nullptr) return success();
    const DurableWrite durable("storage.migrate");
    BERTH_TRY_CONTEXT("while applying migration " + std::string(next->name), session.run_script(engine_sql(*next)));
    BERTH_CHECK(session.execute("INSERT INTO schema_migration (version, name, checksum, applied_ms) VALUES (?, ?, ?, ?)",
                                {next->version, next->name, checksum(*next), clock.now()}));
    durable.is_written();
    BERTH_CHECK(transaction.commit());
    durable.is_durable();
  }
}

}  // namespace berth::storage
