// What the first runs of an integration bring, and what a run that finds nothing new costs.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("D5: the first sync captures everything; after mapping everything that posts is posted, with no remote call") {
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
  for (const storage::Record& record : world.records({}, "parked")) MESSAGE(record.entity << "/" << record.remote_id << " " << record.reason << " " << record.message << " " << record.detail_json);
  CHECK(world.records({}, "parked").empty());
  for (const storage::Record& record : world.records({}, "failed")) {
    MESSAGE(record.entity << "/" << record.remote_id << " " << record.reason << " " << record.message);
  }
  world.check_books();
  CHECK(world.transport.strangers().empty());
}
