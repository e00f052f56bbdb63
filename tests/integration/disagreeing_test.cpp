// Documents that contradict each other: asked for once more, then left alone until something moves.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("P2: a payment that is deleted and entered anew posts as soon as the deletion is known") {
  World world;
  world.connect();
  const std::string invoice = world.make_invoice("100.00");
  const std::string first = world.make_payment(R"({"invoice_id":")" + invoice + R"("})");
  world.sync();
  world.map_all();
  REQUIRE(world.record("customer_payment", first).state == "posted");
  world.later(std::chrono::hours(1));
  world.control("DELETE", "payments/" + first);
  const std::string second = world.make_payment(R"({"invoice_id":")" + invoice + R"("})");
  for (int run = 0; run < 3; ++run) {
    world.sync();
    world.map_all();
    world.later(std::chrono::hours(1));
  }
  // Deletions are found by a comparison with everything; until then the first one takes all the room there is.
  CHECK(world.record("customer_payment", second).state == "skipped");
  CHECK(world.record("customer_payment", second).reason == "ledger.over_application");
  world.transport.forget_calls();
  world.sync();
  CHECK(world.transport.count("GET /books/v3/customerpayments/") == 0);  // nobody asks again and again
  for (int run = 0; run < 3; ++run) {
    world.later(std::chrono::hours(1));
    world.sync(everything());
  }
  CHECK(world.record("customer_payment", first).state == "archived");
  CHECK(world.record("customer_payment", second).state == "posted");
  world.check_books();
}

TEST_CASE("T16: an invoice that is void and still credited is asked for once, not in every run") {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  const std::string customer = R"("customer_id":")" + world.records("contact").front().remote_id + '"';
  const std::string invoice = world.make_invoice("100.00", customer);
  const std::string note(world.control("POST", "credit_notes", R"({"line_items":[{"name":"Work","rate":30,"quantity":1}],)" + customer + "}").text_of("id"));
  world.control("POST", "credit_notes/" + note + "/apply", R"({"invoice_id":")" + invoice + R"(","amount":10})");
  world.later(std::chrono::hours(1));
  world.sync();
  world.map_all();
  REQUIRE(world.record("invoice", invoice).state == "posted");
  world.control("POST", "invoices/" + invoice + "/void");
  world.later(std::chrono::hours(1));
  world.sync();
  CHECK(world.record("invoice", invoice).reason == "ledger.allocations_live");
  world.later(std::chrono::hours(1));
  world.sync();
  world.transport.forget_calls();
  for (int run = 0; run < 3; ++run) {
    world.later(std::chrono::hours(1));
    CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  }
  CHECK(world.transport.count("GET /books/v3/invoices/") == 0);
  CHECK(world.transport.count("GET /books/v3/creditnotes/") == 0);
  CHECK(world.record("invoice", invoice).reason == "ledger.allocations_live");
}
