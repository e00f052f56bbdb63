// The REST API over a whole host and the simulator.
#include "host/admin/api.hpp"

#include <doctest/doctest.h>

#include <set>

#include "host/storage/commands.hpp"
#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("D20: a viewer reads and changes nothing, a token's text is stored nowhere") {
  Rest rest;
  CHECK(rest.ask("GET", "/api/v1/integrations", {}, true).status == 200);
  for (const char* path : {"/api/v1/integrations/zoho_acme/pause", "/api/v1/integrations/zoho_acme/sync", "/api/integrations/zoho/",
                           "/api/integrations/zoho/zoho_acme/trigger-sync/", "/api/v1/integrations/zoho_acme/connect"}) {
    CHECK(rest.ask("POST", path, "{}", true).status == 403);
  }
  CHECK(rest.ask("PUT", "/api/v1/integrations/zoho_acme/accounts", "{}", true).status == 403);
  CHECK(rest.number("SELECT COUNT(*) FROM api_token WHERE token_hash = '" + rest.admin_token + "'") == 0);
  CHECK(!admin::create_token(*rest.database, "x", "owner", rest.clock, rest.random).ok());
}

TEST_CASE("the description lists every route that is served, and every route has a sentence") {
  Rest rest;
  const json::Value document = rest.json_of(rest.ask("GET", "/api/v1/openapi.json"));
  std::set<std::string> paths;
  for (const json::Member& path : document.find("paths")->members()) {
    paths.insert(path.first);
    for (const json::Member& operation : path.second.members()) CHECK_MESSAGE(!operation.second.text_of("summary").empty(), path.first);
  }
  for (const char* path : {"/livez", "/readyz", "/metrics", "/api/v1/integrations", "/api/v1/integrations/{id}", "/api/v1/integrations/{id}/accounts",
                           "/api/v1/integrations/{id}/records", "/api/v1/runs", "/api/v1/runs/{id}", "/api/v1/ledger/balance", "/api/v1/ledger/entries",
                           "/api/integrations/zoho/", "/api/integrations/zoho/{id}/trigger-sync/", "/oauth/callback"}) {
    CHECK_MESSAGE(paths.contains(path), path);
  }
}

TEST_CASE("livez answers without a database, readyz only with one and when the host says so") {
  Rest rest;
  CHECK(rest.ask("GET", "/livez").status == 200);
  CHECK(rest.ask("GET", "/readyz").status == 200);
  rest.is_ready = false;
  CHECK(rest.ask("GET", "/readyz").status == 503);
  rest.is_ready = true;
  rest.database->die_after(0);
  CHECK(rest.ask("GET", "/readyz").status == 503);
  CHECK(rest.ask("GET", "/livez").status == 200);
  rest.database->revive();
}

TEST_CASE("D2: connecting by REST exchanges the code, names the organisation and queues the first sync") {
  Rest rest;
  const server::Response response = rest.ask("POST", "/api/integrations/zoho/", rest.connect_body(rest.fresh_code()));
  REQUIRE_MESSAGE(response.status == 201, response.body);
  const json::Value body = rest.json_of(response);
  const std::string id(body.text_of("integration_id"));
  CHECK(body.text_of("name") == "Acme Trading");
  CHECK(body.text_of("remote_id") == "927000001");
  CHECK(rest.woken == 1);
  CHECK(rest.integration(id).origin == "api");
  CHECK(rest.number("SELECT COUNT(*) FROM command WHERE kind = 'sync' AND integration = '" + id + "'") == 1);
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'integration.create'") == 1);

  // Reconnect, with the accounts server as the redirect spells it.
  const server::Response again = rest.ask("POST", "/api/integrations/zoho/",
                                          rest.connect_body(rest.fresh_code(), "http%3A%2F%2F127.0.0.1%3A9100", R"(,"integration_id":")" + id + "\""));
  CHECK_MESSAGE(again.status == 200, again.body);
}

TEST_CASE("D2: a failed exchange is 424 with cause and resolution, and leaves no integration behind") {
  Rest rest;
  const std::string code = rest.fresh_code();
  SUBCASE("another accounts server") {
    const server::Response response = rest.ask("POST", "/api/integrations/zoho/", rest.connect_body(code, "https://accounts.evil.example"));
    CHECK(response.status == 424);
    CHECK(rest.json_of(response).text_of("reason") == "oauth.accounts_server_refused");
    CHECK(rest.transport.strangers().empty());
  }
  SUBCASE("a code that is too old") {
    rest.later(std::chrono::minutes(5));
    const server::Response response = rest.ask("POST", "/api/integrations/zoho/", rest.connect_body(code));
    CHECK(response.status == 424);
    const json::Value body = rest.json_of(response);
    CHECK(body.text_of("reason") == "oauth.code_expired_or_used");
    CHECK(!body.text_of("resolution").empty());
  }
  SUBCASE("no organisation list") {
    rest.simulator.inject({.kind = zoho_sim::FaultKind::kStatus, .path_prefix = "/books/v3/organizations", .count = -1, .status = 503});
    const server::Response response = rest.ask("POST", "/api/integrations/zoho/", rest.connect_body(code));
    CHECK(response.status == 424);
  }
  CHECK(rest.number("SELECT COUNT(*) FROM integration") == 1);   // the declared one
  CHECK(rest.number("SELECT COUNT(*) FROM command") == 0);
}

TEST_CASE("D2: what the caller got wrong is 400 or 404, with the name of the field") {
  Rest rest;
  for (const char* body : {"", "[]", "nonsense", "{}", R"({"authorization_code":"x"})", R"({"authorization_code":true,"accounts_server":"x","company_id":"acme_us"})"}) {
    CAPTURE(body);
    CHECK(rest.ask("POST", "/api/integrations/zoho/", body).status == 400);
  }
  CHECK(rest.ask("POST", "/api/integrations/zoho/", R"({"authorization_code":"x","accounts_server":"y","company_id":"nobody"})").status == 404);
  CHECK(rest.ask("POST", "/api/integrations/zoho/", R"({"authorization_code":"x","accounts_server":"y","company_id":"acme_us","integration_id":"none"})").status == 404);
}

TEST_CASE("D3 D17: sync now queues once, paused or not connected it is 409 and nothing is queued") {
  Rest rest;
  CHECK(rest.ask("POST", "/api/integrations/zoho/zoho_acme/trigger-sync/").status == 409);   // not connected
  rest.connect();
  CHECK(rest.number("SELECT COUNT(*) FROM command") == 1);
  rest.sync();
  CHECK(rest.ask("POST", "/api/v1/integrations/zoho_acme/pause").status == 200);
  const server::Response refused = rest.ask("POST", "/api/integrations/zoho/zoho_acme/trigger-sync/");
  CHECK(refused.status == 409);
  CHECK(rest.json_of(refused).text_of("reason") == "runs.paused");
  CHECK(rest.try_sync().error().reason == "runs.paused");
  CHECK(rest.ask("POST", "/api/v1/integrations/zoho_acme/resume").status == 200);
  CHECK(rest.ask("POST", "/api/integrations/zoho/zoho_acme/trigger-sync/").status == 202);
  CHECK(rest.ask("POST", "/api/v1/integrations/zoho_acme/sync").status == 202);
  CHECK(rest.number("SELECT COUNT(*) FROM command WHERE argument_json LIKE '%api%'") == 1);
  CHECK(rest.ask("POST", "/api/v1/integrations/nobody/sync").status == 404);
}

TEST_CASE("D12: a quota is shown, and by an admin reset, which ends the wait of the integration") {
  Rest rest;
  rest.connect();
  const std::string path = "/api/v1/integrations/zoho_acme";
  const runs::RemoteAccess access = rest.registry->access(rest.unit()).value();
  access.gate->block_until(rest.clock.now() + std::chrono::hours(20), "zoho_books.rate_limit.daily", "no more");
  const json::Value shown = *rest.json_of(rest.ask("GET", path, {}, true)).find("quota");
  CHECK(shown.text_of("key") == "zoho_books/927000001");
  CHECK(shown.text_of("blocked_reason") == "zoho_books.rate_limit.daily");
  CHECK(shown.text_of("blocked_message") == "no more");
  CHECK(shown.find("per_minute")->integer() == 60'000);
  CHECK(shown.find("at_once_limit")->integer() == 5);
  CHECK(rest.ask("POST", path + "/quota/reset", "{}", true).status == 403);
  CHECK(rest.ask("POST", "/api/v1/integrations/nobody/quota/reset", "{}").status == 404);
  const server::Response reset = rest.ask("POST", path + "/quota/reset", "{}");
  CHECK(reset.status == 200);
  CHECK(rest.json_of(reset).at_pointer("/quota/blocked_until")->is_null());
  CHECK(rest.woken == 1);
  CHECK(rest.json_of(rest.ask("GET", path)).at_pointer("/quota/blocked_reason")->is_null());
}

TEST_CASE("mapping an account by REST posts what waited for it, unknown accounts and kinds are refused with the nearest") {
  Rest rest;
  rest.connect();
  rest.sync();
  const std::string path = "/api/v1/integrations/zoho_acme/accounts";
  const server::Response unknown = rest.ask("PUT", path, R"({"kind":"default_income","key":"-","company":"acme_us","account":"salse"})");
  CHECK(unknown.status == 404);
  CHECK(rest.json_of(unknown).text_of("detail").find("sales") != std::string::npos);
  CHECK(rest.ask("PUT", path, R"({"kind":"wages","key":"-","company":"acme_us","account":"sales"})").status == 400);
  CHECK(rest.ask("PUT", path, R"({"kind":"default_income","key":"-","company":"nobody","account":"sales"})").status == 404);
  CHECK(rest.ask("PUT", path, "no json").status == 400);
  const server::Response mapped = rest.ask("PUT", path, R"({"kind":"default_income","key":"-","company":"acme_us","account":"sales"})");
  REQUIRE_MESSAGE(mapped.status == 200, mapped.body);
  CHECK(rest.json_of(mapped).find("applied")->boolean());
  CHECK(rest.ask("PUT", path, R"({"kind":"default_expense","key":"","company":"acme_us","account":"cogs"})").status == 200);
  CHECK(rest.integration().actual == "connected");
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'account.map'") == 2);
}

TEST_CASE("D13: reasons are explained by REST, one and all, and an unknown one names the nearest") {
  Rest rest;
  const json::Value one = rest.json_of(rest.ask("GET", "/api/v1/reasons/ledger.unmapped", {}, true));
  CHECK(one.text_of("reason") == "ledger.unmapped");
  CHECK(!one.text_of("cause").empty());
  CHECK(one.text_of("resolution").find("berth accounts map") != std::string_view::npos);
  CHECK(one.text_of("who_acts") == "operator");
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/reasons/zoho_books.remote.outage")).text_of("link") == "https://status.zoho.com/");
  const server::Response unknown = rest.ask("GET", "/api/v1/reasons/ledger.unmaped");
  CHECK(unknown.status == 404);
  CHECK(rest.json_of(unknown).text_of("reason") == "admin.reason_unknown");
  CHECK(rest.json_of(unknown).text_of("detail").find("ledger.unmapped") != std::string_view::npos);
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/reasons")).find("reasons")->size() > 400);
}

TEST_CASE("D18: a customer is made or linked by REST, and what waited for it posts with no call") {
  Rest rest;
  rest.connect();
  rest.sync(only("invoices"));
  rest.map("default_income", "", "acme_us", "sales");
  rest.map("default_expense", "", "acme_us", "cogs");
  rest.apply();
  const std::string path = "/api/v1/integrations/zoho_acme/customers";
  const json::Value before = rest.json_of(rest.ask("GET", path, {}, true));
  REQUIRE(before.find("customers")->size() >= 2);
  const std::string first(before.find("customers")->items()[0].text_of("remote_id")), second(before.find("customers")->items()[1].text_of("remote_id"));
  CHECK(before.find("customers")->items()[0].find("customer")->is_null());
  rest.transport.forget_calls();
  CHECK(rest.ask("PUT", path + "/" + first, R"({"name":"Bowman & Co"})", true).status == 403);
  CHECK(rest.ask("PUT", path + "/" + first, R"({"name":"Bowman & Co","customer":"cus_1"})").status == 400);
  CHECK(rest.ask("PUT", path + "/999", R"({"name":"Bowman & Co"})").status == 404);
  const server::Response made = rest.ask("PUT", path + "/" + first, R"({"name":"Bowman & Co"})");
  REQUIRE_MESSAGE(made.status == 200, made.body);
  CHECK(rest.json_of(made).find("applied")->boolean());
  CHECK(rest.ask("PUT", path + "/" + first, R"({"name":"Bowman & Co"})").status == 409);
  const server::Response near = rest.ask("PUT", path + "/" + second, R"({"customer":"Bowmann & Co"})");
  CHECK(near.status == 404);
  CHECK(rest.json_of(near).text_of("detail").find("did you mean \"Bowman & Co\"") != std::string_view::npos);
  CHECK(rest.ask("PUT", path + "/" + second, R"({"customer":"Bowman & Co"})").status == 200);
  CHECK(rest.records("invoice", "parked").size() < rest.records("invoice").size());
  CHECK(rest.number("SELECT COUNT(*) FROM waiting WHERE awaited IN ('customer/" + first + "', 'customer/" + second + "')") == 0);
  CHECK(rest.transport.calls().empty());
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action IN ('customer.link', 'customer.create')") == 2);
}

TEST_CASE("D19: classifications are read and added by REST, and what lacked the line posts again with it") {
  Rest rest;
  rest.connect();
  const std::string invoice = rest.make_invoice("10.00", R"("cf_service_line":"Calibration")");
  rest.sync();
  rest.map_all();
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/classifications", {}, true)).at_pointer("/classifications/0/name")->text().size() > 3);
  rest.transport.forget_calls();
  CHECK(rest.ask("POST", "/api/v1/classifications", R"({"name":"Service Type","line":"Calibration"})", true).status == 403);
  CHECK(rest.ask("POST", "/api/v1/classifications", R"({"line":"Calibration"})").status == 400);
  const json::Value added = rest.json_of(rest.ask("POST", "/api/v1/classifications", R"({"name":"Service Type","line":"Calibration"})"));
  CHECK(added.find("added")->boolean());
  CHECK(added.find("woken")->integer().value_or(0) == 1);
  CHECK(!rest.json_of(rest.ask("POST", "/api/v1/classifications", R"({"name":"Service Type","line":"Calibration"})")).find("added")->boolean());
  CHECK(rest.record("invoice", invoice).state == "posted");
  CHECK(json::parse(rest.record("invoice", invoice).detail_json).value.find("warnings") == nullptr);
  CHECK(rest.transport.calls().empty());
}

TEST_CASE("an account that is mapped while a run is under way is applied by that run") {
  Rest rest;
  rest.connect();
  std::atomic<int> asked = 0;
  rest.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (!call.starts_with("GET /books/v3/items") || asked++ > 0) return std::nullopt;
    for (const char* body : {R"({"kind":"default_income","key":"-","company":"acme_us","account":"sales"})",
                             R"({"kind":"default_expense","key":"-","company":"acme_us","account":"cogs"})"}) {
      const server::Response response = rest.ask("PUT", "/api/v1/integrations/zoho_acme/accounts", body);
      CHECK_MESSAGE(response.status == 200, response.body);
      CHECK(!rest.json_of(response).find("applied")->boolean());
    }
    return std::nullopt;
  };
  rest.sync();
  rest.transport.before = nullptr;
  CHECK(asked > 0);
  CHECK(rest.integration().actual == "connected");
  CHECK(rest.records("item", "posted").size() == 3);
  CHECK(rest.number("SELECT COUNT(*) FROM command WHERE kind = 'apply'") == 0);
}

TEST_CASE("views: integrations, records, runs and the ledger are read by pages with stable keys") {
  Rest rest;
  rest.connect();
  rest.sync();
  rest.map_all();
  const json::Value one = rest.json_of(rest.ask("GET", "/api/v1/integrations/zoho_acme"));
  for (const char* key : {"id", "plugin", "company", "status", "reason", "who_acts", "next_attempt", "last_sync_at", "connected", "records", "organizations"}) {
    CHECK_MESSAGE(one.find(key) != nullptr, key);
  }
  CHECK(one.text_of("currency") == "USD");
  CHECK(!one.find("running")->boolean());
  CHECK(rest.ask("GET", "/api/v1/integrations/nobody").status == 404);
  CHECK(rest.ask("GET", "/api/v1/runs/nobody").status == 404);

  std::set<std::string> refs;
  std::string after;
  do {
    const json::Value page = rest.json_of(rest.ask("GET", "/api/v1/integrations/zoho_acme/records?entity=invoice&limit=4&after=" + after));
    CHECK(page.find("records")->items().size() <= 4);
    for (const json::Value& record : page.find("records")->items()) CHECK(refs.insert(std::string(record.text_of("ref"))).second);
    after = page.text_of("next");
  } while (!after.empty());
  CHECK(refs.size() == 6);
  const json::Value all_runs = rest.json_of(rest.ask("GET", "/api/v1/runs?integration=zoho_acme"));
  REQUIRE(all_runs.find("runs")->items().size() == 1);
  const std::string run(all_runs.find("runs")->items().front().text_of("run"));
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/runs/" + run)).find("report")->find("phases")->items().size() >= 5);
  CHECK(!rest.json_of(rest.ask("GET", "/api/v1/ledger/balance?company=acme_us")).find("balances")->items().empty());
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/ledger/entries?limit=2")).find("entries")->items().size() == 2);
  CHECK(rest.ask("GET", "/api/v1/ledger/entries?after=nonsense").status == 400);
}

TEST_CASE("the redirect page tells a person what happened, and repeats nothing of what it was sent unescaped") {
  Rest rest;
  const std::string query = rest.consent(rest.connector->begin(rest.unit()).value().url);
  const server::Response done = rest.ask("GET", "/oauth/callback?" + query);
  CHECK_MESSAGE(done.status == 200, done.body);
  CHECK(done.body.find("Acme Trading") != std::string::npos);
  CHECK(rest.woken == 1);
  const server::Response twice = rest.ask("GET", "/oauth/callback?" + query);
  CHECK(twice.status == 400);
  CHECK(twice.body.find("oauth.state_unknown") != std::string::npos);
  const server::Response hostile = rest.ask("GET", "/oauth/callback?state=<script>alert(1)</script>&code=x");
  CHECK(hostile.status == 400);
  CHECK(hostile.body.find("<script>") == std::string::npos);
}
