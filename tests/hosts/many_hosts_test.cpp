// Three hosts, two hundred integrations, one database. One host is killed in the middle and one is cut off from the database;
// what they had is taken over, nobody writes under a lease that is somebody else's, and every book is that of its remote.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include "hosts/support/fleet.hpp"
#include "support/postgresql_server.hpp"

using namespace e2e;
using namespace hosts;
using berth::test::PostgresqlServer;

namespace {

/// How commits wait for the one lock that every write takes, looked at again and again.
class Waits {
 public:
  explicit Waits(const std::string& url) : thread_([this, url](const std::stop_token& stop) { look(stop, url); }) {}
  ~Waits() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }
  [[nodiscard]] std::string text() const {
    if (looks_ == 0 || commits_ == 0) return "nothing was seen";
    const double seconds = seconds_, waiting = static_cast<double>(waiting_) / static_cast<double>(looks_);
    char line[300];
    // Little's law: how long one waits is how many wait, by how many come a second.
    std::snprintf(line, sizeof line,
                  "%lld writes in %.0f s, %.0f a second; the lock was held at %.0f %% of %lld looks; %.2f hosts waited for it on average, %d at most, "
                  "which is %.1f ms a write",
                  static_cast<long long>(commits_), seconds, static_cast<double>(commits_) / seconds, 100.0 * static_cast<double>(held_) / static_cast<double>(looks_),
                  static_cast<long long>(looks_), waiting, most_, 1000.0 * waiting * seconds / static_cast<double>(commits_));
    return line;
  }

 private:
  void look(const std::stop_token& stop, const std::string& url) {
    Sql sql(url);
    const auto began = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
      const auto row = sql.rows("SELECT COUNT(*) FILTER (WHERE granted), COUNT(*) FILTER (WHERE NOT granted) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
                                "WHERE locktype = 'advisory' AND d.datname = current_database()")
                           .at(0);
      ++looks_;
      held_ += std::stoi(row[0]) > 0 ? 1 : 0;
      waiting_ += std::stoi(row[1]);
      most_ = std::max(most_, std::stoi(row[1]));
      pause_shortly();
    }
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    commits_ = sql.number("SELECT COUNT(DISTINCT transaction) FROM seen_commit");
  }

  std::int64_t looks_ = 0, held_ = 0, waiting_ = 0, commits_ = 0;
  int most_ = 0;
  double seconds_ = 0;
  std::jthread thread_;
};

std::string first_of(const std::vector<std::string>& faults) {
  std::string text = std::to_string(faults.size()) + " faults";
  for (std::size_t i = 0; i < faults.size() && i < 10; ++i) text += "\n" + faults[i];
  return text;
}

}  // namespace

TEST_CASE("B11: three hosts, two hundred integrations, one host killed and one cut off: each integration is run by one host at a time, everything is done, nothing doubled") {
  if (const auto why = PostgresqlServer::unavailable()) {
    MESSAGE("skipped: " << *why);
    return;
  }
  const char* wanted = std::getenv("BERTH_HOSTS_INTEGRATIONS");
  Plan plan;
  plan.integrations = wanted != nullptr ? std::atoi(wanted) : 200;
  plan.simulators = 2;
  plan.workers = 3;
  Fleet fleet(plan);
  Proxy proxy(fleet.socket_path());
  Member& killed = fleet.add("killed");
  Member& cut = fleet.add("cut", &proxy);
  Member& stays = fleet.add("stays");
  fleet.connect_all();
  fleet.watch_commits();
  Waits waits(fleet.url());
  for (Member* member : {&killed, &cut, &stays}) member->start();
  for (Member* member : {&killed, &cut, &stays}) REQUIRE_MESSAGE(member->serves(), member->process().err());

  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count(); };
  const auto holds = [&](const Member& member) {
    return fleet.sql().number("SELECT COUNT(*) FROM lease AS l WHERE owner <> '' AND (SELECT host FROM seen_commit AS s WHERE s.integration = l.integration AND "
                              "what = 'lease' AND s.fencing = l.fencing ORDER BY seq LIMIT 1) = '" + member.name() + "'");
  };
  REQUIRE(eventually([&] { return fleet.synced() >= plan.integrations / 5 && holds(killed) > 0; }, std::chrono::seconds(180)));
  killed.process().signal(SIGKILL);
  MESSAGE("killed after " << seconds() << " s, with " << fleet.synced() << " done and " << holds(killed) << " under way");
  REQUIRE(eventually([&] { return fleet.synced() >= plan.integrations * 2 / 5 && holds(cut) > 0; }, std::chrono::seconds(180)));
  proxy.cut();
  MESSAGE("cut off after " << seconds() << " s, with " << fleet.synced() << " done and " << holds(cut) << " under way");
  const bool all_done = eventually([&] { return fleet.synced() == plan.integrations; }, std::chrono::seconds(220));
  CHECK_MESSAGE(all_done, fleet.synced() << " of " << plan.integrations << " are done\n" << fleet.not_done());
  // What a host that was cut off could not give back has run out.
  CHECK(eventually([&] {
    return fleet.sql().number("SELECT COUNT(*) FROM lease WHERE owner <> '' AND expires_ms > EXTRACT(EPOCH FROM clock_timestamp()) * 1000") == 0;
  }));
  MESSAGE("all done after " << seconds() << " s");
  waits.end();
  MESSAGE("the one lock: " << waits.text());

  // Cut off, it says so; healed, it is there again by itself.
  CHECK(eventually([&] { return cut.ready() == 503; }));
  CHECK(get(cut.origin() + "/readyz").body.find("storage.unreachable") != std::string::npos);
  CHECK(cut.process().err().find("the database is out of reach") != std::string::npos);
  proxy.heal();
  CHECK_MESSAGE(eventually([&] { return cut.ready() == 200; }), cut.process().err());

  const auto commits = fleet.faults_of_commits({"killed"});
  CHECK_MESSAGE(commits.empty(), first_of(commits));
  const auto books = fleet.faults_of_books();
  CHECK_MESSAGE(books.empty(), first_of(books) << "\n" << fleet.not_done());
  const Outcome sound = stays.run({"ledger", "check"});
  CHECK_MESSAGE(sound.exit == 0, sound.out << sound.err);
  std::map<std::string, int> runs;
  for (const SqlRow& row : fleet.sql().rows("SELECT outcome, COUNT(*) FROM run GROUP BY 1")) runs[row[0]] = std::stoi(row[1]);
  CHECK(runs["running"] == 0);
  CHECK(runs["crashed"] >= 1);   // those that the next run closed
  for (const SqlRow& row : fleet.sql().rows("SELECT host, COUNT(DISTINCT integration), COUNT(DISTINCT integration || fencing) FROM seen_commit WHERE what = 'lease' AND "
                                            "owner <> '' GROUP BY 1 ORDER BY 1")) {
    MESSAGE("host " << row[0] << " took " << row[2] << " leases of " << row[1] << " integrations");
    CHECK(std::stoi(row[1]) > plan.integrations / 20);   // all of them worked
  }
  for (int i = 0; i < fleet.simulators(); ++i) CHECK(number_at(fleet.simulator(i).control("counters"), "refused") == 0);
  for (const SqlRow& row : fleet.sql().rows("SELECT application_name, COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'test' "
                                            "GROUP BY 1 ORDER BY 1")) {
    MESSAGE("host " << row[0] << " has " << row[1] << " connections to the database when it is idle");
    CHECK(std::stoi(row[1]) <= 5);
  }
  for (Member* member : {&cut, &stays}) {
    member->process().signal(SIGTERM);
    const Outcome ended = member->process().wait(std::chrono::seconds(30));
    CHECK_MESSAGE(ended.exit == 0, ended.err);
  }
}
