#include "host/cli/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/views/explain.hpp"

namespace berth::cli {

namespace {

int output_error = 0;  // the first errno of a write to standard output; commands print on one thread

}  // namespace

bool print(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && output_error == 0) output_error = errno;
  return output_error == 0;
}

bool flush_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  return output_error == 0;
}

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free number is given, and those below are open by now.
    if (open("/dev/null", stream == STDIN_FILENO ? O_RDONLY : O_WRONLY) != stream) return;  // NOLINT: it stays open on purpose
  }
}

int finish_output(int code) {
  if (flush_output() || output_error == EPIPE) return code;
  // Not as JSON: standard output is what does not work.
  const int failed = fail({}, make_error(Code::kEnvironment, "cli.output_failed",
                                         fmt::format("the output could not be written to its end: {}", std::strerror(output_error))));
  return code == kFine ? failed : code;
}

void print_line(std::string_view text) {
  print(text);
  print("\n");
}

void print_json(const json::Value& value) { print_line(json::dump_pretty(value)); }

void note(const Global& global, std::string_view text) {
  if (!global.quiet) fmt::print(stderr, "{}\n", text);
}

bool is_terminal_error() { return isatty(STDERR_FILENO) != 0; }
bool is_terminal_output() { return isatty(STDOUT_FILENO) != 0; }

int exit_code_of(const Error& error) {
  const auto is_of = [&](std::string_view part) { return error.reason.starts_with(part); };
  // Without its vault a command cannot do anything, whether the key's file, its mode or its content is the cause.
  if (is_of("vault.")) return kEnvironment;
  switch (error.code) {
    case Code::kInvalidArgument: return kWrongUsage;
    case Code::kEnvironment:
    case Code::kUnavailable: return kEnvironment;
    case Code::kInternal: return kBug;
    // What the host stands on could not be had as it is configured: no vault key, storage that this version has not.
    case Code::kInvalidConfig:
    case Code::kUnsupported: return is_of("app.") || is_of("storage.") || is_of("server.") ? kEnvironment : kFindings;
    default: return kFindings;
  }
}

int fail(const Global& global, const Error& error) {
  const auto why = views::explain(error.reason);
  if (global.json) {
    json::Value body = json::Value::object({{"code", to_string(error.code)}, {"reason", error.reason}, {"message", error.message}});
    views::add_explanation(body, {.reason = error.reason});
    print_json(json::Value::object({{"error", std::move(body)}}));
  } else {
    fmt::print(stderr, "error[{}]: {}\n", error.reason, error.message);
    if (why) fmt::print(stderr, "  cause: {}\n  do:    {}\n", why->cause, why->resolution);
  }
  return exit_code_of(error);
}

Table::Table(std::vector<std::string> heading, std::vector<std::size_t> right) : right_(std::move(right)) {
  rows_.push_back(std::move(heading));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  // Width in characters, not bytes: names may have umlauts.
  const auto width_of = [](const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
  };
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      const bool is_right = std::find(right_.begin(), right_.end(), i) != right_.end();
      if (i > 0) line += "  ";
      line += is_right ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace berth::cli
