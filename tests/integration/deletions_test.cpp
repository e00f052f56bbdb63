// Documents of which the remote says that they do not exist: how many of them are believed at once, what brings one back that was
// archived, and what becomes of one about which the remote says nothing.
#include <fmt/format.h>

#include <algorithm>

#include "host/admin/archive.hpp"
#include "host/runs/deletions.hpp"
#include "host/storage/brakes.hpp"
#include "integration/shown.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

namespace {

/// Synced, mapped, and an hour later.
struct Deleting : World {
  explicit Deleting(WorldOptions options = {}) : World(only_invoices(std::move(options))) {
    connect();
    sync();
    map_all();
    later(1h);
    sync();
    transport.forget_calls();
  }
  static WorldOptions only_invoices(WorldOptions options) {
    options.contacts = 5;
    options.payments = options.credit_notes = options.drafts = options.voids = 0;
    return options;
  }
  runs::RunReport next(runs::RunRequest request = {}) {
    later(1h);
    return sync(std::move(request));
  }
  runs::PhaseReport sweep() {
    later(25h);
    runs::RunRequest request;
    request.sweep = {"invoices"};
    request.only_sweep = true;
    return phase_of(sync(request), "invoices");
  }
  /// Some invoices are edited at the remote, so that the next sync asks for each of them; what they say stays the same.
  void touch_invoices(std::size_t count) {
    simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
      for (auto& invoice : books.invoices.all()) {
        if (count == 0) break;
        books.touch(invoice, now), --count;
      }
      return 0;
    });
  }
  void hide(const std::string& invoice, bool is_hidden) {
    simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
      for (auto& one : books.invoices.all()) {
        if (invoice.empty() || std::to_string(one.id) == invoice) one.is_deleted = is_hidden;
      }
      return 0;
    });
  }
  /// For some minutes the remote says of every invoice that it does not exist.
  void lie() {
    transport.before = [](const std::string& call) -> std::optional<http::Response> {
      if (call.starts_with("GET /books/v3/invoices/")) return integration::gone();
      return std::nullopt;
    };
  }
  void tell_the_truth() { transport.before = nullptr; }
  std::int64_t held() { return number("SELECT COUNT(*) FROM deletion_brake"); }
  std::size_t confirm() {
    std::size_t released = 0;
    REQUIRE(database->write("test.confirm", [&](storage::Connection& connection) -> Status {
      for (const storage::Brake& brake : BERTH_TRY(runs::confirm_deletions(connection, kIntegration, clock.now()))) released += static_cast<std::size_t>(brake.missing);
      return success();
    }).ok());
    return released;
  }
  std::string old_invoice() {
    const std::string invoice = make_invoice("33.00");
    next();
    map_all();
    REQUIRE(record("invoice", invoice).state == "posted");
    // It grows old: no list of changes shows it any more.
    for (int day = 0; day < 10; ++day) {
      later(24h);
      make_invoice("1.00");
      sync();
    }
    return invoice;
  }
};

}  // namespace

TEST_CASE("P7: where more documents than usual answer that they do not exist, none of them is archived until a person confirms it") {
  Deleting world({.invoices = 60});
  const auto journal = world.journal();
  const auto balances = world.balances();
  REQUIRE(world.records("invoice", "posted").size() == 60);
  world.touch_invoices(60);
  world.lie();
  const runs::RunReport report = world.next();
  world.tell_the_truth();
  CHECK(world.records("invoice", "archived").empty());
  CHECK(world.journal() == journal);
  CHECK(phase_of(report, "invoices").gone == 0);
  CHECK(phase_of(report, "invoices").reason == "berth.deletion_brake");
  CHECK(world.integration().actual == "degraded");
  CHECK(world.integration().reason == "berth.deletion_brake");
  CHECK(world.integration().message.find("60 of 60") != std::string::npos);
  CHECK(world.held() == 1);
  // Each was asked for once: where nothing is believed, nothing is asked again.
  CHECK(world.transport.count("GET /books/v3/invoices/", 404) == 60);

  SUBCASE("the remote is well again: everything is as it was, and the brake lets go by itself") {
    world.next();
    CHECK(world.held() == 0);
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE remote_state <> 'alive'") == 0);
    CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 1") == 0);
    CHECK(world.journal() == journal);
    CHECK(world.integration().actual == "connected");
  }
  SUBCASE("it stays like that for hours, also for a comparison: nothing is archived, and nothing is asked without end") {
    world.hide({}, true);
    for (int i = 0; i < 3; ++i) {
      world.transport.forget_calls();
      world.next();
      CHECK(world.transport.count("GET /books/v3/invoices/") == 0);
    }
    world.sweep();
    CHECK(world.transport.count("GET /books/v3/invoices/") == 0);
    CHECK(world.held() == 1);
    CHECK(world.journal() == journal);
    CHECK(world.integration().message.find("60 of 60") != std::string::npos);
    world.hide({}, false);
    world.sweep();
    world.next();
    CHECK(world.held() == 0);
    CHECK(world.journal() == journal);
  }
  SUBCASE("they are really gone: a person confirms it, and each is asked for once more") {
    world.hide({}, true);
    world.transport.forget_calls();
    CHECK(world.confirm() == 60);
    CHECK(world.held() == 0);
    world.next();
    CHECK(world.transport.count("GET /books/v3/invoices/", 404) == 60);
    CHECK(world.records("invoice", "archived").size() == 60);
    CHECK(world.journal(true).empty());
    CHECK(world.integration().actual == "connected");
  }
  SUBCASE("a person confirms it, and the remote has them after all") {
    CHECK(world.confirm() == 60);
    world.next();
    CHECK(world.records("invoice", "archived").empty());
    CHECK(world.journal() == journal);
    CHECK(world.balances() == balances);
  }
  world.check_books();
}

TEST_CASE("P7: a few documents that answer that they do not exist are archived within the run") {
  Deleting world({.invoices = 60});
  world.touch_invoices(20);
  world.lie();
  const runs::RunReport report = world.next();
  world.tell_the_truth();
  CHECK(phase_of(report, "invoices").gone == 20);
  CHECK(world.records("invoice", "archived").size() == 20);
  CHECK(world.transport.count("GET /books/v3/invoices/", 404) == 40);   // the second answer is believed
  CHECK(world.held() == 0);
  CHECK(world.integration().actual == "connected");
}

TEST_CASE("P7: what a comparison misses and what answers that it does not exist are counted together") {
  Deleting world({.invoices = 60});
  const auto posted = world.records("invoice", "posted");
  for (std::size_t i = 0; i < 15; ++i) world.hide(posted[i].remote_id, true);
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
    for (auto& invoice : books.invoices.all()) {
      const bool is_missed = std::any_of(posted.begin(), posted.begin() + 15, [&](const storage::Record& one) { return one.remote_id == std::to_string(invoice.id); });
      const bool is_asked = std::any_of(posted.begin() + 15, posted.begin() + 25, [&](const storage::Record& one) { return one.remote_id == std::to_string(invoice.id); });
      if (!is_missed && is_asked) books.touch(invoice, now);
    }
    return 0;
  });
  world.lie();
  // Hidden from the comparison as well, once their changes were listed.
  bool is_listed = false;
  const auto lying = world.transport.before;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (call.starts_with("GET /books/v3/invoices/") && !std::exchange(is_listed, true)) {
      for (std::size_t i = 15; i < 25; ++i) world.hide(posted[i].remote_id, true);
    }
    return lying(call);
  };
  runs::RunRequest request;
  request.sweep = {"invoices"};
  world.next(request);
  world.tell_the_truth();
  CHECK(world.records("invoice", "archived").empty());
  CHECK(world.held() == 1);
  CHECK(world.integration().message.find("25 of 60") != std::string::npos);
  CHECK(world.confirm() == 25);
  world.next();
  CHECK(world.records("invoice", "archived").size() == 25);
  world.check_books();
}

TEST_CASE("P7: a comparison that shows what was archived brings it back") {
  Deleting world({.invoices = 20});
  const std::string invoice = world.old_invoice();
  const auto balances = world.balances();
  world.hide(invoice, true);   // a wrong list and a wrong answer, for some minutes
  world.sweep();
  REQUIRE(world.record("invoice", invoice).state == "archived");
  world.hide(invoice, false);
  world.transport.forget_calls();
  CHECK(world.sweep().sweep.outcome == "complete");
  world.next();
  CHECK(world.record("invoice", invoice).remote_state == "alive");
  CHECK(world.record("invoice", invoice).state == "posted");
  const auto calls = world.transport.calls();
  CHECK(std::count(calls.begin(), calls.end(), "200 GET /books/v3/invoices/" + invoice) == 1);   // and its file
  CHECK(world.balances() == balances);
  world.check_books();
  world.transport.forget_calls();
  world.sweep();
  CHECK(world.transport.count("GET /books/v3/invoices/" + invoice) == 0);
}

TEST_CASE("P7: what a list shows and the remote does not have stays archived, and costs one call for a comparison") {
  Deleting world({.invoices = 20});
  const std::string invoice = world.old_invoice();
  world.hide(invoice, true);
  world.sweep();
  REQUIRE(world.record("invoice", invoice).state == "archived");
  const auto journal = world.journal();
  world.hide(invoice, false);   // the list has it again
  world.transport.before = always("GET /books/v3/invoices/" + invoice, 404, integration::gone().body);
  for (int i = 0; i < 3; ++i) {
    world.transport.forget_calls();
    world.sweep();
    world.next();
    world.next();
    CHECK(world.transport.count("GET /books/v3/invoices/" + invoice) == 1);
    CHECK(world.record("invoice", invoice).state == "archived");
  }
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 1") == 0);
  CHECK(world.journal() == journal);
}

TEST_CASE("P7: what a person has archived does not come back because a comparison shows it") {
  Deleting world({.invoices = 20});
  const std::string invoice = world.old_invoice();
  REQUIRE(admin::archive_record({*world.database, *world.engine, world.clock}, world.unit().setup, "invoice/" + invoice, "sent twice", "token:anna", {}).ok());
  const auto journal = world.journal();
  const auto stays = [&] {
    world.sweep();
    world.next();
    CHECK(world.record("invoice", invoice).state == "archived");
    CHECK(world.journal() == journal);
  };
  stays();
  world.hide(invoice, true);
  stays();
  CHECK(world.record("invoice", invoice).remote_state == "deleted");
  world.hide(invoice, false);
  stays();
  CHECK(world.record("invoice", invoice).remote_state == "alive");
}

TEST_CASE("P7: a document about which the remote says nothing is asked for again by the next comparison") {
  Deleting world({.invoices = 20});
  const std::string invoice = world.old_invoice();
  world.hide(invoice, true);
  const auto fail = [&](int status, int runs) {
    world.transport.before = always("GET /books/v3/invoices/" + invoice, status, R"({"code":36,"message":"It cannot be shown."})");
    world.sweep();
    for (int i = 0; i < runs; ++i) world.next();
    world.tell_the_truth();
    // Nothing is known of it: its books stay as they are, and nobody is told that it failed.
    CHECK(world.record("invoice", invoice).state == "posted");
    CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 1") == 0);
  };
  SUBCASE("it was refused until nobody asked any more") { fail(400, 8); }
  SUBCASE("the remote failed at it until nobody asked any more") { fail(503, 40); }
  world.transport.forget_calls();
  const runs::PhaseReport report = world.sweep();
  CHECK(report.sweep.missing == 1);
  CHECK(report.gone == 1);
  CHECK(world.record("invoice", invoice).remote_state == "deleted");
  CHECK(world.record("invoice", invoice).state == "archived");
  world.check_books();
}

TEST_CASE("P7: a suspect that nobody asks about is found by the next comparison") {
  Deleting world({.invoices = 20});
  const std::string invoice = world.old_invoice();
  world.hide(invoice, true);
  REQUIRE(world.database->write("test.suspect", [&](storage::Connection& connection) { return storage::records::mark_suspect(connection, kIntegration, "invoice", invoice); }).ok());
  CHECK(world.sweep().gone == 1);
  CHECK(world.record("invoice", invoice).state == "archived");
}

TEST_CASE("P7: a payment that is gone is archived although documents that disagree with it name it again and again") {
  WorldOptions options;
  options.payments = options.credit_notes = 0;
  World world(options);
  world.connect();
  const std::string invoice = world.make_invoice("100.00");
  const std::string customer(world.books().at_path("invoices")->find(invoice)->text_of("customer_id"));
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","amount":50})");
  const std::string note(world.control("POST", "credit_notes", R"({"line_items":[{"name":"Work","rate":30,"quantity":1}],"customer_id":")" + customer + "\"}").text_of("id"));
  world.control("POST", "credit_notes/" + note + "/apply", R"({"invoice_id":")" + invoice + R"(","amount":30})");
  world.sync();
  world.map_all();
  world.later(1h);
  world.sync();
  REQUIRE(world.record("customer_payment", payment).state == "posted");
  REQUIRE(world.record("credit_note", note).state == "posted");
  // The invoice has room for the credit note, and none for the payment that is gone.
  world.control("DELETE", "payments/" + payment);
  world.control("POST", "invoices/" + invoice, R"({"line_items":[{"name":"Work","rate":40.00,"quantity":1}]})");
  for (int i = 0; i < 2; ++i) {
    world.later(1h);
    world.sync();
  }
  CHECK(world.record("customer_payment", payment).remote_state == "deleted");
  CHECK(world.record("customer_payment", payment).state == "archived");
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(world.record("invoice", invoice).message == "");
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue WHERE want = 1") == 0);
  world.later(1h);
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  world.check_books();
}
