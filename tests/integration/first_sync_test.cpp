// What the first runs of an integration bring, and what a run that finds nothing new costs.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("D5: the first sync captures everything, after mapping everything that posts is posted, with no remote call") {
  World world;
  world.connect();
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
  CHECK(world.records("invoice").size() == 30);
  CHECK(world.records("customer_payment").size() == 18);
  CHECK(world.records("credit_note").size() == 4);
  CHECK(world.records("item").size() == 8);
  world.transport.forget_calls();
  world.map_all();
  CHECK(world.transport.calls().empty());
  CHECK(world.records({}, "pending").empty());
  CHECK(world.records({}, "parked").empty());
  CHECK(world.records({}, "failed").empty());
  world.check_books();
  CHECK(world.transport.strangers().empty());
}

TEST_CASE("D4: the status goes initial_sync, setup_incomplete, connected") {
  World world;
  CHECK(world.integration().actual == "pending");
  CHECK(world.connector->begin(world.unit()).ok());
  CHECK(world.integration().actual == "authorizing");
  world.connect();
  CHECK(world.integration().actual == "initial_sync");
  // The placeholders of the two default accounts are there before the first sync.
  CHECK(world.number("SELECT COUNT(*) FROM account_row WHERE kind IN ('default_income', 'default_expense') AND account = ''") == 2);
  // Mapping alone does not complete the set-up, nor do some of the phases.
  SUBCASE("mapped first") {
    world.map("default_income", "", "acme_us", "sales");
    world.map("default_expense", "", "acme_us", "cogs");
    world.apply();
    CHECK(world.integration().actual == "initial_sync");
    world.sync();
    CHECK(world.integration().actual == "connected");
    CHECK(world.integration().last_sync.unix_ms > 0);
  }
  SUBCASE("synced first") {
    world.sync(only("items"));
    CHECK(world.integration().actual == "initial_sync");
    CHECK(world.integration().last_sync.unix_ms == 0);
    world.sync();
    CHECK(world.integration().actual == "setup_incomplete");
    CHECK(world.integration().who_acts == "operator");
    world.map("default_income", "", "acme_us", "sales");
    world.apply();
    CHECK(world.integration().actual == "setup_incomplete");
    world.map("default_expense", "", "acme_us", "cogs");
    world.apply();
    CHECK(world.integration().actual == "connected");
    CHECK(world.integration().reason.empty());
  }
}

TEST_CASE("accounts of the file serve at once, and one that is added to the file later wakes what waited for it") {
  World world({.payments = 0, .more = "    accounts: {default_income: sales, default_expense: cogs}\n"});
  world.connect();
  const std::string invoice = world.make_invoice("40.00");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Wampum"})");
  world.sync();
  CHECK(world.integration().actual == "connected");
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(world.record("customer_payment", payment).state == "parked");
  world.config.integrations.front().accounts.push_back({"payment_mode", "Wampum", "undeposited"});
  world.restart();
  world.apply();
  CHECK(world.record("customer_payment", payment).state == "posted");
}

TEST_CASE("D15: a run report has what each phase listed, fetched and called, and the fewest calls that could have brought it") {
  World world;
  world.connect();
  std::int64_t drafts = 0, voids = 0, all = 0, paid_without_detail = 0;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& invoice : books.invoices.all()) {
      ++all;
      if (invoice.stage == zoho_sim::Stage::kDraft) ++drafts;
      if (invoice.stage == zoho_sim::Stage::kVoid) ++voids;
    }
    for (const auto& payment : books.payments.all()) paid_without_detail += payment.mode.empty() ? 1 : 0;
  });
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();
  const runs::PhaseReport& invoices = phase_of(report, "invoices");
  CHECK(invoices.listed == all);
  CHECK(invoices.unchanged == 0);
  CHECK(invoices.fetched == all - drafts);
  CHECK(invoices.files == all - drafts - voids);
  CHECK(invoices.calls.list == 1);
  CHECK(invoices.calls.detail == all - drafts);
  CHECK(invoices.calls.file == all - drafts - voids);
  CHECK(invoices.fewest.total() == 1 + (all - drafts) + (all - drafts - voids));   // by hand: one page, details, files
  CHECK(invoices.ignored == drafts + voids);
  const runs::PhaseReport& payments = phase_of(report, "customer_payments");
  CHECK(payments.listed == 18);
  CHECK(payments.fetched == 18 - paid_without_detail);
  CHECK(payments.fewest.total() == 1 + 18 - paid_without_detail);
  std::int64_t calls = 0;
  for (const runs::PhaseReport& phase : report.phases) {
    CHECK_MESSAGE(phase.calls.total() == (phase.outcome == "derived" ? 0 : phase.fewest.total()), phase.phase);
    calls += phase.calls.total();
  }
  CHECK(calls == static_cast<std::int64_t>(world.transport.count("GET /books/v3/")));
  CHECK(phase_of(report, "locations").outcome == "derived");
  // The stored report says the same.
  CHECK(world.number("SELECT COUNT(*) FROM run WHERE outcome = 'succeeded' AND report_json LIKE '%\"lower_bound\"%'") == 1);

  world.later(std::chrono::hours(1));
  const runs::RunReport second = world.sync();
  CHECK(second.outcome == runs::RunOutcome::kNothingChanged);
  CHECK(phase_of(second, "invoices").unchanged == phase_of(second, "invoices").listed);
}

TEST_CASE("whether the remote honours, ignores or refuses what it does not document, the books are the same") {
  std::vector<std::string> journals[3];
  std::vector<std::string> balances[3];
  int place = 0;
  for (const auto undocumented : {zoho_sim::Undocumented::kHonoured, zoho_sim::Undocumented::kIgnored, zoho_sim::Undocumented::kRefused}) {
    CAPTURE(place);
    World world({.invoices = 60, .payments = 40, .undocumented = undocumented});
    world.connect();
    CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
    world.map_all();
    for (int round = 0; round < 3; ++round) {
      world.later(std::chrono::hours(3));
      world.make_payment(R"({"invoice_id":")" + world.make_invoice("75.00") + R"(","payment_mode":"Check"})");
      world.later(std::chrono::hours(3));
      CHECK(world.sync().outcome == runs::RunOutcome::kSucceeded);
      world.map_all();
    }
    world.check_books();
    journals[place] = world.journal();
    balances[place] = world.balances();
    ++place;
  }
  CHECK(journals[0] == journals[1]);
  CHECK(journals[0] == journals[2]);
  CHECK(balances[0] == balances[1]);
  CHECK(balances[0] == balances[2]);
}

TEST_CASE("the first sync of several thousand rows goes page by page, and a slice that is over goes on where it was") {
  // 12 calls a minute: the slices of five minutes end in the middle of the details.
  World world({.invoices = 120, .payments = 10, .credit_notes = 0, .limits = "{per_minute: 12, concurrent: 3, per_day: 100000}"});
  world.connect();
  const runs::RunReport report = world.sync();
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason << ": " << report.message);
  CHECK(report.ended - report.started > 2 * runs::kSliceMax);
  const runs::PhaseReport& invoices = phase_of(report, "invoices");
  CHECK(invoices.listed == 120);
  CHECK(invoices.calls.total() == invoices.fewest.total());
  world.map_all();
  world.check_books();
}
