// Mapping rules over REST: explain, diff and apply.
#include <fstream>
#include <iterator>

#include "host/core/text.hpp"
#include "host/storage/leases.hpp"
#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

std::string plugin_rules() {
  std::ifstream in(std::string(BERTH_SOURCE_DIR) + "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Rules that take no location.
std::string without_location() {
  const std::string rule = "      location:     {ensure: {kind: classification_line, in: Location, name: {custom_field: Location}}}\n";
  REQUIRE(plugin_rules().find(rule) != std::string::npos);
  return replace_all(plugin_rules(), rule, "");
}

struct Mapped : Rest {
  Mapped() : Rest({.contacts = 4, .items = 3, .invoices = 30, .payments = 10, .credit_notes = 1, .mapping = plugin_rules()}) {
    connect();
    sync();
    map_all();
    later(std::chrono::hours(1));
    transport.forget_calls();
  }
  std::string body(const std::string& rules) { return json::dump(json::Value::object({{"mapping", rules}, {"limit", 1000}})); }
};

constexpr const char* kMapping = "/api/v1/integrations/zoho_acme/mapping/";

}  // namespace

TEST_CASE("B1: REST tells what rules of the request would change, then applies the file, with the same changes and no remote call") {
  Mapped rest;
  const std::string revision = rest.unit().setup.rules->revision();
  const auto before = rest.journal();
  const server::Response foretold = rest.ask("POST", std::string(kMapping) + "diff", rest.body(without_location()));
  REQUIRE_MESSAGE(foretold.status == 200, foretold.body);
  CHECK(rest.journal() == before);
  CHECK(rest.unit().setup.rules->revision() == revision);
  const json::Value told = rest.json_of(foretold);
  REQUIRE(told.find("changes")->size() > 0);
  CHECK(told.find("is_whole")->boolean());
  CHECK(told.find("summary")->find("entries_posted")->integer().value() > 0);

  // The file is not changed yet: applying it does nothing.
  const json::Value same = rest.json_of(rest.ask("POST", std::string(kMapping) + "apply"));
  CHECK(same.find("changes")->size() == 0);
  rest.folder.write("mapping.yaml", without_location());
  const server::Response happened = rest.ask("POST", std::string(kMapping) + "apply", R"({"limit": 1000})");
  REQUIRE_MESSAGE(happened.status == 200, happened.body);
  CHECK(happened.body == foretold.body);
  CHECK(rest.journal() != before);
  // The host that serves goes on with the rules that were applied.
  CHECK(rest.unit().setup.rules->revision() == mapping::revision_of(without_location()));
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'mapping.apply' AND actor = 'Ada'") == 2);
  CHECK(rest.transport.calls().empty());
  rest.check_books();
}

TEST_CASE("B1: over REST a limit is kept and told, broken rules are 400 with their place and stay out of force, and a run under way is 409") {
  Mapped rest;
  const json::Value one = rest.json_of(rest.ask("POST", std::string(kMapping) + "diff", json::dump(json::Value::object({{"mapping", without_location()}, {"limit", 1}}))));
  CHECK(one.find("changes")->size() == 1);
  CHECK(!one.find("is_whole")->boolean());

  const std::string broken = replace_all(plugin_rules(), "custom_field: Location", "custom_fild: Location");
  const server::Response refused = rest.ask("POST", std::string(kMapping) + "diff", rest.body(broken));
  CHECK(refused.status == 400);
  CHECK_MESSAGE(refused.body.find("mapping.yaml:") != std::string::npos, refused.body);
  rest.folder.write("mapping.yaml", broken);
  CHECK(rest.ask("POST", std::string(kMapping) + "apply").status == 400);
  CHECK(rest.unit().setup.rules->revision() == mapping::revision_of(plugin_rules()));

  rest.folder.write("mapping.yaml", without_location());
  REQUIRE(rest.database->write([&](storage::Connection& connection) -> Status {
    BERTH_CHECK(storage::leases::acquire(connection, kIntegration, "another", std::chrono::minutes(5), rest.clock.now()));
    return success();
  }).ok());
  const server::Response busy = rest.ask("POST", std::string(kMapping) + "apply");
  CHECK(busy.status == 409);
  CHECK(rest.json_of(busy).text_of("reason") == "runs.busy");
  CHECK(rest.ask("POST", std::string(kMapping) + "apply", "{}", true).status == 403);
  CHECK(rest.ask("POST", std::string(kMapping) + "diff", "{}", true).status == 403);
}

TEST_CASE("B4: REST explains a record as the command does") {
  Mapped rest;
  const std::string invoice = rest.records("invoice", "posted").front().remote_id;
  const server::Response answer = rest.ask("GET", std::string(kMapping) + "explain?record=invoice/" + invoice, {}, true);
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
  const json::Value explained = rest.json_of(answer);
  CHECK(explained.text_of("would_be") == "posted");
  CHECK(explained.text_of("state") == "posted");
  CHECK(explained.find("fields")->size() > 10);
  CHECK(explained.find("fields")->items().front().text_of("rule").find("mapping.yaml:") != std::string_view::npos);
  CHECK(explained.find("lookups")->size() > 0);
  CHECK(rest.ask("GET", std::string(kMapping) + "explain?record=invoice/404").status == 404);
  CHECK(rest.ask("GET", std::string(kMapping) + "explain").status == 404);
}
