#pragma once
// One SQLite session: a Poco::Data session whose native handle runs statements from a cache of prepared ones. Poco
// prepares a statement anew at every execute, which makes single rows four times slower than the native handle.
//
// Threads: one at a time. Owned by SqliteDatabase.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/storage/database.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace berth::storage {

constexpr std::size_t kCachedStatementsMax = 300;
constexpr std::size_t kQueryRowsMax = 1'000'000;  // of query(); larger answers are read by each()

class SqliteSession final : public Connection {
 public:
  /// Opens the file, which must exist. A reader refuses every write.
  static Result<std::unique_ptr<SqliteSession>> open(const std::string& path, std::chrono::milliseconds busy_limit,
                                                     bool reader);
  ~SqliteSession() override;
  SqliteSession(const SqliteSession&) = delete;
  SqliteSession& operator=(const SqliteSession&) = delete;

  using Connection::each;
  using Connection::execute;
  using Connection::query;
  Result<std::int64_t> execute(std::string_view sql, std::span<const Parameter> parameters) override;
  Result<Rows> query(std::string_view sql, std::span<const Parameter> parameters) override;
  Status each(std::string_view sql, std::span<const Parameter> parameters,
              const std::function<bool(const Row&)>& visit) override;

  /// A whole file of statements; no parameters, no answers.
  Status run_script(std::string_view sql);
  Status commit() { return run_script("COMMIT"); }
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] bool is_dead() const { return false; }
  /// The committed pages into a new file, in one step, which holds up nobody.
  Status copy_to(const std::string& path);

 private:
  struct PocoSession;  // keeps Poco's headers in session.cpp
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;
  class Use;

  SqliteSession(std::unique_ptr<PocoSession> session, sqlite3* handle);
  /// By text, also by one that is no std::string. A few bytes tell the texts of the code apart, which are hundreds of bytes long.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };
  using Cache = std::unordered_map<std::string, Statement, TextHash, std::equal_to<>>;
  /// The cache's own entry, out of the cache while it is used: taking and giving back allocate nothing.
  Result<Cache::node_type> take(std::string_view sql);
  void give_back(Cache::node_type entry);
  Status bind(sqlite3_stmt* statement, std::span<const Parameter> parameters);
  Error last_error(std::string_view doing) const;

  std::unique_ptr<PocoSession> session_;
  sqlite3* handle_;
  Cache cache_;  // statements that are not in use
};

}  // namespace berth::storage
