// `berth doctor` on an installation that works, and on one whose connection, secrets or vault key are gone.
#include <doctest/doctest.h>

#include <fstream>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

const Sizes kSmall{.contacts = 15, .items = 8, .invoices = 40, .payments = 20, .credit_notes = 4};

/// "wrong oauth.needs_reauth": the state and the first finding.
std::string brief(const Value& diagnosis, std::string_view what) {
  const Value& one = row_where(*diagnosis.find("examined"), "what", what);
  const auto& findings = one.find("findings")->items();
  return std::string(one.text_of("state")) + (findings.empty() ? "" : " " + std::string(findings.front().text_of("reason")));
}

}  // namespace

TEST_CASE("doctor finds nothing wrong with an installation that works, and calls the remote only when asked to") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  berth.must({"sync", "zoho"});
  simulator.reset_counters();
  const Value offline = berth.json({"doctor"});
  CHECK(offline.text_of("errors") == "0");
  for (const char* what : {"configuration", "data folder", "database", "books", "vault", "plugins", "integration zoho"}) CHECK(brief(offline, what) == "ok");
  CHECK(row_where(*offline.find("examined"), "what", "integration zoho").text_of("detail") == "connected");
  CHECK(number_at(simulator.control("counters"), "calls") == 0);
  CHECK(simulator.calls("token") == 0);

  CHECK(berth.must({"doctor", "--online"}).find("integration zoho: connected, the remote answers") != std::string::npos);
  CHECK(number_at(simulator.control("counters"), "calls") == 1);
}

TEST_CASE("doctor says that a consent was revoked, a secret is missing, or the vault has another key") {
  const Simulator simulator(kSmall);
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  simulator.post("tokens/revoke");
  simulator.post("tokens/expire");
  CHECK(brief(berth.json({"doctor", "--online"}, 1), "integration zoho").starts_with("wrong oauth."));
  CHECK(berth.run({"sync", "zoho"}).exit == 1);
  // From now on it is known without a call.
  simulator.reset_counters();
  const Outcome known = berth.run({"doctor"});
  CAPTURE(known.out);
  CHECK(known.exit == 1);
  CHECK(known.out.find("error[oauth.") != std::string::npos);
  CHECK(known.out.find("    do:    ") != std::string::npos);
  CHECK(number_at(simulator.control("counters"), "calls") == 0);

  const Outcome without = berth.run_by({"env", "-u", "ZOHO_CLIENT_SECRET"}, {"doctor"});
  CHECK(without.exit == 1);
  CHECK(without.out.find("error[config.secret_missing]: ") != std::string::npos);

  std::ofstream(berth.folder() / "secrets/vault.key", std::ios::binary | std::ios::trunc) << std::string(32, 'k');
  const Value other_key = berth.json({"doctor"}, 1);
  CHECK(brief(other_key, "vault") == "wrong vault.wrong_key");
}
