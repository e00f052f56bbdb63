#include "host/plugins/library_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "host/plugins/library_format.hpp"
#include "host/plugins/manifest.hpp"

namespace berth::plugins {

namespace {

Error unsafe(std::string_view plugin, const std::filesystem::path& path, std::string_view why) {
  return make_error(Code::kForbidden, "plugin.file_unsafe",
                    fmt::format("the library of plugin {} is not loaded: {} {}", plugin, path.string(), why));
}

Error changed(std::string_view plugin, std::string_view found, std::string_view expected, std::string_view by) {
  return make_error(Code::kForbidden, "plugin.changed",
                    fmt::format("the library of plugin {} has sha256 {}, {} {}", plugin, found, by, expected));
}

Result<std::string> read_all(int descriptor, std::size_t size, std::string_view plugin,
                             const std::filesystem::path& path) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(descriptor, bytes.data() + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return unsafe(plugin, path, "cannot be read to its end");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = other.release();
  }
  return *this;
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

int OpenFile::release() noexcept {
  return std::exchange(descriptor_, -1);
}

Result<LibraryFile> open_library_file(const std::filesystem::path& path, std::string_view plugin) {
  // O_NONBLOCK: a pipe in that place must not block the host; it is refused below.
  OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    return make_error(
        Code::kEnvironment, "plugin.file_missing",
        fmt::format("cannot open {}, the library of plugin {}: {}", path.string(), plugin, std::strerror(errno)));
  }
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return unsafe(plugin, path, "cannot be looked at");
  if (!S_ISREG(facts.st_mode)) return unsafe(plugin, path, "is not a regular file");
  if (facts.st_uid != geteuid() && facts.st_uid != 0) {
    return unsafe(
        plugin, path,
        fmt::format("belongs to user {}, neither to the host's user {} nor to root", facts.st_uid, geteuid()));
  }
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return unsafe(
        plugin, path,
        fmt::format("may be written by others than its owner (mode {:o}); chmod go-w helps", facts.st_mode & 07777u));
  }
  if (facts.st_size <= 0 || static_cast<std::uint64_t>(facts.st_size) > kLibraryBytesMax) {
    return unsafe(plugin, path, fmt::format("has {} bytes; from 1 to {} are taken", facts.st_size, kLibraryBytesMax));
  }
  const std::string bytes = BERTH_TRY(read_all(file.get(), static_cast<std::size_t>(facts.st_size), plugin, path));
  BERTH_CHECK(check_library_format(bytes, path, plugin));
  return LibraryFile{std::move(file), sha256_hex(bytes)};
}

Result<LibraryFile> open_pinned_library(const std::filesystem::path& path, std::string_view pin_sha256,
                                        std::string_view plugin) {
  LibraryFile library = BERTH_TRY(open_library_file(path, plugin));
  if (pin_sha256.empty()) {
    return make_error(Code::kForbidden, "plugin.untrusted",
                      fmt::format("plugin {} is not trusted yet; `berth plugin trust {}` pins sha256 {}", plugin,
                                  plugin, library.sha256));
  }
  if (lower_ascii(pin_sha256) != library.sha256) return changed(plugin, library.sha256, pin_sha256, "trusted is");
  return library;
}

Result<std::string> hash_for_pin(const Manifest& manifest) {
  LibraryFile library = BERTH_TRY(open_library_file(manifest.library, manifest.id));
  if (!manifest.sha256.empty() && manifest.sha256 != library.sha256) {
    return changed(manifest.id, library.sha256, manifest.sha256, "plugin.yaml says");
  }
  return std::move(library.sha256);
}

}  // namespace berth::plugins
