// `berth mapping explain`, `diff` and `apply` as a person uses them, beside a host that serves.
#include <doctest/doctest.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "e2e/support/world.hpp"

using namespace e2e;

namespace {

std::string plugin_rules() {
  std::ifstream in(BERTH_SOURCE_DIR "/plugins/zoho_books/mapping.yaml", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string without_location() {
  const std::string rule = "      location:     {ensure: {kind: classification_line, in: Location, name: {custom_field: Location}}}\n";
  std::string text = plugin_rules();
  REQUIRE(text.find(rule) != std::string::npos);
  return text.erase(text.find(rule), rule.size());
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("B1: beside a host that serves, diff foretells, apply does the same with no remote call, and the host goes on with the new rules") {
  const Simulator simulator({.contacts = 10, .items = 6, .invoices = 40, .payments = 20, .credit_notes = 4});
  const Workspace berth(simulator);
  berth.connect();
  berth.must({"sync", "zoho"});
  berth.map_all_accounts();
  const auto host = berth.serve();
  const std::string token(berth.json({"token", "create", "watcher", "--role", "admin"}).text_of("token"));
  const Headers authorized{{"Authorization", "Bearer " + token}};

  // The host syncs when it likes; meanwhile its calls would be counted.
  berth.must({"pause", "zoho"});
  REQUIRE(eventually([&] { return !berth.status().find("running")->boolean(); }));
  const std::string journal = berth.sorted_journal();
  berth.write("new.yaml", without_location());
  const Outcome nothing = berth.run({"mapping", "diff", "zoho"});
  CHECK(nothing.exit == 0);
  CHECK_MESSAGE(has(nothing.out, "0 records decided"), nothing.out);
  simulator.reset_counters();
  const Outcome foretold = berth.run({"--json", "mapping", "diff", "zoho", "--mapping", "new.yaml"});
  REQUIRE_MESSAGE(foretold.exit == 0, foretold.err);
  CHECK(berth.sorted_journal() == journal);
  const Outcome shown = berth.run({"mapping", "diff", "zoho", "--mapping", "new.yaml", "--limit", "1"});
  CHECK_MESSAGE(has(shown.out, "--limit 0 shows all"), shown.out);
  CHECK_MESSAGE(has(shown.out, "    reverses "), shown.out);
  // Whose entry it is, by name and id.
  CHECK_MESSAGE(has(shown.out, " (cus_"), shown.out);
  CHECK_MESSAGE(has(shown.out, "nothing was written, and no remote call was made"), shown.out);

  berth.write("mapping.yaml", without_location());
  const Outcome happened = berth.run({"--json", "mapping", "apply", "zoho"});
  REQUIRE_MESSAGE(happened.exit == 0, happened.err);
  CHECK(happened.out == foretold.out);
  const auto told = berth::json::parse(happened.out);
  REQUIRE(told.ok());
  CHECK(told.value.find("changes")->size() > 0);
  for (const char* kind : {"list", "detail", "file", "token", "other"}) CHECK(simulator.calls(kind) == 0);
  CHECK(berth.sorted_journal() != journal);
  CHECK(berth.run({"ledger", "check"}).exit == 0);

  berth.must({"resume", "zoho"});
  // The host's next run decides by the new rules.
  const std::string revision(told.value.find("summary")->text_of("rules"));
  const std::string invoice(simulator.post("invoices", R"({"line_items":[{"name":"Work","rate":12,"quantity":1}],"cf_location":"Boston"})").text_of("id"));
  REQUIRE(http("POST", berth.origin() + "/api/v1/integrations/zoho/sync", "{}", authorized).status == 202);
  REQUIRE(eventually([&] {
    const Value records = get(berth.origin() + "/api/v1/integrations/zoho/records?entity=invoice&limit=1000", authorized).json();
    for (const Value& record : records.find("records")->items()) {
      if (record.text_of("ref") == "invoice/" + invoice && record.text_of("state") == "posted") return record.text_of("rules_revision") == revision;
    }
    return false;
  }));
  const Outcome explained = berth.run({"mapping", "explain", "zoho", "invoice/" + invoice});
  CHECK(explained.exit == 0);
  CHECK_MESSAGE(has(explained.out, "rules " + revision + ", would be: posted)"), explained.out);
  CHECK_MESSAGE(has(explained.out, "[mapping.yaml:"), explained.out);
  host->signal(SIGTERM);
  CHECK(host->wait(std::chrono::seconds(20)).exit == 0);
}

TEST_CASE("the coverage of the connector's cases is whole, and a case that is taken away is missed at its rule") {
  const Simulator simulator({.contacts = 1, .items = 1, .invoices = 1, .payments = 0, .credit_notes = 0});
  const Workspace berth(simulator);
  std::filesystem::create_directories(berth.folder() / "rules/fixtures");
  const std::filesystem::path plugin = BERTH_SOURCE_DIR "/plugins/zoho_books";
  for (const char* name : {"mapping.yaml", "mapping.test.yaml", "fixtures/invoice-detail.json"}) std::filesystem::copy_file(plugin / name, berth.folder() / "rules" / name);
  const Outcome whole = berth.run({"mapping", "test", "rules", "--coverage"});
  CHECK_MESSAGE(whole.exit == 0, whole.out);
  CHECK_MESSAGE(has(whole.out, " ways through the rules are covered"), whole.out);

  std::string fewer = berth.read("rules/mapping.test.yaml");
  const std::string lost = "{list: {invoice_id: I10, status: rejected}}";
  REQUIRE(has(fewer, lost));
  fewer.replace(fewer.find(lost), lost.size(), "{list: {invoice_id: I10, status: approved}}");
  berth.write("rules/mapping.test.yaml", fewer);
  const Outcome missed = berth.run({"mapping", "test", "rules", "--coverage"});
  CHECK(missed.exit == 1);
  CHECK_MESSAGE(has(missed.out, "warning[mapping.not_covered] no case has the status \"rejected\""), missed.out);
  CHECK_MESSAGE(has(missed.out, "rules/mapping.yaml:45:"), missed.out);
  CHECK(berth.run({"mapping", "test", "rules"}).exit == 0);
}
