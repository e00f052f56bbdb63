// The REST API of a running host, as scripts and other products' clients use it: who may do what, creating and
// reconnecting with a code, sync on request, and callbacks that nobody asked for.
#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const Sizes kSmall{.contacts = 15, .items = 8, .invoices = 40, .payments = 20, .credit_notes = 4};
const std::string kCreate = "/api/integrations/zoho/";

struct Caller {
  std::string origin;
  Headers headers;
  Caller(const Workspace& berth, const std::string& role)
      : origin(berth.origin()), headers{{"Authorization", "Bearer " + std::string(berth.json({"token", "create", role, "--role", role}).text_of("token"))}} {}
  Answer get(const std::string& path) const { return http("GET", origin + path, {}, headers); }
  Answer post(const std::string& path, const std::string& body = {}) const { return http("POST", origin + path, body, headers); }
};

/// A fresh code, as another program gets it that showed the consent page itself.
std::string fresh_code(const Simulator& simulator, const Workspace& berth) {
  return query_value(accept_consent(simulator.origin() + "/oauth/v2/auth?response_type=code&access_type=offline&prompt=consent&state=elsewhere&client_id=" +
                                    percent_encoded(kClientId) + "&scope=ZohoBooks.fullaccess.all&redirect_uri=" + percent_encoded(berth.redirect_uri())),
                     "code");
}

std::string creation(const std::string& code, const std::string& accounts_server, const std::string& company = "acme_us", const std::string& integration = {}) {
  Value body = Value::object({{"authorization_code", code}, {"accounts_server", accounts_server}, {"company_id", company}});
  if (!integration.empty()) body.set("integration_id", integration);
  return berth::json::dump(body);
}

/// A problem that tells its cause and what to do.
void check_problem(const Answer& answer, int status, const std::string& reason) {
  CAPTURE(answer.body);
  CHECK(answer.status == status);
  CHECK(answer.content_type.starts_with("application/problem+json"));
  CHECK(answer.json().text_of("reason") == reason);
}

bool runs_ended(const Caller& admin, const std::string& integration, std::size_t count) {
  const Value answer = admin.get("/api/v1/runs?integration=" + integration).json();
  std::size_t ended = 0;
  for (const Value& run : answer.find("runs")->items()) ended += !run.find("ended")->is_null();
  return ended >= count;
}

}  // namespace

TEST_CASE("D20: without a token 401, with a viewer's token 403 for what changes something, and nothing happens") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  const Caller viewer(berth, "viewer");
  const auto host = berth.serve();
  const std::vector<std::pair<std::string, std::string>> changes{
      {"POST", kCreate},
      {"POST", "/api/integrations/zoho/zoho/trigger-sync/"},
      {"POST", "/api/v1/integrations/zoho/sync"},
      {"POST", "/api/v1/integrations/zoho/pause"},
      {"POST", "/api/v1/integrations/zoho/connect"},
      {"PUT", "/api/v1/integrations/zoho/accounts"},
  };
  for (const auto& [method, path] : changes) {
    CAPTURE(path);
    const std::string body = creation("1000.a.b", simulator.origin());
    CHECK(http(method, berth.origin() + path, body).status == 401);
    CHECK(http(method, berth.origin() + path, body, {{"Authorization", "Bearer bth_made_up"}}).status == 401);
    check_problem(http(method, berth.origin() + path, body, viewer.headers), 403, "admin.role");
  }
  CHECK(get(berth.origin() + "/api/v1/integrations").status == 401);
  CHECK(viewer.get("/api/v1/integrations").status == 200);
  CHECK(simulator.calls("token") == 0);
  CHECK(viewer.get("/api/v1/integrations/zoho").json().text_of("desired") == "enabled");
  CHECK(viewer.get("/api/v1/integrations").json().find("integrations")->size() == 1);
}

TEST_CASE("D1: forged redirects are refused before anything is sent, and the true one still works") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  const Caller admin(berth, "admin");
  const auto host = berth.serve();
  const auto begin = [&] { return std::string(admin.post("/api/v1/integrations/zoho/connect").json().text_of("url")); };
  const std::string port = simulator.origin().substr(simulator.origin().rfind(':') + 1);

  const std::vector<std::string> servers{
      "https://evil.test", "http://evil.test", "https://accounts.zoho.com.evil.test", "https://accounts.zoho.com@evil.test", "https://evil.test/https://accounts.zoho.com",
      "https://evil.test#accounts.zoho.com", "https://evil.test?accounts.zoho.com", "http://accounts.zoho.com", "https://accounts.zoho.com:8443", "https://accounts.zoho.com/oauth",
      "https://accounts.zoho.com%2eevil.test", "https://accounts.zoho.com\\@evil.test", "https://accounts-zoho.com", "https://xn--accounts-zoho.com", "https://ACCOUNTS.zoho.com.evil.test",
      "//accounts.zoho.com", "accounts.zoho.com", "ftp://accounts.zoho.com", "javascript:alert(1)", "file:///etc/passwd", "https://", "https:///accounts.zoho.com", "https://127.0.0.1", "http://127.0.0.1",
      "http://127.0.0.1:1", "http://localhost:" + port, "https://127.0.0.1:" + port, "http://127.0.0.1:" + port + "/x", "http://127.0.0.1:" + port + "@evil.test", "http://user@127.0.0.1:" + port,
      "http://[::1]:" + port, "http://0x7f000001:" + port, "http://2130706433:" + port, "http://127.1:" + port, " https://accounts.zoho.com", "https://accounts.zoho.com ", "https://accounts.zoho.com\r\nHost: evil.test",
      "https://accounts.zoho.com\t", std::string("https://accounts.zoho.com\0", 26), "https://accounts.zoho.test", "https://169.254.169.254", std::string(5000, 'a')};
  std::set<int> statuses;
  int hostile = 0;
  const auto refused = [&](const std::string& url) {
    ++hostile;
    const Answer answer = get(url);
    CAPTURE(url.substr(0, 300));
    CHECK(answer.status >= 400);
    CHECK(answer.status < 500);
    CHECK(answer.body.find("<script") == std::string::npos);
    CHECK(simulator.calls("token") == 0);
  };
  const auto callback = [&](const std::string& state, const std::string& server, const std::string& more = {}) {
    return berth.redirect_uri() + "?code=1000.aaaa.bbbb&location=test&state=" + percent_encoded(state) + "&accounts-server=" + percent_encoded(server) + more;
  };
  for (const std::string& server : servers) {
    const std::string state = query_value(begin(), "state");
    REQUIRE(!state.empty());
    // With a state that is waited for, with the same one again, with others that nobody made; beside the true server.
    refused(callback(state, server));
    refused(callback(state, server));
    refused(callback("", server));
    refused(callback(state + "x", server));
    refused(callback(query_value(begin(), "state"), simulator.origin(), "&accounts-server=" + percent_encoded(server)));
  }
  // A state is used up by a forged redirect: the true server does not help any more.
  const std::string used = query_value(begin(), "state");
  refused(callback(used, "https://evil.test"));
  refused(callback(used, simulator.origin()));
  for (const char* query : {"", "?", "?code=1", "?state=1", "?error=access_denied", "?code=%ff%00&state=%00", "?state=<script>&code=<script>&error=<script>", "?code=1&code=2&state=1&state=2"}) {
    refused(berth.redirect_uri() + query);
  }
  CHECK(hostile >= 200);
  CHECK(simulator.calls("token") == 0);
  CHECK(host->is_running());
  CHECK(berth.status().find("connected")->is_null());

  // The person who really consents gets through, once.
  const std::string redirect = accept_consent(begin());
  CHECK(get(redirect).status == 200);
  CHECK(simulator.calls("token") == 1);
  CHECK(get(redirect).status == 400);
  CHECK(simulator.calls("token") == 1);
  CHECK(berth.status().text_of("remote_id") == "927000001");
}

TEST_CASE("A12 D2 D3 D17: create by REST, a used code, sync on request, pause, reconnect") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  const Caller admin(berth, "admin");
  const auto host = berth.serve();

  // What is wrong with the request is said before any code is sent.
  check_problem(admin.post(kCreate, "[]"), 400, "admin.body");
  check_problem(admin.post(kCreate, R"({"authorization_code":"1000.a.b","company_id":"acme_us"})"), 400, "admin.field_missing");
  check_problem(admin.post(kCreate, creation("1000.a.b", simulator.origin(), "nobody")), 404, "runs.company_unknown");
  check_problem(admin.post(kCreate, creation("1000.a.b", simulator.origin(), "acme_us", "nobody")), 404, "runs.integration_unknown");
  const Answer forged = admin.post(kCreate, creation("1000.a.b", "https://accounts.zoho.com.evil.test"));
  check_problem(forged, 424, "oauth.accounts_server_refused");
  CHECK(!forged.json().text_of("cause").empty());
  CHECK(!forged.json().text_of("resolution").empty());
  CHECK(simulator.calls("token") == 0);

  // D2: created, connected, named after its organisation; the first sync runs by itself.
  const std::string code = fresh_code(simulator, berth);
  const Answer created = admin.post(kCreate, creation(code, percent_encoded(simulator.origin())));
  REQUIRE_MESSAGE(created.status == 201, created.body);
  const std::string id(created.json().text_of("integration_id"));
  CHECK(created.json().text_of("name") == "Acme Trading");
  CHECK(created.json().text_of("remote_id") == "927000001");
  REQUIRE(eventually([&] { return runs_ended(admin, id, 1); }));
  CHECK(simulator.calls("list") >= 4);

  // A12: the same code again.
  const std::int64_t token_calls = simulator.calls("token");
  const Answer again = admin.post(kCreate, creation(code, simulator.origin()));
  check_problem(again, 424, "oauth.code_expired_or_used");
  CHECK(again.json().text_of("cause").find("two minutes") != std::string::npos);
  CHECK(again.json().text_of("resolution").find("Authorize again") != std::string::npos);
  CHECK(simulator.calls("token") <= token_calls + 1);
  CHECK(admin.get("/api/v1/integrations").json().find("integrations")->size() == 2);   // nothing of the failed one stays

  // D3: sync now. It takes up what changed since the integration was created, and nothing the second time.
  const std::string trigger = "/api/integrations/zoho/" + id + "/trigger-sync/";
  const Value books = simulator.control("books");
  std::string edited;
  for (const auto& [invoice, facts] : books.find("invoices")->members()) {
    if (facts.text_of("status") == "sent" || facts.text_of("status") == "overdue") edited = invoice;
  }
  // A document that changed in the very seconds of its fetch, by the remote's clock, is asked for once more later; this one changes a minute off.
  simulator.post("clock", R"({"advance": 60})");
  simulator.post("invoices/" + edited, R"({"notes": "edited"})");
  simulator.post("clock", R"({"advance": 60})");
  const Answer triggered = admin.post(trigger);
  CHECK(triggered.status == 202);
  CHECK(triggered.json().find("queued")->boolean());
  REQUIRE(eventually([&] { return runs_ended(admin, id, 2); }));
  const Value records = *admin.get("/api/v1/integrations/" + id).json().find("records");
  REQUIRE(records.find("invoice") != nullptr);
  simulator.reset_counters();
  CHECK(admin.post(trigger).status == 202);
  REQUIRE(eventually([&] { return runs_ended(admin, id, 3); }));
  CHECK(admin.get("/api/v1/runs?integration=" + id).json().find("runs")->items().at(0).text_of("outcome") == "nothing_changed");
  CHECK(simulator.calls("list") == 4);   // credit notes are an optional phase, which this integration did not switch on
  CHECK(simulator.calls("detail") == 0);

  // D17: while paused neither this nor the schedule asks for anything.
  CHECK(admin.post("/api/v1/integrations/" + id + "/pause").status == 200);
  simulator.reset_counters();
  check_problem(admin.post(trigger), 409, "runs.paused");
  check_problem(admin.post("/api/v1/integrations/" + id + "/sync"), 409, "runs.paused");
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  CHECK(admin.post("/api/v1/integrations/" + id + "/resume").status == 200);

  // Reconnected with another code, it keeps what it had, and its cursors: no document is fetched again.
  const Answer reconnected = admin.post(kCreate, creation(fresh_code(simulator, berth), simulator.origin(), "acme_us", id));
  CHECK(reconnected.status == 200);
  CHECK(reconnected.json().text_of("integration_id") == id);
  CHECK(admin.post(trigger).status == 202);
  REQUIRE(eventually([&] { return runs_ended(admin, id, 4); }));
  CHECK(*admin.get("/api/v1/integrations/" + id).json().find("records") == records);
  CHECK(simulator.calls("detail") == 0);
  CHECK(simulator.calls("list") > 0);
  host->signal(SIGTERM);
  CHECK(host->wait().exit == 0);
}
