// Customers of the remote that a person links to ours, takes back, and what that does to documents: D18.
#include <algorithm>

#include "host/admin/master_rows.hpp"
#include "integration/shown.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

Result<json::Value> link(World& world, const std::string& remote_id, const std::string& local) {
  return admin::link_customer(*world.database, world.unit().setup, remote_id, local, "test", world.clock.now());
}
Result<json::Value> unlink(World& world, const std::string& remote_id) {
  return admin::unlink_customer(*world.database, world.unit().setup, remote_id, "test", world.clock.now());
}

/// The row with the most open receivables of the integration, and the contact that it came from.
std::pair<std::string, std::string> busiest(World& world) {
  const std::string row = world.lines("SELECT customer FROM open_item WHERE posts > 0 GROUP BY customer ORDER BY COUNT(*) DESC, customer LIMIT 1").front();
  return {row, world.lines("SELECT remote_id FROM local_row WHERE id = '" + row + "'").front()};
}

std::int64_t live_lines_of(World& world, const std::string& party) {
  return world.number("SELECT COUNT(*) FROM entry_line AS l JOIN entry AS e ON e.id = l.entry WHERE l.party = '" + party +
                      "' AND e.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id)");
}

/// Lines of the journal without the number of the entry among those of its event: moved and moved back, it is another one.
std::vector<std::string> without_sequence(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    const auto at = line.find(" #");
    line.erase(at, line.find(' ', at + 1) - at);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

struct Posted : World {
  Posted() : World({.contacts = 5, .invoices = 40, .payments = 25, .credit_notes = 8}) {
    connect();
    sync();
    map_all();
    later(std::chrono::hours(1));
    transport.forget_calls();
  }
};

}  // namespace

TEST_CASE("D18: two customers of one name are never guessed between, the refusal lists their ids") {
  World world({.payments = 0, .credit_notes = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  world.sync(only("invoices"));
  const std::string contact = world.lines("SELECT substr(awaited, 10) FROM waiting WHERE awaited LIKE 'customer/%' LIMIT 1").front();
  add_customer(world, "cus_old", "Bowman");
  world.later(std::chrono::hours(1));
  add_customer(world, "cus_new", "Bowman");
  const auto refused = link(world, contact, "Bowman");
  REQUIRE(!refused.ok());
  CHECK(refused.error().reason == "admin.customer_ambiguous");
  CHECK_MESSAGE(refused.error().message.find("2 customers are named \"Bowman\"") != std::string::npos, refused.error().message);
  CHECK(refused.error().message.find("cus_old (made here), cus_new (made here)") != std::string::npos);
  CHECK(world.number("SELECT COUNT(*) FROM row_link") == 0);
  const auto linked = link(world, contact, "cus_new");
  REQUIRE_MESSAGE(linked.ok(), linked.error().message);
  CHECK(linked->text_of("customer") == "cus_new");
}

TEST_CASE("D18: a linked customer's waiting invoice posts at once, with no call, and nothing is asked for") {
  World world({.payments = 0, .credit_notes = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  world.sync(only("invoices"));
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.apply();
  REQUIRE(world.record("invoice", invoice).state == "parked");
  std::string contact;
  const json::Parsed facts = json::parse(world.record("invoice", invoice).detail_json);
  for (const json::Value& key : facts.value.find("waits_for")->items()) {
    if (key.text().starts_with("customer/")) contact = key.text().substr(9);
  }
  add_customer(world, "cus_other", "Bowman Furniture");
  world.transport.forget_calls();
  const std::int64_t queued = world.number("SELECT COUNT(*) FROM detail_queue");
  const auto linked = link(world, contact, "Bowman Furniture");
  REQUIRE_MESSAGE(linked.ok(), linked.error().message);
  CHECK(linked->find("waiting")->integer().value() >= 1);
  world.apply();
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(live_lines_of(world, "cus_other") > 0);
  CHECK(world.transport.calls().empty());
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue") == queued);
  CHECK(world.number("SELECT COUNT(*) FROM audit WHERE action = 'customer.link' AND actor = 'test'") == 1);
}

TEST_CASE("D18 C2: a link moves what is posted to the other customer, unlinking moves it back, both with no call") {
  Posted world;
  const auto [own, contact] = busiest(world);
  add_customer(world, "cus_other", "Bowman Furniture");
  const std::vector<std::string> before = world.journal(true);
  const std::int64_t lines = live_lines_of(world, own);
  REQUIRE(lines > 10);

  const auto linked = link(world, contact, "cus_other");
  REQUIRE_MESSAGE(linked.ok(), linked.error().message);
  CHECK(linked->find("decided_again")->integer().value() == world.number("SELECT COUNT(DISTINCT local_id) FROM open_item WHERE posts > 0 AND customer = '" + own + "'"));
  world.apply();
  CHECK(live_lines_of(world, own) == 0);
  CHECK(live_lines_of(world, "cus_other") == lines);
  CHECK(world.record("contact", contact).local_id == "cus_other");
  CHECK(world.records({}, "parked").empty());
  CHECK(world.records({}, "failed").empty());
  CHECK(world.number("SELECT COUNT(*) FROM open_item WHERE open_minor <> 0 AND customer = '" + own + "'") == 0);
  world.check_books();

  // The same again is no change.
  const std::int64_t entries = world.number("SELECT COUNT(*) FROM entry");
  CHECK(link(world, contact, "cus_other")->find("decided_again")->integer().value() == 0);
  world.apply();
  CHECK(world.number("SELECT COUNT(*) FROM entry") == entries);

  const auto unlinked = unlink(world, contact);
  REQUIRE_MESSAGE(unlinked.ok(), unlinked.error().message);
  CHECK(unlinked->text_of("customer") == own);
  CHECK(unlinked->text_of("was") == "cus_other");
  world.apply();
  CHECK(live_lines_of(world, "cus_other") == 0);
  CHECK(live_lines_of(world, own) == lines);
  CHECK(world.record("contact", contact).local_id == own);
  CHECK(without_sequence(world.journal(true)) == without_sequence(before));
  CHECK(world.number("SELECT COUNT(*) FROM row_link") == 0);
  CHECK(world.transport.calls().empty());
  CHECK(world.number("SELECT COUNT(*) FROM detail_queue") == 0);
  CHECK(world.number("SELECT COUNT(*) FROM audit WHERE action = 'customer.unlink'") == 1);
  world.check_books();
  CHECK(unlink(world, contact).error().reason == "admin.customer_not_linked");
}

TEST_CASE("D18: two customers of the remote that are one here: taking one link back moves the documents of that one only") {
  Posted world;
  const auto [own, contact] = busiest(world);
  const std::string second = world.lines("SELECT remote_id FROM local_row WHERE kind = 'customer' AND remote_id <> '' AND id <> '" + own + "' AND id IN "
                                         "(SELECT customer FROM open_item WHERE posts > 0) ORDER BY id LIMIT 1").front();
  const std::string second_row = world.lines("SELECT id FROM local_row WHERE kind = 'customer' AND remote_id = '" + second + "'").front();
  REQUIRE(link(world, contact, second_row).ok());
  world.apply();
  const std::int64_t both = live_lines_of(world, second_row);
  world.check_books();
  // Taking one back moves its documents only.
  REQUIRE(unlink(world, contact).ok());
  world.apply();
  CHECK(live_lines_of(world, own) > 0);
  CHECK(live_lines_of(world, second_row) > 0);
  CHECK(live_lines_of(world, own) + live_lines_of(world, second_row) == both);
  CHECK(world.transport.calls().empty());
  world.check_books();
}

TEST_CASE("D18: a link is not taken back while documents are posted and the remote customer would be nobody") {
  World world({.payments = 0, .credit_notes = 0});
  world.connect();
  world.make_invoice("80.00");
  world.sync(only("invoices"));
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.apply();
  add_customer(world, "cus_other", "Bowman Furniture");
  const auto waiting = world.lines("SELECT DISTINCT substr(awaited, 10) FROM waiting WHERE awaited LIKE 'customer/%'");
  REQUIRE(!waiting.empty());
  for (const std::string& contact : waiting) REQUIRE(link(world, contact, "cus_other").ok());
  world.apply();
  REQUIRE(live_lines_of(world, "cus_other") > 0);
  const auto refused = unlink(world, waiting.front());
  REQUIRE(!refused.ok());
  CHECK(refused.error().reason == "admin.customer_in_use");
  CHECK_MESSAGE(refused.error().message.find("\"Bowman Furniture\" (cus_other)") != std::string::npos, refused.error().message);
  CHECK(world.number("SELECT COUNT(*) FROM row_link") == static_cast<std::int64_t>(waiting.size()));
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE state = 'pending'") == 0);

  // With the contacts here, each has one of its own to go to.
  world.sync();
  world.map_all();
  world.transport.forget_calls();
  for (const std::string& contact : waiting) {
    const auto unlinked = unlink(world, contact);
    REQUIRE_MESSAGE(unlinked.ok(), unlinked.error().message);
  }
  world.apply();
  CHECK(live_lines_of(world, "cus_other") == 0);
  CHECK(world.records("invoice", "parked").empty());
  CHECK(world.transport.calls().empty());
}
