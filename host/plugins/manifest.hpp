#pragma once
// The manifest of a plugin, plugin.yaml, and finding plugins in folders. No library is opened here.
//
//   id: zoho_books
//   version: 0.1.0
//   abi: {major: 0, minor: 1}
//   library: libzoho_books.so          # beside this file
//   phases: phases.yaml                # optional
//   mapping: mapping.yaml              # optional
//   reasons: reasons.yaml              # optional: causes and resolutions of its reasons
//   tie_out: {invoice: {…}, …}         # optional: where its remote's answers say what is open (documents/remote_balances.hpp)
//   limits: {memory: 512MiB, cpu: 10m} # optional: of one worker
//   stability: beta                    # optional
//   docs: https://example.com/docs     # optional
//   sha256: 9f2c...                    # of the library; the build adds it
//
// Plain data, any thread. Errors: plugin.manifest_invalid (with file, line and column), plugin.abi_mismatch.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/core/result.hpp"
#include "host/documents/remote_balances.hpp"
#include "host/reasons/reasons.hpp"

namespace berth::plugins {

/// What one worker of the plugin may use.
struct Limits {
  static constexpr std::uint64_t kMemoryMin = 64u << 20u;
  static constexpr std::uint64_t kMemoryMax = 16ull << 30u;
  std::uint64_t memory_bytes = 512u << 20u;  // of address space
  std::chrono::seconds cpu{600};             // of processor time, all calls of the worker together
};

struct Manifest {
  std::string id;       // "zoho_books": lower case letters, digits, underscores
  std::string version;  // "0.1.0"
  std::uint32_t abi_major = 0;
  std::uint32_t abi_minor = 0;
  std::filesystem::path folder;                       // where plugin.yaml lies
  std::filesystem::path library;                      // whole path
  std::optional<std::filesystem::path> phases;        // whole path of the phase file
  std::optional<std::filesystem::path> mapping;       // whole path of the default mapping
  std::shared_ptr<const reasons::File> explained;     // what its reasons mean, or null
  std::optional<std::vector<std::string>> phase_ids;  // those of the phase file, in order; none without a phase file
  std::optional<documents::RemoteBalances> tie_out;
  Limits limits;
  std::string stability;
  std::string docs;
  std::string sha256;  // 64 hex digits as the build wrote them, or empty
};

/// A plugin.yaml that was found: a manifest, or why it is refused.
struct Discovered {
  std::filesystem::path file;
  std::optional<Manifest> manifest;
  std::optional<Error> refusal;
};

/// Reads one plugin.yaml, the ids of its phase file, and its file of reasons.
[[nodiscard]] Result<Manifest> load_manifest(const std::filesystem::path& file);

/// Every plugin.yaml of these folders, and of the folders directly in them, in the order of the folders, then by name.
/// Of two with the same id the first one counts and the other is refused (plugin.duplicate). A folder that cannot be
/// read is listed with its reason (plugin.folder_unreadable). At most kDiscoveredMax.
inline constexpr std::size_t kDiscoveredMax = 1'000;
[[nodiscard]] std::vector<Discovered> discover(std::span<const std::filesystem::path> folders);

/// The manifest's ABI against the host's: while the major is 0 both numbers must be equal, later the major.
/// Errors: plugin.abi_mismatch.
[[nodiscard]] Status check_abi(std::uint32_t major, std::uint32_t minor, std::string_view plugin);

}  // namespace berth::plugins
