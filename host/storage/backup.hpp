#pragma once
// Backups: a file of SQLite that holds everything of a database of any engine, at one moment.
//
//   const Backup made = BERTH_TRY(storage::backup(*database, "/backups/monday.db", clock));
//   auto restored = BERTH_TRY(storage::RestoredBackup::open("/backups/monday.db", data_dir, clock));   // judged, and migrated
//   BERTH_CHECK(restored.become(data_dir + "/berth.db"));              // or storage::copy_all(restored.database(), *postgresql)
//
// Secrets in it are sealed, as they are in the database: without the vault's key nobody opens them, and without that key they
// are lost. A backup that is there is never written over, and one that was not finished never has its name.
#include <cstdint>
#include <memory>
#include <string>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Backup {
  std::string file;
  std::uint64_t bytes = 0;
};
/// Nobody waits meanwhile. The copy is checked before it gets its name. Errors: storage.file_exists, storage.damaged,
/// storage.full, storage.failed, those of the engine.
Result<Backup> backup(Database& database, const std::string& file, const Clock& clock);

class RestoredBackup {
 public:
  /// Reads a copy of `file`, made in `folder`; the file itself stays as it is. Errors: storage.backup_missing, storage.damaged,
  /// storage.newer, storage.busy (a database that is in use, and no backup).
  static Result<RestoredBackup> open(const std::string& file, const std::string& folder, const Clock& clock);
  /// Copies that a process which was killed left in `folder`. Nobody restores into it meanwhile.
  static void remove_left_over(const std::string& folder);
  ~RestoredBackup();
  RestoredBackup(RestoredBackup&& other) noexcept;
  RestoredBackup& operator=(RestoredBackup&&) = delete;
  RestoredBackup(const RestoredBackup&) = delete;
  RestoredBackup& operator=(const RestoredBackup&) = delete;

  [[nodiscard]] Database& database() { return *database_; }
  /// Makes the copy the database file `path`, which must not be there; database() is gone then. Errors: storage.file_exists,
  /// storage.failed.
  Status become(const std::string& path);

 private:
  RestoredBackup(std::string copy, std::unique_ptr<Database> database);
  std::string copy_;
  std::unique_ptr<Database> database_;
};

}  // namespace berth::storage
