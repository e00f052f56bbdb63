#include "host/runs/scratch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "host/storage/integrations.hpp"
#include "host/storage/leases.hpp"

namespace berth::runs {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderPrefix = "scratch-";
/// What is written into the copy: entries, states and their log; a first guess, not a limit.
constexpr std::uintmax_t kGrowthBytes = 64ULL << 20U;

/// The lock file of a scratch folder, or -1 where somebody uses the folder.
int lock_of(const fs::path& folder) {
  const int file = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return -1;
  }
  return file;
}

}  // namespace

// A folder is locked the moment after it was made, so one without a lock is left alone.
void Scratch::remove_left_over(const fs::path& beside) {
  std::error_code ignored;
  for (fs::directory_iterator at(beside, ignored), end; !ignored && at != end; at.increment(ignored)) {
    std::error_code none;
    if (!at->path().filename().string().starts_with(kFolderPrefix) || !fs::exists(at->path() / "lock", none)) continue;
    const int lock = lock_of(at->path());
    if (lock < 0) continue;
    fs::remove_all(at->path(), none);
    ::close(lock);
  }
}

Result<Scratch> Scratch::of(storage::Database& database, const Clock& clock) {
  const fs::path beside = database.folder();
  remove_left_over(beside);
  std::error_code unknown;
  const std::uintmax_t wanted = BERTH_TRY(database.size()) + kGrowthBytes;
  const fs::space_info space = fs::space(beside, unknown);
  if (!unknown && space.available < wanted) {
    return make_error(Code::kEnvironment, "storage.scratch_space",
                      fmt::format("a copy of the books to try this in needs about {} MiB in {}, and {} MiB are free there", wanted >> 20U, beside.string(),
                                  space.available >> 20U));
  }
  std::string name = (beside / (std::string(kFolderPrefix) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    return make_error(Code::kEnvironment, "storage.failed", fmt::format("no folder for a copy of the books can be made in {}: {}", beside.string(), std::strerror(errno)));
  }
  Scratch scratch(name, lock_of(name));
  if (scratch.lock_ < 0) return make_error(Code::kUnavailable, "storage.busy", fmt::format("the folder {} for a copy of the books cannot be locked", name));
  scratch.database_ = BERTH_TRY(database.copy_to((scratch.folder_ / "books.db").string(), clock));
  // Whoever runs an integration now does so in the real books.
  BERTH_CHECK(scratch.database_->write("scratch.free_leases", [&](storage::Connection& connection) -> Status {
    for (const storage::Integration& integration : BERTH_TRY(storage::integrations::list(connection))) {
      const auto held = BERTH_TRY(storage::leases::find(connection, integration.id, clock.now()));
      if (held) BERTH_CHECK(storage::leases::release(connection, integration.id, held->owner, held->fencing));
    }
    // Nothing that is tried needs them, and a copy of them would be one more place to keep them in.
    BERTH_CHECK(connection.query("PRAGMA secure_delete = ON"));
    for (const char* table : {"secret", "api_token", "oauth_state", "oauth_code_used"}) BERTH_CHECK(connection.execute(std::string("DELETE FROM ") + table));
    // Out of the file, too, at once: without this the log alone would know that they are gone.
    BERTH_CHECK(connection.query("PRAGMA wal_autocheckpoint = 1"));
    return success();
  }));
  BERTH_CHECK(scratch.database_->write("scratch.tune", [](storage::Connection& connection) -> Status {
    BERTH_CHECK(connection.query("PRAGMA wal_autocheckpoint = 4000"));
    return success();
  }));
  return scratch;
}

Scratch::Scratch(Scratch&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), lock_(std::exchange(other.lock_, -1)), database_(std::move(other.database_)) {}

Scratch::~Scratch() {
  database_.reset();
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace berth::runs
