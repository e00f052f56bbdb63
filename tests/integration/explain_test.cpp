// Why a record is what it is: each field with the rule that made it, and why what it waits for is not there.
#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "host/core/text.hpp"
#include "host/runs/explain.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

std::string plugin_rules() {
  std::ifstream in(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Result<runs::Explained> try_explain(World& world, const runs::Setup& setup, const std::string& reference) {
  Result<runs::Explained> explained = make_error(Code::kInternal, "test", "not read");
  REQUIRE(world.database->read([&](storage::Connection& connection) -> Status {
    explained = runs::explain(connection, setup, world.registry->companies(), reference);
    return success();
  }).ok());
  return explained;
}

runs::Explained explain(World& world, const std::string& reference, const runs::Setup* setup = nullptr) {
  auto explained = try_explain(world, setup == nullptr ? world.unit().setup : *setup, reference);
  if (!explained.ok()) FAIL(explained.error().reason << ": " << explained.error().message);
  return std::move(explained).value();
}

std::string text_of(const runs::Setup& setup, const runs::Explained& explained) {
  return mapping::explain(*setup.rules, explained.entity, explained.loaded, explained.outcome, explained.judgement);
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("B4: every field of a posted record is told with the line of the rule that made it") {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  const std::vector<std::string> lines = split(plugin_rules(), '\n');
  for (const std::string_view entity : {"invoice", "customer_payment", "credit_note", "contact", "item"}) {
    CAPTURE(entity);
    const auto posted = world.records(entity, "posted");
    REQUIRE(!posted.empty());
    const runs::Explained explained = explain(world, std::string(entity) + "/" + posted.front().remote_id);
    CHECK(explained.judgement.state == "posted");
    CHECK(explained.judgement.reason.empty());
    REQUIRE(explained.outcome.trace.size() > 4);
    for (const mapping::TraceLine& line : explained.outcome.trace) {
      CAPTURE(line.field);
      CAPTURE(line.place);
      // "…/mapping.yaml:57:21"
      const std::vector<std::string> parts = split(line.place, ':');
      REQUIRE(parts.size() >= 3);
      const auto number = static_cast<std::size_t>(std::stoul(parts[parts.size() - 2]));
      REQUIRE(number >= 1);
      REQUIRE(number <= lines.size());
      // The rule of lines[0].taxes[1].amount is `amount:`. Those of item: case stand on lines of their own.
      const std::string name = line.field.substr(line.field.rfind('.') + 1);
      const std::string key = name.substr(0, name.find('['));
      bool is_near = false;
      for (std::size_t at = number; at >= 1 && at + 3 > number; --at) is_near = is_near || has(lines[at - 1], key + ":");
      CHECK_MESSAGE((is_near || key == "state"), lines[number - 1]);
    }
    // The values that are told are those of the document.
    for (const mapping::TraceLine& line : explained.outcome.trace) {
      if (line.field.find('[') != std::string::npos || !line.value) continue;
      const json::Value* mapped = explained.outcome.document.find(line.field);
      if (mapped != nullptr) CHECK(json::dump(*mapped) == json::dump(*line.value));
    }
    CHECK(!explained.outcome.asked.empty() == (entity != "contact" && entity != "item"));
  }
}

TEST_CASE("B4: a payment whose mode differs in one letter from a mapped one is told that one, with the command that maps it") {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  world.map("payment_mode", "Check", "acme_us", "undeposited");
  const std::string invoice = world.make_invoice("20.00");
  const std::string payment = world.make_payment(R"({"invoice_id":")" + invoice + R"(","payment_mode":"Chek"})");
  world.sync();
  const runs::Explained explained = explain(world, "customer_payment/" + payment);
  CHECK(explained.judgement.state == "parked");
  CHECK(explained.judgement.reason == "ledger.unmapped");
  REQUIRE(explained.judgement.waits_for.size() == 1);
  CHECK(explained.judgement.waits_for.front().key == "account/payment_mode/Chek/acme_us");
  const std::string& why = explained.judgement.waits_for.front().why;
  CHECK_MESSAGE(has(why, "nearest: \"Check\""), why);
  CHECK_MESSAGE(has(why, "mapped to undeposited"), why);
  CHECK_MESSAGE(has(why, "berth accounts map zoho_acme payment_mode/Chek/acme_us"), why);
  // What it is stored as agrees.
  CHECK(explained.record.state == "parked");
  CHECK(has(explained.record.detail_json, "account/payment_mode/Chek/acme_us"));
}

TEST_CASE("B4: an invoice that waits for a customer is told why that is not there, and the payment behind it, too") {
  WorldOptions options;
  // Nobody is a customer.
  options.mapping = replace_all(plugin_rules(), "contact_type, is_not: customer}", "contact_type, is: customer}");
  World world(options);
  world.connect();
  world.sync();
  const auto waiting = world.records("invoice", "parked");
  REQUIRE(!waiting.empty());
  const runs::Explained explained = explain(world, "invoice/" + waiting.front().remote_id);
  CHECK(explained.judgement.state == "parked");
  REQUIRE(!explained.judgement.waits_for.empty());
  const mapping::AwaitedThing& awaited = explained.judgement.waits_for.front();
  CHECK(awaited.key.starts_with("customer/"));
  CHECK_MESSAGE(has(awaited.why, "contact/" + awaited.key.substr(9) + " is stored, and ignored: zoho_books.contact.not_a_customer"), awaited.why);
  const std::string text = text_of(world.unit().setup, explained);
  CHECK_MESSAGE(has(text, "would be: parked)"), text);
  CHECK_MESSAGE(has(text, "park " + awaited.key), text);
  CHECK_MESSAGE(has(text, "  " + awaited.why), text);

  bool is_told = false;
  for (const storage::Record& payment : world.records("customer_payment", "parked")) {
    for (const mapping::AwaitedThing& one : explain(world, "customer_payment/" + payment.remote_id).judgement.waits_for) {
      if (!one.key.starts_with("invoice/")) continue;
      is_told = true;
      CHECK_MESSAGE(has(one.why, one.key + " is stored, and waits itself for customer/"), one.why);
    }
  }
  // Payments wait for their customer first; their invoices are named beside it.
  CHECK((is_told || world.records("customer_payment", "parked").empty()));
}

TEST_CASE("B4: with candidate rules, a label that differs in one letter is named with the nearest one of the record") {
  World world;
  world.connect();
  const std::string invoice = world.make_invoice("10.00", R"("cf_location":"Boston")");
  world.sync();
  world.map_all();
  config::Findings findings;
  const auto setup = world.unit().setup.with_rules(replace_all(plugin_rules(), "name: {custom_field: Location}", "name: {custom_field: Locaton}"), "candidate.yaml", findings);
  REQUIRE_MESSAGE(setup.ok(), findings.print());
  const runs::Explained explained = explain(world, "invoice/" + invoice, &*setup);
  const std::string text = text_of(*setup, explained);
  CHECK_MESSAGE(has(text, "custom_field \"Locaton\""), text);
  CHECK_MESSAGE(has(text, "nearest: \"Location\""), text);
  CHECK(has(text, "candidate.yaml:") == true);
}

TEST_CASE("B4: an unknown record, and a record by the name that rules have for it") {
  World world;
  world.connect();
  world.sync();
  const auto unknown = try_explain(world, world.unit().setup, "invoice/404");
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().reason == "runs.record_unknown");
  const std::string contact = world.records("contact").front().remote_id;
  CHECK(explain(world, "customer/" + contact).record.entity == "contact");
}

TEST_CASE("B4: explain takes every name that `records show` takes: a number, a remote id, an entry") {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  const storage::Record invoice = world.records("invoice", "posted").front();
  const std::string number = world.lines("SELECT name FROM local_row WHERE kind = 'invoice' AND remote_id = '" + invoice.remote_id + "'").front();
  const std::string entry = std::to_string(world.number("SELECT id FROM entry WHERE entity = 'invoice' AND event = 'post' AND remote_id = '" + invoice.remote_id + "'"));
  for (const std::string& name : {number, invoice.remote_id, "invoice/" + number, "entry/" + entry, "entry " + entry, "record/" + std::to_string(invoice.id)}) {
    CAPTURE(name);
    CHECK(explain(world, name).record.id == invoice.id);
  }
  const auto unknown = try_explain(world, world.unit().setup, number.substr(0, number.size() - 1) + "X");
  REQUIRE(!unknown.ok());
  CHECK_MESSAGE(has(unknown.error().message, "did you mean \""), unknown.error().message);
  CHECK(try_explain(world, world.unit().setup, "entry/999999").error().reason == "admin.entry_unknown");
}

TEST_CASE("B4: explain judges the document with the ids of rows that it would make, which is the document that posts") {
  World world({.contacts = 3, .items = 2, .invoices = 0, .payments = 0, .credit_notes = 0});
  world.connect();
  world.sync();
  world.map("default_expense", "", "acme_us", "cogs");
  const std::string invoice = world.make_invoice("80.00", R"("cf_location":"Nowhere, NV","cf_service_line":"Lighthouse keeping")");
  world.sync();
  const runs::Explained before = explain(world, "invoice/" + invoice);
  REQUIRE(!before.outcome.ensured.empty());
  CHECK(before.judgement.state == "parked");   // no account of income yet
  CHECK(has(json::dump(before.outcome.document), "new:classification_line/Location/Nowhere, NV"));
  CHECK(!has(json::dump(before.document), "new:"));
  world.map("default_income", "", "acme_us", "sales");
  world.apply();
  REQUIRE(world.record("invoice", invoice).state == "posted");
  const std::string stored = world.lines("SELECT document_json FROM local_row WHERE kind = 'invoice' AND remote_id = '" + invoice + "'").front();
  CHECK(json::dump(before.document) == stored);
}
