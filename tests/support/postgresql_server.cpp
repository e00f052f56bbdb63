#include "support/postgresql_server.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace berth::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartLimit{30};

/// Debian keeps the server's programs out of the path; the newest version is taken.
fs::path programs() {
  fs::path newest;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (fs::exists(version.path() / "bin" / "postgres", ignored)) newest = std::max(newest, version.path() / "bin");
  }
  return newest;
}

const passwd* other_user() {
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* user = ::getpwnam(name); user != nullptr) return user;
  }
  return nullptr;
}

/// Runs a program as a user that PostgreSQL accepts, with its output in a file; it ends with this process.
pid_t start(const std::vector<std::string>& command, const fs::path& output) {
  const passwd* user = ::geteuid() == 0 ? other_user() : nullptr;
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  const pid_t process = ::fork();
  REQUIRE(process >= 0);
  if (process != 0) return process;
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after the change of user, which clears it
  const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0 || ::dup2(file, 1) < 0 || ::dup2(file, 2) < 0 || ::chdir("/") != 0) ::_exit(126);
  for (const char* name : {"LC_ALL", "LANG"}) ::setenv(name, "C.UTF-8", 1);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

std::string connection_error(PGconn* connection) {
  return PQstatus(connection) == CONNECTION_OK ? "" : PQerrorMessage(connection);
}
using Connected = std::unique_ptr<PGconn, decltype(&PQfinish)>;

}  // namespace

std::optional<std::string> PostgresqlServer::unavailable() {
  if (programs().empty()) return "there is no PostgreSQL server on this machine";
  if (::geteuid() == 0 && other_user() == nullptr) return "PostgreSQL does not run as root, and there is no other user";
  return std::nullopt;
}

PostgresqlServer& PostgresqlServer::shared() {
  static PostgresqlServer server;
  return server;
}

PostgresqlServer::PostgresqlServer() {
  const fs::path memory("/dev/shm");
  std::string pattern = ((fs::is_directory(memory) ? memory : fs::temp_directory_path()) / "berth-postgresql-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  if (const passwd* user = ::geteuid() == 0 ? other_user() : nullptr; user != nullptr) REQUIRE(::chown(pattern.c_str(), user->pw_uid, user->pw_gid) == 0);
  const fs::path data = folder_ / "data";
  const pid_t made = start({programs() / "initdb", "--pgdata", data, "--username=berth", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                            "--no-sync", "--no-instructions"},
                           folder_ / "initdb.log");
  int status = 0;
  REQUIRE(::waitpid(made, &status, 0) == made);
  REQUIRE_MESSAGE(status == 0, "initdb failed: see " << (folder_ / "initdb.log").string());
  // What a crash of the machine would cost is not tested; fsync would make every commit wait.
  process_ = start({programs() / "postgres", "-D", data, "-k", folder_, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c",
                    "max_connections=50", "-c", "shared_buffers=16MB", "-c", "log_min_messages=fatal"},
                   folder_ / "server.log");
  const auto until = std::chrono::steady_clock::now() + kStartLimit;
  while (PQping(address("postgres").c_str()) != PQPING_OK) {
    REQUIRE_MESSAGE(::waitpid(process_, &status, WNOHANG) == 0, "postgres ended: see " << (folder_ / "server.log").string());
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

PostgresqlServer::~PostgresqlServer() {
  if (process_ > 0) {
    ::kill(process_, SIGQUIT);  // at once: nothing of it is kept
    int status = 0;
    ::waitpid(process_, &status, 0);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string PostgresqlServer::address(const std::string& database) const {
  return "postgresql://berth@/" + database + "?host=" + folder_.string();
}

void PostgresqlServer::run(const std::string& sql) {
  const Connected connection(PQconnectdb(address("postgres").c_str()), &PQfinish);
  REQUIRE_MESSAGE(PQstatus(connection.get()) == CONNECTION_OK, connection_error(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(answer.get());
  REQUIRE_MESSAGE((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK), PQerrorMessage(connection.get()));
}

std::string PostgresqlServer::create_database() {
  const std::string name = "t" + std::to_string(++databases_);
  run("CREATE DATABASE " + name + " TEMPLATE template0 STRATEGY = file_copy");
  return address(name);
}

}  // namespace berth::test
