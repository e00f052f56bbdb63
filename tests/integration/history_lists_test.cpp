// The lists of a history: a remote that does not mind the days it is asked for, lists that fail, counts that nobody tells, and
// calls of a run that goes on past midnight.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "host/runs/forecast.hpp"
#include "host/storage/backfills.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

WorldOptions with_history(int invoices) {
  WorldOptions options;
  options.contacts = 12;
  options.invoices = invoices;
  options.payments = options.credit_notes = 0;
  options.backfill = "{from: 12_months_then_all}";
  options.schedule = "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d}";
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: 1000000}";
  options.more = "    budgets: {invoices.pdf: 0}\n";
  return options;
}

/// The connector's phases with one text instead of another.
std::string phases_with(std::string_view from, std::string_view to) {
  std::ifstream in(BERTH_SOURCE_DIR "/plugins/zoho_books/phases.yaml", std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

json::Value forecast_of(World& world) {
  json::Value view;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(runs::forecast_view(connection, kIntegration));
    return success();
  }).ok());
  return view;
}

bool is_done(World& world) { return forecast_of(world).find("backfill")->text_of("state") == "done"; }

void run_until_done(World& world) {
  for (int runs = 0; runs < 10 && !is_done(world); ++runs) {
    world.sync();
    world.later(1h);
  }
  REQUIRE(is_done(world));
}

/// Lists of invoices, and details that were paid twice.
std::size_t lists_of_invoices(const World& world) {
  const auto calls = world.transport.calls();
  return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), "200 GET /books/v3/invoices"));
}
std::size_t paid_twice(const World& world) {
  std::set<std::string> seen;
  std::size_t twice = 0;
  for (const std::string& call : world.transport.calls()) {
    if (call.starts_with("200 GET /books/v3/invoices/") && !seen.insert(call).second) ++twice;
  }
  return twice;
}

runs::RunRequest scheduled(std::string_view phase) {
  runs::RunRequest request;
  request.trigger = "schedule";
  request.phases = {std::string(phase)};
  return request;
}

}  // namespace

TEST_CASE("P2: a remote that minds no days is asked for its list whole, once: nothing is lost, nothing is fetched twice") {
  const int invoices = kIsSanitized ? 450 : 1'000;
  WorldOptions options = with_history(invoices);
  // Parameters that the remote does not know.
  options.phases = phases_with("{from: date_start, to: date_end", "{from: days_from, to: days_to");
  const std::string options_phases = options.phases;
  World world(options);
  world.connect();
  world.transport.forget_calls();
  const runs::RunReport first = world.sync();
  const auto& notes = phase_of(first, "invoices").notes;
  CHECK(std::any_of(notes.begin(), notes.end(), [](const runs::PhaseNote& note) { return note.reason == "zoho_books.list.disobeyed"; }));
  CHECK(phase_of(first, "invoices").outcome == "succeeded");
  run_until_done(world);
  CHECK(world.records("invoice").size() == static_cast<std::size_t>(invoices));
  CHECK(paid_twice(world) == 0);
  CHECK(world.records("invoice", "pending").empty());
  // The changes of each run and a page more than the pages of the whole list, and the one that showed it.
  const auto pages = static_cast<std::size_t>(invoices / 200);
  MESSAGE(lists_of_invoices(world) << " lists of invoices for " << pages << " pages");
  CHECK(lists_of_invoices(world) <= 2 * pages + 12);
  const json::Value told = forecast_of(world);
  CHECK(told.find("backfill")->find("listed")->integer() >= invoices);
}

TEST_CASE("P2 B6: a history that is read whole goes on where it was, killed after any commit") {
  WorldOptions options = with_history(60);
  options.phases = phases_with("{from: date_start, to: date_end", "{from: days_from, to: days_to");
  int commits = 0;
  {
    World world(options);
    world.connect();
    const int before = world.database->commits();
    run_until_done(world);
    commits = world.database->commits() - before;
  }
  for (int at = 1; at < std::min(commits, 40); at += 3 * kEvery) {
    CAPTURE(at);
    World world(options);
    world.connect();
    world.transport.forget_calls();
    world.database->die_after(at);
    (void)world.try_sync();
    world.database->revive();
    world.restart();
    world.later(1h);
    run_until_done(world);
    CHECK(world.records("invoice").size() == 60);
    CHECK(lists_of_invoices(world) <= 24);
  }
}

TEST_CASE("P2: a remote that minds the days is asked window by window, as ever") {
  World world(with_history(kIsSanitized ? 300 : 600));
  world.connect();
  world.transport.forget_calls();
  const runs::RunReport first = world.sync();
  CHECK(phase_of(first, "invoices").notes.empty());
  run_until_done(world);
  CHECK(world.number("SELECT COUNT(*) FROM backfill_list WHERE phase = 'invoices' AND to_ms > 0") == 1);
  CHECK(paid_twice(world) == 0);
}

TEST_CASE("P2: a phase whose history could not be listed at first says that it succeeded where its changes were fetched") {
  World world(with_history(30));
  world.connect();
  int lists = 0;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (call != "GET /books/v3/contacts" || ++lists > 1) return std::nullopt;
    http::Response refused;
    refused.status = 400;
    refused.headers = {{"content-type", "application/json"}};
    refused.body = R"({"code":36,"message":"Not now."})";
    return refused;
  };
  const runs::RunReport report = world.sync();
  REQUIRE(lists >= 2);
  CHECK(phase_of(report, "contacts").outcome == "succeeded");
  CHECK(phase_of(report, "contacts").reason == "");
  CHECK(phase_of(report, "contacts").message == "");
  CHECK(report.outcome == runs::RunOutcome::kSucceeded);
}

TEST_CASE("P2 B2: documents are counted once, also where the remote tells no count, and a phase that is not due is not run for that") {
  for (const bool is_told : {true, false}) {
    CAPTURE(is_told);
    WorldOptions options = with_history(30);
    if (!is_told) options.phases = phases_with(", response_option: 1}", "}");
    World world(options);
    world.connect();
    world.transport.forget_calls();
    for (int i = 0; i < 3; ++i) {
      const runs::RunReport report = world.sync(scheduled("customer_payments"));
      CHECK(report.outcome != runs::RunOutcome::kFailed);
      for (const runs::PhaseReport& phase : report.phases) {
        if (phase.phase == "invoices") CHECK(phase.listed == 0);
      }
      world.later(1h);
    }
    CHECK(lists_of_invoices(world) == 1);
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE entity = 'invoice'") == 0);
    run_until_done(world);
    CHECK(world.records("invoice").size() == 30);
  }
}

TEST_CASE("B7: calls that a run made before midnight are not counted to the day after") {
  constexpr std::string_view kZone = "America/New_York";
  WorldOptions options = with_history(450);
  options.backfill = "{from: all}";
  options.limits = "{per_minute: 100, concurrent: 5, per_day: 10000}";
  World world(options);
  world.connect();
  const auto day = [&](Instant at) { return date_in_zone(at, kZone).value().day_number(); };
  // Two minutes before midnight; what the remote's clock says of it is believed after another one.
  const auto today = day(world.clock.now());
  while (day(world.clock.now() + 10min) == today) world.later(5min);
  while (day(world.clock.now() + 2min) == today) world.later(5s);
  world.sync(scheduled("items"));   // answers of this day
  world.transport.forget_calls();
  world.sync();
  REQUIRE(day(world.clock.now()) == today + 1);
  std::int64_t before = 0, after = 0;
  for (const auto& call : world.transport.api_calls()) (day(call.counted - 1min) == today ? before : after) += 1;
  REQUIRE(before >= 250);
  REQUIRE(after >= 60);
  const std::int64_t told = forecast_of(world).find("used_today")->integer().value_or(-1);
  MESSAGE(before << " calls before midnight, " << after << " after it, told " << told);
  // What was under way as the day turned, five at once, counts to either day.
  CHECK(told >= after - 20);
  CHECK(told <= after + 20);
}
