// B6: the host, and separately its worker, is killed with kill -9 at many moments of a first sync, then begins again. The
// export, sorted by source, is byte for byte that of a run which nothing disturbed, and of what was paid for at most the
// batch is fetched again that was not committed.
//
// A moment is a number and not a time, so that every run of this test kills in the same places: the n-th call of the
// sync, whose answer the simulator holds back while the kill comes; or the n-th write into the database, in the middle
// of which the process is killed or stopped (support/at_write.c), which reaches the beginning and the end of a sync,
// commits, and applying. Half of the accounts are mapped before, so that the sync posts, and half after. Pages have eight rows,
// so every list has several, and besides the even moments each turn of a page is one.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>

#include "e2e/support/first_sync.hpp"

using namespace e2e;

namespace {

/// `count` numbers from 1 to `last`, both included, as even as may be.
std::vector<std::int64_t> moments(std::int64_t last, int count) {
  REQUIRE(last >= count);
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(1 + i * (last - 1) / (count - 1));
  return numbers;
}

/// Kills the host and sees that its workers go with it.
void kill_host(Process& sync) {
  const std::vector<pid_t> workers = children_of(sync.id());
  sync.signal(SIGKILL);
  CHECK(sync.wait().signal == SIGKILL);
  for (const pid_t worker : workers) CHECK(eventually([&] { return !is_alive(worker); }, std::chrono::seconds(10)));
}

}  // namespace

TEST_CASE("B6: kill -9 of the host at 16 calls of a first sync costs at most a batch, and the books are the same") {
  const FirstSync ground(kPageRows);
  std::size_t most = 0;
  for (const std::int64_t call : moments(ground.calls, 16)) {
    CAPTURE(call);
    const Workspace berth(Workspace::CopyOf{*ground.connected});
    const auto sync = ground.sync_until_call(berth, call);
    kill_host(*sync);
    ground.simulator.clear_faults();
    most = std::max(most, ground.recover(berth));
  }
  MESSAGE("calls of the sync: " << ground.calls << ", documents fetched again at most: " << most);
  CHECK(most > 0);   // else nothing was interrupted
}

TEST_CASE("B6: kill -9 of the host inside 16 writes of a first sync costs at most a batch, and the books are the same") {
  const FirstSync ground(kPageRows);
  std::size_t most = 0;
  for (const std::int64_t write : moments(ground.last_write(), 16)) {
    CAPTURE(write);
    const Workspace berth(Workspace::CopyOf{*ground.connected});
    const Writes counted(berth);
    ground.simulator.reset_counters();
    const Outcome killed = berth.start({"sync", "zoho"}, counted.environment(write, SIGKILL))->wait();
    CHECK(killed.signal == SIGKILL);
    CHECK(counted.count() == write);
    most = std::max(most, ground.recover(berth));
  }
  MESSAGE("writes of the sync: " << ground.writes << ", documents fetched again at most: " << most);
  CHECK(most > 0);
}

TEST_CASE("B6: kill -9 of the worker at 24 calls of a first sync costs at most a batch, and the books are the same") {
  const FirstSync ground(kPageRows);
  std::size_t most = 0;
  for (const std::int64_t call : moments(ground.calls, 24)) {
    CAPTURE(call);
    const Workspace berth(Workspace::CopyOf{*ground.connected});
    const auto sync = ground.sync_until_call(berth, call);
    const std::vector<pid_t> workers = children_of(sync->id());
    REQUIRE(workers.size() == 1);
    kill(workers.front(), SIGKILL);
    ground.simulator.clear_faults();
    const Outcome crashed = sync->wait();
    CHECK(crashed.signal == 0);
    CHECK(crashed.out.find("crashed") != std::string::npos);
    most = std::max(most, ground.recover(berth));
  }
  MESSAGE("calls of the sync: " << ground.calls << ", documents fetched again at most: " << most);
  CHECK(most > 0);
}

TEST_CASE("B6: kill -9 of the host between two pages of a list, at every turn of a page of a first sync, and the books are the same") {
  const FirstSync ground(kPageRows);
  REQUIRE(ground.page_turns.size() >= 15);
  for (const std::int64_t call : ground.page_turns) {
    CAPTURE(call);
    const Workspace berth(Workspace::CopyOf{*ground.connected});
    const auto sync = ground.sync_until_call(berth, call);
    kill_host(*sync);
    ground.simulator.clear_faults();
    CHECK(ground.recover(berth) == 0);   // the documents before are committed, those behind not asked for
  }
  MESSAGE("turns of a page: " << ground.page_turns.size());
}

TEST_CASE("B6: kill -9 of the worker between two pages of a list, at every turn of a page of a first sync, and the books are the same") {
  const FirstSync ground(kPageRows);
  for (const std::int64_t call : ground.page_turns) {
    CAPTURE(call);
    const Workspace berth(Workspace::CopyOf{*ground.connected});
    const auto sync = ground.sync_until_call(berth, call);
    const std::vector<pid_t> workers = children_of(sync->id());
    REQUIRE(workers.size() == 1);
    kill(workers.front(), SIGKILL);
    ground.simulator.clear_faults();
    const Outcome crashed = sync->wait();
    CHECK(crashed.signal == 0);
    CHECK(crashed.out.find("crashed") != std::string::npos);
    CHECK(ground.recover(berth) == 0);
  }
}

TEST_CASE("B6: kill -9 of the worker while the host writes, at 8 moments of a first sync and more, costs at most a batch") {
  const FirstSync ground(kPageRows);
  std::size_t most = 0;
  int killed = 0;
  // Applying, which comes after the last worker, writes the most.
  for (const std::int64_t write : moments(ground.last_write() / 2, 14)) {
    CAPTURE(write);
    const Workspace berth(Workspace::CopyOf{*ground.connected});
    const Writes counted(berth);
    ground.simulator.reset_counters();
    const auto sync = berth.start({"sync", "zoho"}, counted.environment(write, SIGSTOP));
    REQUIRE(eventually([&] { return state_of(sync->id()) == 'T' || !sync->is_running(); }));
    REQUIRE(sync->is_running());
    // Between two phases, while it applies, and at the ends of the sync there is no worker to be killed.
    const std::vector<pid_t> workers = children_of(sync->id());
    for (const pid_t worker : workers) kill(worker, SIGKILL);
    sync->signal(SIGCONT);
    const Outcome ended = sync->wait();
    CHECK(ended.signal == 0);
    if (workers.empty()) continue;
    ++killed;
    most = std::max(most, ground.recover(berth));
  }
  MESSAGE("writes of the sync: " << ground.writes << ", workers killed: " << killed << ", documents fetched again at most: " << most);
  CHECK(killed >= 8);
}
