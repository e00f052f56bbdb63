// Quotas, budgets: what is paid for is kept, and nothing is fetched twice.
#include <algorithm>
#include <map>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// Documents that were fetched successfully more than once.
std::vector<std::string> fetched_twice(const World& world) {
  std::map<std::string, int> times;
  for (const std::string& call : world.transport.calls()) {
    const auto path = call.find("/books/v3/");
    if (call.starts_with("200 GET") && path != std::string::npos && std::count(call.begin() + static_cast<std::ptrdiff_t>(path), call.end(), '/') >= 4) {
      ++times[call];
    }
  }
  std::vector<std::string> twice;
  for (const auto& [call, count] : times) {
    if (count > 1) twice.push_back(call);
  }
  return twice;
}

}  // namespace

TEST_CASE("D5 A6: a spent day ends the run as rate limited with the next attempt, later it goes on and fetches nothing twice") {
  World world({.credit_notes = 0});
  world.connect();
  world.transport.forget_calls();
  world.control("POST", "limits", R"({"per_day":20,"used_today":0})");
  const runs::RunReport spent = world.sync();
  CHECK(spent.outcome == runs::RunOutcome::kRateLimited);
  CHECK(spent.next_attempt > spent.ended);
  CHECK(spent.next_attempt <= spent.ended + std::chrono::hours(24));
  CHECK(world.integration().actual == "waiting_quota");
  CHECK(world.integration().next_attempt == spent.next_attempt);
  const auto stored = world.number("SELECT COUNT(*) FROM record WHERE detail_fetched_ms <> 0");
  CHECK(stored > 5);

  SUBCASE("asking again before that makes no call, also in a new process") {
    world.transport.forget_calls();
    CHECK(world.sync().outcome == runs::RunOutcome::kRateLimited);
    world.restart();
    const runs::RunReport again = world.sync();
    CHECK(again.outcome == runs::RunOutcome::kRateLimited);
    CHECK(again.next_attempt >= spent.next_attempt - std::chrono::seconds(2));
    CHECK(again.next_attempt <= spent.next_attempt + std::chrono::seconds(2));
    CHECK(world.transport.calls().empty());
  }
  SUBCASE("at the next attempt it goes on") {
    int times = 1;
    runs::RunReport report = spent;
    while ((report.outcome == runs::RunOutcome::kRateLimited || report.outcome == runs::RunOutcome::kIncomplete) && times < 90) {
      world.clock.set(std::max(world.clock.now() + std::chrono::hours(1), world.integration().next_attempt));
      report = world.sync();
      ++times;
    }
    CHECK(times < 90);
    CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
    CHECK(world.integration().actual == "setup_incomplete");
    CHECK(world.integration().next_attempt.unix_ms == 0);
    const auto twice = fetched_twice(world);
    for (const std::string& call : twice) MESSAGE(call);
    CHECK(twice.empty());
    world.map_all();
    world.check_books();
    World undisturbed({.credit_notes = 0});
    undisturbed.connect();
    undisturbed.sync();
    undisturbed.map_all();
    CHECK(world.journal() == undisturbed.journal());
  }
}

TEST_CASE("D5: a spent budget ends its phase as incomplete, the other phases run, and later runs go on") {
  World world({.more = "    budgets: {invoices.detail: 7}\n"});
  world.connect();
  world.transport.forget_calls();
  const runs::RunReport first = world.sync();
  CHECK(first.outcome == runs::RunOutcome::kIncomplete);
  CHECK(first.reason == "berth.budget");
  CHECK(phase_of(first, "invoices").outcome == "incomplete");
  CHECK(phase_of(first, "invoices").fetched == 7);
  for (const char* phase : {"customer_payments", "contacts", "items", "credit_notes"}) CHECK(phase_of(first, phase).outcome == "succeeded");
  CHECK(world.integration().actual == "initial_sync");
  CHECK(world.integration().last_sync.unix_ms == 0);
  int more = 0;
  while (world.sync().outcome == runs::RunOutcome::kIncomplete && more < 10) {
    world.later(std::chrono::minutes(5));
    ++more;
  }
  CHECK(more > 1);
  CHECK(more < 10);
  CHECK(fetched_twice(world).empty());
  world.map_all();
  world.check_books();
  CHECK(world.integration().actual == "connected");
  World undisturbed;
  undisturbed.connect();
  undisturbed.sync();
  undisturbed.map_all();
  CHECK(world.journal() == undisturbed.journal());
}

TEST_CASE("a full minute is waited for, in virtual time, and the sync succeeds") {
  World world;
  world.connect();
  world.control("POST", "limits", R"({"per_minute":15})");
  const Instant before = world.clock.now();
  CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.clock.now() - before > std::chrono::minutes(2));
}
