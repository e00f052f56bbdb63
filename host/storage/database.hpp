#pragma once
// The database behind everything: connections, transactions, migrations. Repositories (records.hpp, integrations.hpp,
// ...) are written once, in SQL that both engines share, over Connection.
//
//   BERTH_CHECK(database.write("record.post", [&](storage::Connection& c) -> Status {
//     BERTH_CHECK(c.execute("UPDATE record SET state = ? WHERE id = ?", {"posted", id}));
//     return success();                                               // commits; an Error rolls back
//   }));
//
// In SQL, exact_sum(x) adds integers up however many there are, 0 for none; CAST(exact_sum(x) AS TEXT) is read by
// MoneyTotal::parse_minor. SUM(x) is for what is known to fit 64 bits; beyond them SQLite fails the statement.
//
// Threads: Database may be used by any thread; a Connection belongs to the thread and the call that got it. One writer
// at a time per database file; write() waits for its turn up to the busy limit. Errors: storage.busy (another process
// kept the lock), storage.full (disk), storage.read_only, storage.damaged, storage.newer (made by a newer Berth),
// storage.unique (a unique key was violated), storage.refused (a constraint or trigger said no; its text is the
// message), storage.migration_changed (made by another build), storage.text_with_nul (a text parameter with a NUL
// byte), storage.failed (anything else).
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/core/durable_write.hpp"
#include "host/core/result.hpp"
#include "host/core/secret.hpp"
#include "host/core/time.hpp"

namespace berth::storage {

/// Bytes of a BLOB column (text columns are std::string; text with a NUL byte is refused at bind).
struct Blob {
  std::string bytes;
};

using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;

/// A parameter of a statement; converts from what people write. A text that is not given away (std::move, a temporary
/// std::string) is only referred to and has to outlive the statement, as it does in a list in the call; so has a literal.
class Parameter {
 public:
  Parameter(std::nullptr_t) {}  // NOLINT
  template <class T>
  requires std::is_integral_v<T> Parameter(T value) : value_(static_cast<std::int64_t>(value)) {}  // NOLINT
  Parameter(const char* value) : value_(std::string_view(value)) {}                                // NOLINT
  Parameter(std::string_view value) : value_(value) {}                                             // NOLINT
  Parameter(const std::string& value) : value_(std::string_view(value)) {}                         // NOLINT
  Parameter(std::string&& value) : value_(std::move(value)) {}                                     // NOLINT
  Parameter(Blob value) : value_(std::move(value)) {}                                              // NOLINT
  Parameter(Instant value) : value_(value.unix_ms) {}                                              // NOLINT
  // Defined in the .cpp: in line, GCC 12 sees members of the variant "maybe uninitialized" wherever one is moved.
  Parameter(const Parameter& other);
  Parameter(Parameter&& other) noexcept;
  Parameter& operator=(const Parameter& other);
  Parameter& operator=(Parameter&& other) noexcept;
  ~Parameter();
  using Held = std::variant<std::monostate, std::int64_t, std::string_view, std::string, Blob>;
  [[nodiscard]] const Held& value() const { return value_; }

 private:
  Held value_;
};

/// One row of an answer; columns from 0. Asking for another type than is there gives 0 or "".
class Row {
 public:
  explicit Row(std::vector<Value> columns) : columns_(std::move(columns)) {}
  [[nodiscard]] bool is_null(std::size_t column) const {
    return std::holds_alternative<std::monostate>(columns_.at(column));
  }
  [[nodiscard]] bool is_integer(std::size_t column) const { return std::holds_alternative<std::int64_t>(columns_.at(column)); }
  [[nodiscard]] bool is_bytes(std::size_t column) const { return std::holds_alternative<Blob>(columns_.at(column)); }
  [[nodiscard]] std::int64_t integer(std::size_t column) const;
  [[nodiscard]] const std::string& text(std::size_t column) const;
  [[nodiscard]] const std::string& bytes(std::size_t column) const;
  [[nodiscard]] Instant instant(std::size_t column) const { return {integer(column)}; }
  [[nodiscard]] bool boolean(std::size_t column) const { return integer(column) != 0; }

 private:
  std::vector<Value> columns_;
};
using Rows = std::vector<Row>;

class Connection {
 public:
  virtual ~Connection() = default;
  /// Parameters are "?" in order. Returns the number of rows changed.
  virtual Result<std::int64_t> execute(std::string_view sql, std::span<const Parameter> parameters) = 0;
  virtual Result<Rows> query(std::string_view sql, std::span<const Parameter> parameters) = 0;
  /// Row by row, for large answers; the visitor returns false to stop.
  virtual Status each(std::string_view sql, std::span<const Parameter> parameters,
                      const std::function<bool(const Row&)>& visit) = 0;

  Result<std::int64_t> execute(std::string_view sql, std::initializer_list<Parameter> parameters = {}) {
    return execute(sql, std::span<const Parameter>(parameters.begin(), parameters.size()));
  }
  Result<Rows> query(std::string_view sql, std::initializer_list<Parameter> parameters = {}) {
    return query(sql, std::span<const Parameter>(parameters.begin(), parameters.size()));
  }
  Status each(std::string_view sql, std::initializer_list<Parameter> parameters,
              const std::function<bool(const Row&)>& visit) {
    return each(sql, std::span<const Parameter>(parameters.begin(), parameters.size()), visit);
  }
  Status each(std::string_view sql, const std::vector<Parameter>& parameters,
              const std::function<bool(const Row&)>& visit) {
    return each(sql, std::span<const Parameter>(parameters), visit);
  }
  /// The time that all who use this database agree on: the server's own where there is one, as of now; `of_machine` where
  /// all are on one machine, or the clock is a test's. Within a transaction.
  [[nodiscard]] virtual Instant shared_now(Instant of_machine) const { return of_machine; }
  /// How far that time is ahead of this machine's clock. It moves only where the two have drifted apart by half a second, so
  /// that a moment that is told and read again does not tremble.
  [[nodiscard]] virtual std::chrono::milliseconds shared_ahead() const { return std::chrono::milliseconds(0); }
  /// The first row, or nothing.
  Result<std::optional<Row>> first(std::string_view sql, std::initializer_list<Parameter> parameters = {}) {
    return first_row(sql, std::span<const Parameter>(parameters.begin(), parameters.size()));
  }

 protected:
  /// For engines that have a shorter way than each().
  virtual Result<std::optional<Row>> first_row(std::string_view sql, std::span<const Parameter> parameters);
};

class Database {
 public:
  virtual ~Database() = default;
  /// Runs `work` in one write transaction; commits when it returns success, rolls back otherwise. Not re-entrant. The name is
  /// that of this write alone (durable_write.hpp).
  virtual Status write(WriteName name, const std::function<Status(Connection&)>& work) = 0;
  /// Runs `work` on one consistent snapshot; writes are refused.
  virtual Status read(const std::function<Status(Connection&)>& work) = 0;
  /// "sqlite" or "postgresql".
  [[nodiscard]] virtual std::string_view engine() const = 0;
  /// Integrity of the engine's own structures: findings, empty when sound.
  virtual Result<std::vector<std::string>> check() = 0;
  /// Everything that is committed now, in a new file that this call makes: a database of its own, to try something in. What
  /// is written to the copy is not made durable. Nobody waits meanwhile, neither writers nor readers.
  virtual Result<std::unique_ptr<Database>> copy_to(const std::string& path, const Clock& clock) = 0;
  /// Where copies of it belong: beside its file, or in the folder that the engine was told.
  [[nodiscard]] virtual std::string folder() const = 0;
  /// Bytes that it takes, about.
  virtual Result<std::uint64_t> size() = 0;
};

struct SqliteOptions {
  std::string path;  // the file; its folder must exist
  std::size_t readers_max = 4;
  std::chrono::milliseconds busy_limit{10000};
  bool is_durable = true;   // false: for a copy that is thrown away; commits do not wait for the disk
};
/// Opens or creates the file (mode 0600, WAL, synchronous=FULL, foreign keys on) and migrates it. A file that is there and
/// empty is storage.damaged: making a new database of it would hide that the books are gone.
Result<std::unique_ptr<Database>> open_sqlite(const SqliteOptions& options, const Clock& clock);

struct PostgresqlOptions {
  std::string url;  // postgresql://user@host:5432/name
  Secret password{};
  std::string folder = ".";  // for copies, which are files
  bool is_time_of_server = true;  // shared_now(); false: the clocks of those who use it are one clock, as in tests
  std::size_t readers_max = 4;
  std::chrono::milliseconds busy_limit{10000};
};
/// Connects and migrates. The database must exist and be encoded in UTF-8. Several hosts may use it at once. The clock, by
/// which the machine's own is compared with the server's, outlives the database.
Result<std::unique_ptr<Database>> open_postgresql(const PostgresqlOptions& options, const Clock& clock);

}  // namespace berth::storage
