// What the program says of a trouble, by reason and by symptom, and how a person ends it: with the real programs.
#include <doctest/doctest.h>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const Sizes kSmall{.contacts = 12, .items = 6, .invoices = 30, .payments = 12, .credit_notes = 2};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("D13: berth explain prints cause, resolution, who acts and the link, also of a connector's reason and without a configuration") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  const std::string outage = berth.must({"explain", "zoho_books.remote.outage"});
  CHECK(has(outage, "  cause:    Zoho answers with an error of its own (5xx)."));
  CHECK(has(outage, "  do:       "));
  CHECK(has(outage, "  see:      https://status.zoho.com/"));
  CHECK(has(outage, "Often met as: Zoho answers with errors of its own, or not at all."));
  const Value row = berth.json({"explain", "ledger.unmapped"});
  CHECK(row.text_of("who_acts") == "operator");
  CHECK(row.find("symptoms")->items().front().text_of("id") == "payment_account_missing");
  CHECK(berth.must({"explain", "mapping.key_missing"}).size() > 40);   // a finding of the mapping language
  const Outcome unknown = berth.run({"explain", "ledger.unmaped"});
  CHECK(unknown.exit == 1);
  CHECK(has(unknown.err, "near to it: ledger.unmapped"));
  CHECK(has(berth.must({"--config", "nowhere.yaml", "explain", "zoho_books.invoice.draft"}), "Ignored: a draft"));
  CHECK(berth.json({"explain"}).find("reasons")->size() > 400);
}

TEST_CASE("D13.1: a code that is not good says why on the command line, and its symptom by explain") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  const Outcome refused = berth.run({"connect", "zoho", "--code", "1000.used", "--accounts-server", simulator.origin()});
  CAPTURE(refused.err);
  CHECK(refused.exit == 1);
  CHECK(has(refused.err, "error[oauth.code_expired_or_used]"));
  CHECK(has(refused.err, "  cause: "));
  CHECK(has(refused.err, "  do:    Authorize again"));
  CHECK(has(berth.must({"explain", "oauth.code_expired_or_used"}), "Often met as: Connecting ends with 424 or an OAuth error."));
}

TEST_CASE("D13.3 D18: what waits for a customer is shown with its way out, and a customer that is made posts it with no call") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho", "--phase", "invoices"});
  berth.map_all_accounts();
  const std::string list = berth.must({"records", "list", "zoho", "--state", "parked"});
  CAPTURE(list);
  CHECK(has(list, "An invoice or payment waits because its customer is missing."));
  CHECK(has(list, "  do:    Let the sync of contacts run"));
  const Value before = berth.json({"customers", "list", "zoho"});
  const Value& first = before.find("customers")->items().front();
  REQUIRE(first.find("customer")->is_null());
  const std::string remote(first.text_of("remote_id"));
  const std::int64_t waiting = first.find("waiting")->integer().value_or(0);
  CHECK(waiting > 0);
  CHECK(has(berth.must({"customers", "list", "zoho"}), "(link or create me)"));
  simulator.reset_counters();
  const Value made = berth.json({"customers", "create", "zoho", remote, "Bowman & Co"});
  CHECK(made.find("posted")->integer().value_or(0) + made.find("parked")->integer().value_or(0) == waiting);
  CHECK(berth.run({"customers", "create", "zoho", remote, "Again"}).exit == 1);

  // Another one is the same customer.
  const Value after = berth.json({"customers", "list", "zoho"});
  const std::string second(after.find("customers")->items().front().text_of("remote_id"));
  REQUIRE(second != remote);
  CHECK(has(berth.run({"customers", "link", "zoho", second, "Bowmann & Co"}).err, "did you mean \"Bowman & Co\""));
  const Value linked = berth.json({"customers", "link", "zoho", second, "Bowman & Co"});
  CHECK(linked.text_of("customer") == made.text_of("customer"));
  CHECK(row_where(*berth.json({"customers", "list", "zoho"}).find("customers"), "remote_id", second).text_of("origin") == "linked");
  // What somebody took back stands in its own name again, where it has one: contacts were not pulled, so it has none.
  berth.map_all_accounts();
  const Outcome kept = berth.run({"customers", "unlink", "zoho", second});
  CHECK(kept.exit == 1);
  CHECK_MESSAGE(has(kept.err, "error[admin.customer_in_use]"), kept.err);
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  berth.must({"sync", "zoho", "--phase", "contacts"});
  simulator.reset_counters();
  const std::string done = berth.must({"customers", "unlink", "zoho", second});
  CHECK_MESSAGE(has(done, "posted in another name are decided again; "), done);
  CHECK(row_where(*berth.json({"customers", "list", "zoho"}).find("customers"), "remote_id", second).text_of("origin") == "synced");
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  berth.must({"ledger", "check"});
}

TEST_CASE("D19: a line with a slip of the pen is named with the one that is here, and taken back") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.must({"classifications", "add", "Service Type", "Calibration"});
  const std::string added = berth.must({"classifications", "add", "Service Type", "Calibratoin"});
  CHECK_MESSAGE(has(added, "nearest: \"Calibration\"; if that was meant: berth classifications remove \"Service Type\" \"Calibratoin\""), added);
  CHECK(has(berth.must({"classifications", "remove", "Service Type", "Calibratoin"}), "Service Type / Calibratoin is removed"));
  const Outcome again = berth.run({"classifications", "remove", "Service Type", "Calibratoin"});
  CHECK(again.exit == 1);
  CHECK_MESSAGE(has(again.err, "did you mean \"Calibration\"?"), again.err);
}

TEST_CASE("D13.4 D13.8 D13.9: the status and the lists say cause and resolution of what is the matter") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  CHECK(has(berth.must({"status", "zoho"}), "zoho (berth.setup_incomplete): map the default accounts: berth accounts list zoho\n  cause: "));
  berth.must({"accounts", "map", "zoho", "default_income/-/acme_us", "sales"});
  berth.must({"accounts", "map", "zoho", "default_expense/-/acme_us", "cogs"});
  CHECK(has(berth.must({"records", "list", "zoho", "--entity", "customer_payment", "--state", "parked"}), "A payment waits because its account is not found."));
  berth.map_all_accounts();
  simulator.post("tokens/revoke");
  simulator.post("tokens/expire");
  CHECK(berth.run({"sync", "zoho"}).exit == 1);
  const Value integration = berth.status();
  CHECK(integration.text_of("symptom") == "Calls are refused with 401.");
  CHECK(has(std::string(integration.text_of("resolution")), "berth connect ID"));
}

TEST_CASE("D19 D13.6: a line that is missing is named with its nearest, and once it is added the invoice posts again with it") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  simulator.post("invoices", R"({"line_items":[{"name":"Work","rate":12,"quantity":1}],"cf_service_line":"Consultin"})");
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  CHECK(has(berth.must({"classifications", "list"}), "Consulting"));
  CHECK(has(berth.must({"classifications", "add", "Service Type", "Consulting"}), "is there already"));
  const std::string list = berth.must({"records", "list", "zoho", "--entity", "invoice", "--limit", "1000"});
  CHECK(has(list, "Location, service type or company is missing on an entry."));
  const Value records = berth.json({"records", "list", "zoho", "--entity", "invoice", "--limit", "1000"});
  std::string hint;
  for (const Value& record : records.find("records")->items()) {
    if (const Value* warnings = record.find("warnings")) {
      for (const Value& warning : warnings->items()) {
        if (warning.text_of("what") == "classification_line/Service Type/Consultin") hint = warning.text_of("hint");
      }
    }
  }
  CHECK(hint == "nearest: \"Consulting\"");
  simulator.reset_counters();
  const Value added = berth.json({"classifications", "add", "Service Type", "Consultin"});
  CHECK(added.find("woken")->integer().value_or(0) == 1);
  CHECK(added.find("posted")->integer().value_or(0) == 1);
  CHECK(berth.json({"classifications", "add", "Project"}).find("added")->boolean());
  CHECK(has(berth.must({"classifications", "list"}), "(none)"));
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  berth.must({"ledger", "check"});
}
