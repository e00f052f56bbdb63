// Documents in a foreign currency, and write-offs, from the remote's answers to the books.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("E5, E6, E16: a first sync of an organisation with customers in euros posts everything, and the open amounts are the remote's") {
  World world({.contacts = 20, .invoices = 80, .payments = 50, .credit_notes = 10, .foreign = 5000, .write_offs = 1500});
  world.connect();
  world.sync();
  world.map_all();
  for (const char* state : {"pending", "parked", "failed", "skipped"}) {
    const auto records = world.records({}, state);
    CHECK_MESSAGE(records.empty(), state << ": " << (records.empty() ? "" : records.front().reason + " " + records.front().message));
  }
  world.check_books();
  CHECK(world.number("SELECT COUNT(*) FROM entry WHERE currency = 'EUR' AND event = 'post'") > 0);
  CHECK(world.number("SELECT COUNT(*) FROM entry WHERE currency = 'EUR' AND event LIKE 'allocation:%'") > 0);
  CHECK(world.number("SELECT COUNT(*) FROM entry WHERE event = 'writeoff'") > 0);
  CHECK(world.number("SELECT COUNT(*) FROM open_item WHERE open_minor = 0 AND base_open_minor <> 0") == 0);
}
