#pragma once
// The file of a plugin's library: opened once, judged and hashed through that one descriptor, which is also what is
// loaded later, so that nothing can be exchanged in between.
//
// Any thread. Errors: plugin.file_missing, plugin.file_unsafe (owner, mode, kind or size), those of library_format.hpp
// (what it is, not where it lies), plugin.untrusted (no pin),
// plugin.changed (the bytes are not those that were pinned).
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "host/core/result.hpp"

namespace berth::plugins {

struct Manifest;

/// An open descriptor; closed at the end unless released.
class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  OpenFile(OpenFile&& other) noexcept : descriptor_(other.release()) {}
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile();
  [[nodiscard]] int get() const { return descriptor_; }
  int release() noexcept;

 private:
  int descriptor_ = -1;
};

struct LibraryFile {
  OpenFile file;
  std::string sha256;
};

inline constexpr std::uint64_t kLibraryBytesMax = 256u << 20u;

/// Opens a library: a regular file of the host's user or root that neither group nor others may write.
[[nodiscard]] Result<LibraryFile> open_library_file(const std::filesystem::path& path, std::string_view plugin);

/// The same, compared with the pin.
[[nodiscard]] Result<LibraryFile> open_pinned_library(const std::filesystem::path& path, std::string_view pin_sha256,
                                                      std::string_view plugin);

/// The hash that `berth plugin trust` pins. Errors besides: plugin.changed where plugin.yaml has another one.
[[nodiscard]] Result<std::string> hash_for_pin(const Manifest& manifest);

}  // namespace berth::plugins
