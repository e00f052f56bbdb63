#include "host/plugins/worker_memory.hpp"

#include <unistd.h>

#include <fcntl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <new>

#include <fmt/format.h>

namespace berth::plugins {

namespace {

constexpr std::string_view kPrefix = "berth worker: memory in use ";
constexpr std::string_view kOf = " of ";
constexpr std::string_view kRefusedBefore = " bytes, more had been refused";
[[maybe_unused]] constexpr std::string_view kPlain = " bytes";  // not in sanitized builds

#ifndef BERTH_SANITIZED
std::atomic<std::uint64_t> limit_of_worker{0};
std::atomic<std::uint64_t> refused_at{0};  // bytes in use when an allocation was first refused
int size_file = -1;                        // /proc/self/statm, open since before the filter

// What follows runs in signal handlers and must not allocate.

std::uint64_t bytes_in_use() {
  char text[64];
  const ssize_t got = pread(size_file, text, sizeof text, 0);
  std::uint64_t pages = 0;
  if (got > 0) std::from_chars(text, text + got, pages);
  return pages * 4096;
}

struct Line {
  std::array<char, 160> text{};
  std::size_t size = 0;
  void put(std::string_view part) {
    const std::size_t count = part.size() < text.size() - size ? part.size() : text.size() - size;
    std::memcpy(text.data() + size, part.data(), count);
    size += count;
  }
  void put(std::uint64_t number) {
    char digits[24];
    const auto [end, failure] = std::to_chars(digits, digits + sizeof digits, number);
    if (failure == std::errc{}) put({digits, static_cast<std::size_t>(end - digits)});
  }
};

/// Notes the use of memory; the signal then has its own effect, because the handler is gone (SA_RESETHAND) and what
/// raised it is tried again.
void on_crash(int) {
  const int saved = errno;
  Line line;
  line.put("\n");
  line.put(kPrefix);
  line.put(bytes_in_use());
  line.put(kOf);
  line.put(limit_of_worker.load());
  line.put(refused_at.load() != 0 ? kRefusedBefore : kPlain);
  line.put("\n");
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.text.data(), line.size);
  errno = saved;
}

void on_refusal() {
  std::uint64_t never = 0;
  refused_at.compare_exchange_strong(never, bytes_in_use());
  throw std::bad_alloc();
}
#endif

}  // namespace

void watch_memory([[maybe_unused]] std::uint64_t limit_bytes) {
#ifndef BERTH_SANITIZED
  limit_of_worker = limit_bytes;
  size_file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  std::set_new_handler(on_refusal);
  // A stack of its own: a plugin may have used up the other one.
  static std::array<char, 16'384> stack_of_handler;
  const stack_t stack{.ss_sp = stack_of_handler.data(), .ss_flags = 0, .ss_size = stack_of_handler.size()};
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT}) sigaction(number, &action, nullptr);
#endif
}

std::string memory_refused_note() {
#ifndef BERTH_SANITIZED
  if (const std::uint64_t in_use = refused_at.load(); in_use != 0)
    return fmt::format("{} of memory were in use when more was refused", in_mebibytes(in_use, limit_of_worker.load()));
#endif
  return {};
}

std::optional<MemoryNote> find_memory_note(std::string_view stderr_text) {
  const auto at = stderr_text.rfind(kPrefix);
  if (at == std::string_view::npos) return std::nullopt;
  MemoryNote note;
  std::string_view rest = stderr_text.substr(at + kPrefix.size());
  const auto take = [&](std::uint64_t& number) {
    const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (failure != std::errc{}) return false;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return true;
  };
  if (!take(note.in_use) || !rest.starts_with(kOf)) return std::nullopt;
  rest.remove_prefix(kOf.size());
  if (!take(note.limit)) return std::nullopt;
  note.was_refused = rest.starts_with(kRefusedBefore);
  return note;
}

std::string in_mebibytes(std::uint64_t in_use, std::uint64_t limit) {
  return fmt::format("{} of {} MiB", in_use >> 20u, limit >> 20u);
}

}  // namespace berth::plugins
