// Days: the work ends on the first day that arithmetic allows, whatever the budgets are, and nothing is paid twice.
#include <algorithm>
#include <set>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

constexpr int kPhases = 5;
/// Calls a day, and books that need three times as many.
constexpr int kPerDay = kIsSanitized ? 170 : 500;

bool ended_well(const runs::RunReport& report) {
  return report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged;
}

std::vector<std::string> answered(const World& world) {
  std::vector<std::string> calls = world.transport.calls();
  std::erase_if(calls, [](const std::string& call) { return call.find("/books/v3/") == std::string::npos; });
  return calls;
}

bool is_of_one_record(const std::string& call) {
  return std::count(call.begin() + static_cast<std::ptrdiff_t>(call.find("/books/v3/")), call.end(), '/') >= 4;
}

/// Calls for single records, files and parts, that were answered more than once.
std::set<std::string> paid_twice(const World& world) {
  std::set<std::string> seen;
  std::set<std::string> twice;
  for (const std::string& call : answered(world)) {
    if (is_of_one_record(call) && call.starts_with("200") && !seen.insert(call).second) twice.insert(call);
  }
  return twice;
}

/// Which calendar day of the organisation this is, from the day of the first look on.
std::int64_t day_of(const World& world, std::string_view zone) { return date_in_zone(world.clock.now(), zone).value().day_number(); }

WorldOptions of_days() {
  WorldOptions options;
  options.contacts = kIsSanitized ? 20 : 40;
  options.items = 10;
  options.invoices = kIsSanitized ? 150 : 450;
  options.payments = kIsSanitized ? 80 : 260;
  options.credit_notes = kIsSanitized ? 6 : 20;   // some with parts
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: " + std::to_string(kPerDay) + "}";
  return options;
}

/// The smallest plan of Zoho, with the limits of the connector's own file.
WorldOptions of_free_plan() {
  WorldOptions options = of_days();
  options.contacts = 80;
  options.invoices = 900;
  options.payments = 520;
  options.credit_notes = 40;
  options.plan = "free";
  options.limits.clear();
  return options;
}

/// What the same books cost when nothing is in the way: lists, details, parts and files, each once.
std::int64_t calls_needed(WorldOptions options) {
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 1000000}";
  World world(std::move(options));
  world.connect();
  world.transport.forget_calls();
  REQUIRE(ended_well(world.sync()));
  REQUIRE(paid_twice(world).empty());
  return static_cast<std::int64_t>(answered(world).size());
}

struct Finished {
  std::int64_t days = 0;   // on which calls were made, the first one included
  int runs = 0;
  std::int64_t calls = 0;
};

/// Syncs at once and whenever the integration says that it goes on.
Finished sync_until_done(World& world, std::string_view zone) {
  const auto first_day = day_of(world, zone);
  Finished finished;
  while (finished.runs < 40) {
    const runs::RunReport report = world.sync();
    ++finished.runs;
    if (ended_well(report)) break;
    REQUIRE_MESSAGE(report.outcome == runs::RunOutcome::kRateLimited, report.reason << ": " << report.message);
    CHECK(report.reason == "berth.quota");
    CHECK(world.integration().actual == "waiting_quota");
    CHECK(report.next_attempt > report.ended);
    CHECK(world.integration().next_attempt == report.next_attempt);
    const auto turn = next_midnight(report.ended, zone).value();
    const auto off = report.next_attempt - turn;
    CHECK_MESSAGE(off >= -2s, to_string(report.next_attempt) << ", not " << to_string(turn) << ": " << report.message);
    CHECK_MESSAGE(off <= 2s, to_string(report.next_attempt) << ", not " << to_string(turn) << ": " << report.message);
    CHECK_MESSAGE(report.message.find(to_string(report.next_attempt).substr(0, 10)) != std::string::npos, report.message);
    world.clock.set(report.next_attempt);
  }
  finished.days = day_of(world, zone) - first_day + 1;
  finished.calls = static_cast<std::int64_t>(answered(world).size());
  return finished;
}

}  // namespace

TEST_CASE("D5 A6: at 500 or 1,000 calls a day the first sync ends rate limited, goes on at each turn of the day, and finishes on the first day that is possible") {
  WorldOptions options = of_days();
  std::int64_t per_day = kPerDay;
  std::int64_t usable = per_day;
  std::string zone = "America/New_York";
  SUBCASE("all of the day") {}
  SUBCASE("less a reserve of a tenth") {
    options.reserve = "10%";
    usable = per_day * 9 / 10;
  }
  SUBCASE("across the day of 23 hours") { options.start = 1'772'870'400; }   // 2026-03-07 03:00 in New York
  SUBCASE("a plan of 1,000 a day") {
    options = of_free_plan();
    usable = per_day = 1'000;
  }
  SUBCASE("a plan of 1,000 a day, less a reserve of a fifth") {
    options = of_free_plan();
    options.reserve = "20%";
    per_day = 1'000;
    usable = 800;
  }
  SUBCASE("across the day of 25 hours") { options.start = 1'793'430'000; }   // 2026-10-31 03:00 in New York
  SUBCASE("where it is tomorrow already") { zone = options.organization_zone = "Pacific/Auckland"; }
  const std::int64_t needed = calls_needed(options);
  World world(options);
  world.connect();
  world.control("POST", "limits", R"({"per_day":)" + std::to_string(per_day) + R"(,"used_today":0})");
  world.transport.forget_calls();
  const Finished finished = sync_until_done(world, zone);
  // A run that begins anew reads the lists again from the last known change on: one page for each of the five phases.
  const std::int64_t lists_again = kPhases * (finished.runs - 1);
  const std::int64_t possible = (needed + usable - 1) / usable;
  MESSAGE(needed << " calls needed, " << usable << " a day: possible in " << possible << " days; done in " << finished.days << " with " << finished.calls << " calls");
  CHECK(possible >= 3);
  CHECK(finished.days == possible);
  CHECK(finished.runs == possible);
  CHECK(finished.calls >= needed);
  // A contact that is listed before the invoice came that would have told its country may cost its own detail.
  const auto contacts = static_cast<std::int64_t>(world.transport.count("GET /books/v3/contacts/", 200));
  CHECK(finished.calls - contacts <= needed + lists_again);
  CHECK(finished.calls <= needed + lists_again + options.contacts);
  CHECK(paid_twice(world).empty());
  world.map_all();
  world.check_books();
}

// The remote counts whole seconds, so two answers tell two turns of one day. A run that was told the first of them began before
// the second, was refused at once and ended as rate limited a second time.
TEST_CASE("A6: when the day is spent, the run goes on when the last of its answers says that the day turns") {
  WorldOptions options;
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 40}";
  options.is_paced = true;   // so that calls are under way when the first of them is refused
  World world(options);
  world.connect();
  world.control("POST", "limits", R"({"per_day":40,"used_today":0})");
  std::atomic<int> later = 0;
  world.transport.after = [&](http::Response& response) {
    for (auto& [name, value] : response.headers) {
      if (name == "x-rate-limit-reset") value = std::to_string(std::stoll(value) + ++later);
    }
  };
  const runs::RunReport spent = world.sync();
  REQUIRE(spent.outcome == runs::RunOutcome::kRateLimited);
  const Instant turn = world.registry->access(world.unit()).value().gate->resets_at();
  CHECK_MESSAGE(spent.next_attempt >= turn, to_string(spent.next_attempt) << " is before " << to_string(turn));
  world.clock.set(spent.next_attempt);
  world.transport.after = nullptr;
  world.transport.forget_calls();
  world.sync();
  CHECK(world.transport.api_calls().size() > 30);   // of the new day's 40: it was not refused
}

TEST_CASE("D5: a remote that has no calls left and says that it will have some in a second is not asked every second") {
  World world;
  world.connect();
  world.control("POST", "limits", R"({"per_day":100000,"used_today":0})");   // else it tells nothing
  world.transport.after = [&](http::Response& response) {
    for (auto& [name, value] : response.headers) {
      if (name == "x-rate-limit-remaining") value = "0";
      if (name == "x-rate-limit-reset") value = "1";
    }
  };
  std::vector<std::chrono::milliseconds> waits;
  for (int run = 0; run < 12; ++run) {
    const runs::RunReport report = world.sync();
    REQUIRE_MESSAGE(report.outcome == runs::RunOutcome::kRateLimited, "run " << run << ": " << report.reason << ": " << report.message);
    CHECK(world.integration().next_attempt == report.next_attempt);
    waits.push_back(report.next_attempt - report.ended);
    world.clock.set(report.next_attempt);
  }
  CHECK(waits.front() >= 1min);
  CHECK(waits.front() <= 5min);
  for (std::size_t i = 1; i < waits.size(); ++i) CHECK(waits[i] >= waits[i - 1]);
  CHECK(waits.back() == 1h);
  // As soon as there are some it goes on, and the waits are forgotten.
  std::atomic<int> left = 40;
  world.transport.after = [&](http::Response& response) {
    for (auto& [name, value] : response.headers) {
      if (name == "x-rate-limit-remaining") value = std::to_string(std::max(0, --left));
      if (name == "x-rate-limit-reset") value = "1";
    }
  };
  const runs::RunReport some = world.sync();
  CHECK(some.outcome == runs::RunOutcome::kRateLimited);
  CHECK(some.next_attempt == some.ended + 1min);
}

TEST_CASE("D5: a share of the day that a phase does not need is for those that have work, a number stays a ceiling") {
  WorldOptions options;
  options.invoices = 120;
  options.payments = 0;
  options.credit_notes = 0;
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 300}";
  SUBCASE("shares") {
    World world(options);
    world.connect();
    world.control("POST", "limits", R"({"per_day":300,"used_today":0})");
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(ended_well(report), report.reason << ": " << report.message);
    CHECK(phase_of(report, "invoices").calls.list == 1);   // the second turn reads no list
    const auto used = std::find_if(report.budgets.begin(), report.budgets.end(), [](const http::BudgetUse& use) { return use.cost == "invoices.pdf"; });
    REQUIRE(used != report.budgets.end());
    CHECK(used->is_lifted);
    CHECK(used->spent > *used->limit);
    CHECK(report.to_json().find("budgets")->size() == report.budgets.size());
  }
  SUBCASE("a number") {
    options.more = "    budgets: {invoices.detail: 30, invoices.pdf: 0}\n";
    World world(options);
    world.connect();
    const runs::RunReport report = world.sync();
    CHECK(report.outcome == runs::RunOutcome::kIncomplete);
    CHECK(report.reason == "berth.budget");
    CHECK_MESSAGE(report.message.find("invoices.detail") != std::string::npos, report.message);
    CHECK_MESSAGE(report.message.starts_with("Phase invoices:"), report.message);
    CHECK(phase_of(report, "invoices").calls.detail == 30);
    CHECK(phase_of(report, "invoices").calls.file == 0);
    CHECK(phase_of(report, "items").outcome == "succeeded");
  }
  SUBCASE("none at all for files: they wait, and the run is whole") {
    options.more = "    budgets: {invoices.pdf: 0}\n";
    World world(options);
    world.connect();
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(ended_well(report), report.reason << ": " << report.message);
    CHECK(phase_of(report, "invoices").fetched > 0);
    CHECK(phase_of(report, "invoices").calls.file == 0);
    CHECK(phase_of(report, "invoices").notes.empty());
    const auto waiting = [&] { return world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 2"); };
    const std::int64_t put_off = waiting();
    CHECK(put_off > 0);
    world.config.integrations.front().budgets.clear();
    world.restart();
    const runs::RunReport later = world.sync();
    CHECK_MESSAGE(ended_well(later), later.reason << ": " << later.message);
    CHECK(phase_of(later, "invoices").files == put_off);
    CHECK(waiting() == 0);
  }
  SUBCASE("a number of one, and one that is larger than the day") {
    options.more = "    budgets: {invoices.detail: 1, invoices.pdf: 5000}\n";
    World world(options);
    world.connect();
    const runs::RunReport report = world.sync();
    CHECK(report.outcome == runs::RunOutcome::kIncomplete);
    CHECK(phase_of(report, "invoices").fetched == 1);
  }
}

TEST_CASE("D5: a run has one cap, at the cap it ends as rate limited, and the next one goes on where it stopped") {
  WorldOptions options;
  options.more = "    budgets: {run: 12}\n";
  options.credit_notes = 0;
  World world(options);
  world.connect();
  world.transport.forget_calls();
  int runs = 0;
  runs::RunReport report;
  for (; runs < 30; ++runs) {
    const auto before = answered(world).size();
    report = world.sync();
    const auto used = answered(world).size() - before;
    CHECK(used <= 12);
    if (ended_well(report)) break;
    CHECK(used == 12);   // to the last one
    REQUIRE(report.outcome == runs::RunOutcome::kRateLimited);
    CHECK(report.reason == "berth.run_cap");
    CHECK_MESSAGE(report.message.find("12 of 12") != std::string::npos, report.message);
    CHECK(report.next_attempt == report.started + 5min);   // payments are due again then
    CHECK(world.integration().actual == "waiting_quota");
    world.clock.set(report.next_attempt);
  }
  CHECK(runs > 3);
  CHECK(runs < 30);
  CHECK(paid_twice(world).empty());
  world.map_all();
  world.check_books();
}
