// What only a server can do to its users: go away, end a session, be held by another host.
#include <dirent.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "contract/storage/engines.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/quota.hpp"

using namespace berth;
using namespace berth::test;
using storage::Connection;

namespace {

bool has_server() {
  const auto why = PostgresqlServer::unavailable();
  if (why) MESSAGE("skipped: " << *why);
  return !why;
}

Status save(Connection& c, const char* key) { return storage::quota::save(c, key, "{}", kNow); }
bool is_there(storage::Database& database, const char* key) {
  return read(database, [&](Connection& c) { return storage::quota::load(c, key); }).has_value();
}

int open_files() {
  int count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

/// Ends every session of other users of the server, as a restart does.
void end_sessions() {
  PostgresqlServer::shared().run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname LIKE 't%'");
}

}  // namespace

TEST_CASE("sessions that the server ended are told as unreachable once, and opened again") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  const auto database = must(storage::open_postgresql({.url = PostgresqlServer::shared().create_database()}, clock));
  must(database->write("test.write", [](Connection& c) { return save(c, "before"); }));
  CHECK(is_there(*database, "before"));
  for (int round = 0; round < 3; ++round) {
    end_sessions();
    const Status lost = database->write("test.write", [](Connection& c) { return save(c, "lost"); });
    REQUIRE_FALSE(lost.ok());
    CHECK(lost.error().reason == "storage.unreachable");
    CHECK(lost.error().retry_after_ms == 1000);
    CHECK(database->read([](Connection& c) -> Status {
      BERTH_TRY(storage::quota::load(c, "before"));
      return success();
    }).error().reason == "storage.unreachable");
    must(database->write("test.write", [](Connection& c) { return save(c, "after"); }));
    CHECK(is_there(*database, "after"));
    CHECK_FALSE(is_there(*database, "lost"));
  }
}

TEST_CASE("a server that dies without a word is out of reach: in one line, said once, and without the statement") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  const std::string url = PostgresqlServer::shared().create_database();
  const auto database = must(storage::open_postgresql({.url = url}, clock));
  // As when the machine kills it: the whole server ends all its sessions and begins anew.
  const auto die = [](Connection& c) -> Status {
    const auto process = static_cast<pid_t>(BERTH_TRY(c.first("SELECT pg_backend_pid()"))->integer(0));
    REQUIRE(process > 1);
    REQUIRE(::kill(process, SIGKILL) == 0);
    for (int i = 0; i < 1000 && ::kill(process, 0) == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return success();
  };
  const auto is_told_well = [](const Error& error) {
    CHECK_MESSAGE(error.reason == "storage.unreachable", error.message);
    CHECK(error.code == Code::kUnavailable);
    CHECK_MESSAGE(error.message.find_first_of("\n\t") == std::string::npos, error.message);
    CHECK_MESSAGE(error.message.find("SELECT") == std::string::npos, error.message);
    CHECK_MESSAGE(error.message.find("unexpectedly") == error.message.rfind("unexpectedly"), error.message);
  };
  const auto opens_again = [&] {
    for (int i = 0; i < 300; ++i) {
      if (storage::open_postgresql({.url = url}, clock).ok()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  };
  SUBCASE("in the middle of a transaction") {
    const Status cut = database->write("test.write", [&](Connection& c) -> Status {
      BERTH_CHECK(save(c, "half"));
      BERTH_CHECK(die(c));
      return save(c, "more");
    });
    REQUIRE_FALSE(cut.ok());
    is_told_well(cut.error());
  }
  SUBCASE("before the next one") {
    // The transaction ends with the server; a session that is idle then is found dead by the one after it.
    const Status cut = database->write("test.write", die);
    REQUIRE_FALSE(cut.ok());
    is_told_well(cut.error());
  }
  SUBCASE("while another session was idle") {
    const auto other = must(storage::open_postgresql({.url = url}, clock));
    const Status cut = database->write("test.write", die);
    REQUIRE_FALSE(cut.ok());
    REQUIRE(opens_again());
    const Status next = other->write("test.write", [](Connection& c) { return save(c, "half"); });
    REQUIRE_FALSE(next.ok());
    is_told_well(next.error());
    must(other->write("test.write", [](Connection& c) { return save(c, "after"); }));
  }
  REQUIRE(opens_again());
  must(database->write("test.write", [](Connection& c) { return save(c, "whole"); }));
  CHECK_FALSE(is_there(*database, "half"));
  CHECK(is_there(*database, "whole"));
}

TEST_CASE("a user without rights and a database in another encoding are told as what they are, with advice for PostgreSQL") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  PostgresqlServer& server = PostgresqlServer::shared();
  std::string url = server.create_database();
  server.run("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const auto forbidden = storage::open_postgresql({.url = url.substr(0, 13) + "guest" + url.substr(url.find('@'))}, clock);
  REQUIRE_FALSE(forbidden.ok());
  CHECK_MESSAGE(forbidden.error().reason == "storage.forbidden", forbidden.error().message);
  CHECK(forbidden.error().code == Code::kEnvironment);
  const std::size_t name = url.find("/t") + 1;
  const std::string ascii = url.substr(name, url.find('?') - name) + "ascii";
  server.run("CREATE DATABASE " + ascii + " ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
  url.replace(name, url.find('?') - name, ascii);
  const auto other = storage::open_postgresql({.url = url}, clock);
  REQUIRE_FALSE(other.ok());
  CHECK_MESSAGE(other.error().reason == "storage.encoding", other.error().message);
  CHECK(other.error().message.find("SQL_ASCII") != std::string::npos);
}

TEST_CASE("a session that ends inside a transaction leaves nothing of it") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  const auto database = must(storage::open_postgresql({.url = PostgresqlServer::shared().create_database()}, clock));
  const Status cut = database->write("test.write", [](Connection& c) -> Status {
    BERTH_CHECK(save(c, "half"));
    end_sessions();
    return success();
  });
  CHECK(cut.error().reason == "storage.unreachable");
  CHECK_FALSE(is_there(*database, "half"));
}

TEST_CASE("a write waits for the one of another host, and gives up in time") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  const std::string url = PostgresqlServer::shared().create_database();
  const auto here = must(storage::open_postgresql({.url = url, .busy_limit = std::chrono::milliseconds(100)}, clock));
  const auto there = must(storage::open_postgresql({.url = url, .busy_limit = std::chrono::milliseconds(100)}, clock));
  must(here->write("test.write", [&](Connection& c) -> Status {
    BERTH_CHECK(save(c, "here"));
    CHECK(there->write("test.write", [](Connection& other) { return save(other, "there"); }).error().reason == "storage.busy");
    CHECK_FALSE(is_there(*there, "here"));  // readers wait for nobody
    return success();
  }));
  must(there->write("test.write", [](Connection& c) { return save(c, "there"); }));
  CHECK(is_there(*here, "there"));
}

TEST_CASE("a transaction of which a statement failed is not committed, even where its work went on") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  const auto database = must(storage::open_postgresql({.url = PostgresqlServer::shared().create_database()}, clock));
  const Status committed = database->write("test.write", [](Connection& c) -> Status {
    BERTH_CHECK(save(c, "kept"));
    CHECK_FALSE(c.execute("SELECT 1 FROM nowhere").ok());
    return success();
  });
  CHECK(committed.error().reason == "storage.failed");
  CHECK_FALSE(is_there(*database, "kept"));
}

TEST_CASE("a server or database that is not there is told, and costs no file descriptor") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  std::string url = PostgresqlServer::shared().create_database();
  url.replace(url.find("/t"), 3, "/nowhere");
  const std::string none = "postgresql://berth@/t1?host=/nowhere";
  CHECK(storage::open_postgresql({.url = url}, clock).error().reason == "storage.unreachable");
  CHECK(storage::open_postgresql({.url = none}, clock).error().reason == "storage.unreachable");
  CHECK(storage::open_postgresql({.url = "postgresql://?nonsense=1"}, clock).error().reason == "storage.address");
  const int before = open_files();
  for (int i = 0; i < 20; ++i) {
    CHECK_FALSE(storage::open_postgresql({.url = url}, clock).ok());
    CHECK_FALSE(storage::open_postgresql({.url = none}, clock).ok());
  }
  CHECK(open_files() == before);
}

TEST_CASE("a reader may take its time, a writer may not") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  const auto database = must(storage::open_postgresql({.url = PostgresqlServer::shared().create_database()}, clock));
  const auto limit = [](Connection& c) -> Result<std::string> {
    return BERTH_TRY(c.first("SHOW idle_in_transaction_session_timeout"))->text(0);
  };
  CHECK(write(*database, limit) == "8s");
  CHECK(read(*database, limit) == "0");
}

TEST_CASE("a password is never part of a message") {
  if (!has_server()) return;
  const ManualClock clock(kNow);
  for (const char* url : {"postgresql://berth:word@[::1/t1", "postgresql://berth@/t1?nonsense=word", "postgresql://berth@/t1?word"}) {
    const auto refused = storage::open_postgresql({.url = url}, clock);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("word") == std::string::npos);
  }
  const auto opened = storage::open_postgresql({.url = "postgresql://berth@/t1?host=/nowhere", .password = Secret("made'up\\word")}, clock);
  CHECK(opened.error().message.find("word") == std::string::npos);
}

TEST_CASE("B11: a host whose clock is ten minutes fast takes no lease that is held, and one whose clock is slow loses none") {
  if (!has_server()) return;
  const std::string url = PostgresqlServer::shared().create_database();
  const SystemClock clock;
  // Far from the server's clock, in either direction.
  const ManualClock fast(clock.now() + std::chrono::minutes(10)), slow(clock.now() - std::chrono::minutes(10));
  const auto right = must(storage::open_postgresql({.url = url}, clock));
  const auto early = must(storage::open_postgresql({.url = url}, fast));
  const auto late = must(storage::open_postgresql({.url = url}, slow));
  const auto take = [](storage::Database& database, const char* integration, const char* owner, Instant now) {
    return write(database, [&](Connection& c) { return storage::leases::acquire(c, integration, owner, std::chrono::minutes(2), now); });
  };
  REQUIRE(take(*right, "zoho_acme", "right", clock.now()) == 1);
  CHECK_FALSE(take(*early, "zoho_acme", "early", fast.now()).has_value());
  REQUIRE(take(*late, "zoho_west", "late", slow.now()) == 1);
  CHECK_FALSE(take(*right, "zoho_west", "right", clock.now()).has_value());
  // To each its end is about two minutes ahead, by its own clock.
  for (const auto& [database, now] : {std::pair(right.get(), clock.now()), std::pair(early.get(), fast.now()), std::pair(late.get(), slow.now())}) {
    const auto held = read(*database, [&, at = now](Connection& c) { return storage::leases::find(c, "zoho_acme", at); });
    REQUIRE(held.has_value());
    CHECK(held->expires - now > std::chrono::seconds(90));
    CHECK(held->expires - now < std::chrono::seconds(150));
  }
  const auto ahead = [](storage::Database& database) {
    return read(database, [](Connection& c) -> Result<std::chrono::milliseconds> { return c.shared_ahead(); });
  };
  CHECK(std::chrono::abs(ahead(*early) + std::chrono::minutes(10)) < std::chrono::seconds(30));
  CHECK(std::chrono::abs(ahead(*late) - std::chrono::minutes(10)) < std::chrono::seconds(30));
}
