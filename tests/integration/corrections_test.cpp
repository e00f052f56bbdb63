// Documents that correct each other: what one takes back lets another go on, within the run that brings the news.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// A world whose books are posted.
struct Posted : World {
  explicit Posted(WorldOptions options = {}) : World(std::move(options)) {
    connect();
    sync();
    map_all();
    later(std::chrono::hours(1));
  }
};

}  // namespace

TEST_CASE("a paid invoice that is voided: its payment takes the allocation back, then the invoice is reversed, in one run") {
  Posted world;
  const std::string invoice = world.make_invoice("250.00");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Check"})");
  world.sync();
  world.map_all();
  REQUIRE(world.record("invoice", invoice).state == "posted");
  REQUIRE(world.record("customer_payment", payment).state == "posted");
  world.later(std::chrono::hours(1));

  world.control("POST", "invoices/" + invoice + "/void");
  world.sync();
  CHECK(world.record("invoice", invoice).state == "ignored");
  CHECK(world.record("customer_payment", payment).state == "posted");
  CHECK(world.number("SELECT COUNT(*) FROM record WHERE state = 'parked'") == 0);
  world.check_books();
}

TEST_CASE("since: a pass of its own lists what changed from that day on, and leaves the watermark where it was") {
  World world;
  world.connect();
  runs::RunRequest since;
  since.since = "2026-05-01";
  world.sync(since);
  const auto invoices_after_since = world.records("invoice").size();
  world.sync();
  world.map_all();
  const auto all = world.records("invoice").size();
  CHECK(invoices_after_since < all);
  CHECK(all == 30);
  world.check_books();
  // An earlier day than the watermark lists again what lies after it.
  since.since = "2020-01-01";
  const runs::RunReport again = world.sync(since);
  CHECK(again.phases.front().listed == 30);
  CHECK(again.phases.front().fetched == 0);
}

TEST_CASE("a payment that failed because none of its invoices was importable posts when one of them comes") {
  World world({.payments = 0});
  world.connect();
  const std::string invoice = world.make_invoice("60.00");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Cash"})");
  // The remote says at first that the invoice does not exist, wherever it is asked for.
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (call.starts_with("GET /books/v3/invoices")) {
      return http::Response{.status = 404, .headers = {{"content-type", "application/json"}}, .body = R"({"code":1002,"message":"Invoice does not exist."})"};
    }
    return std::nullopt;
  };
  runs::RunRequest without_invoices;
  without_invoices.phases = {"customer_payments", "contacts", "items"};
  static_cast<void>(world.try_sync(without_invoices));
  world.transport.before = nullptr;
  world.later(std::chrono::hours(1));
  world.sync();
  world.map_all();
  world.later(std::chrono::hours(1));
  world.sync();
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(world.record("customer_payment", payment).state == "posted");
  world.check_books();
}

TEST_CASE("one organisation is bound to one integration: a second one is refused, because everything would post twice") {
  World world({.integrations = R"(  - id: zoho_again
    plugin: zoho_books
    company: acme_us
    client: {id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}
    organization: first
    data_centers:
      - {location: test, accounts: "http://127.0.0.1:9100", api: "http://127.0.0.1:9100", allow_http_loopback: true}
)"});
  world.connect();
  runs::IntegrationUnit& second = world.unit("zoho_again");
  const auto begun = world.connector->begin(second);
  REQUIRE(begun.ok());
  const auto granted = world.connector->accept_redirect(world.consent(begun->url), "/oauth/callback");
  REQUIRE_MESSAGE(granted.ok(), granted.error().message);
  const auto connected = world.connector->complete(second, granted->second, {});
  REQUIRE_FALSE(connected.ok());
  CHECK(connected.error().reason == "runs.organization_taken");
  CHECK(connected.error().message.find("zoho_acme") != std::string::npos);
  CHECK(world.integration("zoho_again").connected.unix_ms == 0);
}

TEST_CASE("a report counts records, not decisions: one that is looked at several times counts once, as what it ended as") {
  World world;
  world.connect();
  const runs::RunReport report = world.sync();
  for (const runs::PhaseReport& phase : report.phases) {
    if (phase.outcome == "derived") continue;
    const auto records = world.records(phase.entity).size();
    INFO(phase.phase);
    CHECK(phase.posted + phase.parked + phase.skipped + phase.failed + phase.ignored == static_cast<std::int64_t>(records));
  }
}
