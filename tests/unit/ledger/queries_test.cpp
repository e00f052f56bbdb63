#include "host/ledger/queries.hpp"

#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {
namespace {

std::string invoice(int number, std::string_view amount, std::string_view more = "") {
  return fmt::format(
      R"({{"kind":"invoice","id":"I{}","lines":[{{"item":"goods","amount":"{}"}}],"sub_total":"{}","total":"{}"{}}})",
      number, amount, amount, amount, more);
}

TEST_CASE("entries come in pages, in order of recording or newest first") {
  Fixture fixture;
  for (int i = 1; i <= 5; ++i) REQUIRE(fixture.post(invoice(i, "1.00")).entries.size() == 1);
  for (const bool newest_first : {false, true}) {
    std::string numbers;
    EntryFilter filter;
    filter.limit = 2;
    filter.newest_first = newest_first;
    int pages = 0;
    do {
      const auto page = fixture.read<EntryPage>([&](storage::Connection& c) { return list_entries(c, filter); });
      for (const StoredEntry& entry : page.entries) {
        numbers += entry.description;
        CHECK(entry.lines.size() == 2);
      }
      filter.cursor = page.next_cursor;
      ++pages;
    } while (!filter.cursor.empty());
    CHECK(pages == 3);
    CHECK(numbers == (newest_first ? "I5I4I3I2I1" : "I1I2I3I4I5"));
  }
}

TEST_CASE("a cursor that nobody handed out is refused") {
  Fixture fixture;
  EntryFilter filter;
  filter.cursor = "12x";
  const Status status = fixture.database().read([&](storage::Connection& c) -> Status {
    BERTH_CHECK(list_entries(c, filter));
    return success();
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().reason == "ledger.cursor_invalid");
}

TEST_CASE("entries are found by source, account, date and whether they are live") {
  Fixture fixture;
  REQUIRE(fixture.post(invoice(1, "1.00", R"(,"date":"2026-05-31")")).entries.size() == 1);
  REQUIRE(fixture.post(invoice(2, "2.00", R"(,"date":"2026-06-01","shipping":"0.00")")).entries.size() == 1);
  REQUIRE(fixture.post(R"({"kind":"invoice","id":"I1","state":"void"})").entries.size() == 1);
  const auto count = [&](const EntryFilter& filter) {
    return fixture.read<EntryPage>([&](storage::Connection& c) { return list_entries(c, filter); }).entries.size();
  };
  EntryFilter filter;
  CHECK(count(filter) == 3);
  filter.only_live = true;
  CHECK(count(filter) == 1);
  filter = {};
  filter.remote_id = "I1";
  CHECK(count(filter) == 2);
  filter = {};
  filter.from = Date{2026, 6, 1};
  CHECK(count(filter) == 1);
  filter = {};
  filter.through = Date{2026, 5, 31};
  CHECK(count(filter) == 2);
  filter = {};
  filter.account = "bank_main";
  CHECK(count(filter) == 0);
  filter.account = "ar";
  filter.company = "acme_us";
  CHECK(count(filter) == 3);
}

TEST_CASE("balances are filtered by date, account and dimensions, and each dimension balances by itself") {
  Fixture fixture;
  REQUIRE(fixture.post(invoice(1, "1.00", R"(,"location":"cl_austin","date":"2026-05-01")")).entries.size() == 1);
  REQUIRE(fixture.post(invoice(2, "2.00", R"(,"service_type":"cl_9","date":"2026-06-01")")).entries.size() == 1);
  const auto net = [&](const BalanceFilter& filter) {
    std::string text;
    for (const Balance& row :
         fixture.read<std::vector<Balance>>([&](storage::Connection& c) { return trial_balance(c, filter); })) {
      text += row.account + " " + row.net().to_string() + ";";
    }
    return text;
  };
  BalanceFilter filter;
  CHECK(net(filter) == "ar 3.00;goods -3.00;");
  filter.location = "cl_austin";
  CHECK(net(filter) == "ar 1.00;goods -1.00;");
  filter.location = "";
  CHECK(net(filter) == "ar 2.00;goods -2.00;");
  filter = {};
  filter.service_type = "cl_9";
  CHECK(net(filter) == "ar 2.00;goods -2.00;");
  filter = {};
  filter.through = Date{2026, 5, 31};
  filter.account = "ar";
  CHECK(net(filter) == "ar 1.00;");
  filter = {};
  filter.party = "cus_1";
  CHECK(net(filter) == "ar 3.00;");
}

TEST_CASE("receivables show the number, what was and what is open, void invoices are not there") {
  Fixture fixture;
  REQUIRE(fixture.post(invoice(1, "9.00", R"(,"number":"INV-1")")).entries.size() == 1);
  REQUIRE(fixture.post(invoice(2, "2.00")).entries.size() == 1);
  REQUIRE(fixture.post(R"({"kind":"invoice","id":"I2","state":"void"})").entries.size() == 1);
  REQUIRE(
      fixture
          .post(
              R"({"kind":"customer_payment","id":"P1","amount":"5.00","unused":"1.00","allocations":[{"id":"A1","invoice":"I1","amount":"4.00"}]})")
          .entries.size() == 2);
  const auto rows =
      fixture.read<std::vector<Receivable>>([](storage::Connection& c) { return receivables(c, kIntegration); });
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].remote_id == "I1");
  CHECK(rows[0].local_id == "inv_I1");
  CHECK(rows[0].total.to_string() == "9.00");
  CHECK(rows[0].open.to_string() == "5.00");
  CHECK(rows[0].base_open.to_string() == "5.00");
  const auto credits =
      fixture.read<std::vector<CustomerCredit>>([](storage::Connection& c) { return customer_credits(c); });
  REQUIRE(credits.size() == 1);
  CHECK(credits[0].customer == "cus_1");
  CHECK(credits[0].credit.to_string() == "1.00");
}

TEST_CASE("I3: check finds an open item that somebody edited") {
  Fixture fixture;
  REQUIRE(fixture.post(invoice(1, "9.00")).entries.size() == 1);
  fixture.check_sound();
  fixture.write([](storage::Connection& c) -> Status {
    BERTH_CHECK(c.execute("UPDATE open_item SET open_minor = open_minor - 1"));
    return success();
  });
  const auto findings = fixture.read<std::vector<CheckFinding>>([](storage::Connection& c) { return check(c); });
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].invariant == "I3");
  CHECK(findings[0].message == "open item invoice I1: it shows 899 carried at 900, its matches add up to 900 carried at 900");
  CHECK(findings[1].message ==
        "acme_us, customer cus_1, USD: receivable accounts and open items differ by 1 (0 in base)");
}

TEST_CASE("I1, I7 and I8: check finds what got past the triggers") {
  Fixture fixture;
  REQUIRE(fixture.post(invoice(1, "9.00")).entries.size() == 1);
  fixture.write([](storage::Connection& c) -> Status {
    for (const char* trigger :
         {"entry_line_immutable_update", "entry_immutable_update", "entry_one_live", "entry_balanced"}) {
      BERTH_CHECK(c.execute(std::string("DROP TRIGGER ") + trigger));
    }
    BERTH_CHECK(c.execute("UPDATE entry_line SET base_minor = base_minor + 1 WHERE account = 'ar'"));
    BERTH_CHECK(
        c.execute("INSERT INTO entry SELECT 2, integration, entity, remote_id, event, 2, company, date, document_date, "
                  "currency, base_currency, rate, "
                  "description, fingerprint, NULL, NULL, 0, local_id, version, rules_revision, created_ms FROM entry"));
    return success();
  });
  std::string invariants;
  for (const CheckFinding& finding :
       fixture.read<std::vector<CheckFinding>>([](storage::Connection& c) { return check(c); })) {
    invariants += finding.invariant + " ";
  }
  CHECK(invariants == "I1 I3 I7 I8 ");
}

TEST_CASE("months are closed once, listed and opened again") {
  Fixture fixture;
  const Month may{2026, 5};
  fixture.write([&](storage::Connection& c) -> Status {
    CHECK(BERTH_TRY(close_period(c, "acme_us", may, kNow, "ann")));
    CHECK_FALSE(BERTH_TRY(close_period(c, "acme_us", may, kNow, "bob")));
    const auto closed = BERTH_TRY(closed_periods(c, "acme_us"));
    REQUIRE(closed.size() == 1);
    CHECK(to_string(closed[0].month) == "2026-05");
    CHECK(closed[0].closed_by == "ann");
    CHECK(BERTH_TRY(closed_periods(c, "acme_west")).empty());
    CHECK(BERTH_TRY(open_period(c, "acme_us", may)));
    CHECK_FALSE(BERTH_TRY(open_period(c, "acme_us", may)));
    return success();
  });
  CHECK(parse_month("2026-13").ok() == false);
  CHECK(parse_month("2026-5").ok() == false);
  CHECK(parse_month("2026-05-01").ok() == false);
  CHECK(to_string(first_open_day({2026, 12, 31}, {Month{2026, 12}, Month{2027, 1}})) == "2027-02-01");
}

}  // namespace
}  // namespace berth::ledger::testing
