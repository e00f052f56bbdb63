// What the mapping makes of documents that name other things: customers, companies, accounts, each other.
#include <set>

#include "host/storage/rows.hpp"
#include "integration/shown.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

std::string contact_with_country(World& world, const std::string& type) {
  return std::string(world.control("POST", "contacts",
                                   R"({"contact_name":"Bowman & Co","contact_type":")" + type + R"(","billing_address":{"country":"Germany","country_code":"DE"}})")
                         .text_of("id"));
}

json::Value facts_of(const storage::Record& record) { return json::parse(record.detail_json).value; }

std::optional<storage::LocalRow> row_of(World& world, std::string_view kind, std::string_view remote_id) {
  std::optional<storage::LocalRow> row;
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    row = BERTH_TRY(storage::rows::find_by_remote(connection, kind, kIntegration, remote_id));
    return success();
  }).ok());
  return row;
}

}  // namespace

TEST_CASE("D6: a contact whose country an invoice offers costs no detail, any other costs exactly one, ever") {
  World world;
  world.connect();
  world.sync();
  std::set<std::string> offered, customers;
  world.simulator.with_books([&](zoho_sim::Books& books, zoho_sim::Time) {
    for (const auto& contact : books.contacts.all()) {
      if (!contact.is_vendor) customers.insert(std::to_string(contact.id));
    }
    for (const auto& invoice : books.invoices.all()) {
      const zoho_sim::Contact* contact = books.contacts.find(invoice.contact);
      if (invoice.stage != zoho_sim::Stage::kDraft && contact != nullptr && !contact->billing.country_code.empty()) {
        offered.insert(std::to_string(invoice.contact));
      }
    }
  });
  REQUIRE(!offered.empty());
  std::size_t with_country = 0;
  for (const std::string& id : customers) {
    CAPTURE(id);
    CHECK(world.transport.count("GET /books/v3/contacts/" + id) == (offered.contains(id) ? 0u : 1u));
    const auto row = row_of(world, "customer", id);
    REQUIRE(row.has_value());
    if (!json::parse(row->document_json).value.text_of("country").empty()) ++with_country;
    if (offered.contains(id)) CHECK(!json::parse(row->document_json).value.text_of("country").empty());
  }
  CHECK(with_country >= offered.size());
  for (const std::string& id : customers) world.control("POST", "contacts/" + id, R"({"notes":"edited"})");
  world.later(std::chrono::hours(1));
  world.transport.forget_calls();
  world.sync();
  CHECK(world.transport.count("GET /books/v3/contacts/") == 0);
}

TEST_CASE("D8: a custom field that is nearly right gives no dimension, and the record says what was meant") {
  World world;
  world.connect();
  const std::string wrong = world.make_invoice("10.00", R"("cf_company":"Acme Wst","cf_location":"Boston","cf_service_line":"Consultng")");
  const std::string right = world.make_invoice("20.00", R"("cf_company":"Acme West","cf_location":"Boston","cf_service_line":"Consulting")");
  world.sync();
  world.map_all();
  const storage::Record record = world.record("invoice", wrong);
  CHECK(record.state == "posted");
  const json::Value facts = facts_of(record);
  REQUIRE(facts.find("warnings") != nullptr);
  std::string hints;
  for (const json::Value& warning : facts.find("warnings")->items()) hints += std::string(warning.text_of("hint")) + "\n";
  CHECK(hints.find("Acme West") != std::string::npos);
  CHECK(hints.find("Consulting") != std::string::npos);
  CHECK(row_of(world, "invoice", wrong)->company == "acme_us");
  CHECK(row_of(world, "invoice", right)->company == "acme_west");
  CHECK(facts_of(world.record("invoice", right)).find("warnings") == nullptr);
  CHECK(world.number("SELECT COUNT(*) FROM local_row WHERE kind = 'classification_line' AND scope = 'Location' AND name = 'Boston'") == 1);
  CHECK(world.number("SELECT COUNT(*) FROM local_row WHERE kind = 'classification_line' AND scope = 'Service Type' AND name = 'Consultng'") == 0);
  std::size_t with_dimension = 0;
  for (const std::string& line : world.journal(true)) {
    if (line.find("invoice/" + right + " ") == std::string::npos) continue;
    if (line.find("classification_line/Boston") != std::string::npos && line.find("classification_line/Consulting") != std::string::npos) ++with_dimension;
  }
  CHECK(with_dimension == 1);
}

TEST_CASE("D10: a payment waits for the account of its mode, posts after mapping without a fetch") {
  World world({.payments = 0});
  world.connect();
  const std::string invoice = world.make_invoice("80.00");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"ACH/WIRE"})");
  world.sync();
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.apply();
  const storage::Record parked = world.record("customer_payment", payment);
  CHECK(parked.state == "parked");
  CHECK(world.number("SELECT COUNT(*) FROM waiting WHERE awaited = 'account/payment_mode/ACH/WIRE/acme_us'") == 1);
  world.transport.forget_calls();
  world.map("payment_mode", "ach/wire", "acme_us", "bank_main");
  world.apply();
  CHECK(world.record("customer_payment", payment).state == "posted");
  CHECK(world.transport.calls().empty());
  world.check_books();
}

TEST_CASE("D10: the share of an invoice that is stored but not posted waits in customer credits until it is") {
  World world({.payments = 0, .credit_notes = 0});
  world.connect();
  const std::string contact = contact_with_country(world, "customer");
  const std::string here = world.make_invoice("100.00", R"("customer_id":")" + contact + R"(")");
  const std::string west = world.make_invoice("50.00", R"("cf_company":"Acme West","customer_id":")" + contact + R"(")");
  const std::string payment = world.make_payment(R"({"customer_id":")" + contact + R"(","payment_mode":"Check","amount":150.00,"invoices":[{"invoice_id":")" +
                                                 here + R"(","amount_applied":100.00},{"invoice_id":")" + west + R"(","amount_applied":50.00}]})");
  world.sync();
  world.map("default_income", "", "acme_us", "sales");
  world.map("default_expense", "", "acme_us", "cogs");
  world.map("payment_mode", "Check", "acme_us", "undeposited");
  world.apply();
  CHECK(world.record("invoice", here).state == "posted");
  CHECK(world.record("invoice", west).state == "parked");
  const storage::Record record = world.record("customer_payment", payment);
  CHECK_MESSAGE(record.state == "posted", record.reason << ": " << record.message);
  CHECK(record.detail_json.find("invoice/" + west) != std::string::npos);
  world.map_all();
  CHECK(world.record("invoice", west).state == "posted");
  CHECK(world.record("customer_payment", payment).state == "posted");
  world.check_books();
}

// It was refused for good by what was stored of its invoice, which then was out of date; nothing ever looked at it again.
TEST_CASE("D10: a payment that is read before the news of its invoice posts when these come") {
  World world({.payments = 0, .credit_notes = 0});
  world.connect();
  world.map_all();
  const std::string contact = contact_with_country(world, "customer");
  const std::string invoice = world.make_invoice("100.00", R"("customer_id":")" + contact + R"(")");
  world.control("POST", "invoices/" + invoice + "/draft");
  world.sync();
  world.map_all();
  REQUIRE(world.record("invoice", invoice).state == "ignored");
  world.later(std::chrono::hours(1));
  world.control("POST", "invoices/" + invoice + "/sent");
  const std::string payment = world.make_payment(R"({"customer_id":")" + contact + R"(","payment_mode":"Check","amount":100.00,"invoices":[{"invoice_id":")" + invoice +
                                                 R"(","amount_applied":100.00}]})");
  runs::RunRequest only_payments;
  only_payments.phases = {"customer_payments"};
  world.sync(only_payments);
  CHECK(world.record("customer_payment", payment).reason == "zoho_books.payment.no_importable_invoices");
  world.sync();
  world.map_all();
  CHECK(world.record("invoice", invoice).state == "posted");
  CHECK(world.record("customer_payment", payment).state == "posted");
  world.check_books();
}

TEST_CASE("a customer that no list shows is fetched once, and never again, however often the invoice is looked at") {
  World world({.payments = 0});
  world.connect();
  world.sync();
  world.map_all();
  const std::string stranger = contact_with_country(world, "vendor");   // the list asks for customers only
  const std::string invoice = world.make_invoice("60.00", R"("customer_id":")" + stranger + R"(")");
  SUBCASE("the remote does not know it either") {
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      if (call.starts_with("GET /books/v3/contacts/" + stranger)) return gone();
      return std::nullopt;
    };
  }
  SUBCASE("it is no customer") {}
  for (int run = 0; run < 3; ++run) {
    world.later(std::chrono::hours(1));
    world.control("POST", "invoices/" + invoice, R"({"notes":"edited again"})");
    world.later(std::chrono::minutes(1));
    world.sync();
    const std::string state = world.record("invoice", invoice).state;
    CHECK_MESSAGE((state == "parked" || state == "failed"), state);
  }
  CHECK(world.transport.count("GET /books/v3/contacts/" + stranger) == 1);
  world.transport.before = nullptr;
}

TEST_CASE("a payment over more than is open forces a fetch of the invoice in the same run, also when only payments were due") {
  World world({.payments = 0});
  OverPayment over(world);
  const std::string fetch = "GET /books/v3/invoices/" + over.invoice;
  const runs::RunRequest payments_only = only("customer_payments");

  SUBCASE("the fresh data agrees: both post") {
    const runs::RunReport report = world.sync(payments_only);
    CHECK(report.outcome == runs::RunOutcome::kSucceeded);
    CHECK(world.transport.count(fetch) >= 1);
    CHECK(world.record("customer_payment", over.payment).state == "posted");
    world.check_books();
  }
  SUBCASE("the fresh data still disagrees: skipped for good") {
    over.keep_disagreeing();
    world.sync(payments_only);
    CHECK(world.record("customer_payment", over.payment).state == "skipped");
    CHECK(world.record("customer_payment", over.payment).reason == "ledger.over_application");
    const auto calls = world.transport.count(fetch);
    world.later(std::chrono::minutes(5));
    world.sync(payments_only);
    CHECK(world.transport.count(fetch) == calls);
    world.transport.before = nullptr;
  }
}
