#include "host/storage/sqlite/session.hpp"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/Session.h>
#include <Poco/Exception.h>
#include <sqlite3.h>

#include <mutex>

#include "host/core/text.hpp"
#include "host/storage/sqlite/errors.hpp"

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
  Use(SqliteSession& session, std::string sql, Statement statement)
      : session_(session), sql_(std::move(sql)), statement_(std::move(statement)) {}
  ~Use() { session_.give_back(std::move(sql_), std::move(statement_)); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  [[nodiscard]] sqlite3_stmt* get() const { return statement_.get(); }

 private:
  SqliteSession& session_;
  std::string sql_;
  Statement statement_;
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
    std::call_once(registered, [] { Poco::Data::SQLite::Connector::registerConnector(); });
    auto poco = std::make_unique<PocoSession>(PocoSession{Poco::Data::Session("SQLite", path)});
    sqlite3* handle = Poco::Data::SQLite::Utility::dbHandle(poco->session);
    if (handle == nullptr) return make_error(Code::kInternal, "storage.failed", "SQLite gave no handle for " + path);
    std::unique_ptr<SqliteSession> session(new SqliteSession(std::move(poco), handle));
    sqlite3_busy_timeout(handle, static_cast<int>(busy_limit.count()));
    sqlite3_extended_result_codes(handle, 1);
    BERTH_CHECK(
        session->run_script("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; "
                            "PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864;"));
    BERTH_CHECK(session->run_script(reader ? "PRAGMA query_only = ON;" : "PRAGMA journal_mode = WAL;"));
    return session;
  } catch (const Poco::Exception& exception) {
    return make_error(Code::kEnvironment, "storage.failed",
                      "Cannot open the database " + path + ": " + exception.displayText());
  } catch (const std::exception& exception) {
    return make_error(Code::kEnvironment, "storage.failed",
                      "Cannot open the database " + path + ": " + exception.what());
  }
}

Error SqliteSession::last_error(std::string_view what) const {
  return sqlite_error(sqlite3_extended_errcode(handle_), sqlite3_errmsg(handle_), what);
}

bool SqliteSession::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Status SqliteSession::run_script(std::string_view sql) {
  if (sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return last_error(doing(sql));
  return success();
}

Result<SqliteSession::Statement> SqliteSession::take(const std::string& sql) {
  if (const auto found = cache_.find(sql); found != cache_.end()) {
    Statement statement = std::move(found->second);
    cache_.erase(found);
    return statement;
  }
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size() + 1), SQLITE_PREPARE_PERSISTENT,
                                      &raw, &tail);
  Statement statement(raw);
  if (code != SQLITE_OK) return last_error(doing(sql));
  if (raw == nullptr || !trim(tail).empty()) {
    return make_error(Code::kInternal, "storage.failed", "Not exactly one statement: " + doing(sql));
  }
  return statement;
}

void SqliteSession::give_back(std::string sql, Statement statement) {
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  // All texts are constants of the code or vary in a few lengths of lists, so emptying it is rare and cheap.
  if (cache_.size() >= kCachedStatementsMax) cache_.clear();
  cache_.insert_or_assign(std::move(sql), std::move(statement));
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
    const Value& value = parameter.value();
    int code = SQLITE_OK;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      code = sqlite3_bind_int64(statement, place, *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      // Text with a NUL byte would come back cut from other engines and tools.
      if (text->find('\0') != std::string::npos) {
        return make_error(
            Code::kInvalidArgument, "storage.text_with_nul",
            "Parameter " + std::to_string(place) + " has a NUL byte in its text: " + doing(sqlite3_sql(statement)));
      }
      code = sqlite3_bind_text64(statement, place, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
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
  std::string text(sql);
  auto taken = BERTH_TRY(take(text));
  const Use use(*this, std::move(text), std::move(taken));
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
