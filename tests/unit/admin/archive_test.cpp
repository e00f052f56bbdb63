// Archiving by hand over REST: who may, what is answered, and the row of the audit log.
#include "host/runs/hand_archive.hpp"
#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("P7: a record is archived and unarchived by REST, by an admin, with a reason and one audit row each") {
  Rest rest;
  rest.connect();
  rest.sync();
  rest.map_all();
  const storage::Record record = rest.records("invoice", "posted").front();
  const std::string path = "/api/v1/integrations/zoho_acme/records/invoice/" + record.remote_id;
  const auto journal = rest.journal(true);
  const auto balances = rest.balances();
  CHECK(rest.ask("POST", path + "/archive", R"({"reason":"entered twice"})", true).status == 403);
  CHECK(rest.ask("POST", path + "/archive", "{}").status == 400);
  CHECK(rest.ask("POST", path + "/archive", "no json").status == 400);
  CHECK(rest.ask("POST", path + "/unarchive", "").status == 409);
  CHECK(rest.ask("POST", "/api/v1/integrations/zoho_acme/records/invoice/4711/archive", R"({"reason":"x"})").status == 404);
  CHECK(rest.ask("POST", "/api/v1/integrations/nobody/records/invoice/4711/archive", R"({"reason":"x"})").status == 404);
  CHECK(rest.journal(true) == journal);
  rest.transport.forget_calls();
  const auto archived = rest.ask("POST", path + "/archive", R"({"reason":"entered twice"})");
  REQUIRE_MESSAGE(archived.status == 200, archived.body);
  const json::Value view = json::parse(archived.body).value;
  CHECK((view.text_of("state") == "archived" || view.text_of("reason") == "ledger.allocations_live"));
  CHECK(view.find("applied")->boolean());
  CHECK(view.at_path("archived_by_hand.by")->text() == "Ada");
  CHECK(view.at_path("archived_by_hand.why")->text() == "entered twice");
  const auto again = rest.ask("POST", path + "/unarchive", "");
  REQUIRE_MESSAGE(again.status == 200, again.body);
  CHECK(json::parse(again.body).value.text_of("state") == "posted");
  CHECK(rest.balances() == balances);
  CHECK(rest.transport.count("GET /books/v3/") == 0);
  const auto rows = rest.lines("SELECT action || ' ' || actor || ' ' || detail_json FROM audit WHERE action LIKE 'record.%' ORDER BY id");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].starts_with("record.archive Ada {\"ref\":\"invoice/" + record.remote_id + "\""));
  CHECK(rows[0].find("entered twice") != std::string::npos);
  CHECK(rows[1].starts_with("record.unarchive Ada "));
}

TEST_CASE("P7: where the host dies in the transaction that archives, neither the note nor the audit row is there, and doing it again ends it") {
  Rest rest;
  rest.connect();
  rest.sync();
  rest.map_all();
  const storage::Record record = rest.records("invoice", "posted").front();
  const std::string path = "/api/v1/integrations/zoho_acme/records/invoice/" + record.remote_id + "/archive";
  rest.database->die_inside(0);
  CHECK(rest.ask("POST", path, R"({"reason":"entered twice"})").status >= 500);
  rest.database->revive();
  CHECK(rest.number("SELECT COUNT(*) FROM archived_by_hand") == 0);
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'record.archive'") == 0);
  // It dies after the note, before it is applied.
  rest.database->die_after(1);
  CHECK(rest.ask("POST", path, R"({"reason":"entered twice"})").status >= 500);
  rest.database->revive();
  CHECK(rest.number("SELECT COUNT(*) FROM archived_by_hand") == 1);
  CHECK(rest.record("invoice", record.remote_id).state == "pending");
  const auto again = rest.ask("POST", path, R"({"reason":"entered twice"})");
  REQUIRE_MESSAGE(again.status == 200, again.body);
  CHECK(rest.record("invoice", record.remote_id).state != "pending");
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'record.archive'") == 1);
}
