// The states a person puts an integration into, and the one that a revoked consent puts it into.
#include <doctest/doctest.h>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {
const Sizes kSmall{.contacts = 15, .items = 8, .invoices = 40, .payments = 20, .credit_notes = 4};
}

TEST_CASE("D17: a paused or disabled integration makes no call and says why, and resumed or enabled it goes on") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  const std::pair<const char*, const char*> pairs[] = {{"pause", "resume"}, {"disable", "enable"}};
  for (const auto& [off, on] : pairs) {
    CAPTURE(off);
    CHECK(berth.must({off, "zoho"}).find("zoho is ") == 0);
    simulator.reset_counters();
    const Outcome refused = berth.run({"sync", "zoho"});
    CHECK(refused.exit == 1);
    CHECK(refused.err.find(std::string("berth ") + on + " zoho") != std::string::npos);
    CHECK(number_at(simulator.control("counters"), "calls") == 0);
    CHECK(berth.status().text_of("desired") != "enabled");
    // What is stored stays readable.
    CHECK(berth.run({"records", "list", "zoho"}).exit == 0);
    berth.must({on, "zoho"});
    CHECK(berth.status().text_of("desired") == "enabled");
    CHECK(berth.run({"sync", "zoho"}).exit == 0);
    CHECK(simulator.calls("list") >= 5);
  }
}

TEST_CASE("D1: after the consent is revoked the status is needs_reauth, no call is made, and reconnecting keeps everything") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  const std::string journal = berth.must({"ledger", "export", "--format", "hledger"});
  const Value records = *berth.status().find("records");
  const Value accounts = berth.json({"accounts", "list", "zoho"});

  simulator.post("tokens/revoke");
  simulator.post("tokens/expire");
  const Outcome refused = berth.run({"sync", "zoho"});
  CHECK(refused.exit == 1);
  const std::string said = refused.out + refused.err;
  CAPTURE(said);
  CHECK(said.find("connect again") != std::string::npos);
  const Value status = berth.status();
  CHECK(status.text_of("status") == "needs_reauth");
  CHECK(status.text_of("who_acts") == "operator");
  CHECK(status.text_of("reason").starts_with("oauth."));
  CHECK(berth.must({"status"}).find("connect again") != std::string::npos);

  simulator.reset_counters();
  const Outcome again = berth.run({"sync", "zoho"});
  CHECK(again.exit == 1);
  CHECK((again.out + again.err).find("oauth.needs_reauth") != std::string::npos);
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  CHECK(simulator.calls("token") == 0);

  berth.connect();
  CHECK(berth.status().text_of("status") == "connected");
  simulator.reset_counters();
  const Value report = berth.json({"sync", "zoho"});
  CHECK(report.text_of("outcome") == "nothing_changed");
  CHECK(simulator.calls("detail") == 0);
  CHECK(*berth.status().find("records") == records);
  CHECK(berth.json({"accounts", "list", "zoho"}) == accounts);
  CHECK(berth.must({"ledger", "export", "--format", "hledger"}) == journal);

  // Disconnected on purpose: the tokens are gone at both ends, the books stay.
  berth.must({"disconnect", "zoho"});
  simulator.reset_counters();
  CHECK(berth.run({"sync", "zoho"}).exit == 1);
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  CHECK(berth.must({"ledger", "export", "--format", "hledger"}) == journal);
  CHECK(berth.status().text_of("status") != "connected");
}
