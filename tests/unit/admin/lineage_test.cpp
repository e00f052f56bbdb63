// Lineage by REST.
#include "host/lineage/lineage.hpp"

#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("B4: a viewer reads the lineage of a document by any name of it, as `berth records show --json` prints it") {
  Rest rest;
  rest.connect();
  rest.sync();
  rest.map_all();
  const std::string path = "/api/v1/integrations/zoho_acme/lineage?record=";
  const std::string invoice = rest.lines("SELECT remote_id FROM record WHERE entity = 'invoice' AND state = 'posted' LIMIT 1").at(0);
  const server::Response answer = rest.ask("GET", path + "invoice%2F" + invoice, {}, true);
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
  const json::Value view = rest.json_of(answer);
  CHECK(view.text_of("ref") == "invoice/" + invoice);
  CHECK(view == *lineage::of({rest.config, rest.registry->discovered(), *rest.database}, kIntegration, invoice));
  const std::string entry(view.find("entries")->items().at(0).text_of("id"));
  CHECK(rest.json_of(rest.ask("GET", path + "line/" + entry + ".1")).find("asked")->text_of("line") == "1");

  const server::Response unknown = rest.ask("GET", path + "INV-NONE");
  CHECK(unknown.status == 404);
  CHECK(rest.json_of(unknown).text_of("reason") == "runs.record_unknown");
  CHECK(rest.json_of(rest.ask("GET", path + "entry/77777")).text_of("reason") == "admin.entry_unknown");
  CHECK(rest.ask("GET", path).status == 404);
  CHECK(rest.ask("GET", "/api/v1/integrations/nobody/lineage?record=" + invoice).status == 404);
  // It changes nothing, and calls nobody.
  rest.transport.forget_calls();
  const auto before = rest.database->commits();
  rest.ask("GET", path + invoice);
  CHECK(rest.transport.count("GET ") == 0);
  CHECK(rest.database->commits() == before);
}
