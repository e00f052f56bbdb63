#include "host/storage/sqlite/session.hpp"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/Session.h>
#include <Poco/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "host/core/text.hpp"
#include "host/storage/sqlite/errors.hpp"
#include "host/storage/sqlite/exact_sum.hpp"

namespace berth::storage {
namespace {

constexpr std::size_t kSqlShown = 120;

std::string doing(std::string_view sql) {
  return "running \"" + shortened(trim(sql), kSqlShown) + "\"";
}

Value read_column(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return std::monostate{};
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return Blob{bytes == nullptr ? std::string() : std::string(bytes, size)};
    }
    default: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return text == nullptr ? std::string() : std::string(text, size);
    }
  }
}

Row read_row(sqlite3_stmt* statement) {
  const int count = sqlite3_column_count(statement);
  std::vector<Value> columns;
  columns.reserve(static_cast<std::size_t>(count));
  for (int column = 0; column < count; ++column) columns.push_back(read_column(statement, column));
  return Row(std::move(columns));
}

}  // namespace

struct SqliteSession::PocoSession {
  Poco::Data::Session session;
};

void SqliteSession::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

/// A statement in use: taken out of the cache, given back reset. A nested use of the same text gets its own.
class SqliteSession::Use {
 public:
  Use(SqliteSession& session, Cache::node_type entry) : session_(session), entry_(std::move(entry)) {}
  ~Use() { session_.give_back(std::move(entry_)); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  [[nodiscard]] sqlite3_stmt* get() const { return entry_.mapped().get(); }

 private:
  SqliteSession& session_;
  Cache::node_type entry_;
};

SqliteSession::SqliteSession(std::unique_ptr<PocoSession> session, sqlite3* handle)
    : session_(std::move(session)), handle_(handle) {}

SqliteSession::~SqliteSession() {
  cache_.clear();  // SQLite keeps a session open while it has statements
}

Result<std::unique_ptr<SqliteSession>> SqliteSession::open(const std::string& path,
                                                           std::chrono::milliseconds busy_limit, bool reader) {
  try {
    static std::once_flag registered;
    std::call_once(registered, [] {
      // A session is used by one thread at a time, and nobody asks SQLite how much memory it has: without both it takes no
      // lock for every call and every allocation. Refused where SQLite is in use already, which costs time and nothing else.
      sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
      sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
      Poco::Data::SQLite::Connector::registerConnector();
    });
    // Poco tries a file that does not open again and again until this time is over, 60 seconds if nothing is said.
    constexpr std::size_t kOpenSeconds = 1;
    auto poco = std::make_unique<PocoSession>(PocoSession{Poco::Data::Session("SQLite", path, kOpenSeconds)});
    sqlite3* handle = Poco::Data::SQLite::Utility::dbHandle(poco->session);
    if (handle == nullptr) return make_error(Code::kInternal, "storage.failed", "SQLite gave no handle for " + path);
    std::unique_ptr<SqliteSession> session(new SqliteSession(std::move(poco), handle));
    sqlite3_busy_timeout(handle, static_cast<int>(busy_limit.count()));
    sqlite3_extended_result_codes(handle, 1);
    BERTH_CHECK(add_exact_sum(handle));
    BERTH_CHECK(
        session->run_script("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; "
                            "PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864;"));
    // A transaction changes a few hundred to a few thousand pages. With less cache they would be written twice, and with
    // SQLite's own 1000 pages between two checkpoints the pages that every transaction changes would be, too. A reader
    // looks up a row here and there.
    BERTH_CHECK(session->run_script(reader ? "PRAGMA query_only = ON; PRAGMA cache_size = -1024;"
                                           : "PRAGMA journal_mode = WAL; PRAGMA cache_size = -6144; PRAGMA wal_autocheckpoint = 4000;"));
    return session;
  } catch (const Poco::Exception& exception) {
    return make_error(Code::kEnvironment, "storage.failed",
                      "the database " + path + " cannot be opened: " + exception.message());
  } catch (const std::exception& exception) {
    return make_error(Code::kEnvironment, "storage.failed",
                      "the database " + path + " cannot be opened: " + exception.what());
  }
}

std::size_t SqliteSession::TextHash::operator()(std::string_view text) const {
  constexpr std::size_t kSample = 16;
  if (text.size() < 4 * kSample) return std::hash<std::string_view>()(text);
  std::array<char, 4 * kSample> sample;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by copy
  auto out = sample.begin();
  for (std::size_t i = 0; i < 4; ++i) {
    const auto from = text.begin() + static_cast<std::ptrdiff_t>(i * (text.size() - kSample) / 3);
    out = std::copy(from, from + kSample, out);
  }
  return std::hash<std::string_view>()({sample.data(), sample.size()}) ^ (text.size() * 0x9E3779B97F4A7C15U);
}

Error SqliteSession::last_error(std::string_view what) const {
  const char* path = sqlite3_db_filename(handle_, "main");
  return sqlite_error({.extended = sqlite3_extended_errcode(handle_),
                       .message = sqlite3_errmsg(handle_),
                       .system = sqlite3_system_errno(handle_),
                       .path = path == nullptr ? std::string() : std::string(path)},
                      what);
}

bool SqliteSession::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Status SqliteSession::copy_to(const std::string& path) {
  // Not a session of its own: in one with a write-ahead log every page would be written twice.
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  const std::unique_ptr<sqlite3, Close> target(raw);
  const auto failed = [&] {
    return sqlite_error({.extended = sqlite3_extended_errcode(target.get()),
                         .message = sqlite3_errmsg(target.get()),
                         .system = sqlite3_system_errno(target.get()),
                         .path = path},
                        "copying the database");
  };
  if (opened != SQLITE_OK) return failed();
  if (sqlite3_exec(target.get(), "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", nullptr, nullptr, nullptr) != SQLITE_OK) return failed();
  sqlite3_backup* backup = sqlite3_backup_init(target.get(), "main", handle_, "main");
  if (backup == nullptr) return failed();
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE && finished == SQLITE_OK) return make_error(Code::kUnavailable, "storage.busy", "the database could not be copied while others wrote to it");
  if (finished != SQLITE_OK) return failed();
  return success();
}

Status SqliteSession::run_script(std::string_view sql) {
  if (sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return last_error(doing(sql));
  return success();
}

Result<SqliteSession::Cache::node_type> SqliteSession::take(std::string_view sql) {
  if (const auto found = cache_.find(sql); found != cache_.end()) return cache_.extract(found);
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const std::string text(sql);
  const int code = sqlite3_prepare_v3(handle_, text.c_str(), static_cast<int>(text.size() + 1), SQLITE_PREPARE_PERSISTENT,
                                      &raw, &tail);
  Statement statement(raw);
  if (code != SQLITE_OK) return last_error(doing(sql));
  if (raw == nullptr || !trim(tail).empty()) {
    return make_error(Code::kInternal, "storage.failed", "Not exactly one statement: " + doing(sql));
  }
  Cache one;
  return one.extract(one.emplace(text, std::move(statement)).first);
}

void SqliteSession::give_back(Cache::node_type entry) {
  sqlite3_reset(entry.mapped().get());
  sqlite3_clear_bindings(entry.mapped().get());
  // All texts are constants of the code or vary in a few lengths of lists, so emptying it is rare and cheap.
  if (cache_.size() >= kCachedStatementsMax) cache_.clear();
  cache_.insert(std::move(entry));  // where a nested use of the same text came back first, this one is finalized
}

Status SqliteSession::bind(sqlite3_stmt* statement, std::span<const Parameter> parameters) {
  const auto wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(statement));
  if (wanted != parameters.size()) {
    return make_error(Code::kInternal, "storage.failed",
                      "A statement wants " + std::to_string(wanted) + " parameters and got " +
                          std::to_string(parameters.size()) + ": " + doing(sqlite3_sql(statement)));
  }
  int place = 0;
  for (const auto& parameter : parameters) {
    ++place;
    const Parameter::Held& value = parameter.value();
    const auto* owned = std::get_if<std::string>(&value);
    const std::string_view seen = owned == nullptr ? std::string_view() : std::string_view(*owned);
    const auto* text = owned == nullptr ? std::get_if<std::string_view>(&value) : &seen;
    int code = SQLITE_OK;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      code = sqlite3_bind_int64(statement, place, *number);
    } else if (text != nullptr) {
      // Text with a NUL byte would come back cut from other engines and tools.
      if (text->find('\0') != std::string_view::npos) {
        return make_error(
            Code::kInvalidArgument, "storage.text_with_nul",
            "Parameter " + std::to_string(place) + " has a NUL byte in its text: " + doing(sqlite3_sql(statement)));
      }
      // Without an address it would be NULL, which an empty text is not.
      code = sqlite3_bind_text64(statement, place, text->empty() ? "" : text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      code = sqlite3_bind_blob64(statement, place, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
    } else {
      code = sqlite3_bind_null(statement, place);
    }
    if (code != SQLITE_OK) return last_error(doing(sqlite3_sql(statement)));
  }
  return success();
}

Status SqliteSession::each(std::string_view sql, std::span<const Parameter> parameters,
                           const std::function<bool(const Row&)>& visit) {
  const Use use(*this, BERTH_TRY(take(sql)));
  BERTH_CHECK(bind(use.get(), parameters));
  for (;;) {
    const int code = sqlite3_step(use.get());
    if (code == SQLITE_DONE) return success();
    if (code != SQLITE_ROW) return last_error(doing(sql));
    if (!visit(read_row(use.get()))) return success();
  }
}

Result<Rows> SqliteSession::query(std::string_view sql, std::span<const Parameter> parameters) {
  Rows rows;
  bool too_many = false;
  BERTH_CHECK(each(sql, parameters, [&](const Row& row) {
    too_many = rows.size() >= kQueryRowsMax;
    if (!too_many) rows.push_back(row);
    return !too_many;
  }));
  if (too_many)
    return make_error(Code::kInternal, "storage.failed",
                      "More than " + std::to_string(kQueryRowsMax) + " rows " + doing(sql));
  return rows;
}

Result<std::int64_t> SqliteSession::execute(std::string_view sql, std::span<const Parameter> parameters) {
  const auto before = sqlite3_total_changes64(handle_);
  BERTH_CHECK(each(sql, parameters, [](const Row&) { return true; }));
  // sqlite3_changes keeps the number of an earlier statement where this one changed nothing at all.
  return sqlite3_total_changes64(handle_) == before ? 0 : static_cast<std::int64_t>(sqlite3_changes64(handle_));
}

}  // namespace berth::storage
