#pragma once
// A copy of the books to try something in: what would changed rules do, what would a sync post? It is a database of its
// own, in a folder of its own beside the real one, and gone with the object. Nothing that happens in it reaches the books.
//
//   Scratch scratch = BERTH_TRY(Scratch::of(database, clock));
//   Engine engine({.database = scratch.database(), ...});          // everything works on it as on the real one
//
// It is as the books were committed at one moment, also while a run is under way, which goes on undisturbed: the leases in
// the copy are free. It takes as much disk as the database; a place in memory is not used, because a machine has less of
// it than of disk. Only its owner may look into the folder, and the copy has no secrets: neither those of the vault nor
// tokens of the API. A copy that a killed process left is removed by whoever opens the data folder next.
//
// Errors: storage.scratch_space (not enough room on the disk of the database), storage's. One thread makes it; its database
// is used like any.
#include <filesystem>
#include <memory>

#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

class Scratch {
 public:
  static Result<Scratch> of(storage::Database& database, const Clock& clock);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  Scratch(const Scratch&) = delete;
  ~Scratch();

  [[nodiscard]] storage::Database& database() { return *database_; }

  /// Removes the copies beside the database whose process is gone. Waits for nobody, and says nothing of what stays.
  static void remove_left_over(const std::filesystem::path& beside);

 private:
  Scratch(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  std::filesystem::path folder_;   // empty: moved from
  int lock_;                       // of the folder: held for as long as somebody uses it
  std::unique_ptr<storage::Database> database_;
};

}  // namespace berth::runs
