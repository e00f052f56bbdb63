// A database that takes what it is asked and never answers: a server that stands still, or a firewall that has forgotten a connection.
#include <doctest/doctest.h>

#include <csignal>

#include "host/storage/postgresql/session.hpp"
#include "hosts/support/fleet.hpp"
#include "support/postgresql_server.hpp"

using namespace e2e;
using namespace hosts;
using berth::Result;
using berth::Status;
using berth::test::PostgresqlServer;
namespace storage = berth::storage;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

bool is_missing() {
  const auto why = PostgresqlServer::unavailable();
  if (why) MESSAGE("skipped: " << *why);
  return why.has_value();
}

/// A session with short limits, whose server can fall silent.
struct Silent {
  std::string url = PostgresqlServer::shared().create_database();
  Sql sql{url};
  Proxy proxy{url.substr(url.find("host=") + 5) + "/.s.PGSQL.5432"};
  std::unique_ptr<storage::PostgresqlSession> open() {
    const std::string name = url.substr(url.rfind('/', url.find('?')) + 1, url.find('?') - url.rfind('/', url.find('?')) - 1);
    auto session = storage::PostgresqlSession::open(
        {.url = "postgresql://berth@127.0.0.1:" + std::to_string(proxy.port()) + "/" + name + "?sslmode=disable&gssencmode=disable&connect_timeout=2"}, nullptr,
        {.silence_max = milliseconds(700), .probe_max = milliseconds(700)});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    return std::move(session).value();
  }
};

class Watch {
 public:
  [[nodiscard]] bool is_within(milliseconds limit) const { return std::chrono::steady_clock::now() - began_ < limit; }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

void check_unreachable(const Status& status) {
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "storage.unreachable");
}

}  // namespace

TEST_CASE("a server that falls silent in the middle of a transaction is out of reach within the limit, and nothing of it is stored") {
  if (is_missing()) return;
  Silent silent;
  const auto session = silent.open();
  REQUIRE(session->run_script("CREATE TABLE t (n BIGINT)").ok());
  REQUIRE(session->run_script("BEGIN").ok());
  REQUIRE(session->execute("INSERT INTO t VALUES (?)", {1}).ok());
  silent.proxy.cut();
  const Watch watch;
  const auto asked = session->execute("INSERT INTO t VALUES (?)", {2});
  REQUIRE_FALSE(asked.ok());
  CHECK(asked.error().reason == "storage.unreachable");
  CHECK_MESSAGE(asked.error().message.find("did not answer") != std::string::npos, asked.error().message);
  CHECK(watch.is_within(seconds(5)));
  CHECK(session->is_dead());
  CHECK_FALSE(session->in_transaction());   // nobody waits to roll it back
  silent.proxy.heal();
  CHECK(silent.open()->run_script("SELECT 1").ok());
  CHECK(silent.sql.number("SELECT COUNT(*) FROM t") == 0);
}

TEST_CASE("a commit whose acknowledgement never comes is an error within the limit, and what was committed is there") {
  if (is_missing()) return;
  Silent silent;
  const auto session = silent.open();
  REQUIRE(session->run_script("CREATE TABLE t (n BIGINT)").ok());
  REQUIRE(session->run_script("BEGIN").ok());
  REQUIRE(session->execute("INSERT INTO t VALUES (?)", {1}).ok());
  silent.proxy.mute();
  const Watch watch;
  check_unreachable(session->commit());
  CHECK(watch.is_within(seconds(5)));
  CHECK(session->is_dead());
  CHECK(silent.sql.number("SELECT COUNT(*) FROM t") == 1);
}

TEST_CASE("a statement that takes long is not cut while the server works on it") {
  if (is_missing()) return;
  Silent silent;
  const auto session = silent.open();
  const auto row = session->query("SELECT CAST(pg_sleep(3) AS TEXT)", {});
  CHECK(row.ok());
}

TEST_CASE("a connection that is lost on the way while the server answers others is given up") {
  if (is_missing()) return;
  Silent silent;
  const auto session = silent.open();
  silent.proxy.mute();   // the answer is lost, and the server waits for the next statement
  const Watch watch;
  check_unreachable(session->run_script("SELECT 1"));
  CHECK(watch.is_within(seconds(6)));
}

TEST_CASE("B11: with a database that never answers a command ends with an error, and a host that serves ends within its drain limit") {
  if (is_missing()) return;
  Fleet fleet({.integrations = 1});
  Proxy proxy(fleet.socket_path());
  static_cast<void>(fleet.add("alone"));
  Member& cut = fleet.add("cut", &proxy);
  cut.start();
  REQUIRE_MESSAGE(cut.serves(), cut.process().err());
  REQUIRE(eventually([&] { return cut.ready() == 200; }));
  proxy.cut();
  const Watch command;
  const Outcome status = cut.run({"status"});
  CHECK(status.exit != 0);
  CHECK_MESSAGE(status.err.find("storage.unreachable") != std::string::npos, status.err);
  CHECK(command.is_within(seconds(25)));
  CHECK(eventually([&] { return cut.ready() == 503; }));
  const Watch end;
  cut.process().signal(SIGTERM);
  const Outcome ended = cut.process().wait(seconds(60));
  CHECK_FALSE(ended.timed_out);
  CHECK_MESSAGE(end.is_within(seconds(30)), ended.err);   // hosts.drain is 20 s
}
