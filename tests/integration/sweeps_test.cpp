// The comparison of all ids: what was deleted or merged at the remote is found by a schedule, a few pages a run, and nothing
// that lives is taken for dead.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/runs/deletions.hpp"
#include "host/schedule/scheduler.hpp"
#include "integration/shown.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> kSwept = {"invoices", "customer_payments", "contacts", "credit_notes"};

/// A synced and mapped world that a scheduler drives, with `archiving` in its schedule.
struct Swept : World {
  explicit Swept(WorldOptions options = {}) : World(with_archiving(std::move(options))) {
    connect();
    sync();
    map_all();
    later(1h);
    transport.forget_calls();
  }
  static WorldOptions with_archiving(WorldOptions options) {
    options.schedule = "{invoices: 1h, customer_payments: 1h, contacts: 1h, items: 1d, credit_notes: 1h, archiving: 1d}";
    return options;
  }
  /// A comparison of these phases, and nothing else.
  static runs::RunRequest sweep(std::vector<std::string> phases = kSwept) {
    runs::RunRequest request;
    request.trigger = "schedule";
    request.sweep = std::move(phases);
    request.only_sweep = true;
    return request;
  }
  /// Comparisons until every one of them is complete, and their reports.
  std::vector<runs::RunReport> sweep_all(const std::vector<std::string>& phases = kSwept) {
    std::vector<runs::RunReport> reports;
    std::vector<std::string> left = phases;
    for (int i = 0; i < 60 && !left.empty(); ++i) {
      later(15min);
      reports.push_back(sync(sweep(left)));
      std::erase_if(left, [&](const std::string& phase) {
        for (const runs::PhaseReport& row : reports.back().phases) {
          if (row.phase == phase && row.sweep.outcome == "complete") return true;
        }
        return false;
      });
    }
    CHECK(left.empty());
    return reports;
  }
  std::vector<std::string> ids_of(std::string_view table) {
    std::vector<std::string> ids;
    const json::Value all = books();
    for (const json::Member& one : all.find(table)->members()) ids.push_back(one.first);
    return ids;
  }
  /// Known to be gone, and archived: those that had posted, and drafts and others that never did.
  std::int64_t gone(std::string_view entity) {
    for (const storage::Record& record : records(entity)) {
      if (record.remote_state == "deleted") CHECK(record.state == "archived");
    }
    return number(fmt::format("SELECT COUNT(*) FROM record WHERE remote_state = 'deleted' AND entity = '{}'", entity));
  }
  /// Contacts that have no document, so that the remote lets them be deleted.
  std::string make_contact(const std::string& name) {
    return std::string(control("POST", "contacts", fmt::format(R"({{"contact_name":"{}","contact_type":"customer"}})", name)).text_of("id"));
  }
};

struct Sum {
  std::int64_t listed = 0, list_calls = 0, missing = 0, confirming = 0, gone = 0, runs = 0;
};
Sum sum_of(const std::vector<runs::RunReport>& reports, std::string_view phase) {
  Sum sum;
  for (const runs::RunReport& report : reports) {
    for (const runs::PhaseReport& row : report.phases) {
      if (row.phase != phase || row.sweep.outcome.empty()) continue;
      sum.listed += row.sweep.listed;
      sum.list_calls += row.sweep.list_calls;
      sum.missing += row.sweep.missing;
      sum.confirming += row.sweep.confirming_calls;
      sum.gone += row.gone;
      ++sum.runs;
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("P7: 20 deletions are found by comparisons that cost a call for 200 documents and one for each that is gone, spread over runs") {
  Swept world({.contacts = 650, .items = 10, .invoices = 1'100, .payments = 450, .credit_notes = 5, .more = "    budgets: {archiving: 3}\n"});
  std::vector<std::string> lonely;
  for (int i = 0; i < 6; ++i) lonely.push_back(world.make_contact(fmt::format("Lonely {}", i)));
  world.later(1h);
  world.sync();
  // 9 invoices, 5 payments, 6 customers.
  std::set<std::string> deleted;
  const auto take = [&](const std::string& table, const std::string& path, std::size_t count) {
    for (const std::string& id : world.ids_of(table)) {
      if (count == 0) return;
      const zoho_sim::Response response = [&] {
        zoho_sim::Request request = zoho_sim::make_request("DELETE", "/_control/" + path + "/" + id);
        request.body = "{}";
        return world.simulator.handle(request);
      }();
      if (response.status >= 300) continue;   // it has payments or credits
      deleted.insert(path + "/" + id);
      --count;
    }
    FAIL("there are not so many " << table << " to delete");
  };
  const auto alive_before = world.journal(true);
  take("payments", "payments", 5);
  take("invoices", "invoices", 9);
  for (const std::string& id : lonely) world.control("DELETE", "contacts/" + id);
  REQUIRE(deleted.size() == 14);

  world.transport.forget_calls();
  world.later(1h);
  world.sync();
  const std::int64_t before = world.gone("invoice") + world.gone("customer_payment") + world.gone("contact");
  world.transport.forget_calls();
  const auto reports = world.sweep_all();
  std::int64_t rows = 0, list_calls = 0, bound = 0, missing = 0, confirming = 0, gone = 0;
  for (const std::string& phase : kSwept) {
    const Sum sum = sum_of(reports, phase);
    INFO(phase << ": " << sum.listed << " rows, " << sum.list_calls << " list calls, " << sum.missing << " missing, " << sum.confirming << " confirming, " << sum.runs << " runs");
    CHECK(sum.list_calls == std::max<std::int64_t>(1, (sum.listed + 199) / 200));
    // Documents that disagreed with one that is gone were asked for before: they are no news to the comparison.
    CHECK(sum.confirming >= sum.missing);
    CHECK(sum.confirming == sum.gone);
    rows += sum.listed;
    list_calls += sum.list_calls;
    bound += std::max<std::int64_t>(1, (sum.listed + 199) / 200);
    missing += sum.missing;
    gone += sum.gone;
    confirming += sum.confirming;
  }
  MESSAGE("comparisons of " << rows << " documents: " << list_calls << " list calls (bound " << bound << "), " << confirming << " confirming calls for " << missing
                            << " missing, in " << reports.size() << " runs");
  CHECK(before == 0);
  CHECK(gone == 20);
  CHECK(confirming == 20);
  CHECK(missing >= 18);
  CHECK(world.gone("invoice") == 9);
  CHECK(world.gone("customer_payment") == 5);
  CHECK(world.gone("contact") == 6);
  // Spread over runs, and no run made more list calls than it may.
  CHECK(reports.size() >= 4);
  std::int64_t calls = 0;
  for (const runs::RunReport& report : reports) {
    std::int64_t listed = 0;
    for (const runs::PhaseReport& row : report.phases) {
      listed += row.sweep.list_calls;
      calls += row.calls.total();
      CHECK_MESSAGE(row.calls.total() >= row.fewest.total(), row.phase << ": " << row.calls.total() << " calls, " << row.fewest.total() << " are the fewest");
    }
    CHECK(listed <= 3);
  }
  CHECK(calls == static_cast<std::int64_t>(world.transport.count("GET /books/v3/")));
  for (const std::string& one : deleted) {
    const bool is_payment = one.starts_with("payments/");
    CHECK(world.record(is_payment ? "customer_payment" : "invoice", one.substr(one.find('/') + 1)).remote_state == "deleted");
  }
  CHECK(world.journal(true).size() < alive_before.size());
  world.check_books();
}

TEST_CASE("P7: a void is never taken for a deletion, and neither are drafts and inactive customers") {
  Swept world({.contacts = 12, .invoices = 30, .drafts = 2'000, .voids = 1'000});
  const std::string invoice = world.make_invoice("70.00");
  const std::string contact = world.make_contact("Sleepy Ltd");
  world.later(1h);
  world.sync();
  world.control("POST", "invoices/" + invoice + "/void");
  world.control("POST", "contacts/" + contact, R"({"status":"inactive"})");
  world.transport.forget_calls();
  const auto reports = world.sweep_all();
  for (const std::string& phase : kSwept) CHECK(sum_of(reports, phase).missing == 0);
  CHECK(world.gone("invoice") == 0);
  CHECK(world.gone("contact") == 0);
  world.later(1h);
  world.sync();
  CHECK(world.record("invoice", invoice).remote_state == "alive");
  CHECK(world.record("invoice", invoice).reason == "zoho_books.invoice.void");
}

TEST_CASE("P7: an incomplete listing archives nothing, and what it had read is not read again") {
  Swept world({.contacts = 5, .invoices = 900, .payments = 0, .credit_notes = 0});
  const auto invoices = world.ids_of("invoices");
  for (std::size_t i = 0; i < 8; ++i) world.control("DELETE", "invoices/" + invoices[i * 100]);
  world.later(25h);

  SUBCASE("its third page fails") {
    world.transport.before = [&](const std::string&) -> std::optional<http::Response> {
      if (world.transport.count("GET /books/v3/invoices?") < 2 && world.transport.count("GET /books/v3/invoices") < 2) return std::nullopt;
      http::Response bad;
      bad.status = 503;
      return bad;
    };
    const runs::RunReport report = world.sync(Swept::sweep({"invoices"}));
    world.transport.before = nullptr;
    CHECK(report.outcome == runs::RunOutcome::kFailed);
    CHECK(world.gone("invoice") == 0);
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE remote_state <> 'alive'") == 0);
    const auto reports = world.sweep_all({"invoices"});
    CHECK(sum_of(reports, "invoices").list_calls == 3);   // 892 rows are five pages
  }
  SUBCASE("its budget is spent") {
    world.config.integrations.front().budgets["archiving"] = {.is_share = false, .value = 2};
    world.restart();
    CHECK(phase_of(world.sync(Swept::sweep({"invoices"})), "invoices").sweep.outcome == "incomplete");
    CHECK(world.gone("invoice") == 0);
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE remote_state <> 'alive'") == 0);
    CHECK(world.sweep_all({"invoices"}).size() == 2);
  }
  CHECK(world.gone("invoice") == 8);
  world.check_books();
}

TEST_CASE("P7: the deletion brake holds a comparison until a person confirms it, and then costs no list call more") {
  Swept world({.contacts = 5, .invoices = 120, .payments = 0, .credit_notes = 0});
  const auto invoices = world.ids_of("invoices");
  for (std::size_t i = 0; i < 30; ++i) world.control("DELETE", "invoices/" + invoices[i]);
  const auto journal = world.journal(true);
  world.later(25h);
  const runs::RunReport report = world.sync(Swept::sweep());
  CHECK(report.outcome == runs::RunOutcome::kNothingChanged);   // nothing failed, and a person is told
  CHECK(phase_of(report, "invoices").sweep.outcome == "braked");
  CHECK(phase_of(report, "contacts").sweep.outcome == "complete");
  CHECK(world.integration().reason == "berth.deletion_brake");
  const auto last_end = [&] {
    std::string line;
    for (const telemetry::Entry& one : world.sink->entries()) {
      if (one.message == "run ended") line = telemetry::to_human_line(one);
    }
    return line;
  };
  CHECK_MESSAGE(last_end().find("reason=berth.deletion_brake") != std::string::npos, last_end());
  CHECK(world.integration().who_acts == "operator");
  CHECK(world.integration().message.find("30 of 120") != std::string::npos);
  CHECK(world.journal(true) == journal);
  // The changes go on meanwhile.
  const std::string made = world.make_invoice("12.00");
  world.later(1h);
  world.sync();
  CHECK(world.record("invoice", made).state == "posted");
  CHECK(world.integration().reason == "berth.deletion_brake");

  SUBCASE("a person confirms") {
    // One of them is back: nobody believes a list of yesterday.
    world.transport.forget_calls();
    REQUIRE(world.database->write("test.confirm", [&](storage::Connection& connection) -> Status {
      CHECK(BERTH_TRY(runs::confirm_deletions(connection, kIntegration, world.clock.now())).size() == 1);
      return success();
    }).ok());
    world.later(1h);
    world.sync(only("invoices"));
    CHECK(world.gone("invoice") == 30);
    CHECK(world.transport.count("GET /books/v3/invoices/", 404) == 30);
    CHECK(world.transport.count("GET /books/v3/invoices?") + world.transport.count("GET /books/v3/invoices", 200) <= 2);
    world.sync();
    CHECK(world.integration().actual == "connected");
    world.check_books();
  }
  SUBCASE("they come back by themselves") {
    world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
      for (auto& invoice : books.invoices.all()) invoice.is_deleted = false;
      return 0;
    });
    world.later(25h);
    world.sync(Swept::sweep());
    world.sync();
    CHECK(world.integration().actual == "connected");
    CHECK(world.gone("invoice") == 0);
    CHECK(world.journal(true).size() == journal.size() + 1);
  }
}

TEST_CASE("P7: a customer that was merged into another is archived, its documents follow, and nothing doubles") {
  for (const bool are_touched : {true, false}) {
    CAPTURE(are_touched);
    Swept world({.contacts = 8, .invoices = 40, .payments = 25, .credit_notes = 3});
    // The two customers with the most invoices.
    std::map<std::string, int> invoices;
    for (const std::string& customer : world.lines("SELECT CAST(customer AS TEXT) FROM open_item WHERE entity = 'invoice' AND posts > 0")) ++invoices[customer];
    std::vector<std::pair<int, std::string>> by_count;
    for (const auto& [customer, count] : invoices) by_count.emplace_back(count, customer);
    std::sort(by_count.rbegin(), by_count.rend());
    REQUIRE(by_count.size() >= 2);
    const auto remote_of = [&](const std::string& local) { return world.lines("SELECT remote_id FROM local_row WHERE id = '" + local + "'").front(); };
    const std::string gone = remote_of(by_count[0].second), into = remote_of(by_count[1].second);
    const auto balances = world.balances();
    const auto posted = world.journal(true).size();
    world.later(1h);
    if (are_touched) {
      world.control("POST", "contacts/" + gone + "/merge", R"({"into":")" + into + "\"}");
    } else {
      // A remote whose documents do not show that they moved.
      world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
        const auto move = [&](auto& table) {
          for (auto& record : table.all()) {
            if (std::to_string(record.contact) == gone) record.contact = std::stoll(into);
          }
        };
        move(books.invoices);
        move(books.payments);
        move(books.credit_notes);
        for (auto& contact : books.contacts.all()) contact.is_deleted = contact.is_deleted || std::to_string(contact.id) == gone;
        return 0;
      });
    }
    world.later(25h);
    world.sync();
    world.sweep_all();
    CHECK(world.record("contact", gone).state == "archived");
    CHECK_MESSAGE(world.record("contact", gone).reason == "berth.customer_merged", world.record("contact", gone).message);
    CHECK(world.number("SELECT COUNT(*) FROM open_item WHERE posts > 0 AND customer = '" + by_count[0].second + "'") == 0);
    CHECK(world.number("SELECT COUNT(*) FROM open_item WHERE entity = 'invoice' AND posts > 0 AND customer = '" + by_count[1].second + "'") ==
          by_count[0].first + by_count[1].first);
    CHECK(world.balances() == balances);
    CHECK(world.journal(true).size() == posted);
    world.check_books();
  }
}

TEST_CASE("P7: what comes back after its deletion is restored") {
  Swept world({.contacts = 6, .invoices = 20, .payments = 0, .credit_notes = 0});
  const std::string invoice = world.make_invoice("33.00");
  world.later(1h);
  world.sync();
  const auto balances = world.balances();
  world.control("DELETE", "invoices/" + invoice);
  world.later(25h);
  world.sweep_all();
  CHECK(world.record("invoice", invoice).state == "archived");
  CHECK(world.balances() != balances);
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
    for (auto& one : books.invoices.all()) {
      if (std::to_string(one.id) == invoice) one.is_deleted = false, books.touch(one, now);
    }
    return 0;
  });
  world.later(1h);
  world.sync();
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(world.balances() == balances);
  world.check_books();
}

TEST_CASE("P7: a customer that comes back after its deletion is active again") {
  Swept world({.contacts = 6, .invoices = 10, .payments = 0, .credit_notes = 0});
  const std::string contact = world.make_contact("Phoenix Ltd");
  world.later(1h);
  world.sync();
  const std::string row = world.record("contact", contact).local_id;
  REQUIRE(!row.empty());
  const auto is_active = [&] { return world.number("SELECT active FROM local_row WHERE id = '" + row + "'"); };
  REQUIRE(is_active() == 1);
  world.control("DELETE", "contacts/" + contact);
  world.later(25h);
  world.sweep_all();
  CHECK(world.record("contact", contact).state == "archived");
  CHECK(is_active() == 0);
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
    for (auto& one : books.contacts.all()) {
      if (std::to_string(one.id) == contact) one.is_deleted = false, books.touch(one, now);
    }
    return 0;
  });
  world.later(1h);
  world.sync();
  CHECK(world.record("contact", contact).state == "posted");
  CHECK(world.record("contact", contact).local_id == row);
  CHECK(is_active() == 1);
}

TEST_CASE("P1: the schedule begins comparisons by `archiving`, behind the changes, and takes up one that was cut within the day") {
  Swept world({.contacts = 5, .invoices = 900, .payments = 10, .credit_notes = 0, .more = "    budgets: {archiving: 2}\n"});
  REQUIRE(world.unit().setup.id == kIntegration);
  schedule::Scheduler scheduler({.database = *world.database, .registry = *world.registry, .engine = *world.engine, .clock = world.clock, .log = world.log}, {});
  std::int64_t swept_runs = 0, runs_in_all = 0, complete = 0;
  Instant first{0}, last{0};
  const Instant began = world.clock.now();
  // The second one begins up to a tenth of a day later than a day after the first: 51 hours at most.
  while (world.clock.now() < began + 52h) {
    world.later(1min);
    const auto taken = scheduler.take(world.clock.now(), 1).value();
    if (taken.empty()) continue;
    ++runs_in_all;
    const runs::RunReport report = world.sync(taken.front().request);
    REQUIRE_MESSAGE((report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged), report.reason << report.message);
    bool is_sweep = false;
    for (const runs::PhaseReport& row : report.phases) {
      is_sweep = is_sweep || !row.sweep.outcome.empty();
      complete += row.phase == "invoices" && row.sweep.outcome == "complete" ? 1 : 0;
    }
    if (!is_sweep) continue;
    ++swept_runs;
    if (first.unix_ms == 0) first = world.clock.now();
    last = world.clock.now();
  }
  CHECK(complete == 2);                     // once a day
  CHECK(first >= began + 22h);              // not at once: the first pass has just seen everything
  CHECK(swept_runs >= 6);                   // 5 pages of invoices and one each of the others, two in a run
  CHECK(swept_runs <= 12);
  CHECK(runs_in_all >= 50);                 // and the changes went on every hour
}

TEST_CASE("P7: a draft that is deleted at the remote is archived, though it never posted") {
  Swept world({.contacts = 12, .invoices = 20});
  const std::string draft = world.make_invoice("120.00", R"("status":"draft")");
  world.later(1h);
  world.sync();
  REQUIRE(world.record("invoice", draft).state == "ignored");
  world.control("DELETE", "invoices/" + draft);
  const auto reports = world.sweep_all();
  CHECK(sum_of(reports, "invoices").gone == 1);
  const storage::Record record = world.record("invoice", draft);
  CHECK(record.remote_state == "deleted");
  CHECK(record.state == "archived");
  CHECK(record.reason == "zoho_books.invoice.deleted");
  CHECK(record.local_id.empty());
  CHECK(world.gone("invoice") == 1);
  world.check_books();
}

TEST_CASE("P7: items are not compared, because they have no detail that could be asked for") {
  Swept world({.contacts = 3, .items = 12, .invoices = 5, .payments = 0, .credit_notes = 0});
  CHECK_FALSE(world.unit().setup.find_phase("items")->is_swept);
  CHECK_FALSE(world.unit().setup.find_phase("items")->has_detail);
  const runs::RunReport report = world.sync(Swept::sweep({"items"}));
  CHECK(report.outcome == runs::RunOutcome::kNothingChanged);
  CHECK(world.transport.count("GET /books/v3/") == 0);
  // Also not by a pass over everything, which lists them: absence alone proves nothing.
  const std::string item = world.records("item").front().remote_id;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (auto& one : books.items.all()) one.is_deleted = one.is_deleted || std::to_string(one.id) == item;
    return 0;
  });
  world.later(1h);
  world.sync(everything());
  CHECK(world.record("item", item).remote_state == "alive");
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE entity = 'item'") == 0);
}
