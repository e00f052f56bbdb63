// Twelve months first, then all history: behind the changes, in windows, resumable anywhere, with the same books in the end as
// when everything is pulled at once.
#include <algorithm>
#include <set>

#include "host/ledger/opening.hpp"
#include "host/runs/forecast.hpp"
#include "host/storage/backfills.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

WorldOptions twelve_months(int per_day = 1'000'000) {
  WorldOptions options;
  options.contacts = 20;
  options.invoices = 60;
  options.payments = 36;
  options.credit_notes = 6;
  options.backfill = "{from: 12_months_then_all}";
  options.schedule = "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d, credit_notes: 1h}";
  options.limits = "{per_minute: 60000, concurrent: 5, per_day: " + std::to_string(per_day) + "}";
  return options;
}

json::Value forecast_of(World& world) {
  json::Value view;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(runs::forecast_view(connection, kIntegration));
    return success();
  }).ok());
  return view;
}

std::string state_of(World& world) { return std::string(forecast_of(world).find("backfill")->text_of("state")); }

std::int64_t number_of(const json::Value& value, std::string_view key) {
  const json::Value* found = value.find(key);
  return found == nullptr ? -1 : found->integer().value_or(-1);
}

/// Runs at once and then whenever a run is due: an hour after the last one, or when the integration says that it goes on.
int run_until_done(World& world, int runs_max, std::vector<runs::RunReport>* reports = nullptr) {
  for (int runs = 1; runs <= runs_max; ++runs) {
    const runs::RunReport report = world.sync();
    if (reports != nullptr) reports->push_back(report);
    if (state_of(world) == "done") return runs;
    const Instant next = world.integration().next_attempt;
    if (next > world.clock.now()) {
      world.clock.set(next);
    } else {
      world.later(1h);
    }
  }
  FAIL("the history was not done after " << runs_max << " runs");
  return 0;
}

/// Calls for single documents that were answered more than once.
std::set<std::string> paid_twice(const World& world) {
  std::set<std::string> seen, twice;
  for (const std::string& call : world.transport.calls()) {
    const bool is_of_one = call.starts_with("200") && std::count(call.begin(), call.end(), '/') >= 4;
    if (is_of_one && !seen.insert(call).second) twice.insert(call);
  }
  return twice;
}

struct Books {
  std::vector<std::string> live, balances;
};

Books books_at_once(WorldOptions options) {
  options.backfill = "{from: all}";
  World world(std::move(options));
  world.connect();
  REQUIRE(world.sync().outcome == runs::RunOutcome::kSucceeded);
  world.map_all();
  return {world.journal(true), world.balances()};
}

/// Everything is there, each call was paid once, and the books are those of a pull at once.
void check_whole(World& world, const Books& expected) {
  world.map_all();
  CHECK(world.records({}, "pending").empty());
  CHECK(world.records({}, "parked").empty());
  CHECK(world.balances() == expected.balances);
  CHECK(world.journal(true) == expected.live);
  world.check_books();
}

}  // namespace

TEST_CASE("P2: twelve months first, then all history: the same books as everything at once, and not one document fetched twice") {
  const Books expected = books_at_once(twelve_months());
  World world(twelve_months());
  world.connect();
  world.transport.forget_calls();
  std::vector<runs::RunReport> reports;
  run_until_done(world, 5, &reports);
  CHECK(paid_twice(world).empty());
  CHECK(world.integration().backfill_floor.unix_ms == 0);
  check_whole(world, expected);
  // It says so in the run that brought the last of it, and in no other.
  world.later(1h);
  reports.push_back(world.sync());
  CHECK(std::count_if(reports.begin(), reports.end(), [](const runs::RunReport& report) { return report.is_history_done; }) == 1);
  CHECK(reports.back().outcome == runs::RunOutcome::kNothingChanged);
  for (const char* phase : {"invoices", "customer_payments", "contacts", "items", "credit_notes"}) CHECK(phase_of(reports.back(), phase).calls.total() == 1);
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue") == 0);
}

TEST_CASE("P2: the first part is usable while the history is under way: connected, with progress and an end in sight") {
  World world(twelve_months(90));
  world.connect();
  world.control("POST", "limits", R"({"per_day":90,"used_today":0})");
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  bool was_usable = false;
  std::int64_t waiting = -1;
  for (int runs = 0; runs < 100 && state_of(world) != "done"; ++runs) {
    world.sync();
    const json::Value told = forecast_of(world);
    const json::Value& backfill = *told.find("backfill");
    if (backfill.text_of("state") == "under_way" && world.integration().actual == "connected") {
      was_usable = true;
      CHECK(world.integration().last_sync.unix_ms > 0);
      CHECK(number_of(told, "calls_left") > 0);
      CHECK_FALSE(told.text_of("done").empty());
      CHECK(number_of(backfill, "documents") == 60);
      if (waiting >= 0 && backfill.find("lists_read")->boolean()) CHECK(number_of(backfill, "details_waiting") <= waiting);
      if (backfill.find("lists_read")->boolean()) waiting = number_of(backfill, "details_waiting");
      CHECK(world.integration().backfill_floor.unix_ms > 0);
    }
    const Instant next = world.integration().next_attempt;
    if (next > world.clock.now()) {
      world.clock.set(next);
    } else {
      world.later(1h);
    }
  }
  CHECK(was_usable);
  CHECK(state_of(world) == "done");
  world.map_all();
  world.check_books();
}

TEST_CASE("P2 A6: what changes meanwhile comes before the history, and the history leaves it calls of the day") {
  WorldOptions options = twelve_months(90);
  options.invoices = 240;
  options.more = "    budgets: {invoices.pdf: 0}\n";
  World world(options);
  world.connect();
  world.control("POST", "limits", R"({"per_day":90,"used_today":0})");
  int found = 0;
  std::set<std::string> made;
  for (int runs = 0; runs < 200 && state_of(world) != "done"; ++runs) {
    const bool is_under_way = state_of(world) == "under_way" && number_of(*forecast_of(world).find("backfill"), "details_waiting") > 0;
    const std::string fresh = is_under_way ? world.make_invoice("12.00") : "";
    const std::string paid = is_under_way ? world.make_payment(R"({"invoice_id":")" + fresh + R"(","payment_mode":"Check"})") : "";
    made.insert(fresh);
    std::vector<std::string> old = world.lines("SELECT remote_id FROM detail_queue WHERE entity = 'invoice' AND cause = 'backfill'");
    std::erase_if(old, [&](const std::string& id) { return made.contains(id); });   // one that a window listed, too, before its second look
    world.transport.forget_calls();
    const std::int64_t left = number_of(forecast_of(world), "day_left");
    world.sync();
    // Five lists and two details are what the changes need.
    if (is_under_way && (left >= 7 || world.transport.calls().size() > 20)) {
      ++found;
      CHECK(world.record("invoice", fresh).has_detail());
      // Nothing of the history was asked for before both, although payments are a phase of their own that comes later.
      bool is_there = false;
      CHECK(world.record("customer_payment", paid).has_detail());
      for (const std::string& call : world.transport.calls()) {
        is_there = is_there || call == "200 GET /books/v3/customerpayments/" + paid;
        const bool is_history = std::any_of(old.begin(), old.end(), [&](const std::string& id) { return call == "200 GET /books/v3/invoices/" + id; });
        CHECK_FALSE((is_history && !is_there));
      }
    }
    // Unless a first part has just used it up, a run an hour later still has calls.
    const Instant next = world.integration().next_attempt;
    if (next > world.clock.now()) {
      world.clock.set(next);
    } else {
      world.later(1h);
    }
  }
  CHECK(found >= 2);
  CHECK(state_of(world) == "done");
  CHECK(world.transport.count("GET /", 429) == 0);
  world.map_all();
  world.check_books();
}

TEST_CASE("P2 B6: killed after any commit, the history goes on where it was: the same books, and no more than a batch is paid twice") {
  WorldOptions options = twelve_months();
  options.invoices = 24;
  options.payments = 12;
  options.credit_notes = 3;
  const Books expected = books_at_once(options);
  int commits = 0;
  {
    World world(options);
    world.connect();
    const int before = world.database->commits();
    run_until_done(world, 5);
    commits = world.database->commits() - before;
  }
  REQUIRE(commits > 20);
  for (int at = 1; at < commits; at += 2 * kEvery) {
    CAPTURE(at);
    World world(options);
    world.connect();
    world.transport.forget_calls();
    world.database->die_after(at);
    (void)world.try_sync();
    world.database->revive();
    world.restart();
    world.later(1h);   // the lease of the dead process is over
    run_until_done(world, 8);
    CHECK(paid_twice(world).size() <= 40);   // twenty documents with their files
    check_whole(world, expected);
  }
}

TEST_CASE("P2 B2: the history asks for no detail of a contact whose country an invoice tells, and lists everything once") {
  WorldOptions options = twelve_months();
  options.invoices = 200;
  World world(options);
  world.connect();
  world.transport.forget_calls();
  run_until_done(world, 5);
  std::set<zoho_sim::Id> told;
  std::int64_t untold = 0;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& invoice : books.invoices.all()) {
      if (invoice.stage != zoho_sim::Stage::kDraft) told.insert(invoice.contact);
    }
    for (const auto& contact : books.contacts.all()) untold += !contact.is_vendor && !told.contains(contact.id) ? 1 : 0;
  });
  const auto details = static_cast<std::int64_t>(world.transport.count("GET /books/v3/contacts/"));
  CHECK(details == untold);
  CHECK(untold < 5);
}

TEST_CASE("P2: an invoice that was brought in as an opening receivable comes with the history and is not in the books twice") {
  WorldOptions options = twelve_months();
  options.invoices = 200;
  options.payments = 20;
  World world(options);
  world.connect();
  for (const char* phase : {"invoices", "customer_payments", "contacts", "items", "credit_notes"}) world.sync(only(phase));   // the first part alone
  world.map_all();
  CHECK(state_of(world) == "not_begun");
  // An old invoice that is open, of a customer who is here.
  std::string invoice, customer, open;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& one : books.invoices.all()) {
      const auto contact = world.find_record("contact", std::to_string(one.contact));
      const bool is_here = world.find_record("invoice", std::to_string(one.id)).has_value();
      if (is_here || one.stage != zoho_sim::Stage::kSent || one.open() != one.total || one.currency != 0 || !contact || contact->local_id.empty()) continue;
      invoice = std::to_string(one.id);
      customer = contact->local_id;
      open = std::to_string(one.open() / 100) + "." + (one.open() % 100 < 10 ? "0" : "") + std::to_string(one.open() % 100);
    }
  });
  REQUIRE_FALSE(invoice.empty());
  ledger::BooksContext context;
  context.companies = world.registry->companies();
  context.integration = {std::string(kIntegration), "acme_us", "USD"};
  const auto openings = ledger::parse_openings("invoice,number,customer,company,currency,open,base,date\n" + invoice + ",OLD-1," + customer + ",acme_us,USD," + open + ",,2025-05-01\n", context.companies);
  REQUIRE_MESSAGE(openings.ok(), openings.error().message);
  REQUIRE(world.database->write("test.opening", [&](storage::Connection& connection) -> Status {
    BERTH_TRY(ledger::import_openings(connection, *openings, context, world.clock.now()));
    return success();
  }).ok());
  run_until_done(world, 5);
  world.map_all();
  CHECK(world.record("invoice", invoice).has_detail());
  const auto journal = world.journal(true);
  std::vector<std::string> mine;
  for (const std::string& line : journal) {
    if (line.find("invoice/" + invoice + " ") != std::string::npos) mine.push_back(line);
  }
  for (const std::string& line : mine) MESSAGE(line);
  std::int64_t openings_posted = 0, posts = 0;
  for (const std::string& line : mine) {
    openings_posted += line.find(" opening ") != std::string::npos ? 1 : 0;
    posts += line.find(" post ") != std::string::npos ? 1 : 0;
  }
  CHECK(openings_posted == 1);
  CHECK(posts == 0);   // its income belongs to the books before these
}

TEST_CASE("P2: a date and connected have no history behind them") {
  for (const char* from : {"{from: connected}", "{from: 2026-01-01}", "{from: all}"}) {
    WorldOptions options;
    options.backfill = from;
    World world(options);
    world.connect();
    const runs::RunReport report = world.sync();
    CHECK_FALSE(report.is_history_done);
    CHECK(forecast_of(world).find("backfill")->is_null());
    CHECK(world.number("SELECT COUNT(*) FROM backfill_list") == 0);
  }
}
