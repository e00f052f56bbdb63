#pragma once
// How commands print: results on standard output, everything else on standard error; tables for people, JSON with stable
// keys for programs; exit codes.
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"

namespace berth::cli {

/// Exit codes of every command.
inline constexpr int kFine = 0;
inline constexpr int kFindings = 1;      // findings, or a failed run
inline constexpr int kWrongUsage = 2;
inline constexpr int kEnvironment = 3;   // cannot open, connect, lock
inline constexpr int kBug = 4;

/// Options that every command has.
struct Global {
  std::string config = "berth.yaml";
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  std::vector<std::string> plugin_dirs;
};

/// Standard output, as it is. False where it could not be written; finish_output() says why.
bool print(std::string_view text);
bool flush_output();
void print_line(std::string_view text);
void print_json(const json::Value& value);
void note(const Global& global, std::string_view text);   // standard error, not with --quiet
[[nodiscard]] bool is_terminal_error();
[[nodiscard]] bool is_terminal_output();

/// Standard streams that the caller closed become /dev/null: otherwise a file that is opened later gets such a number, and
/// what is printed goes into it.
void open_standard_streams();
/// Writes out what was printed. `code`, or the error of the output where it could not be written to its end; a reader that
/// has seen enough (`| head`) is none.
[[nodiscard]] int finish_output(int code);

/// "1 company", "2 companies".
[[nodiscard]] std::string counted(std::integral auto count, std::string_view one, std::string_view several) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : several);
}

/// Prints the error with what to do next, and returns the exit code that fits.
int fail(const Global& global, const Error& error);
[[nodiscard]] int exit_code_of(const Error& error);

/// Columns aligned; the first row is the heading. Columns named in `right` are numbers.
class Table {
 public:
  explicit Table(std::vector<std::string> heading, std::vector<std::size_t> right = {});
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool empty() const { return rows_.size() <= 1; }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
};

}  // namespace berth::cli
