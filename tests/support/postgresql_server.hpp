#pragma once
// A PostgreSQL server of this process alone: made in a temporary folder, reached over a socket in it, gone with the process. The
// programs are those of the package postgresql-15; PostgreSQL refuses to run as root, so for root it runs as another user.
//
//   if (const auto why = PostgresqlServer::unavailable()) MESSAGE("skipped: " << *why);
//   const std::string url = PostgresqlServer::shared().create_database();      // postgresql:///t1?host=/tmp/...
//
// Errors end the test. Threads: one.
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

namespace berth::test {

class PostgresqlServer {
 public:
  /// Why this machine has none, or nothing.
  static std::optional<std::string> unavailable();
  /// Started by the first call.
  static PostgresqlServer& shared();
  ~PostgresqlServer();
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;

  /// The address of a new, empty database.
  std::string create_database();
  /// Runs one statement in the database "postgres".
  void run(const std::string& sql);

 private:
  PostgresqlServer();
  [[nodiscard]] std::string address(const std::string& database) const;
  std::filesystem::path folder_;
  pid_t process_ = -1;
  int databases_ = 0;
};

}  // namespace berth::test
