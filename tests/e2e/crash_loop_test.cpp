// B6: a host with one plugin that dies in every run: it stays up, the other integration goes on, and after five crashes the
// one that crashes is paused until a person resumes it. And the host in safe mode.
#include <doctest/doctest.h>

#include <csignal>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

Settings with_shaky(const Simulator& simulator) {
  Settings settings;
  settings.extra =
      "  - id: shaky\n"
      "    plugin: crashing_books\n"
      "    company: acme_west\n"
      "    client: {id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}\n"
      "    data_centers:\n"
      "      - {location: test, accounts: \"" +
      simulator.origin() + "\", api: \"" + simulator.origin() + "\", allow_http_loopback: true}\n";
  return settings;
}

/// The usual workspace with a second integration, `shaky`, of the plugin that crashes.
struct Shaky {
  Simulator simulator{{.contacts = 10, .items = 5, .invoices = 20, .payments = 10, .credit_notes = 2}};
  Workspace berth{simulator, with_shaky(simulator)};
  Headers authorized;

  Shaky() {
    std::string config = berth.read("berth.yaml");
    const std::string own = std::string(BERTH_BINARY_DIR) + "/plugins]";
    const auto at = config.find(own);
    REQUIRE(at != std::string::npos);
    config.replace(at, own.size(), std::string(BERTH_BINARY_DIR) + "/plugins, " + BERTH_BINARY_DIR + "/e2e_plugins]");
    berth.write("berth.yaml", config);
    berth.must({"plugin", "trust", "crashing_books"});
    authorized = {{"Authorization", "Bearer " + std::string(berth.json({"token", "create", "watcher", "--role", "admin"}).text_of("token"))}};
    berth.connect();
    const auto waiting = berth.start({"connect", "shaky", "--wait", "60"});
    const std::string url = waiting->wait_for_line("http");
    REQUIRE(!url.empty());
    REQUIRE(get(accept_consent(url)).status == 200);
    REQUIRE(waiting->wait().exit == 0);
  }
  Value of(const std::string& id) const { return get(berth.origin() + "/api/v1/integrations/" + id, authorized).json(); }
  Answer act(const std::string& id, const std::string& verb) const { return http("POST", berth.origin() + "/api/v1/integrations/" + id + "/" + verb, "{}", authorized); }
  std::vector<Value> runs(const std::string& id, const std::string& outcome) const {
    std::vector<Value> found;
    const Value list = get(berth.origin() + "/api/v1/runs?integration=" + id, authorized).json();
    for (const Value& run : list.find("runs")->items()) {
      if (run.text_of("outcome") == outcome) found.push_back(run);
    }
    return found;
  }
};

/// Asks for a sync of `shaky` after each crash, until it is so.
template <class Condition>
bool crashes_until(const Shaky& world, Condition condition) {
  std::size_t crashes = 0;
  return eventually([&] {
    if (condition()) return true;
    const std::size_t now = world.runs("shaky", "crashed").size();
    if (now > crashes) world.act("shaky", "sync");
    crashes = now;
    return false;
  });
}

}  // namespace

TEST_CASE("B6: a plugin that crashes in every run is paused after five, with its reports, while the host and the other integration go on") {
  const Shaky world;
  auto host = world.berth.serve();
  REQUIRE(eventually([&] { return !world.of("zoho").find("last_sync_at")->is_null(); }));
  // The first sync of each came by itself; the others a person asks for, whom no wait keeps. On a slow machine a wait may be
  // over before the person asks: then that run came by itself too.
  REQUIRE(eventually([&] { return world.of("shaky").text_of("reason") == "plugin.crashed"; }));
  const Value once = world.of("shaky");
  CHECK(once.text_of("desired") == "enabled");
  CHECK(!once.find("next_attempt")->is_null());
  CHECK(world.berth.must({"status", "shaky"}).find("next attempt 20") != std::string::npos);
  REQUIRE(crashes_until(world, [&] { return world.of("shaky").text_of("desired") == "paused"; }));
  const Value paused = world.of("shaky");
  CHECK(paused.text_of("reason") == "plugin.crash_loop");
  CHECK(paused.text_of("who_acts") == "operator");
  CHECK(paused.find("next_attempt")->is_null());
  CHECK(paused.text_of("message").find("berth resume shaky") != std::string::npos);
  const Answer refused = world.act("shaky", "sync");
  CHECK(refused.status == 409);
  CHECK(refused.body.find("plugin.crash_loop") != std::string::npos);
  const Outcome by_hand = world.berth.run({"sync", "shaky"});
  CHECK(by_hand.exit == 1);
  CHECK(by_hand.err.find("plugin.crash_loop") != std::string::npos);

  // The report of a crash.
  const auto crashed = world.runs("shaky", "crashed");
  REQUIRE(crashed.size() == 5);
  const Value* crash = crashed.front().find("report")->find("crash");
  REQUIRE(crash != nullptr);
  CHECK(number_at(*crash, "signal") == SIGSEGV);
  CHECK(crash->text_of("last_request") == "GET /organizations");
  CHECK(crash->text_of("stderr_tail").find("last words of crashing_books") != std::string::npos);
  CHECK(world.berth.must({"runs", "shaky"}).find("plugin.crashed: signal 11 (Segmentation fault) in phase invoices, last request GET /organizations") !=
        std::string::npos);
  CHECK(world.berth.must({"status"}).find("plugin.crash_loop") != std::string::npos);
  for (const Value& run : crashed) {
    for (const char* secret : {kClientSecret, "1000.", "Zoho-oauthtoken"}) CHECK(berth::json::dump(run).find(secret) == std::string::npos);
  }

  // The other one goes on, and nothing of the crashes is left.
  const std::size_t before = world.runs("zoho", "nothing_changed").size();
  CHECK(world.act("zoho", "sync").status == 202);
  CHECK(eventually([&] { return world.runs("zoho", "nothing_changed").size() == before + 1; }));
  CHECK(host->is_running());
  CHECK(eventually([&] { return children_of(host->id()).empty(); }));
  CHECK(world.runs("zoho", "failed").empty());

  // Resumed: tried again at once, and the count begins anew.
  CHECK(world.act("shaky", "resume").status == 200);
  REQUIRE(eventually([&] { return world.of("shaky").text_of("reason") == "plugin.crashed"; }));
  CHECK(world.of("shaky").text_of("desired") == "enabled");
  // A host that is started anew waits as long as the one before would have: ten minutes after the third.
  REQUIRE(crashes_until(world, [&] { return world.runs("shaky", "crashed").size() == 8; }));
  host->signal(SIGTERM);
  CHECK(host->wait().exit == 0);
  const std::string next(world.berth.json({"status", "shaky"}).find("integrations")->items().at(0).text_of("next_attempt"));
  host = world.berth.serve();
  CHECK(world.act("zoho", "sync").status == 202);
  REQUIRE(eventually([&] { return world.runs("zoho", "nothing_changed").size() == before + 2; }));
  CHECK(world.runs("shaky", "crashed").size() == 8);
  CHECK(world.of("shaky").text_of("next_attempt") == next);
}

TEST_CASE("B6: in safe mode a plugin that does not come with Berth is not opened, its integration says so, and the others run") {
  const Shaky world;
  auto host = world.berth.start({"serve", "--safe-mode"});
  REQUIRE(!host->wait_for_line("berth serves").empty());
  REQUIRE(eventually([&] { return !world.of("zoho").find("last_sync_at")->is_null(); }));
  CHECK(world.of("shaky").text_of("reason") == "plugin.safe_mode");
  CHECK(world.of("shaky").text_of("message").find("crashing_books") != std::string::npos);
  CHECK(world.berth.must({"status", "shaky"}).find("plugin.safe_mode") != std::string::npos);
  const Answer refused = world.act("shaky", "sync");
  CHECK(refused.status == 409);
  CHECK(refused.body.find("plugin.safe_mode") != std::string::npos);
  CHECK(world.runs("shaky", "crashed").empty());
  host->signal(SIGTERM);
  CHECK(host->wait().exit == 0);
  host = world.berth.serve();
  REQUIRE(eventually([&] { return world.of("shaky").text_of("reason") == "plugin.crashed"; }));
}
