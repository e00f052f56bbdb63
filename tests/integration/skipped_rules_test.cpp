// Changed rules over what the books skipped for good: it is decided again by what is stored. Where the reason is gone it posts,
// where it is not it stays skipped, and nobody is asked for anything.
#include <set>

#include "host/core/text.hpp"
#include "host/storage/detail_queue.hpp"
#include "integration/shown.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

std::string changed(std::string text, std::string_view from, std::string_view to) {
  REQUIRE(text.find(from) != std::string::npos);
  return replace_all(std::move(text), from, to);
}

/// A payment that is skipped for good: fresh data confirmed that it is of more than the invoice.
struct Skipped {
  Skipped() {
    over.keep_disagreeing();
    world.sync(only("customer_payments"));
    const storage::Record record = payment();
    REQUIRE(record.state == "skipped");
    REQUIRE(record.reason == "ledger.over_application");
    world.later(std::chrono::hours(1));
    world.transport.forget_calls();
  }
  storage::Record payment() { return world.record("customer_payment", over.payment); }
  std::int64_t queued() {
    std::int64_t all = 0;
    REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
      for (const auto& one : BERTH_TRY(storage::detail_queue::counts(connection, kIntegration))) all += one.count;
      return success();
    }).ok());
    return all;
  }
  runs::Remapped apply(const std::string& rules) {
    world.folder.write("mapping.yaml", rules);
    world.restart();
    told.clear();
    auto result = world.engine->remap(world.unit().setup, {}, [&](const runs::RecordChange& change) -> Status {
      told.insert(change.ref);
      return success();
    }, {});
    if (!result.ok()) FAIL(result.error().message);
    return std::move(result).value();
  }

  World world{{.payments = 0, .mapping = rules_of_the_connector()}};
  OverPayment over{world};
  std::set<std::string> told;   // of the last change of rules
};

}  // namespace

TEST_CASE("B1: what was skipped for good posts when changed rules take its reason away, with no call, and mapping diff says so before") {
  Skipped it;
  // Payments are taken as not applied to anything.
  const std::string rules = changed(changed(rules_of_the_connector(), "each: invoices\n", "each: nothing_here\n"), "{path: unused_amount, as: money", "{path: amount, as: money");
  config::Findings findings;
  auto candidate = it.world.unit().setup.with_rules(rules, "candidate.yaml", findings);
  REQUIRE_MESSAGE(candidate.ok(), findings.print());
  const auto foretold = it.world.engine->foretell(*candidate, {}, {}, {});
  REQUIRE(foretold.ok());
  CHECK(foretold->posted == 1);
  CHECK(it.payment().state == "skipped");

  const runs::Remapped done = it.apply(rules);
  CHECK(done.posted == 1);
  CHECK(it.payment().state == "posted");
  CHECK(it.world.transport.count("") == 0);
  it.world.transport.before = nullptr;
}

TEST_CASE("B1: what was skipped for good stays so under changed rules that leave its reason, and no document is asked for again") {
  Skipped it;
  for (const char* number : {"{path: reference_number}", "{path: payment_id}"}) {
    const runs::Remapped done = it.apply(changed(rules_of_the_connector(), "{path: payment_number}", number));
    CHECK(it.payment().state == "skipped");
    CHECK(it.payment().reason == "ledger.over_application");
    CHECK(it.payment().rules_revision == it.world.unit().setup.rules->revision());
    CHECK(it.told.count("customer_payment/" + it.over.payment) == 0);
    CHECK(done.asked_for == 0);
    CHECK(it.queued() == 0);
  }
  CHECK(it.world.transport.count("") == 0);

  // Another version of it is news: what it disagrees with is fetched once more before it is skipped again.
  it.world.control("POST", "payments/" + it.over.payment, R"({"reference_number":"second try"})");
  it.world.later(std::chrono::minutes(5));
  it.world.sync(only("customer_payments"));
  CHECK(it.world.transport.count("GET /books/v3/invoices/" + it.over.invoice) == 1);
  CHECK(it.payment().state == "skipped");
  it.world.transport.before = nullptr;
}

TEST_CASE("B1: what the remote deleted stays archived under changed rules, and its entries stay reversed") {
  World world({.invoices = 8, .payments = 0, .credit_notes = 0, .mapping = rules_of_the_connector()});
  world.connect();
  const std::string invoice = world.make_invoice("100.00");
  world.sync();
  world.map_all();
  world.control("DELETE", "invoices/" + invoice);
  world.later(std::chrono::hours(1));
  world.sync(everything());
  REQUIRE(world.record("invoice", invoice).state == "archived");
  const auto journal = world.journal();
  world.folder.write("mapping.yaml", changed(rules_of_the_connector(), "reference:    {path: reference_number}\n      date:         {path: date, as: date, required: true}\n      due_date",
                                             "reference:    {path: invoice_number}\n      date:         {path: date, as: date, required: true}\n      due_date"));
  world.restart();
  world.transport.forget_calls();
  REQUIRE(world.engine->remap(world.unit().setup, {}, {}, {}).ok());
  CHECK(world.record("invoice", invoice).state == "archived");
  CHECK(world.journal() == journal);
  CHECK(world.transport.count("") == 0);
}
