// Passes over a whole list that were cut, or whose queue took several slices: what is gone is found, and nothing else.
#include <atomic>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

WorldOptions large_world(const std::string& per_minute) {
  WorldOptions options;
  options.invoices = 900;
  options.payments = 10;
  options.drafts = options.voids = 0;
  options.limits = "{per_minute: " + per_minute + ", concurrent: 5, per_day: 50000}";
  return options;
}

/// A pass over everything that a person stops when it asks for the third page of invoices.
void cut_full_pass(World& world) {
  std::stop_source stop;
  std::atomic<int> lists = 0;
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (call.starts_with("GET /books/v3/invoices") && !call.starts_with("GET /books/v3/invoices/") && ++lists == 3) stop.request_stop();
    return std::nullopt;
  };
  (void)world.try_sync(everything(), stop.get_token());
  world.transport.before = nullptr;
  REQUIRE(lists >= 3);
}

/// A new invoice that is in the books.
std::string posted_invoice(World& world) {
  const std::string id = world.make_invoice("70.00");
  world.later(std::chrono::hours(1));
  world.sync();
  world.map_all();
  REQUIRE(world.record("invoice", id).state == "posted");
  return id;
}

}  // namespace

TEST_CASE("D11: an invoice that is gone is found by the next full pass, also after one whose queue took several slices") {
  World world(large_world("100"));
  world.connect();
  world.sync(everything());
  world.map_all();
  const std::string gone = posted_invoice(world);
  world.later(std::chrono::hours(24 * 7));
  world.control("DELETE", "invoices/" + gone);
  world.sync();
  world.sync(everything());
  CHECK(world.record("invoice", gone).remote_state == "deleted");
  world.check_books();
}

TEST_CASE("D11: a full pass that was cut a month ago begins anew, for what its first pages showed says nothing any more") {
  World world(large_world("60000"));
  world.connect();
  world.sync();
  world.map_all();
  const std::string gone = posted_invoice(world);
  cut_full_pass(world);
  world.later(std::chrono::hours(24 * 30));
  world.control("DELETE", "invoices/" + gone);
  world.sync();
  world.sync(everything());
  CHECK(world.record("invoice", gone).remote_state == "deleted");
  world.check_books();
}

TEST_CASE("D11: a full pass that was cut goes on within a day, and what came meanwhile is not missed") {
  for (const std::string per_minute : {"60000", "100"}) {
    CAPTURE(per_minute);
    World world(large_world(per_minute));
    world.connect();
    world.sync();
    world.map_all();
    world.later(std::chrono::hours(1));
    cut_full_pass(world);
    for (int i = 0; i < 30; ++i) world.make_invoice("70.00");
    world.later(std::chrono::hours(1));
    world.sync();
    world.later(std::chrono::hours(1));
    world.transport.forget_calls();
    const runs::RunReport report = world.sync(everything());
    CHECK_MESSAGE((report.outcome == runs::RunOutcome::kSucceeded || report.outcome == runs::RunOutcome::kNothingChanged), report.reason << ": " << report.message);
    CHECK(phase_of(report, "invoices").calls.list <= 4);   // of five pages the first ones are not read again
    CHECK(world.number("SELECT COUNT(*) FROM record WHERE remote_state <> 'alive'") == 0);
  }
}
