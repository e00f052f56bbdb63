#pragma once
// What fuzz targets share: the list of them, checks that end the program, and a reader that cuts an input into pieces.
//
// A target is a function over bytes that somebody else made up. It calls the product as a caller would, and checks what
// must hold whatever the bytes are. Under libFuzzer (tests/fuzz/main.cpp) it runs over inputs that grow by coverage; in
// the unit tests (replay_test.cpp) over the files of corpus/ and regressions/. Targets keep no state between inputs but
// tables that never change, so that an input that fails fails again by itself.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth::fuzz {

// One name a file of targets/, and a folder of corpus/.
#define BERTH_FUZZ_TARGETS(X) \
  X(conditions)               \
  X(dates)                    \
  X(decimal)                  \
  X(exact_json)               \
  X(gzip)                     \
  X(hledger_export)           \
  X(mapping_expression)       \
  X(oauth_callback)           \
  X(phase_file)               \
  X(remote_answer)            \
  X(url)                      \
  X(worker_frames)            \
  X(worker_session)           \
  X(yaml_config)

#define BERTH_FUZZ_DECLARE(name) void fuzz_##name(std::string_view input);
BERTH_FUZZ_TARGETS(BERTH_FUZZ_DECLARE)
#undef BERTH_FUZZ_DECLARE

struct Target {
  std::string_view name;
  void (*run)(std::string_view input);
};
#define BERTH_FUZZ_ENTRY(name) Target{#name, &fuzz_##name},
inline constexpr std::array kTargets = {BERTH_FUZZ_TARGETS(BERTH_FUZZ_ENTRY)};
#undef BERTH_FUZZ_ENTRY

/// Says what does not hold and aborts; libFuzzer keeps the input then, doctest names the case.
[[noreturn]] void fail(const char* file, int line, const char* what, const std::string& seen);

/// Cuts an input from the front; empty or zero where nothing is left.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  std::uint8_t byte();
  /// Up to the next line end, without it.
  std::string_view line();
  /// Up to the next line that is just "%%", without it.
  std::string_view section();
  std::string_view bytes(std::size_t count);
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// A file of this repository.
[[nodiscard]] std::string repository_file(std::string_view path);

/// Text that may stand in a log line and on a terminal: UTF-8 without control characters.
[[nodiscard]] bool is_one_line(std::string_view text);

}  // namespace berth::fuzz

// FUZZ_CHECK(condition, text): `text` (a std::string) is what was seen; it is made only when the condition is false.
#define FUZZ_CHECK(condition, ...)                                                                 \
  do {                                                                                             \
    if (!(condition)) berth::fuzz::fail(__FILE__, __LINE__, #condition, std::string(__VA_ARGS__)); \
  } while (false)
