#include "tests/zoho_sim/tests/fixture.hpp"

#include <thread>

using namespace sim_test;

TEST_CASE("the call after the hundredth of a minute gets 429 with code 44 until the next minute") {
  auto options = small_options();
  options.limits = {100, 10'000, 0};
  World world(options);
  for (int i = 0; i < 100; ++i) REQUIRE(world.get("/settings/taxes").status == 200);
  const auto refused = world.get("/settings/taxes");
  CHECK(refused.status == 429);
  CHECK(refused.code() == 44);
  CHECK(header_of(refused.raw.headers, "Retry-After").empty());
  world.clock->advance(60 - kNow % 60);
  CHECK(world.get("/settings/taxes").status == 200);
  CHECK(world.simulator.counters().refused == 1);
}

TEST_CASE("the daily quota ends with code 45 and comes back at midnight of the organisation") {
  auto options = small_options();
  options.limits = {0, 3, 0};
  World world(options);
  const auto first = world.get("/settings/taxes");
  CHECK(header_of(first.raw.headers, "X-Rate-Limit-Limit") == "3");
  CHECK(header_of(first.raw.headers, "X-Rate-Limit-Remaining") == "2");
  CHECK(header_of(first.raw.headers, "X-Rate-Limit-Reset") ==
        "50400");  // 10:00 to 24:00 in New York: seconds, no epoch
  world.get("/settings/taxes");
  world.get("/settings/taxes");
  const auto refused = world.get("/settings/taxes");
  CHECK(refused.status == 429);
  CHECK(refused.code() == 45);
  CHECK(header_of(refused.raw.headers, "X-Rate-Limit-Remaining") == "0");
  world.clock->advance(50'399);
  world.token = world.simulator.access_token();
  CHECK(world.get("/settings/taxes").code() == 45);
  world.clock->advance(1);
  world.token = world.simulator.access_token();
  CHECK(world.get("/settings/taxes").status == 200);
}

TEST_CASE("more calls at once than allowed get code 1070, and refused ones hold no place") {
  auto options = small_options();
  options.limits = {0, 0, 1};
  options.latency_ms = 1000;
  World world(options);
  std::thread slow([&] { CHECK(world.get("/settings/taxes").status == 200); });
  while (world.simulator.counters().calls == 0) std::this_thread::yield();
  world.simulator.set_latency_ms(0);
  for (int i = 0; i < 3; ++i) {
    const auto refused = world.get("/settings/taxes");
    CHECK(refused.status == 429);
    CHECK(refused.code() == 1070);
  }
  slow.join();
  CHECK(world.get("/settings/taxes").status == 200);
  CHECK(world.simulator.counters().in_process_max == 1);
}

TEST_CASE("answers to bad tokens carry no quota headers and cost nothing") {
  auto options = small_options();
  options.limits = {100, 10, 0};
  World world(options);
  const auto good = world.token;
  world.token = "1000.bad";
  CHECK(header_of(world.get("/invoices").raw.headers, "X-Rate-Limit-Limit").empty());
  world.token = good;
  CHECK(header_of(world.get("/invoices").raw.headers, "X-Rate-Limit-Remaining") == "9");
}

TEST_CASE("every call is counted by kind and path, those of the control interface are not") {
  World world;
  const auto rows = world.all("/invoices", "invoices", 50);
  world.get("/invoices/" + text(rows[0], "invoice_id"));
  world.get("/invoices/" + text(rows[0], "invoice_id") + "?accept=pdf");
  world.call("POST", "/oauth/v2/token");
  world.call("PUT", "/books/v3/invoices/" + text(rows[0], "invoice_id"));
  const auto counters = world.simulator.counters();
  CHECK(counters.calls == 7);
  CHECK(counters.writes == 1);
  CHECK(counters.by_kind.at("list") == 3);
  CHECK(counters.by_kind.at("detail") == 1);
  CHECK(counters.by_kind.at("file") == 1);
  CHECK(counters.by_kind.at("token") == 1);
  CHECK(counters.by_kind.at("other") == 1);
  CHECK(counters.by_path.at("GET /books/v3/invoices/{id}") == 2);
  const auto shown = world.call("GET", "/_control/counters");
  CHECK(shown.body.at("by_kind").at("list") == 3);
  world.control("/counters/reset");
  CHECK(world.simulator.counters().calls == 0);
}

TEST_CASE("wrong addresses get 404, wrong methods 405, both with a code") {
  World world;
  CHECK(world.get("/nothing").status == 404);
  CHECK(world.get("/nothing").code() != 0);
  const auto method = world.call("PUT", "/books/v3/invoices");
  CHECK(method.status == 405);
  CHECK(method.code() != 0);
  CHECK(world.get("/invoices/1").status == 404);
  CHECK(world.get("/invoices/1").code() == 1002);
}
