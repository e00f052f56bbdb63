#include "host/plugins/library_format.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "berth/abi/abi.h"

namespace berth::plugins {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "name this machine's ELF number"
#endif

/// Names of the machines that Linux servers are, for messages.
std::string machine_name(Elf64_Half machine) {
  switch (machine) {
    case EM_386: return "x86, 32 bit";
    case EM_X86_64: return "x86-64";
    case EM_ARM: return "ARM, 32 bit";
    case EM_AARCH64: return "ARM, 64 bit";
    case EM_PPC64: return "POWER";
    case EM_S390: return "IBM Z";
    case EM_RISCV: return "RISC-V";
    default: return fmt::format("machine {}", machine);
  }
}

/// Copied out: the file's structures need not be aligned.
template <class T>
bool read_at(std::string_view bytes, std::uint64_t offset, T& into) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&into, bytes.data() + offset, sizeof(T));
  return true;
}

/// The last byte that the headers speak of; saturates, so that wild numbers are only large.
std::uint64_t size_by_headers(std::string_view bytes, const Elf64_Ehdr& header) {
  const auto end = [](std::uint64_t offset, std::uint64_t size) { return offset > UINT64_MAX - size ? UINT64_MAX : offset + size; };
  std::uint64_t size = end(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part = {};
    if (!read_at(bytes, end(header.e_phoff, i * sizeof part), part)) return UINT64_MAX;
    if (part.p_type == PT_LOAD) size = std::max(size, end(part.p_offset, part.p_filesz));
  }
  return size;
}

}  // namespace

// elf(5). Only what decides whether it is worth asking the loader.
Status check_library_format(std::string_view bytes, const std::filesystem::path& path, std::string_view plugin) {
  const auto refuse = [&](std::string_view reason, std::string_view why) {
    return make_error(Code::kInvalidConfig, std::string(reason), fmt::format("the library of plugin {}, {}, {}", plugin, path.string(), why));
  };
  Elf64_Ehdr header = {};
  if (!bytes.starts_with(std::string_view(ELFMAG, SELFMAG))) return refuse("plugin.not_library", "is not a shared library");
  if (!read_at(bytes, 0, header)) return refuse("plugin.truncated", fmt::format("ends after {} bytes, within its header", bytes.size()));
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != kMachine) {
    return refuse("plugin.other_machine",
                  fmt::format("is built for {}{}, this machine is {}", machine_name(header.e_machine), header.e_ident[EI_CLASS] == ELFCLASS64 ? "" : " (32 bit)", machine_name(kMachine)));
  }
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr)) return refuse("plugin.not_library", "is not a shared library");
  if (const std::uint64_t size = size_by_headers(bytes, header); size > bytes.size()) {
    return refuse("plugin.truncated", fmt::format("has {} bytes, but its header speaks of {}", bytes.size(), size == UINT64_MAX ? "more" : std::to_string(size)));
  }
  // What does not even contain the name cannot export it; that it is exported is looked at when it is loaded.
  if (bytes.find(BERTH_ENTRY_SYMBOL) == std::string_view::npos) {
    return refuse("plugin.no_entry", fmt::format("does not export {}: it is no plugin of Berth", BERTH_ENTRY_SYMBOL));
  }
  return success();
}

}  // namespace berth::plugins
