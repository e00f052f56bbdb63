// The quota planner over days: what a backfill makes of the calls that it may make, what it foretells, and how integrations on
// one organisation share the day.
//
// BERTH_BACKFILL_INVOICES=100000 BERTH_BACKFILL_PER_DAY=10000 build/release/tests/integration_test -tc='A6 B7 P2*'
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>

#include "host/runs/forecast.hpp"
#include "host/storage/integrations.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kZone = "America/New_York";

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

json::Value forecast_of(World& world, std::string_view id = kIntegration) {
  json::Value view;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(runs::forecast_view(connection, id));
    return success();
  }).ok());
  return view;
}

std::int64_t number_of(const json::Value& value, std::string_view key) {
  const json::Value* found = value.find(key);
  return found == nullptr ? -1 : found->integer().value_or(-1);
}

bool is_history_done(World& world) { return forecast_of(world).find("backfill")->text_of("state") == "done"; }

std::int64_t day_of(Instant at) { return date_in_zone(at, kZone).value().day_number(); }

/// The hours of a day as the schedule has them: at once, and an hour after each run or when the integration says so.
void wait_for_next(World& world, std::chrono::milliseconds interval) {
  const Instant next = world.integration().next_attempt;
  world.clock.set(next > world.clock.now() ? next : world.clock.now() + interval);
}

}  // namespace

TEST_CASE("A6 B7 P2: a backfill of many days uses the day's calls, ends on the first day that arithmetic allows, and foretells that after an hour") {
  const int invoices = from_environment("BERTH_BACKFILL_INVOICES", kIsSanitized ? 800 : 5'000);
  const int per_day = from_environment("BERTH_BACKFILL_PER_DAY", kIsSanitized ? 180 : 1'000);
  const bool is_large = per_day >= 10'000;
  WorldOptions options;
  options.contacts = std::max(10, invoices / 50);
  options.items = 20;
  options.invoices = invoices;
  options.payments = 0;
  options.credit_notes = 0;
  options.backfill = "{from: 12_months_then_all}";
  options.limits = "{per_minute: 100, concurrent: 5, per_day: " + std::to_string(per_day) + "}";
  // An hourly schedule costs about a hundred calls a day for lists that have nothing new: of a small day that is too large a part.
  options.schedule = is_large ? "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d}" : "{invoices: 12h, customer_payments: 12h, contacts: 12h, items: 1d}";
  const auto interval = is_large ? std::chrono::milliseconds(1h) : std::chrono::milliseconds(12h);
  options.more = "    budgets: {invoices.pdf: 0}\n";
  World world(options);
  world.connect();
  world.control("POST", "limits", R"({"per_day":)" + std::to_string(per_day) + R"(,"per_minute":100,"concurrent":10,"used_today":0})");
  world.transport.forget_calls();
  const Instant begun = world.clock.now();

  std::optional<Instant> foretold;
  std::int64_t calls_then = 0;
  // What `berth status` shows after an hour: while the first run is under way, or where it has stopped before because the day is spent.
  std::mutex mutex;
  const auto look = [&] {
    const std::scoped_lock lock(mutex);
    if (foretold) return;
    const json::Value told = forecast_of(world);
    foretold = parse_instant(told.text_of("done")).value();
    calls_then = number_of(told, "calls_left");
    MESSAGE("after " << (world.clock.now() - begun).count() / 60'000 << " minutes: " << json::dump(told));
  };
  world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
    if (world.clock.now() - begun >= 1h) look();
    return std::nullopt;
  };
  int runs = 0;
  for (; runs < 2'000 && !is_history_done(world); ++runs) {
    const runs::RunReport report = world.sync();
    const bool is_fine = report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged || report.outcome == runs::RunOutcome::kRateLimited;
    REQUIRE_MESSAGE(is_fine, report.reason << ": " << report.message);
    look();
    if (!is_history_done(world)) wait_for_next(world, interval);
  }
  const Instant ended = world.clock.now();
  REQUIRE(is_history_done(world));

  // By hand: each invoice but drafts has a detail; the lists of 200 rows; nothing else of importance.
  std::int64_t needed = 0;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& invoice : books.invoices.all()) needed += invoice.stage != zoho_sim::Stage::kDraft ? 1 : 0;
  });
  needed += (invoices + 199) / 200;
  const auto exchanges = world.transport.api_calls();
  std::map<std::int64_t, std::int64_t> by_day;
  std::set<std::string> seen;
  std::int64_t repeated = 0, refused = 0, lists = 0, contacts = 0;
  for (const auto& exchange : exchanges) {
    ++by_day[day_of(exchange.counted)];
    refused += exchange.status == 429 ? 1 : 0;
    const bool is_of_one = std::count(exchange.call.begin(), exchange.call.end(), '/') >= 4;
    lists += is_of_one ? 0 : 1;
    contacts += is_of_one && exchange.call.find("/contacts/") != std::string::npos ? 1 : 0;
    if (is_of_one && !seen.insert(exchange.call).second) ++repeated;
  }
  const auto made = static_cast<std::int64_t>(exchanges.size());
  const std::int64_t days = day_of(ended) - day_of(begun) + 1;
  const std::int64_t possible = (needed + per_day - 1) / per_day;
  std::int64_t allowed = 0, used = 0;
  for (const auto& [day, calls] : by_day) {
    if (day == day_of(ended)) continue;   // on the last day no more is needed
    allowed += per_day;
    used += calls;
  }
  MESSAGE(invoices << " invoices, " << per_day << " calls a day: " << needed << " calls needed, " << made << " made in " << runs << " runs (" << lists << " lists, " << contacts << " details of contacts); possible in "
                   << possible << " days, done in " << days << "; of " << allowed << " allowed before the last day " << used << " were made, " << repeated << " of all for nothing");
  CHECK(refused == 0);   // neither code 44 nor 1070, nor 45
  CHECK(world.transport.count("GET /", 429) == 0);
  CHECK(repeated == 0);
  CHECK(days == possible);
  CHECK((used - repeated) * 100 >= allowed * 98);
  const auto truth = (ended - begun).count();
  const auto told = (*foretold - begun).count();
  MESSAGE("foretold " << to_string(*foretold) << " with " << calls_then << " calls left, ended " << to_string(ended) << ": " << static_cast<double>(told - truth) * 100.0 / static_cast<double>(truth) << " % off");
  CHECK(std::abs(told - truth) * 10 <= truth);
  CHECK(world.records("invoice").size() == static_cast<std::size_t>(invoices));
}

TEST_CASE("B7: the forecast is right again when another program eats calls") {
  WorldOptions options;
  options.invoices = 400;
  options.payments = 0;
  options.credit_notes = 0;
  options.more = "    budgets: {invoices.pdf: 0}\n";
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 100}";
  World world(options);
  world.connect();
  world.control("POST", "limits", R"({"per_day":100,"used_today":0})");
  CHECK(world.sync().outcome == runs::RunOutcome::kRateLimited);
  const Instant undisturbed = parse_instant(forecast_of(world).text_of("done")).value();
  // Each of the following days another program has used half of the day before we come.
  const Instant begun = world.clock.now();
  std::optional<Instant> corrected;
  Instant ended;
  for (int day = 0; day < 20; ++day) {
    wait_for_next(world, 1h);
    std::atomic<bool> has_eaten = false;   // with our first call of the day, which the simulator has to see to know that it is another day
    world.transport.after = [&](http::Response& response) {
      const bool is_counted = std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) { return header.first == "x-rate-limit-remaining"; });
      if (is_counted && !has_eaten.exchange(true)) world.control("POST", "limits", R"({"per_day":100,"used_today":51})");
    };
    const runs::RunReport report = world.sync();
    world.transport.after = nullptr;
    if (!corrected) {
      const json::Value told = forecast_of(world);
      corrected = parse_instant(told.text_of("done")).value();
      CHECK(number_of(told, "others_today") >= 49);
      CHECK(number_of(told, "usable_a_day") <= 50);
    }
    ended = world.clock.now();
    if (report.outcome == runs::RunOutcome::kSucceeded) break;
  }
  const auto off = [&](Instant told) { return std::abs((told - ended).count()); };
  MESSAGE("alone " << to_string(undisturbed) << ", corrected " << to_string(*corrected) << ", ended " << to_string(ended));
  CHECK(*corrected > undisturbed);
  CHECK(off(*corrected) < off(undisturbed));
  CHECK(off(*corrected) * 5 <= (ended - begun).count());   // within a fifth, from one day's figures
}

namespace {

/// One more beside the first, on the same simulator: no files, no reserve, everything from the start.
std::string integration_like(std::string_view id, std::string_view limits) {
  return fmt::format(
      "  - id: {}\n"
      "    plugin: zoho_books\n"
      "    company: acme_us\n"
      "    plan: premium\n"
      "    reserve: 0%\n"
      "    budgets: {{invoices.pdf: 0}}\n"
      "    backfill: {{from: all}}\n"
      "    client: {{id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI}}\n"
      "    data_centers:\n"
      "      - {{location: test, accounts: \"http://127.0.0.1:9100\", api: \"http://127.0.0.1:9100\", allow_http_loopback: true,\n"
      "         limits: {}}}\n",
      id, limits);
}

}  // namespace

TEST_CASE("A6: two integrations on one organisation share the day: a first sync leaves the other one its part, and takes what it does not need") {
  WorldOptions options;
  options.invoices = 300;
  options.payments = 0;
  options.credit_notes = 0;
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 200}";
  options.more = "    budgets: {invoices.pdf: 0}\n";
  options.integrations = integration_like("second", options.limits);
  World world(options);
  world.connect();
  REQUIRE(world.tokens.save("second", world.tokens.load(kIntegration).value().value(), 0).ok());
  REQUIRE(world.database->write("test.second", [&](storage::Connection& connection) -> Status {
    const storage::Integration first = BERTH_TRY(storage::integrations::find(connection, kIntegration)).value();
    BERTH_CHECK(storage::integrations::set_organization(connection, "second", first.remote_id, "the same", first.organization_json));
    return storage::integrations::set_connected(connection, "second", world.clock.now());
  }).ok());
  world.control("POST", "limits", R"({"per_day":200,"used_today":0})");
  const auto sync_of = [&](std::string_view id) {
    runs::IntegrationUnit& unit = world.unit(id);
    const auto access = world.registry->access(unit);
    REQUIRE(access.ok());
    CHECK(access->sharers.size() == 1);
    world.transport.forget_calls();
    return world.engine->run(unit.setup, *access, {}, {}).value();
  };
  const auto calls = [&] { return static_cast<std::int64_t>(world.transport.count("GET /books/v3/")); };
  const runs::RunReport first = sync_of(kIntegration);
  const std::int64_t of_first = calls();
  CHECK(first.outcome == runs::RunOutcome::kRateLimited);
  CHECK(first.reason == "berth.run_cap");
  CHECK(of_first >= 95);
  CHECK(of_first <= 100);   // half of the day
  const runs::RunReport second = sync_of("second");
  const std::int64_t of_second = calls();
  CHECK(of_second >= 95);   // all that is left: the first one has had its part
  CHECK(phase_of(second, "invoices").fetched > 0);
  // The next days: as long as both need it they have half each, and when one is done the other has all of it.
  int days = 1;
  std::int64_t most_of_one = 0;
  for (; days < 20; ++days) {
    world.clock.set(next_midnight(world.clock.now(), kZone).value() + 5min);
    const runs::RunReport a = sync_of(days % 2 == 0 ? kIntegration : std::string_view("second"));
    most_of_one = std::max(most_of_one, calls());
    const runs::RunReport b = sync_of(days % 2 == 0 ? std::string_view("second") : kIntegration);
    most_of_one = std::max(most_of_one, calls());
    const auto is_done = [](const runs::RunReport& report) { return report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged; };
    if (is_done(a) && is_done(b)) break;
  }
  MESSAGE("both had everything after " << days << " more days");
  CHECK(days <= 4);   // twice about 300 calls of 200 a day
  CHECK(world.transport.count("GET /", 429) == 0);
}

TEST_CASE("A6: for an integration that has not run for a day and a half nothing is kept of the day") {
  World world({.invoices = 5, .payments = 0, .credit_notes = 0});
  world.connect();
  const http::QuotaSnapshot quota = [&] {
    http::QuotaSnapshot snapshot;
    snapshot.day_limit = 1'000;
    snapshot.day_left = 1'000;
    snapshot.day_resets_at = world.clock.now() + 10h;
    return snapshot;
  }();
  const auto kept = [&] {
    std::int64_t calls = -1;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      calls = BERTH_TRY(runs::kept_for(connection, {std::string(kIntegration)}, quota, world.clock.now()));
      return success();
    }).ok());
    return calls;
  };
  CHECK(kept() == 500);   // connected just now, and may need all of its half
  world.sync();
  CHECK(kept() > 0);      // it has everything; changes may come
  CHECK(kept() < 500);
  world.later(37h);
  CHECK(kept() == 0);
}
