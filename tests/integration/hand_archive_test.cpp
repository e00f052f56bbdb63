// Archived by hand: out of the books whatever the remote says, with who, when and why, until a person takes it back.
#include <fmt/format.h>

#include <algorithm>

#include "host/admin/archive.hpp"
#include "host/ledger/periods.hpp"
#include "host/lineage/lineage.hpp"
#include "host/runs/deletions.hpp"
#include "host/runs/explain.hpp"
#include "host/runs/hand_archive.hpp"
#include "host/storage/audit.hpp"
#include "host/storage/waiting.hpp"
#include "integration/shown.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

/// A synced and mapped world, and a person who archives.
struct Archiving : World {
  explicit Archiving(WorldOptions options = {}) : World(std::move(options)) {
    connect();
    sync();
    map_all();
    later(1h);
    transport.forget_calls();
  }
  Result<json::Value> try_archive(std::string_view name, std::string_view why = "sent twice") {
    return admin::archive_record({*database, *engine, clock}, unit().setup, name, why, "token:anna", {});
  }
  Result<json::Value> try_unarchive(std::string_view name) { return admin::unarchive_record({*database, *engine, clock}, unit().setup, name, "token:anna", {}); }
  json::Value archive(std::string_view name) {
    auto view = try_archive(name);
    REQUIRE_MESSAGE(view.ok(), view.error().message);
    return std::move(view).value();
  }
  json::Value unarchive(std::string_view name) {
    auto view = try_unarchive(name);
    REQUIRE_MESSAGE(view.ok(), view.error().message);
    return std::move(view).value();
  }
  std::string refusal(const Result<json::Value>& view) {
    REQUIRE(!view.ok());
    return view.error().reason;
  }
  void next(runs::RunRequest request = {}) {
    later(1h);
    sync(std::move(request));
  }
  /// A comparison of all ids of the invoices, and nothing else.
  runs::PhaseReport sweep(std::string_view phase = "invoices") {
    later(25h);
    runs::RunRequest request;
    request.sweep = {std::string(phase)};
    request.only_sweep = true;
    return phase_of(sync(request), phase);
  }
  std::size_t remote_calls() const { return transport.count("GET /books/v3/"); }
  std::vector<std::string> live_of(const std::string& remote_id) {
    std::vector<std::string> mine;
    for (std::string& line : journal(true)) {
      if (line.find("/" + remote_id + " ") != std::string::npos) mine.push_back(std::move(line));
    }
    return mine;
  }
  std::string posted_invoice() {
    const std::string invoice = make_invoice("70.00");
    next();
    map_all();
    REQUIRE(record("invoice", invoice).state == "posted");
    transport.forget_calls();
    return invoice;
  }
  void set_deleted(const std::string& invoice, bool is_deleted) {
    simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
      for (auto& one : books.invoices.all()) {
        if (std::to_string(one.id) == invoice) one.is_deleted = is_deleted, books.touch(one, now);
      }
      return 0;
    });
  }
  std::vector<storage::AuditEntry> audit() {
    std::vector<storage::AuditEntry> entries;
    REQUIRE(database->read([&](storage::Connection& connection) -> Status {
      for (storage::AuditEntry& entry : BERTH_TRY(storage::audit::list(connection)).items) {
        if (entry.action.starts_with("record.")) entries.push_back(std::move(entry));
      }
      return success();
    }).ok());
    return entries;
  }
};

}  // namespace

TEST_CASE("P7: an invoice archived by hand is reversed with no remote call, and says who did it, when and why") {
  Archiving world;
  const auto before = world.balances();
  const std::string invoice = world.posted_invoice();
  const json::Value view = world.archive("invoice/" + invoice);
  CHECK(view.text_of("state") == "archived");
  CHECK(view.text_of("reason") == runs::kArchivedByHand);
  CHECK(view.find("entries_reversed")->text() == "1");
  CHECK(view.find("applied")->boolean());
  CHECK(world.remote_calls() == 0);
  CHECK(world.live_of(invoice).empty());
  CHECK(world.balances() == before);
  CHECK(world.record("invoice", invoice).remote_state == "alive");

  const json::Value shown = view_of(world, "invoice", invoice);
  CHECK(shown.at_path("archived_by_hand.by")->text() == "token:anna");
  CHECK(shown.at_path("archived_by_hand.why")->text() == "sent twice");
  CHECK(shown.text_of("message").find("token:anna") != std::string::npos);
  CHECK(shown.text_of("message").find(to_string(world.clock.now()).substr(0, 16)) != std::string::npos);
  CHECK(!shown.text_of("resolution").empty());
  const auto lineage = lineage::of({world.config, world.registry->discovered(), *world.database}, kIntegration, "invoice/" + invoice);
  REQUIRE(lineage.ok());
  CHECK(lineage::to_text(*lineage).find("sent twice") != std::string::npos);
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    const auto explained = BERTH_TRY(runs::explain(connection, world.unit().setup, world.registry->companies(), "invoice/" + invoice));
    CHECK(explained.judgement.state == "archived");
    CHECK(explained.judgement.reason == runs::kArchivedByHand);
    CHECK(explained.judgement.message.find("sent twice") != std::string::npos);
    return success();
  }).ok());
  const auto entries = world.audit();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].action == "record.archive");
  CHECK(entries[0].actor == "token:anna");
  CHECK(entries[0].detail_json.find("sent twice") != std::string::npos);
  CHECK(entries[0].detail_json.find(invoice) != std::string::npos);
  world.check_books();
}

TEST_CASE("P7: what was archived by hand does not come back, whatever lists, edits, rules and comparisons say") {
  Archiving world;
  const std::string invoice = world.posted_invoice();
  world.archive("invoice/" + invoice);
  const auto journal = world.journal();
  const auto is_archived = [&] {
    CHECK(world.record("invoice", invoice).state == "archived");
    CHECK(world.record("invoice", invoice).reason == runs::kArchivedByHand);
    CHECK(world.live_of(invoice).empty());
    CHECK(world.journal() == journal);
  };
  SUBCASE("lists that show it as it was") {
    world.next();
    is_archived();
    world.next(everything());
    is_archived();
    CHECK(world.record("invoice", invoice).message.find("changed it since") == std::string::npos);
    CHECK(world.transport.count("GET /books/v3/invoices/" + invoice) == 0);
  }
  SUBCASE("an edit: it says that it was changed, and what is posted when it is unarchived is the newest") {
    world.control("POST", "invoices/" + invoice, R"({"line_items":[{"name":"Work","rate":300.00,"quantity":1}]})");
    world.next();
    is_archived();
    CHECK(world.record("invoice", invoice).message.find("changed it since") != std::string::npos);
    CHECK(world.record("invoice", invoice).message.find("sent twice") != std::string::npos);
    world.transport.forget_calls();
    CHECK(world.unarchive("invoice/" + invoice).text_of("state") == "posted");
    CHECK(world.remote_calls() == 0);
    REQUIRE(world.live_of(invoice).size() == 1);
    CHECK(world.live_of(invoice).front().find("300.00") != std::string::npos);
  }
  SUBCASE("a comparison that shows it, other rules, a retry, a restart") {
    CHECK(world.sweep().sweep.outcome == "complete");
    is_archived();
    runs::RemapRequest all;
    all.all = true;
    REQUIRE(world.engine->remap(world.unit().setup, all, {}, {}).ok());
    is_archived();
    REQUIRE(world.database->write("test.retry", [&](storage::Connection& connection) { return storage::records::set_pending(connection, world.record("invoice", invoice).id, world.clock.now()); }).ok());
    world.apply();
    is_archived();
    world.restart();
    world.next();
    is_archived();
  }
  world.check_books();
}

TEST_CASE("P7: what is unarchived posts again from what is stored with no remote call, and the books are those of before") {
  Archiving world;
  const std::string invoice = world.posted_invoice();
  const auto balances = world.balances();
  world.archive("invoice/" + invoice);
  CHECK(world.balances() != balances);
  const json::Value view = world.unarchive("invoice/" + invoice);
  CHECK(view.text_of("state") == "posted");
  CHECK(view.find("entries_posted")->text() == "1");
  CHECK(world.remote_calls() == 0);
  CHECK(world.balances() == balances);
  CHECK(world.live_of(invoice).size() == 1);
  CHECK(view_of(world, "invoice", invoice).find("archived_by_hand") == nullptr);
  REQUIRE(world.audit().size() == 2);
  CHECK(world.audit()[0].action == "record.unarchive");
  const auto journal = world.journal();
  world.next();
  CHECK(world.journal() == journal);
  // And again.
  world.archive(invoice);
  world.unarchive(invoice);
  CHECK(world.balances() == balances);
  world.check_books();
}

TEST_CASE("P7: refusals of archiving by hand say what is in the way, and change nothing") {
  Archiving world;
  const std::string invoice = world.posted_invoice();
  const auto journal = world.journal();
  CHECK(world.refusal(world.try_archive("invoice/4711")) == "runs.record_unknown");
  CHECK(world.refusal(world.try_archive("invoice/" + invoice, " \n")) == "runs.archive_why");
  CHECK(world.refusal(world.try_unarchive("invoice/" + invoice)) == "runs.not_archived");
  CHECK(world.refusal(world.try_unarchive("invoice/4711")) == "runs.record_unknown");
  CHECK(world.audit().empty());
  CHECK(world.journal() == journal);
  world.archive("invoice/" + invoice);
  const auto twice = world.try_archive("invoice/" + invoice, "another reason");
  CHECK(world.refusal(twice) == "runs.archived_already");
  CHECK(twice.error().message.find("sent twice") != std::string::npos);
  CHECK(twice.error().message.find("token:anna") != std::string::npos);
  CHECK(world.audit().size() == 1);
  // A text for a terminal and a log line, whatever was typed.
  world.unarchive("invoice/" + invoice);
  REQUIRE(world.try_archive("invoice/" + invoice, "two\nlines \x1b[31m" + std::string(2'000, 'x')).ok());
  const std::string why(view_of(world, "invoice", invoice).at_path("archived_by_hand.why")->text());
  CHECK(why.starts_with("two lines ?[31m"));
  CHECK(why.size() <= runs::kArchiveWhyMax);
}

TEST_CASE("P7: what the remote has deleted is neither archived nor unarchived by hand, and what comes back stays as the person said") {
  Archiving world;
  const std::string invoice = world.posted_invoice();
  SUBCASE("deleted first") {
    world.control("DELETE", "invoices/" + invoice);
    world.sweep();
    REQUIRE(world.record("invoice", invoice).state == "archived");
    CHECK(world.refusal(world.try_archive("invoice/" + invoice)) == "runs.gone_at_remote");
    CHECK(world.refusal(world.try_unarchive("invoice/" + invoice)) == "runs.gone_at_remote");
  }
  SUBCASE("archived first") {
    world.archive("invoice/" + invoice);
    const auto journal = world.journal();
    world.control("DELETE", "invoices/" + invoice);
    CHECK(world.sweep().gone == 1);
    CHECK(world.record("invoice", invoice).remote_state == "deleted");
    CHECK(world.record("invoice", invoice).state == "archived");
    CHECK(world.journal() == journal);
    CHECK(world.refusal(world.try_unarchive("invoice/" + invoice)) == "runs.gone_at_remote");
    world.set_deleted(invoice, false);
    world.next();
    CHECK(world.record("invoice", invoice).remote_state == "alive");
    CHECK(world.record("invoice", invoice).state == "archived");
    CHECK(world.journal() == journal);
    CHECK(world.unarchive("invoice/" + invoice).text_of("state") == "posted");
    CHECK(world.live_of(invoice).size() == 1);
  }
  world.check_books();
}

TEST_CASE("P7: the deletion brake does not count what a person has archived") {
  Archiving world({.contacts = 5, .invoices = 60, .payments = 0, .credit_notes = 0});
  int archived = 0;
  for (const storage::Record& record : world.records("invoice", "posted")) {
    if (archived == 25) break;
    world.archive("invoice/" + record.remote_id);
    world.control("DELETE", "invoices/" + record.remote_id);
    ++archived;
  }
  REQUIRE(archived == 25);
  std::string other;
  for (const storage::Record& record : world.records("invoice", "posted")) other = record.remote_id;
  world.control("DELETE", "invoices/" + other);
  const runs::PhaseReport report = world.sweep();
  CHECK(report.sweep.outcome == "complete");
  CHECK(report.gone == 26);
  CHECK(world.integration().reason != "berth.deletion_brake");
  CHECK(world.record("invoice", other).state == "archived");
  world.check_books();
}

TEST_CASE("P7: an invoice with a payment waits until that is archived too, and both come back in either order") {
  for (const bool is_payment_first : {false, true}) {
    CAPTURE(is_payment_first);
    Archiving world({.payments = 0, .credit_notes = 0});
    const std::string invoice = world.make_invoice("100.00");
    const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"("})");
    world.next();
    world.map_all();
    REQUIRE(world.record("customer_payment", payment).state == "posted");
    const auto live = world.journal(true).size();
    const auto balances = world.balances();
    world.transport.forget_calls();
    // As a deletion that the remote has confirmed does; only that nobody asks the remote about it.
    const json::Value waits = world.archive("invoice/" + invoice);
    CHECK(waits.text_of("state") == "parked");
    CHECK(waits.text_of("reason") == "ledger.allocations_live");
    CHECK(waits.at_path("archived_by_hand.why")->text() == "sent twice");
    CHECK(world.balances() == balances);
    world.next();
    CHECK(world.record("invoice", invoice).state == "parked");
    CHECK(world.transport.count("GET /books/v3/invoices/" + invoice) == 0);
    CHECK(world.transport.count("GET /books/v3/customerpayments/" + payment) == 0);
    // The same command again says the same: it is not done yet.
    CHECK(world.archive("invoice/" + invoice).text_of("state") == "parked");
    CHECK(world.audit().size() == 1);
    CHECK(world.archive("customer_payment/" + payment).text_of("state") == "archived");
    CHECK(world.record("invoice", invoice).state == "archived");
    CHECK(world.live_of(invoice).empty());
    CHECK(world.live_of(payment).empty());
    world.check_books();
    world.transport.forget_calls();
    const std::string invoice_ref = "invoice/" + invoice, payment_ref = "customer_payment/" + payment;
    const json::Value first = world.unarchive(is_payment_first ? payment_ref : invoice_ref);
    if (is_payment_first) {
      // It waits for the invoice, and says why that is not there.
      CHECK(first.text_of("state") == "parked");
      CHECK(first.find("waits_for")->items().at(0).text() == invoice_ref);
      REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
        const std::string why = BERTH_TRY(runs::why_not_there(connection, world.unit().setup, invoice_ref));
        CHECK_MESSAGE(why.find("sent twice") != std::string::npos, why);
        return success();
      }).ok());
      world.check_books();
    }
    world.unarchive(is_payment_first ? invoice_ref : payment_ref);
    CHECK(world.remote_calls() == 0);
    CHECK(world.balances() == balances);
    CHECK(world.journal(true).size() == live);
    world.check_books();
  }
}

TEST_CASE("P7: a closed month is minded as a deletion minds it: the reversal gets a later day, or the invoice waits") {
  for (const auto policy : {config::Policies::Periods::kRedate, config::Policies::Periods::kHold}) {
    CAPTURE(static_cast<int>(policy));
    Archiving world;
    const std::string invoice = world.posted_invoice();
    const auto live = world.journal(true);
    for (config::Company& company : world.config.companies) company.policies.periods = policy;
    world.restart();
    const std::string date = world.lines("SELECT e.date FROM entry AS e WHERE e.remote_id = '" + invoice + "'").front();
    const ledger::Month month = ledger::parse_month(date.substr(0, 7)).value();
    const std::string company = world.lines("SELECT e.company FROM entry AS e WHERE e.remote_id = '" + invoice + "'").front();
    REQUIRE(world.database->write("test.close", [&](storage::Connection& connection) -> Status {
      CHECK(BERTH_TRY(ledger::close_period(connection, company, month, world.clock.now(), "test")));
      return success();
    }).ok());
    const json::Value view = world.archive("invoice/" + invoice);
    if (policy == config::Policies::Periods::kRedate) {
      CHECK(view.text_of("state") == "archived");
      CHECK(world.lines("SELECT e.date FROM entry AS e WHERE e.reverses IS NOT NULL AND e.remote_id = '" + invoice + "'").front() > date);
    } else {
      CHECK(view.text_of("state") == "parked");
      CHECK(view.find("waits_for")->items().at(0).text() == "period/" + company + "/" + date.substr(0, 7));
      CHECK(world.journal(true) == live);
      REQUIRE(world.database->write("test.open", [&](storage::Connection& connection) -> Status {
        CHECK(BERTH_TRY(ledger::open_period(connection, company, month)));
        BERTH_TRY(storage::waiting::wake(connection, kIntegration, ledger::awaited_period(company, month), world.clock.now()));
        return success();
      }).ok());
      world.apply();
      CHECK(world.record("invoice", invoice).state == "archived");
    }
    CHECK(world.live_of(invoice).empty());
    world.check_books();
  }
}

TEST_CASE("P7: a customer archived by hand is inactive and keeps what was posted in its name, and is no merged one") {
  Archiving world;
  const std::string contact(world.control("POST", "contacts", R"({"contact_name":"Old Ltd","contact_type":"customer"})").text_of("id"));
  const std::string invoice = world.make_invoice("55.00", R"("customer_id":")" + contact + '"');
  world.next();
  world.map_all();
  REQUIRE(world.record("invoice", invoice).state == "posted");
  const auto live = world.journal(true);
  world.transport.forget_calls();
  CHECK(world.archive("contact/" + contact).text_of("state") == "archived");
  const auto is_active = [&] { return world.number("SELECT active FROM local_row WHERE kind = 'customer' AND remote_id = '" + contact + "'"); };
  CHECK(is_active() == 0);
  CHECK(world.record("contact", contact).reason == runs::kArchivedByHand);
  CHECK(world.journal(true) == live);
  world.next();
  CHECK(world.transport.count("GET /books/v3/invoices/" + invoice) == 0);
  CHECK(world.record("contact", contact).state == "archived");
  CHECK(world.unarchive("contact/" + contact).text_of("state") == "posted");
  CHECK(is_active() == 1);
  CHECK(world.journal(true) == live);
  world.check_books();
}

TEST_CASE("P7: what never posted is archived too, and waits for nothing any more") {
  Archiving world;
  const std::string draft = world.make_invoice("10.00", R"("status":"draft")");
  world.next();
  REQUIRE(world.record("invoice", draft).state == "ignored");
  CHECK(world.archive("invoice/" + draft).text_of("state") == "archived");
  world.control("POST", "invoices/" + draft + "/sent");
  world.next();
  CHECK(world.record("invoice", draft).state == "archived");
  CHECK(world.live_of(draft).empty());
  world.transport.forget_calls();
  // Its detail came with the sync, so this needs none.
  CHECK(world.unarchive("invoice/" + draft).text_of("state") == "posted");
  CHECK(world.remote_calls() == 0);
  CHECK(world.live_of(draft).size() == 1);
  world.check_books();
}

TEST_CASE("P7: a run that is under way minds what was archived meanwhile") {
  Archiving world;
  const std::string invoice = world.posted_invoice();
  world.control("POST", "invoices/" + invoice, R"({"line_items":[{"name":"Work","rate":300.00,"quantity":1}]})");
  world.later(1h);
  bool is_done = false;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (is_done || call.find("/books/v3/invoices") == std::string::npos) return std::nullopt;
    is_done = true;
    const auto view = world.try_archive("invoice/" + invoice);
    REQUIRE_MESSAGE(view.ok(), view.error().message);
    CHECK_FALSE(view->find("applied")->boolean());   // the run has the lease
    return std::nullopt;
  };
  world.sync();
  REQUIRE(is_done);
  CHECK(world.record("invoice", invoice).state == "archived");
  CHECK(world.live_of(invoice).empty());
  world.check_books();
}

TEST_CASE("P7: a suspect that a list shows again is not asked for") {
  Archiving world({.contacts = 5, .invoices = 30, .payments = 0, .credit_notes = 0});
  const std::string invoice = world.posted_invoice();
  world.set_deleted(invoice, true);
  // The comparison misses it, and the remote cannot say whether it is gone.
  world.transport.before = always("GET /books/v3/invoices/" + invoice, 503, "{}");
  world.sweep();
  world.transport.before = nullptr;
  REQUIRE(world.record("invoice", invoice).remote_state == "suspect");
  REQUIRE(world.number("SELECT COUNT(*) FROM detail_queue WHERE cause = 'confirm_deletion'") == 1);
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {   // with the version it had
    for (auto& one : books.invoices.all()) one.is_deleted = false;
    return 0;
  });
  world.transport.forget_calls();
  const runs::PhaseReport report = world.sweep();
  CHECK(report.sweep.outcome == "complete");
  CHECK(world.record("invoice", invoice).remote_state == "alive");
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE cause = 'confirm_deletion'") == 0);
  CHECK(world.transport.count("GET /books/v3/invoices/" + invoice) == 0);
}
