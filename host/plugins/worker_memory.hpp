#pragma once
// Memory of a worker process: what it holds when it is refused more or dies, as a line on its standard error.
//
// A plugin that leaks ends in one of three ways: std::bad_alloc, abort() because nobody caught that, or a write through
// a null pointer because nobody looked at malloc's answer. Only the first one says what happened; so the worker itself
// notes how much of its address space was in use. The line is for people and for the host, which reads it back; a
// plugin can forge it and fools nobody but its own author.
// Worker process only, main thread, before code of a plugin runs; afterwards signal handlers and any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::plugins {

/// Notes refused allocations and the use of memory at a crash from now on. Not in sanitizer builds, which look at crashes
/// themselves.
void watch_memory(std::uint64_t limit_bytes);
/// "251 of 256 MiB of memory were in use when more was refused"; empty while nothing was refused.
[[nodiscard]] std::string memory_refused_note();

/// What a worker noted of its memory when it crashed.
struct MemoryNote {
  std::uint64_t in_use = 0;  // bytes of address space at the end
  std::uint64_t limit = 0;
  bool was_refused = false;  // an allocation had been refused before
};
/// The last note in the text of a worker's standard error.
[[nodiscard]] std::optional<MemoryNote> find_memory_note(std::string_view stderr_text);
/// "251 of 256 MiB".
[[nodiscard]] std::string in_mebibytes(std::uint64_t in_use, std::uint64_t limit);

}  // namespace berth::plugins
