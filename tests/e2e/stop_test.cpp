// SIGTERM and Ctrl-C in the middle of a first sync, for `berth sync` and `berth serve`: the first signal ends it with
// everything on disk that was paid for, a second one at once.
#include <signal.h>
#include <unistd.h>

#include "e2e/support/first_sync.hpp"

using namespace e2e;

namespace {

constexpr std::int64_t kInvoices = 40;    // a call in the middle of the invoices
constexpr std::int64_t kPayments = 170;   // and one in the middle of the payments
/// Far below the time that answers on their way are given.
constexpr std::chrono::seconds kAtOnce{3};

/// What has to be true after a clean end: the next sync fetches nothing again, and the books are the same.
void check_nothing_lost(const FirstSync& ground, const Workspace& berth) { CHECK(ground.recover(berth) == 0); }

/// `berth serve` over a workspace that is connected: the first sync begins by itself, and stands still at that call.
std::unique_ptr<Process> serve_until_call(const FirstSync& ground, const Workspace& berth, std::int64_t number) {
  ground.hold_from(number);
  auto host = berth.serve();
  REQUIRE(eventually([&] { return ground.is_held() || !host->is_running(); }));
  REQUIRE(host->is_running());
  return host;
}

}  // namespace

TEST_CASE("shutdown: the first SIGTERM or Ctrl-C ends `berth sync` with every answer on disk that was paid for") {
  const FirstSync ground;
  for (const int number : {SIGTERM, SIGINT}) {
    for (const std::int64_t call : {kInvoices, kPayments}) {
      CAPTURE(number);
      CAPTURE(call);
      const Workspace berth(Workspace::CopyOf{*ground.connected});
      const auto sync = ground.sync_until_call(berth, call);
      // Ctrl-C reaches everybody of the terminal's group: a worker is not among them.
      const std::vector<pid_t> workers = children_of(sync->id());
      REQUIRE(workers.size() == 1);
      CHECK(getpgid(workers.front()) != getpgid(sync->id()));
      sync->signal(number);
      ground.simulator.clear_faults();   // what was on its way arrives
      const Outcome ended = sync->wait();
      CHECK(ended.signal == 0);
      CHECK(ended.exit == 1);
      CHECK(ended.out.find(": cancelled") != std::string::npos);
      check_nothing_lost(ground, berth);
    }
  }
}

TEST_CASE("shutdown: a second SIGTERM ends `berth sync` at once, which costs at most a batch") {
  const FirstSync ground;
  const Workspace berth(Workspace::CopyOf{*ground.connected});
  const auto sync = ground.sync_until_call(berth, kInvoices);
  const std::vector<pid_t> workers = children_of(sync->id());
  sync->signal(SIGTERM);
  CHECK_FALSE(eventually([&] { return !sync->is_running(); }, std::chrono::milliseconds(300)));   // it waits for answers
  sync->signal(SIGTERM);
  const Outcome ended = sync->wait(kAtOnce);
  CHECK_FALSE(ended.timed_out);
  CHECK(ended.signal == SIGTERM);
  for (const pid_t worker : workers) CHECK(eventually([&] { return !is_alive(worker); }, std::chrono::seconds(10)));
  ground.simulator.clear_faults();
  ground.recover(berth);
}

TEST_CASE("shutdown: the first SIGTERM ends `berth serve` in the middle of a sync with every answer on disk") {
  const FirstSync ground;
  const Workspace berth(Workspace::CopyOf{*ground.connected});
  const auto host = serve_until_call(ground, berth, kInvoices);
  host->signal(SIGTERM);
  ground.simulator.clear_faults();
  const Outcome ended = host->wait();
  CHECK(ended.signal == 0);
  CHECK(ended.exit == 0);
  CHECK(berth.json({"runs", "zoho"}).find("runs")->items().at(0).text_of("outcome") == "cancelled");
  check_nothing_lost(ground, berth);
}

TEST_CASE("shutdown: a second SIGTERM ends `berth serve` at once, which costs at most a batch") {
  const FirstSync ground;
  const Workspace berth(Workspace::CopyOf{*ground.connected});
  const auto host = serve_until_call(ground, berth, kPayments);
  const std::vector<pid_t> workers = children_of(host->id());
  host->signal(SIGTERM);
  CHECK_FALSE(eventually([&] { return !host->is_running(); }, std::chrono::milliseconds(300)));
  host->signal(SIGTERM);
  const Outcome ended = host->wait(kAtOnce);
  CHECK_FALSE(ended.timed_out);
  CHECK(ended.signal == SIGTERM);
  for (const pid_t worker : workers) CHECK(eventually([&] { return !is_alive(worker); }, std::chrono::seconds(10)));
  ground.simulator.clear_faults();
  ground.recover(berth);
}
