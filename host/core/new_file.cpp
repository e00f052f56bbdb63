#include "host/core/new_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "host/core/descriptor.hpp"

namespace berth {
namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

std::error_code write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? last_error() : std::make_error_code(std::errc::io_error);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

std::error_code make_new_file(WriteName name, const std::string& path, std::string_view bytes, mode_t mode) {
  const DurableWrite durable(name);
  struct stat facts = {};
  if (::lstat(path.c_str(), &facts) == 0) return std::make_error_code(std::errc::file_exists);
  std::string made = path + ".new-XXXXXX";
  const Descriptor file(::mkostemp(made.data(), O_CLOEXEC));  // mode 0600, whatever the process's mask
  if (file.get() < 0) return last_error();
  const struct Remove {
    const std::string& path;
    ~Remove() { ::unlink(path.c_str()); }
  } remove{made};
  if (const std::error_code failure = write_all(file.get(), bytes)) return failure;
  if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) return last_error();
  durable.is_written();
  // Unlike rename(), link() takes no name that is in use.
  if (::link(made.c_str(), path.c_str()) != 0) return last_error();
  // Without its folder on disk a new file may be gone after a power cut.
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const Descriptor folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) {
    const std::error_code failure = last_error();
    ::unlink(path.c_str());
    return failure;
  }
  durable.is_durable();
  return {};
}

}  // namespace berth
