// db: the database itself, whichever engine holds it.
#include <fmt/format.h>

#include <filesystem>

#include "host/app/data_folder.hpp"
#include "host/cli/commands.hpp"
#include "host/config/storage_address.hpp"
#include "host/ledger/queries.hpp"
#include "host/storage/backup.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/move.hpp"

namespace berth::cli {

namespace {

constexpr std::size_t kFindingsShown = 20;

/// Findings of the engine and of the ledger's invariants, as text.
Result<std::vector<std::string>> findings_of(storage::Database& database) {
  std::vector<std::string> findings = BERTH_TRY(database.check());
  BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
    for (const ledger::CheckFinding& one : BERTH_TRY(ledger::check(connection))) findings.push_back(one.invariant + ": " + one.message);
    return success();
  }));
  return findings;
}

/// Held while the database goes somewhere else: no host serves from this folder meanwhile, busy or idle.
Result<app::ServeLock> keep_hosts_out(const config::Config& config) {
  auto lock = app::ServeLock::take(config.data_dir);
  if (lock.ok() || lock.error().reason != "app.data_in_use") return lock;
  return make_error(Code::kConflict, "storage.in_use", lock.error().message + "; stop it first. Nothing was copied");
}

/// What is copied while somebody works on it is out of date when it arrives.
Status check_at_rest(const Opened& opened) {
  return opened.database->read([&](storage::Connection& connection) -> Status {
    for (const storage::Integration& integration : BERTH_TRY(storage::integrations::list(connection))) {
      if (const auto held = BERTH_TRY(storage::leases::find(connection, integration.id, opened.clock->now()))) {
        return make_error(Code::kConflict, "storage.in_use",
                          fmt::format("{} is being run by {}; stop every `berth serve` first. Nothing was copied", integration.id, held->owner));
      }
    }
    return success();
  });
}

/// The copy is there already, so a second attempt would be refused.
Error after_copy(Error error) {
  error.message += ". The copy was made and stays: make the target empty again before another attempt (`dropdb` and `createdb`, or remove the file); "
                   "the old database is as it was";
  return error;
}

Result<storage::Moved> move_to(const Opened& opened, storage::Database& target) {
  const storage::Moved moved = BERTH_TRY(storage::copy_all(*opened.database, target));
  const auto compare = [&]() -> Status {
    if (BERTH_TRY(storage::digest_of(*opened.database)) != BERTH_TRY(storage::digest_of(target))) {
      return make_error(Code::kEnvironment, "storage.copy_differs", "what arrived differs from what was sent: somebody wrote to one of them meanwhile");
    }
    const std::vector<std::string> findings = BERTH_TRY(findings_of(target));
    return findings.empty() ? success() : Status(make_error(Code::kEnvironment, "storage.damaged", "the copy is not sound: " + findings.front()));
  };
  if (const Status compared = compare(); !compared.ok()) return after_copy(compared.error());
  return moved;
}

}  // namespace

int db_check(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto findings = findings_of(*opened->database);
  if (!findings.ok()) return fail(global, findings.error());
  if (global.json) {
    json::Value list = json::Value::array();
    for (const std::string& one : *findings) list.push_back(one);
    print_json(json::Value::object({{"engine", opened->database->engine()}, {"findings", std::move(list)}}));
  } else if (findings->empty()) {
    print_line(fmt::format("{}: sound", opened->database->engine()));
  } else {
    for (std::size_t i = 0; i < findings->size() && i < kFindingsShown; ++i) print_line((*findings)[i]);
    print_line(fmt::format("{} findings. Restore a backup (`berth db restore FILE`), or report them where there is none", findings->size()));
  }
  return findings->empty() ? kFine : kFindings;
}

int db_backup(const Global& global, const std::string& file) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto made = storage::backup(*opened->database, file, *opened->clock);
  if (!made.ok()) return fail(global, made.error());
  if (global.json) {
    print_json(json::Value::object({{"file", made->file}, {"bytes", made->bytes}}));
  } else {
    print_line(fmt::format("wrote {} ({} KiB). Only its secrets are sealed, by the vault key: keep a copy of that elsewhere, and keep this file private", made->file, (made->bytes + 1023) / 1024));
  }
  return kFine;
}

int db_restore(const Global& global, const std::string& file) {
  const auto config = load_config(global);
  if (!config.ok()) return fail(global, config.error());
  const SystemClock clock;
  const auto restore = [&]() -> Status {
    BERTH_CHECK(app::prepare_data_folder(config->data_dir));
    const app::ServeLock lock = BERTH_TRY(keep_hosts_out(*config));
    storage::RestoredBackup::remove_left_over(config->data_dir.string());
    auto backup = BERTH_TRY(storage::RestoredBackup::open(file, config->data_dir.string(), clock));
    const std::vector<std::string> findings = BERTH_TRY(findings_of(backup.database()));
    if (!findings.empty()) return make_error(Code::kEnvironment, "storage.damaged", file + " is not sound: " + findings.front());
    if (config->storage.engine == config::StorageConfig::Engine::kSqlite) return backup.become(app::database_file(*config).string());
    const auto target = BERTH_TRY(app::open_storage(*config, config->storage, clock));
    BERTH_TRY(storage::copy_all(backup.database(), *target));
    return success();
  };
  const Status restored = restore();
  if (!restored.ok()) return fail(global, restored.error());
  print_line(fmt::format("restored {}. What was posted after it was made is missing here; the next sync fetches it again", file));
  return kFine;
}

int db_migrate(const Global& global, const std::string& to, const std::string& password) {
  const auto opened = open_storage(global);  // opening applies what is missing
  if (!opened.ok()) return fail(global, opened.error());
  if (to.empty()) {
    print_line(fmt::format("{}: every migration is applied", opened->database->engine()));
    return kFine;
  }
  config::StorageConfig where;
  if (to != "sqlite") {
    where.engine = config::StorageConfig::Engine::kPostgresql;
    where.url = to;
    if (!to.starts_with("postgresql://"))
      return fail(global, make_error(Code::kInvalidArgument, "cli.storage_invalid", "--to takes sqlite or an address postgresql://user@host:5432/name"));
    if (config::password_in(to)) {
      return fail(global, make_error(Code::kInvalidArgument, "cli.storage_invalid",
                                     "--to has a password in its address (or a port that is no number); give it by --password env:NAME or file:PATH"));
    }
    if (const auto fault = config::address_fault(to)) {
      return fail(global, make_error(Code::kInvalidArgument, "cli.storage_invalid", fmt::format("--to: {} ({})", fault->what, fault->hint)));
    }
    if (!password.empty()) {
      where.password = config::SecretRef::parse(password);
      if (!where.password) return fail(global, make_error(Code::kInvalidArgument, "cli.storage_invalid", "--password takes env:NAME or file:PATH, not the password itself"));
    }
  }
  const auto lock = keep_hosts_out(opened->config);
  if (!lock.ok()) return fail(global, lock.error());
  if (const Status at_rest = check_at_rest(*opened); !at_rest.ok()) return fail(global, at_rest.error());
  const auto moved = [&]() -> Result<storage::Moved> {
    const auto target = BERTH_TRY(app::open_storage(opened->config, where, *opened->clock));
    return move_to(*opened, *target);
  }();
  if (!moved.ok()) return fail(global, moved.error());
  if (global.json) {
    json::Value tables = json::Value::array();
    for (const storage::MovedTable& table : moved->tables) tables.push_back(json::Value::object({{"table", table.name}, {"rows", table.rows}}));
    print_json(json::Value::object({{"rows", moved->rows}, {"tables", std::move(tables)}}));
  } else {
    Table table({"table", "rows"}, {1});
    for (const storage::MovedTable& one : moved->tables) {
      if (one.rows > 0) table.add({one.name, std::to_string(one.rows)});
    }
    print(table.text());
    print_line(fmt::format("{} rows copied and compared, books sound. Now write `storage: {}` into {}; the old database stays as it is",
                           moved->rows, to, opened->config.file.string()));
  }
  return kFine;
}

}  // namespace berth::cli
