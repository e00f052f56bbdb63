// What happens to documents after they were first seen: drafts that are sent, voids, deletions, late arrivals.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// A synced and mapped world.
struct Synced : World {
  explicit Synced(WorldOptions options = {}) : World(std::move(options)) {
    connect();
    sync();
    map_all();
    later(std::chrono::hours(1));
    transport.forget_calls();
  }
  runs::RunReport next(runs::RunRequest request = {}) {
    later(std::chrono::minutes(5));
    transport.forget_calls();
    return sync(std::move(request));
  }
  std::size_t calls_of(const std::string& invoice) const { return transport.count("GET /books/v3/invoices/" + invoice); }
  std::vector<std::string> live_of(const std::string& remote_id) {
    std::vector<std::string> mine;
    for (std::string& line : journal(true)) {
      if (line.find("invoice/" + remote_id + " ") != std::string::npos) mine.push_back(std::move(line));
    }
    return mine;
  }
};

}  // namespace

TEST_CASE("D9: a draft costs no detail, and is taken up when it stops being one") {
  Synced world;
  const std::string draft = world.make_invoice("120.00", R"("status":"draft")");
  world.next();
  CHECK(world.calls_of(draft) == 0);
  CHECK(world.record("invoice", draft).state == "ignored");
  CHECK(world.record("invoice", draft).reason == "zoho_books.invoice.draft");
  world.control("POST", "invoices/" + draft + "/sent");
  const runs::RunReport report = world.next();
  CHECK(report.outcome == runs::RunOutcome::kSucceeded);
  CHECK(world.transport.count("GET /books/v3/invoices/" + draft, 200) == 2);   // detail and file
  CHECK(world.record("invoice", draft).state == "posted");
  CHECK(world.live_of(draft).size() == 1);
  world.check_books();
}

TEST_CASE("a void invoice is reversed, and posted again when it comes back") {
  Synced world;
  const std::string invoice = world.make_invoice("250.00");
  world.next();
  CHECK(world.live_of(invoice).size() == 1);
  const auto before = world.balances();
  for (int round = 0; round < 2; ++round) {
    world.control("POST", "invoices/" + invoice + "/void");
    world.next();
    CHECK(world.record("invoice", invoice).state == "ignored");
    CHECK(world.live_of(invoice).empty());
    world.check_books();
    world.control("POST", "invoices/" + invoice + "/sent");
    world.next();
    CHECK(world.record("invoice", invoice).state == "posted");
    CHECK(world.live_of(invoice).size() == 1);
    CHECK(world.balances() == before);
    world.check_books();
  }
}

TEST_CASE("a posted invoice that is edited is reversed and reposted, one that goes draft again is reversed") {
  Synced world;
  const std::string invoice = world.make_invoice("250.00");
  world.next();
  world.control("POST", "invoices/" + invoice, R"({"line_items":[{"name":"Work","rate":300.00,"quantity":1}]})");
  world.next();
  CHECK(world.live_of(invoice).size() == 1);
  CHECK(world.live_of(invoice).front().find("300.00") != std::string::npos);
  world.check_books();
  world.control("POST", "invoices/" + invoice, R"({"notes":"please pay"})");
  const auto journal = world.journal();
  world.next();
  CHECK(world.journal() == journal);   // nothing that posts has changed
  world.control("POST", "invoices/" + invoice + "/draft");
  world.next();
  CHECK(world.live_of(invoice).empty());
  world.check_books();
}

TEST_CASE("an invoice that vanished is deleted only after two answers that it does not exist, in one run") {
  Synced world;
  const std::string invoice = world.make_invoice("99.00");
  world.next();
  CHECK(world.live_of(invoice).size() == 1);
  world.control("POST", "invoices/" + invoice, R"({"notes":"touched"})");

  SUBCASE("it is gone between list and detail") {
    std::atomic<bool> deleted = false;
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      if (call == "GET /books/v3/invoices/" + invoice && !deleted.exchange(true)) world.control("DELETE", "invoices/" + invoice);
      return std::nullopt;
    };
    CHECK(world.next().outcome == runs::RunOutcome::kSucceeded);
    CHECK(world.transport.count("GET /books/v3/invoices/" + invoice, 404) == 2);
    CHECK(world.record("invoice", invoice).remote_state == "deleted");
    CHECK(world.record("invoice", invoice).state == "archived");
    CHECK(world.live_of(invoice).empty());
    world.check_books();
    world.next();
    world.transport.before = nullptr;
    CHECK(world.calls_of(invoice) == 0);   // nobody asks for it again
  }
  SUBCASE("one such answer is not believed") {
    std::atomic<int> answers = 0;
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      if (call == "GET /books/v3/invoices/" + invoice && ++answers == 1) return gone();
      return std::nullopt;
    };
    world.next();
    world.transport.before = nullptr;
    CHECK(answers == 2);
    CHECK(world.record("invoice", invoice).remote_state == "alive");
    CHECK(world.record("invoice", invoice).state == "posted");
    CHECK(world.live_of(invoice).size() == 1);
  }
  SUBCASE("a 404 without the remote's code proves nothing") {
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      if (call != "GET /books/v3/invoices/" + invoice) return std::nullopt;
      http::Response page;
      page.status = 404;
      page.headers = {{"content-type", "text/html"}};
      page.body = "<html>no such page</html>";
      return page;
    };
    for (int run = 0; run < 3; ++run) world.next();
    world.transport.before = nullptr;
    CHECK(world.record("invoice", invoice).remote_state == "alive");
    CHECK(world.live_of(invoice).size() == 1);
  }
}

TEST_CASE("a full pass finds what is missing, asks once more, and reverses it, what comes back is restored") {
  Synced world;
  const std::string invoice = world.make_invoice("99.00");
  world.next();
  world.control("DELETE", "invoices/" + invoice);
  world.next();
  CHECK(world.record("invoice", invoice).remote_state == "alive");   // absence from a list of changes says nothing
  const runs::RunReport report = world.next(everything());
  CHECK_MESSAGE(report.outcome == runs::RunOutcome::kSucceeded, report.reason);
  CHECK(world.transport.count("GET /books/v3/invoices/" + invoice, 404) == 1);
  CHECK(world.record("invoice", invoice).state == "archived");
  CHECK(world.live_of(invoice).empty());
  world.check_books();
}

TEST_CASE("a customer that was deleted is archived: its row stays for what was posted, and is active no more") {
  Synced world;
  const std::string contact(world.control("POST", "contacts", R"({"contact_name":"Gone Ltd","contact_type":"customer"})").text_of("id"));
  world.next();
  CHECK(world.record("contact", contact).state == "posted");
  world.control("DELETE", "contacts/" + contact);
  world.next(everything());
  CHECK(world.record("contact", contact).state == "archived");
  CHECK(world.number("SELECT active FROM local_row WHERE kind = 'customer' AND remote_id = '" + contact + "'") == 0);
}

TEST_CASE("the deletion brake: too many missing invoices are not archived, a person decides, and the other phases go on") {
  Synced world({.payments = 0, .credit_notes = 0});
  const auto live = world.journal(true);
  int deleted = 0;
  const json::Value books = world.books();
  for (const json::Member& invoice : books.find("invoices")->members()) {
    if (deleted++ < 25) world.control("DELETE", "invoices/" + invoice.first);
  }
  REQUIRE(deleted > 25);
  const std::string item = std::string(world.control("POST", "items", R"({"name":"New item","rate":5})").text_of("id"));
  const runs::RunReport report = world.next(everything());
  CHECK(report.outcome == runs::RunOutcome::kFailed);
  CHECK(report.reason == "berth.deletion_brake");
  CHECK(phase_of(report, "invoices").outcome == "failed");
  CHECK(world.journal(true) == live);
  CHECK(world.calls_of("") == 0);
  CHECK(world.record("item", item).state == "posted");
  CHECK(world.records("invoice", "archived").empty());
}

TEST_CASE("D11: the pass overlaps the last one by five days for invoices and payments, an unchanged one costs one list call") {
  Synced world({.payments = 5});
  world.later(std::chrono::hours(24 * 30));
  world.next();   // a pass whose watermark is now
  const auto add_late = [&](int days) {
    return world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time now) {
      zoho_sim::Invoice invoice;
      for (const auto& contact : books.contacts.all()) {
        if (!contact.is_vendor && contact.is_active) invoice.contact = contact.id;
      }
      zoho_sim::Line line;
      line.name = "Late";
      line.rate = 1000;
      invoice.lines.push_back(line);
      invoice.date = 20'600;
      invoice.due_date = 20'630;
      return std::to_string(books.add_invoice(invoice, now - days * 86'400).id);
    });
  };
  // The newest row of the remote is what the overlap is counted from.
  world.make_invoice("10.00");
  world.next();
  const std::string within = add_late(4);
  const std::string beyond = add_late(7);
  world.next();
  CHECK(world.find_record("invoice", within).has_value());
  CHECK(!world.find_record("invoice", beyond).has_value());
  world.next(everything());
  CHECK(world.find_record("invoice", beyond).has_value());
  const runs::RunReport report = world.next();
  CHECK(report.outcome == runs::RunOutcome::kNothingChanged);
  for (const char* phase : {"invoices", "customer_payments", "contacts", "items", "credit_notes"}) {
    CHECK(phase_of(report, phase).calls.list == 1);
    CHECK(phase_of(report, phase).calls.total() == 1);
    CHECK(phase_of(report, phase).fewest.total() == 1);
  }
}
