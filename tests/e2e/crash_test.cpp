// A worker or the whole host dies in the middle of a sync: the run says so, the next one finishes, and the books are those
// of a sync that nothing disturbed.
#include <doctest/doctest.h>
#include <signal.h>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const Sizes kSizes{.contacts = 20, .items = 10, .invoices = 80, .payments = 50, .credit_notes = 10};

/// What a sync brings that nothing disturbs.
std::string undisturbed_journal(const Simulator& simulator) {
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  return berth.sorted_journal();
}

/// Slow answers, so that the sync is in the middle of its documents when this returns.
std::unique_ptr<Process> sync_in_the_middle(const Simulator& simulator, const Workspace& berth) {
  simulator.post("options", R"({"latency_ms": 40})");
  simulator.reset_counters();
  auto sync = berth.start({"sync", "zoho"});
  REQUIRE(eventually([&] { return simulator.calls("detail") >= 25 || !sync->is_running(); }));
  REQUIRE(sync->is_running());
  return sync;
}

}  // namespace

TEST_CASE("a worker that is killed in mid sync crashes that run alone, and the next sync finishes with the same books") {
  const Simulator simulator(kSizes);
  const std::string expected = undisturbed_journal(simulator);
  REQUIRE(expected.size() > 10'000);
  const Workspace berth(simulator);
  berth.connect();
  const auto sync = sync_in_the_middle(simulator, berth);
  const auto workers = children_of(sync->id());
  REQUIRE(workers.size() == 1);
  kill(workers.front(), SIGKILL);
  const Outcome crashed = sync->wait();
  CHECK(crashed.exit == 1);
  CHECK(crashed.signal == 0);
  CHECK(crashed.out.find("crashed") != std::string::npos);
  CHECK(crashed.out.find("plugin.crashed") != std::string::npos);
  CHECK(crashed.out.find("signal 9") != std::string::npos);
  CHECK(crashed.out.find("last request GET /invoices/") != std::string::npos);
  CHECK(berth.status().text_of("reason") == "plugin.crashed");
  const Value runs = berth.json({"runs", "zoho"});
  CHECK(runs.find("runs")->items().at(0).text_of("outcome") == "crashed");
  CHECK(runs.find("runs")->items().at(0).text_of("reason") == "plugin.crashed");

  simulator.post("options", R"({"latency_ms": 0})");
  const Value next = berth.json({"sync", "zoho"});
  CHECK(next.text_of("outcome") == "succeeded");
  berth.map_all_accounts();
  CHECK(berth.run({"ledger", "check"}).exit == 0);
  CHECK((berth.sorted_journal() == expected));   // both are long
}

TEST_CASE("a host that is killed in mid sync leaves no worker behind, and the next sync finishes with the same books") {
  const Simulator simulator(kSizes);
  const std::string expected = undisturbed_journal(simulator);
  const Workspace berth(simulator);
  berth.connect();
  const auto sync = sync_in_the_middle(simulator, berth);
  const auto workers = children_of(sync->id());
  REQUIRE(workers.size() == 1);
  sync->signal(SIGKILL);
  CHECK(sync->wait().signal == SIGKILL);
  CHECK(eventually([&] { return !is_alive(workers.front()); }, std::chrono::seconds(10)));
  simulator.post("options", R"({"latency_ms": 0})");

  // Nobody has to wait for the lease of a process that is gone.
  const Value next = berth.json({"sync", "zoho"});
  CHECK(next.text_of("outcome") == "succeeded");
  const Value runs = berth.json({"runs", "zoho"});
  REQUIRE(runs.find("runs")->size() == 2);
  CHECK(runs.find("runs")->items().at(1).text_of("outcome") == "crashed");
  CHECK(runs.find("runs")->items().at(1).text_of("reason") == "berth.run_abandoned");
  berth.map_all_accounts();
  CHECK(berth.run({"ledger", "check"}).exit == 0);
  CHECK((berth.sorted_journal() == expected));   // both are long
}
