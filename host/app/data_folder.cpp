#include "host/app/data_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "host/core/text.hpp"

namespace berth::app {

namespace fs = std::filesystem;

namespace {

constexpr rlim_t kOpenFilesWanted = 1024;
/// A host that was just killed may leave a child between fork and exec, which has the lock a moment longer.
constexpr std::chrono::milliseconds kLockWait{500};

Error folder_error(const fs::path& folder, std::string_view what, int error) {
  return make_error(Code::kEnvironment, error == EROFS ? "storage.read_only" : error == ENOSPC || error == EDQUOT ? "storage.full" : "app.data_dir",
                    fmt::format("the data folder {} {}: {}", folder.string(), what, std::strerror(error)));
}

Status allow_open_files() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return success();
  if (limit.rlim_cur < kOpenFilesWanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(limit.rlim_max, kOpenFilesWanted);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= kOpenFilesMin) return success();
  return make_error(Code::kEnvironment, "app.open_files",
                    fmt::format("this process may have {} files open at once; Berth needs {}", limit.rlim_cur, kOpenFilesMin));
}

}  // namespace

Status prepare_data_folder(const fs::path& folder) {
  BERTH_CHECK(allow_open_files());
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) return folder_error(folder, "cannot be made", failure.value());
  struct stat facts = {};
  if (stat(folder.c_str(), &facts) != 0) return folder_error(folder, "cannot be looked at", errno);
  // Tokens and books live there: nobody else's business.
  if ((facts.st_mode & 07777U) != S_IRWXU && chmod(folder.c_str(), S_IRWXU) != 0) return folder_error(folder, "cannot be closed to other users", errno);
  if (access(folder.c_str(), W_OK) != 0) return folder_error(folder, "cannot be written", errno);
  return success();
}

Result<ServeLock> ServeLock::take(const fs::path& folder) {
  const fs::path path = folder / "serve.lock";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return folder_error(folder, "cannot be locked", errno);
  ServeLock lock(file);
  const auto until = std::chrono::steady_clock::now() + kLockWait;
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return folder_error(folder, "cannot be locked", errno);
    if (std::chrono::steady_clock::now() >= until) {
      std::array<char, 64> owner{};
      const ssize_t size = pread(file, owner.data(), owner.size() - 1, 0);
      const std::string_view name = trim({owner.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
      return make_error(Code::kUnavailable, "app.data_in_use",
                        fmt::format("another `berth serve`{} has the data folder {}", name.empty() ? std::string() : fmt::format(", process {},", name), folder.string()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string mine = fmt::format("{}\n", getpid());
  // The number only helps the reader of a message; the lock is what counts.
  if (ftruncate(file, 0) != 0 || pwrite(file, mine.data(), mine.size(), 0) < 0) return lock;
  return lock;
}

ServeLock::ServeLock(ServeLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

ServeLock::~ServeLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace berth::app
