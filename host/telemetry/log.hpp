#pragma once
// The structured log: a message that never changes, and fields. One JSON object per line, or readable lines for people.
//
//   log.info("phase ended", {{"integration", id}, {"phase", "invoices"}, {"listed", 200}});
//   {"time":"2026-05-21T12:41:30.250Z","level":"info","message":"phase
//   ended","integration":"zoho_acme","phase":"invoices","listed":200} const auto run_log = log.with({{"run", run_id}});
//   // every line of run_log has the field
//
// Log is a cheap handle to be copied; a default one writes nothing. Any thread may log. Writing never fails for the
// caller: a line that a sink could not write is counted (Sink::lost). A Secret cannot be a field: it does not compile.
// Limits: message and text fields are cut at kFieldBytesMax.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"

namespace berth::telemetry {

constexpr std::size_t kFieldBytesMax = 16u << 10u;

enum class Level { kDebug, kInfo, kWarning, kError };
/// "debug", "info", "warning", "error".
[[nodiscard]] std::string_view to_string(Level level);

/// A named value of a line: text, whole number or boolean.
struct Field {
  using Value = std::variant<std::string, std::int64_t, bool>;
  Field(std::string field_key, std::string field_value) : key(std::move(field_key)), value(std::move(field_value)) {}
  Field(std::string field_key, std::string_view field_value)
      : key(std::move(field_key)), value(std::string(field_value)) {}
  Field(std::string field_key, const char* field_value) : key(std::move(field_key)), value(std::string(field_value)) {}
  Field(std::string field_key, bool field_value) : key(std::move(field_key)), value(field_value) {}
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Field(std::string field_key, T field_value)
      : key(std::move(field_key)), value(static_cast<std::int64_t>(field_value)) {}
  Field(std::string field_key, double) = delete;         // no amount is ever a double
  Field(std::string field_key, const Secret&) = delete;  // a secret never reaches a log

  std::string key;
  Value value;
};

struct Entry {
  Instant time;
  Level level = Level::kInfo;
  std::string message;
  std::vector<Field> fields;
};
/// One line of JSON without its end. A key that comes twice keeps its last value.
[[nodiscard]] std::string to_json_line(const Entry& entry);
/// "12:41:30 warning  quota is nearly spent  left=12 of=1000": for a terminal; control characters are escaped.
[[nodiscard]] std::string to_human_line(const Entry& entry);

/// Where lines go. write() may be called by any thread.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Entry& entry) = 0;
  /// Lines that could not be written.
  [[nodiscard]] virtual std::uint64_t lost() const { return 0; }
};

enum class Format { kJson, kHuman };
std::shared_ptr<Sink> make_stderr_sink(Format format);
struct FileSinkOptions {
  std::string path;  // its folder must exist; mode 0600
  Format format = Format::kJson;
  std::size_t file_bytes_max = 64u << 20u;  // then path is renamed to path.1 and so on
  std::size_t files_max = 5;
};
/// Errors: telemetry.log_file.
Result<std::shared_ptr<Sink>> make_file_sink(const FileSinkOptions& options);

/// Keeps entries, for tests.
class MemorySink final : public Sink {
 public:
  void write(const Entry& entry) override;
  [[nodiscard]] std::vector<Entry> entries() const;
  /// All entries as JSON lines.
  [[nodiscard]] std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

class Log {
 public:
  Log() = default;  // writes nothing
  /// `clock` must outlive every copy.
  Log(std::shared_ptr<Sink> sink, const Clock& clock, Level least = Level::kInfo);

  [[nodiscard]] Log with(std::initializer_list<Field> fields) const;
  [[nodiscard]] bool enabled(Level level) const { return sink_ != nullptr && level >= least_; }

  void debug(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::kDebug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::kInfo, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::kWarning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) const {
    write(Level::kError, message, fields);
  }
  /// An Error as fields code, reason and error.
  void error(std::string_view message, const Error& error, std::initializer_list<Field> fields = {}) const;
  void write(Level level, std::string_view message, std::span<const Field> fields) const;
  void write(Level level, std::string_view message, std::initializer_list<Field> fields) const;

 private:
  std::shared_ptr<Sink> sink_;
  const Clock* clock_ = nullptr;
  Level least_ = Level::kInfo;
  std::vector<Field> bound_;
};

}  // namespace berth::telemetry
