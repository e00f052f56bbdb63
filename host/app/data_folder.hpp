#pragma once
// What a host needs of its machine before anything else: a data folder of its own, enough open files, and that no other
// host serves from the same folder.
//
//   BERTH_CHECK(app::prepare_data_folder(config.data_dir));
//   const app::ServeLock lock = BERTH_TRY(app::ServeLock::take(config.data_dir));
//
// Errors: app.data_dir (cannot be made, is not ours), storage.read_only (on a file system without writing),
// app.open_files (this process may open too few files), app.data_in_use (another `berth serve` has the folder).
#include <filesystem>

#include "host/core/result.hpp"

namespace berth::app {

/// Below this many open files a host would fail in the middle of its work; the database, a worker and ten connections
/// take about 40.
inline constexpr std::size_t kOpenFilesMin = 64;

/// Makes the folder where it is not there, closes it to other users, and raises the limit of open files as far as allowed.
Status prepare_data_folder(const std::filesystem::path& folder);

/// Held while `berth serve` runs, and gone with its process however that ends. Commands beside it need none: an
/// integration's lease keeps two from running it at once. Two schedulers and two REST APIs on one database would work
/// against each other.
class ServeLock {
 public:
  static Result<ServeLock> take(const std::filesystem::path& folder);
  ServeLock(ServeLock&& other) noexcept;
  ServeLock& operator=(ServeLock&&) = delete;
  ServeLock(const ServeLock&) = delete;
  ~ServeLock();

 private:
  explicit ServeLock(int file) : file_(file) {}
  int file_;
};

}  // namespace berth::app
