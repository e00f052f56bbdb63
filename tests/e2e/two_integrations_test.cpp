// Two integrations of one plugin in one host. While the remote of one of them does not answer, whatever the host asks it, the
// other is connected, begins and ends its syncs, and the status of both can be seen.
#include <doctest/doctest.h>

#include <csignal>
#include <thread>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const Sizes kSmall{.contacts = 8, .items = 4, .invoices = 20, .payments = 10, .credit_notes = 2};
/// A status that waits for anything of the other remote takes minutes.
constexpr std::chrono::seconds kAtOnce{5};

/// Integration `zoho` at one remote, and `second` at another.
struct Two {
  Simulator slow{kSmall};
  Simulator quick{{.contacts = 8, .items = 4, .invoices = 20, .payments = 10, .credit_notes = 2, .seed = 8,
                   .more = {"--organization-id", "927000002", "--organization-name", "Acme West Books"}}};
  Workspace berth{slow, with_second(quick)};
  Headers authorized{{"Authorization", "Bearer " + std::string(berth.json({"token", "create", "watcher", "--role", "admin"}).text_of("token"))}};

  static Settings with_second(const Simulator& simulator) {
    Settings settings;
    settings.extra =
        "  - id: second\n"
        "    plugin: zoho_books\n"
        "    company: acme_west\n"
        "    client: {id: env:ZOHO_CLIENT_ID, secret: env:ZOHO_CLIENT_SECRET, redirect_uri: env:ZOHO_REDIRECT_URI, home: test}\n"
        "    plan: premium\n"
        "    backfill: {from: all}\n"
        "    mapping: ./mapping.yaml\n"
        "    data_centers:\n"
        "      - {location: test, accounts: \"" +
        simulator.origin() + "\", api: \"" + simulator.origin() + "\", allow_http_loopback: true}\n";
    return settings;
  }
  void connect(const std::string& id) const {
    const auto waiting = berth.start({"connect", id, "--wait", "60"});
    const std::string url = waiting->wait_for_line("http");
    CHECK(!url.empty());
    if (!url.empty()) CHECK(get(accept_consent(url)).status == 200);
    CHECK(waiting->wait().exit == 0);
  }
  /// From now on the slow remote answers nothing at that address, until it is let go.
  void hold(const std::string& path) const { slow.post("faults", R"({"kind":"hold","path":")" + path + R"(","count":-1})"); }
  [[nodiscard]] bool is_held() const { return number_at(slow.control("counters"), "faults") > 0; }
  [[nodiscard]] Value of(const std::string& id) const {
    const auto began = std::chrono::steady_clock::now();
    Value about = get(berth.origin() + "/api/v1/integrations/" + id, authorized).json();
    CHECK(std::chrono::steady_clock::now() - began < kAtOnce);
    return about;
  }
  [[nodiscard]] bool has_synced(const std::string& id) const {
    const Value about = of(id);
    const Value* when = about.find("last_sync_at");
    return when != nullptr && !when->is_null();
  }
  [[nodiscard]] std::size_t runs_ended(const std::string& id) const {
    std::size_t ended = 0;
    const Value list = get(berth.origin() + "/api/v1/runs?integration=" + id, authorized).json();
    for (const Value& run : list.find("runs")->items()) ended += run.find("ended")->is_null() ? 0 : 1;
    return ended;
  }
  /// The command of a person, and what a script asks, of both, at once.
  void check_status() const {
    const Outcome status = berth.run({"status"}, kAtOnce);
    CHECK_FALSE(status.timed_out);
    CHECK(status.exit == 0);
    CHECK(status.out.find("zoho") != std::string::npos);
    CHECK(status.out.find("second") != std::string::npos);
    for (const char* id : {"zoho", "second"}) CHECK(of(id).text_of("id") == id);
    const auto began = std::chrono::steady_clock::now();
    CHECK(get(berth.origin() + "/api/v1/integrations", authorized).json().find("integrations")->size() == 2);
    CHECK(get(berth.origin() + "/readyz").status == 200);
    CHECK(std::chrono::steady_clock::now() - began < kAtOnce);
  }
};

}  // namespace

TEST_CASE("a remote that does not answer keeps only its own integration: the other one of its plugin begins, syncs and is seen") {
  const Two world;
  world.connect("zoho");
  world.connect("second");
  world.slow.reset_counters();
  SUBCASE("it answers no list") { world.hold("/books/v3/invoices"); }
  SUBCASE("it renews no token") {
    world.slow.post("tokens/expire");
    world.hold("/oauth/v2/token");
  }
  // Both first syncs are due when the host starts.
  const auto host = world.berth.serve();
  REQUIRE(eventually([&] { return world.is_held(); }));
  world.check_status();
  REQUIRE(eventually([&] { return world.has_synced("second"); }));
  // Asked for again, by the command and by REST.
  const std::size_t before = world.runs_ended("second");
  CHECK(world.berth.run({"sync", "second"}, std::chrono::seconds(60)).exit == 0);
  CHECK(http("POST", world.berth.origin() + "/api/integrations/zoho/second/trigger-sync/", "{}", world.authorized).status < 300);
  REQUIRE(eventually([&] { return world.runs_ended("second") >= before + 2; }));
  world.check_status();
  CHECK_FALSE(world.has_synced("zoho"));
  world.slow.clear_faults();
  REQUIRE(eventually([&] { return world.has_synced("zoho"); }));
  host->signal(SIGTERM);
  CHECK(host->wait().exit == 0);
}

TEST_CASE("an integration whose connection takes long keeps nobody: the other one of its plugin is connected and syncs") {
  const Two world;
  const auto host = world.berth.serve();
  world.slow.reset_counters();
  world.hold("/oauth/v2/token");
  // The consent was given; the code is exchanged, and there is no answer.
  const auto waiting = world.berth.start({"connect", "zoho", "--wait", "60"});
  const std::string url = waiting->wait_for_line("http");
  REQUIRE(!url.empty());
  const std::string redirect = accept_consent(url);
  int seen_by_browser = 0;
  std::thread browser([&] { seen_by_browser = get(redirect).status; });
  CHECK(eventually([&] { return world.is_held(); }));
  world.check_status();
  CHECK_NOTHROW(world.connect("second"));
  CHECK(eventually([&] { return world.has_synced("second"); }));
  world.check_status();
  CHECK_FALSE(world.has_synced("zoho"));
  world.slow.clear_faults();
  browser.join();
  CHECK(seen_by_browser == 200);
  CHECK(waiting->wait().exit == 0);
  REQUIRE(eventually([&] { return world.has_synced("zoho"); }));
  host->signal(SIGTERM);
  CHECK(host->wait().exit == 0);
}
