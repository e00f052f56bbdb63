#pragma once
// One PostgreSQL session: a Poco::Data session whose native handle runs prepared statements, kept by their text and the types of
// their parameters. "?" becomes $1, $2, ... on the way.
//
// No statement waits for a server that is silent: see silence.hpp.
//
// Threads: one at a time. Owned by PostgresqlDatabase. After storage.unreachable the session is dead: it is dropped, and
// another one is opened.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/storage/database.hpp"
#include "host/storage/postgresql/silence.hpp"

struct pg_conn;
struct pg_result;

namespace berth::storage {

/// How far the server's clock is ahead of this machine's, as the sessions of one database have found it.
class ServerTime {
 public:
  /// The machine's clock, which outlives this.
  explicit ServerTime(const Clock& clock) : clock_(clock) {}
  /// At this moment the server's clock showed that.
  void saw(std::int64_t server_ms);
  [[nodiscard]] std::chrono::milliseconds ahead() const { return std::chrono::milliseconds(ahead_ms_.load()); }

 private:
  const Clock& clock_;
  std::atomic<std::int64_t> ahead_ms_{0};
};

class PostgresqlSession final : public Connection {
 public:
  /// A script whose answer is one row with a column of this name tells what the server's clock shows, in milliseconds.
  static constexpr const char* kServerTimeColumn = "server_ms";

  /// `busy_limit`: how long a statement waits for a lock. A reader's transactions refuse every write. `time` is told what the
  /// server's clock shows; nullptr: the clock of the machine counts.
  static Result<std::unique_ptr<PostgresqlSession>> open(const PostgresqlOptions& options, std::shared_ptr<ServerTime> time = nullptr, SilenceLimits limits = {});
  ~PostgresqlSession() override;
  PostgresqlSession(const PostgresqlSession&) = delete;
  PostgresqlSession& operator=(const PostgresqlSession&) = delete;

  using Connection::each;
  using Connection::execute;
  using Connection::query;
  Result<std::int64_t> execute(std::string_view sql, std::span<const Parameter> parameters) override;
  Result<Rows> query(std::string_view sql, std::span<const Parameter> parameters) override;
  /// Inside a transaction only, where it selects: rows come in batches through a cursor.
  Status each(std::string_view sql, std::span<const Parameter> parameters,
              const std::function<bool(const Row&)>& visit) override;

  [[nodiscard]] Instant shared_now(Instant of_machine) const override;
  [[nodiscard]] std::chrono::milliseconds shared_ahead() const override;

  /// A whole file of statements; no parameters, and no answer but that of kServerTimeColumn.
  Status run_script(std::string_view sql);
  /// storage.failed if a statement of the transaction had failed and nobody minded: the server has rolled it back.
  Status commit();
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] bool is_dead() const;

 protected:
  /// For questions whose answer is short: in one round trip instead of each()'s three.
  Result<std::optional<Row>> first_row(std::string_view sql, std::span<const Parameter> parameters) override;

 private:
  struct PocoSession;  // keeps Poco's headers in session.cpp
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Answer = std::unique_ptr<pg_result, Clear>;
  class Bound;

  PostgresqlSession(PostgresqlOptions options, SilenceLimits limits, std::unique_ptr<PocoSession> session, pg_conn* handle, std::shared_ptr<ServerTime> time);
  /// `send` hands a statement to libpq, which must not wait; the last answer of it.
  Result<Answer> ask(const std::function<int()>& send, std::string_view sql);
  Status wait_for_answer(std::string_view sql);
  Result<Answer> run(std::string_view sql, std::span<const Parameter> parameters);
  Result<Answer> checked(pg_result* raw, std::string_view sql) const;
  void give_up() const;
  Result<std::string> prepared(std::string_view sql, const Bound& bound);

  struct Seen {
    std::int64_t server_ms;
    std::chrono::steady_clock::time_point at;
  };

  const PostgresqlOptions options_;
  const SilenceLimits limits_;
  std::int64_t backend_ = 0;   // the server's process for this session; 0: not known yet
  std::shared_ptr<ServerTime> time_;
  std::optional<Seen> seen_;   // of the server's clock
  std::unique_ptr<PocoSession> session_;
  pg_conn* handle_;
  std::unordered_map<std::string, std::string> prepared_;  // by types and text: the name on the server
  std::int64_t names_ = 0;
};

}  // namespace berth::storage
