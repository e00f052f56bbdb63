#pragma once
// Whether a file can be a plugin's library at all, judged by its ELF header before the system's loader maps it: a file that
// was copied halfway ends the loader with SIGBUS, and for others its words are of little help.
//
// Errors: plugin.not_library, plugin.other_machine, plugin.truncated, plugin.no_entry. Any thread, no state.
#include <filesystem>
#include <string_view>

#include "host/core/result.hpp"

namespace berth::plugins {

/// `bytes` is the whole file.
Status check_library_format(std::string_view bytes, const std::filesystem::path& path, std::string_view plugin);

}  // namespace berth::plugins
