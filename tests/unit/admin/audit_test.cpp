// What people change leaves one row in the audit log, the same from the command line and from REST, in the transaction of the change.
#include "host/admin/master_rows.hpp"
#include "host/admin/periods.hpp"
#include "host/admin/remap_views.hpp"
#include "host/storage/audit.hpp"
#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// Action, target and detail of the rows of one actor, oldest first.
std::vector<std::string> rows_of(World& world, const std::string& actor) {
  return world.lines("SELECT action || ' ' || target || ' ' || detail_json FROM audit WHERE actor = '" + actor + "' ORDER BY id");
}

}  // namespace

TEST_CASE("an account mapped by REST and by the function of the command line leaves the same audit row, and none where it is refused") {
  Rest rest;
  rest.connect();
  rest.sync();
  const std::string path = "/api/v1/integrations/zoho_acme/accounts";
  REQUIRE(rest.ask("PUT", path, R"({"kind":"default_income","key":"-","company":"acme_us","account":"sales"})").status == 200);
  CHECK(rest.ask("PUT", path, R"({"kind":"default_income","key":"-","company":"acme_us","account":"salse"})").status == 404);
  REQUIRE(admin::map_account(*rest.database, rest.config, kIntegration, "default_expense", "-", "acme_us", "cogs", "cli", rest.clock.now()).ok());
  const auto by_rest = rows_of(rest, "Ada"), by_command = rows_of(rest, "cli");
  REQUIRE(by_rest.size() == 1);
  REQUIRE(by_command.size() == 1);
  CHECK(by_rest[0].starts_with("account.map zoho_acme {\"row\":\"default_income/-/acme_us\""));
  CHECK(by_command[0].starts_with("account.map zoho_acme {\"row\":\"default_expense/-/acme_us\""));
}

TEST_CASE("what is noted and what is changed are one transaction: where the host dies in it, neither is there") {
  Rest rest;
  rest.connect();
  rest.sync();
  const auto dies = [&](const std::function<Status()>& change, const std::string& changed) {
    rest.database->die_inside(0);
    CHECK(!change().ok());
    rest.database->revive();
    CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE actor = 'cli'") == 0);
    CHECK(rest.number(changed) == 0);
  };
  dies([&] { return admin::map_account(*rest.database, rest.config, kIntegration, "default_expense", "-", "acme_us", "cogs", "cli", rest.clock.now()).ok()
                        ? success() : Status(make_error(Code::kInternal, "test", "")); },
       "SELECT COUNT(*) FROM account_row WHERE origin = 'person'");
  dies([&] { return admin::set_period(*rest.database, rest.config, "acme_us", "2026-03", false, "cli", rest.clock.now()).ok()
                        ? success() : Status(make_error(Code::kInternal, "test", "")); },
       "SELECT COUNT(*) FROM period_lock");
}

TEST_CASE("months are closed and opened by REST as by the command line, with one audit row for each change and none for none") {
  Rest rest;
  rest.connect();
  const std::string path = "/api/v1/ledger/periods";
  CHECK(rest.ask("PUT", path + "/acme_us/2026-03", R"({"state":"closed"})", true).status == 403);
  CHECK(rest.ask("PUT", path + "/nobody/2026-03", R"({"state":"closed"})").status == 404);
  CHECK(rest.ask("PUT", path + "/acme_us/March", R"({"state":"closed"})").status == 400);
  CHECK(rest.ask("PUT", path + "/acme_us/2026-03", R"({"state":"shut"})").status == 400);
  CHECK(rows_of(rest, "Ada").empty());
  const json::Value closed = rest.json_of(rest.ask("PUT", path + "/acme_us/2026-03", R"({"state":"closed"})"));
  CHECK(closed.find("changed")->boolean());
  CHECK(!rest.json_of(rest.ask("PUT", path + "/acme_us/2026-03", R"({"state":"closed"})")).find("changed")->boolean());
  const json::Value list = rest.json_of(rest.ask("GET", path, {}, true));
  REQUIRE(list.find("closed")->size() == 1);
  CHECK(list.find("closed")->items()[0].text_of("closed_by") == "Ada");
  REQUIRE(admin::set_period(*rest.database, rest.config, "acme_us", "2026-03", true, "cli", rest.clock.now()).ok());
  REQUIRE(admin::set_period(*rest.database, rest.config, "acme_us", "2026-04", false, "cli", rest.clock.now()).ok());
  const auto by_rest = rows_of(rest, "Ada"), by_command = rows_of(rest, "cli");
  REQUIRE(by_rest.size() == 1);
  REQUIRE(by_command.size() == 2);
  CHECK(by_rest[0] == R"(period.close acme_us {"company":"acme_us","month":"2026-03","state":"closed","changed":true,"woken":0})");
  CHECK(by_command[0] == R"(period.open acme_us {"company":"acme_us","month":"2026-03","state":"open","changed":true,"woken":0})");
  CHECK(by_command[1] == R"(period.close acme_us {"company":"acme_us","month":"2026-04","state":"closed","changed":true,"woken":0})");
}

TEST_CASE("B1: who applied rules is noted with the first thing that applying does, so a host that dies on the way leaves the row") {
  Rest rest;
  rest.connect();
  rest.sync();
  rest.map_all();
  const auto request = admin::noted_remap(true, "cli", kIntegration, rest.clock);
  // Dies in the transaction after the one that makes records pending.
  bool is_pending = false;
  rest.database->after_commit = [&] {
    if (is_pending) return;
    std::int64_t pending = 0;
    static_cast<void>(rest.database->read([&](storage::Connection& connection) -> Status {
      pending = BERTH_TRY(connection.first("SELECT COUNT(*) FROM record WHERE state = 'pending'"))->integer(0);
      return success();
    }));
    if (pending == 0) return;
    is_pending = true;
    rest.database->die_after(0);
  };
  CHECK(!rest.engine->remap(rest.unit().setup, request, {}, {}).ok());
  rest.database->after_commit = {};
  rest.database->revive();
  REQUIRE(is_pending);
  const auto rows = rows_of(rest, "cli");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].starts_with("mapping.apply zoho_acme {\"rules\":\""));
  CHECK(rows[0].find("\"all\":true,\"records\":") != std::string::npos);
}
