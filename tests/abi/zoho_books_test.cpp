// The Zoho Books plugin: its files fit together and with the SDK, its library runs, and what C++ there is reads what
// Zoho writes in all the ways it was seen to.
#include <doctest/doctest.h>

#include <set>

#include "berth/connector.hpp"
#include "berth/pull.hpp"
#include "berth/testing/fake_host.hpp"
#include "library.hpp"
#include "plugins/zoho_books/src/organization.hpp"
#include "yaml_json.hpp"

namespace json = berth::json;

namespace {

using berth::testing::Answer;
using berth::testing::FakeHost;

const std::filesystem::path kFolder = std::filesystem::path(BERTH_SOURCE_DIR) / "plugins" / "zoho_books";

json::Value yaml(const std::string& name) {
  return abi_test::yaml_as_json((kFolder / name).string());
}

json::Value phases_json() {
  return yaml("phases.yaml");
}

json::Value descriptor() {
  const auto identity = abi_test::host_identity();
  berth_error error{-1, {}, {}};
  const auto entry = abi_test::entry_of("plugins", "zoho_books");
  REQUIRE((entry != nullptr));
  const berth_plugin* plugin = entry(&identity, &error);
  REQUIRE(plugin != nullptr);
  auto parsed = json::parse(berth::from_c(plugin->descriptor_json()));
  REQUIRE_MESSAGE(parsed.ok(), parsed.error.message);
  return parsed.value;
}

std::set<std::string> ids_of(const json::Value& list) {
  std::set<std::string> out;
  for (const auto& one : list.items()) out.emplace(one.text_of("id"));
  return out;
}

std::string facts(const std::string& organization) {
  return zoho_books::organization_of(json::parse(organization).value).json;
}

/// The plugin itself, through its C tables.
struct Loaded {
  explicit Loaded(FakeHost& fake, const json::Value& connection) {
    const auto identity = abi_test::host_identity();
    const berth_plugin* plugin = abi_test::entry_of("plugins", "zoho_books")(&identity, &error);
    REQUIRE(plugin != nullptr);
    const std::string config = json::dump(json::Value::object({{"integration", json::Value::object({{"id", "i"}})},
                                                               {"connection", connection},
                                                               {"mode", "pull_only"},
                                                               {"phases", phases_json()}}));
    connector = plugin->create(fake.c_host(), berth::to_c(config), &error);
    REQUIRE_MESSAGE(connector != nullptr, error.message);
  }
  ~Loaded() { connector->destroy(connector); }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  berth_error error{-1, {}, {}};
  berth_connector* connector = nullptr;
};

}  // namespace

TEST_CASE("the phase file is one that the engine accepts, whole") {
  const auto parsed = berth::phases::parse(phases_json());
  for (const auto& problem : parsed.problems) MESSAGE(problem.path << ": " << problem.message);
  CHECK(parsed.ok());
  CHECK(parsed.file.phases.size() == 5);
  CHECK_FALSE(parsed.file.find("items")->detail.has_value());
  CHECK_FALSE(parsed.file.find("items")->until.has_value());
  CHECK(parsed.file.find("credit_notes")->optional);
  CHECK(parsed.file.find("invoices")->overlap_ms == 5 * 24 * 3600 * 1000LL);
}

TEST_CASE("descriptor, phase file and manifest agree") {
  const json::Value described = descriptor();
  const auto parsed = berth::phases::parse(phases_json());
  std::set<std::string> phase_ids, costs, entities;
  for (const auto& phase : parsed.file.phases) {
    phase_ids.insert(phase.id);
    entities.insert(phase.entity);
    if (phase.detail) costs.insert(phase.detail->cost);
    for (const auto& part : phase.parts) costs.insert(part.cost);
    for (const auto& file : phase.attachments) costs.insert(file.cost);
  }
  CHECK(ids_of(*described.find("phases")) == phase_ids);
  CHECK(ids_of(*described.find("entities")) == entities);
  CHECK(ids_of(*described.find("cost_classes")) == costs);
  for (const auto& id : phase_ids) CHECK(described.at_path("oauth.scopes.phases")->find(id) != nullptr);
  const json::Value manifest = yaml("plugin.yaml");
  CHECK(manifest.text_of("id") == described.text_of("id"));
  CHECK(manifest.text_of("version") == described.text_of("version"));
  CHECK(parsed.file.plugin == described.text_of("id"));
}

TEST_CASE("B3: the data centres are nine, each with its own accounts and API host over https") {
  std::set<std::string> hosts;
  const json::Value described = descriptor();
  for (const auto& one : described.at_path("oauth.data_centers")->items()) {
    for (const char* key : {"accounts", "api"}) {
      const std::string_view url = one.text_of(key);
      CHECK(url.starts_with("https://"));
      CHECK(url.find('/', 8) == std::string_view::npos);
      CHECK(hosts.emplace(url).second);
    }
  }
  CHECK(hosts.size() == 18);
}

TEST_CASE("every scope asked for only reads") {
  const json::Value described = descriptor();
  const auto check = [](const json::Value& list) {
    for (const auto& scope : list.items()) CHECK(scope.text().ends_with(".READ"));
  };
  check(*described.at_path("oauth.scopes.base"));
  for (const auto& [phase, list] : described.at_path("oauth.scopes.phases")->members()) check(list);
}

TEST_CASE("mapping and cases are YAML, and the recorded invoice is JSON") {
  CHECK(yaml("mapping.yaml").find("entities")->size() == 6);
  CHECK(yaml("mapping.test.yaml").find("cases")->size() >= 20);
  const auto invoice = json::parse(abi_test::text_of(kFolder / "fixtures" / "invoice-detail.json"));
  REQUIRE_MESSAGE(invoice.ok(), invoice.error.message);
  CHECK(invoice.value.text_of("total") == "1558");
}

TEST_CASE("the first month of the fiscal year is read as number, text and name") {
  const auto month = [](const char* text) { return zoho_books::month_of(json::parse(text).value); };
  CHECK(month("4") == 4);
  CHECK(month("\"1\"") == 1);
  CHECK(month("\"april\"") == 4);
  CHECK(month("\"December\"") == 12);
  CHECK(month("\"jan\"") == 1);
  for (const char* text : {"0", "13", "\"\"", "\"13\"", "\"ma\"", "\"summer\"", "null", "4.0"}) {
    CAPTURE(text);
    CHECK_FALSE(month(text).has_value());
  }
}

TEST_CASE("an organisation is read in both shapes that Zoho sends") {
  CHECK(
      facts(
          R"({"organization_id":"927","name":"A","currency_code":"USD","time_zone":"America/New_York","fiscal_year_start_month":"1","is_default_org":true,"org_settings":{"is_org_active":true}})") ==
      R"({"currency":"USD","time_zone":"America/New_York","fiscal_year_start_month":1,"is_default":true,"is_active":true})");
  CHECK(
      facts(
          R"({"organization_id":10234695,"name":"A","currency_code":"","fiscal_year_start_month":"never","is_org_active":false})") ==
      R"({"is_active":false})");
  CHECK_THROWS_AS(facts(R"({"name":"A"})"), berth::Failure);
  CHECK_THROWS_AS(zoho_books::organizations_of("<html>"), berth::Failure);
  CHECK_THROWS_AS(zoho_books::organizations_of(R"({"code":0})"), berth::Failure);
}

TEST_CASE(
    "D1: check and organisations are one call without an organization_id, also before the connection is complete") {
  FakeHost host;
  host.serve = [](const berth::Request&) {
    return Answer::json(
        R"({"code":0,"organizations":[{"organization_id":"927000001","name":"Our Org","currency_code":"USD"},{"organization_id":"2","name":"Other"}]})");
  };
  Loaded zoho(host, json::Value::object());
  CHECK(zoho.connector->check(zoho.connector, &zoho.error) == BERTH_OK);
  REQUIRE(host.requests.size() == 1);
  CHECK(host.requests[0].path == "/organizations");
  CHECK(host.requests[0].query.empty());
  const auto* connect = static_cast<const berth_plugin_connect*>(
      zoho.connector->extension(zoho.connector, berth::to_c(BERTH_PLUGIN_CONNECT)));
  REQUIRE(connect != nullptr);
  std::string found;
  const auto sink = [](void* ctx, const berth_organization* one) {
    *static_cast<std::string*>(ctx) += std::string(berth::from_c(one->remote_id)) + ";";
  };
  CHECK(connect->organizations(zoho.connector, &found, sink, &zoho.error) == BERTH_OK);
  CHECK(found == "927000001;2;");
  host.serve = [](const berth::Request&) { return Answer::json(R"({"code":0,"organizations":[]})"); };
  CHECK(zoho.connector->check(zoho.connector, &zoho.error) == BERTH_INVALID_CONFIG);
  host.serve = [](const berth::Request&) { return Answer::refused("57", 401); };
  CHECK(zoho.connector->check(zoho.connector, &zoho.error) == BERTH_BAD_RESPONSE);
}

TEST_CASE("D5: a pull through the built library asks as Zoho documents it") {
  FakeHost host;
  host.now_ms = 1780000000000;
  host.serve = [](const berth::Request& request) {
    if (request.path == "/invoices") {
      return Answer::json(
          R"({"code":0,"invoices":[{"invoice_id":"1","status":"sent","last_modified_time":"2026-05-21T08:41:30-0400"},
        {"invoice_id":"2","status":"draft","last_modified_time":"2026-05-20T08:41:30-0400"}],"page_context":{"page":1,"has_more_page":false}})");
    }
    return Answer::json(
        R"({"code":0,"invoice":{"invoice_id":"1","status":"sent","last_modified_time":"2026-05-21T08:41:30-0400","total":598}})");
  };
  Loaded zoho(host, json::Value::object({{"organization_id", "927000001"}}));
  const auto outcome = host.run(
      [&](const berth::Run& one) {
        const berth_run c{berth::to_c(one.phase), berth::to_c(one.plan_json), berth::to_c(one.cursor_json),
                          one.deadline_unix_ms};
        if (const auto status = zoho.connector->run_phase(zoho.connector, &c, &zoho.error); status != BERTH_OK)
          throw berth::Failure(status, zoho.error);
      },
      "invoices", "changes");
  CHECK(outcome.message == "");
  REQUIRE(host.requests.size() == 2);
  const berth::Pairs expected = {{"organization_id", "927000001"},
                                 {"sort_column", "created_time"},
                                 {"sort_order", "D"},
                                 {"response_option", "1"},
                                 {"page", "1"},
                                 {"per_page", "200"}};
  CHECK(host.requests[0].query == expected);
  CHECK(host.requests[1].path == "/invoices/1");
  CHECK(host.requests[1].cost == "invoices.detail");
  CHECK(host.find("invoice", "2")->detail.empty());
  CHECK(host.find("invoice", "1")->detail.find("598") != std::string::npos);
}
