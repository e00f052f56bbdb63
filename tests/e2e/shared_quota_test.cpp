// Two processes on one data folder that draw on the quota of one organisation: `berth serve` with its first sync, and
// commands beside it. The simulator refuses what is too much for a minute, and nothing is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

constexpr int kPerMinute = 60;

std::size_t refused(const Simulator& simulator) {
  const auto log = simulator.log();
  return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), [](const std::string& call) { return call.starts_with("429"); }));
}

Value quota(const Workspace& berth) { return berth.json({"quota", "show"}).find("quotas")->items().at(0); }

}  // namespace

TEST_CASE("A5: commands beside a host that serves keep the limit of the minute together with it, and all of them finish") {
  // More calls than a minute has: the sync is cut by the limit, and whoever comes beside it has to wait for a share.
  const Simulator simulator({.contacts = 10, .items = 5, .invoices = 30, .payments = 15, .credit_notes = 2, .per_minute = kPerMinute});
  Settings settings;
  settings.limits = "{per_minute: " + std::to_string(kPerMinute) + ", concurrent: 5, per_day: 100000}";
  const Workspace berth(simulator, settings);
  berth.connect();
  simulator.reset_counters();
  const auto host = berth.serve();
  const auto calls = [&] { return simulator.control("counters").find("calls")->integer().value(); };
  REQUIRE(eventually([&] { return calls() > 20; }));
  const auto test = berth.start({"test", "zoho"});
  const auto again = berth.start({"test", "zoho"});
  // Three processes at once, as the row of the database has them.
  CHECK(eventually([&] { return number_at(quota(berth), "processes") == 3; }));
  const Value shown = quota(berth);
  CHECK(number_at(shown, "per_minute") == kPerMinute);
  CHECK(number_at(shown, "minute_held") <= kPerMinute);
  CHECK(shown.find("integrations")->items().at(0).text() == "zoho");
  // An integration has one run at a time, also where the other one waits for the minute.
  const Outcome busy = berth.run({"sync", "zoho"});
  CHECK(busy.exit == 1);
  CHECK(busy.err.find("runs.busy") != std::string::npos);
  for (const auto& command : {&test, &again}) {
    const Outcome tested = (*command)->wait(std::chrono::seconds(200));
    CHECK_MESSAGE(tested.exit == 0, tested.out << tested.err);
  }
  REQUIRE(eventually([&] { return !berth.status().find("last_sync_at")->is_null(); }, std::chrono::seconds(200)));
  // Within the minute of its last calls another process runs the whole of it again.
  const Outcome full = berth.run({"sync", "zoho", "--full"}, std::chrono::seconds(200));
  CHECK_MESSAGE(full.exit == 0, full.out << full.err);
  CHECK(calls() > kPerMinute + 20);
  CHECK(refused(simulator) == 0);
  host->signal(SIGTERM);
  CHECK(host->wait(std::chrono::seconds(20)).exit == 0);
  for (const char* text : {"rate_limit", "429"}) CHECK(host->err().find(text) == std::string::npos);
}

TEST_CASE("D12: `berth quota` shows what stands in the way, and lifts it for the host that serves") {
  const Simulator simulator({.contacts = 5, .items = 5, .invoices = 20, .payments = 10, .credit_notes = 2});
  const Workspace berth(simulator);
  berth.connect();
  // The remote calls the day spent, wrongly, with the first call of the first sync.
  simulator.post("limits", R"({"per_day":1000,"used_today":1000})");
  const auto host = berth.serve();
  REQUIRE(eventually([&] { return berth.status().text_of("status") == "waiting_quota"; }));
  const std::string table = berth.must({"quota", "show", "zoho"});
  INFO(table);
  CHECK(table.find("zoho_books/927000001") != std::string::npos);
  CHECK(table.find("zoho_books.rate_limit.daily") != std::string::npos);
  CHECK(!quota(berth).find("blocked_until")->is_null());
  simulator.post("limits", R"({"per_day":1000,"used_today":0})");
  CHECK(berth.must({"quota", "reset", "zoho"}).find("zoho_books/927000001") != std::string::npos);
  REQUIRE(eventually([&] { return !berth.status().find("last_sync_at")->is_null(); }));
  CHECK(quota(berth).find("blocked_until")->is_null());
  CHECK(number_at(quota(berth), "day_limit") == 1000);
  CHECK(berth.run({"quota", "reset", "nobody"}).exit != 0);
  host->signal(SIGTERM);
  CHECK(host->wait(std::chrono::seconds(20)).exit == 0);
}
