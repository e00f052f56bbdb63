// Mapping rules over REST: explain, diff and apply.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>

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

/// What an export holds back before it writes.
constexpr std::size_t kPieceMax = 128u << 10u;
constexpr const char* kMapping = "/api/v1/integrations/zoho_acme/mapping/";

}  // namespace

TEST_CASE("B1: REST tells what rules of the request would change, then applies the file, with the same changes and no remote call") {
  Mapped rest;
  const std::string revision = rest.unit().setup.rules->revision();
  const auto before = rest.journal();
  const server::Response foretold = rest.ask("POST", std::string(kMapping) + "diff", rest.body(without_location()));
  CHECK(foretold.status == 202);
  const json::Value told = rest.result_of(foretold);
  CHECK(rest.journal() == before);
  CHECK(rest.unit().setup.rules->revision() == revision);
  REQUIRE(told.find("changes")->size() > 0);
  CHECK(told.find("is_whole")->boolean());
  CHECK(told.find("summary")->find("entries_posted")->integer().value() > 0);

  // The file is not changed yet: applying it does nothing.
  const json::Value same = rest.result_of(rest.ask("POST", std::string(kMapping) + "apply"));
  CHECK(same.find("changes")->size() == 0);
  rest.folder.write("mapping.yaml", without_location());
  const server::Response happened = rest.ask("POST", std::string(kMapping) + "apply", R"({"limit": 1000})");
  CHECK(json::dump(rest.result_of(happened)) == json::dump(told));
  CHECK(rest.journal() != before);
  // The host that serves goes on with the rules that were applied.
  CHECK(rest.unit().setup.rules->revision() == mapping::revision_of(without_location()));
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'mapping.apply' AND actor = 'Ada'") == 2);
  CHECK(rest.transport.calls().empty());
  rest.check_books();
}

TEST_CASE("B1: over REST a limit is kept and told, broken rules are 400 with their place and stay out of force, and a run under way is 409") {
  Mapped rest;
  const json::Value one = rest.result_of(rest.ask("POST", std::string(kMapping) + "diff", json::dump(json::Value::object({{"mapping", without_location()}, {"limit", 1}}))));
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
  REQUIRE(rest.database->write("test.write", [&](storage::Connection& connection) -> Status {
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

TEST_CASE("B1: a comparison over REST is a job: 202 with its id, then its progress and its result, one at a time, and it can be stopped") {
  Mapped rest;
  // Held where it begins to tell, by the first read of the scratch copy: the job is under way for as long as the test likes.
  std::mutex held;
  std::unique_lock hold(held);
  rest.database->before_copy = [&] { const std::scoped_lock waits(held); };
  const server::Response begun = rest.ask("POST", std::string(kMapping) + "diff", rest.body(without_location()));
  REQUIRE_MESSAGE(begun.status == 202, begun.body);
  const json::Value job = rest.json_of(begun);
  const std::string id(job.text_of("job"));
  CHECK(job.text_of("state") == "running");
  CHECK(job.text_of("kind") == "mapping_diff");
  CHECK(job.text_of("actor") == "Ada");
  CHECK(job.find("result")->is_null());
  CHECK(job.find("ended")->is_null());
  bool has_place = false;
  for (const auto& [name, value] : begun.headers) has_place = has_place || (name == "Location" && value == "/api/v1/jobs/" + id);
  CHECK(has_place);
  const server::Response second = rest.ask("POST", std::string(kMapping) + "diff", rest.body(without_location()));
  CHECK(second.status == 409);
  CHECK(rest.json_of(second).text_of("reason") == "admin.jobs_busy");
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/jobs", {}, true)).find("jobs")->size() == 1);
  CHECK(rest.ask("POST", "/api/v1/jobs/" + id + "/stop", {}, true).status == 403);
  SUBCASE("it ends with its result") {
    hold.unlock();
    rest.api.jobs().wait(id);
    const json::Value done = rest.json_of(rest.ask("GET", "/api/v1/jobs/" + id, {}, true));
    CHECK(done.text_of("state") == "done");
    CHECK(done.find("result")->find("changes")->size() > 0);
    CHECK(!done.find("ended")->is_null());
    const std::int64_t total = done.find("progress")->find("total")->integer().value();
    CHECK(total == rest.number("SELECT COUNT(*) FROM record WHERE state NOT IN ('archived', 'skipped')"));
    CHECK(done.find("progress")->find("done")->integer().value() >= total);
  }
  SUBCASE("it is stopped") {
    CHECK(rest.json_of(rest.ask("POST", "/api/v1/jobs/" + id + "/stop")).text_of("state") == "stopping");
    hold.unlock();
    rest.api.jobs().wait(id);
    const json::Value done = rest.json_of(rest.ask("GET", "/api/v1/jobs/" + id));
    CHECK(done.find("result")->find("summary")->find("stopped")->boolean());
  }
  rest.database->before_copy = {};
  CHECK(rest.result_of(rest.ask("POST", std::string(kMapping) + "diff", rest.body(without_location()))).find("is_whole")->boolean());
  CHECK(rest.ask("GET", "/api/v1/jobs/job_nobody").status == 404);
  CHECK(rest.ask("POST", "/api/v1/jobs/job_nobody/stop").status == 404);
}

TEST_CASE("a job that fails says why, and the last jobs are kept") {
  Mapped rest;
  rest.database->before_copy = [&] { rest.database->die_after(0); };
  const server::Response begun = rest.ask("POST", std::string(kMapping) + "diff", rest.body(without_location()));
  const std::string id(rest.json_of(begun).text_of("job"));
  rest.api.jobs().wait(id);
  rest.database->revive();
  rest.database->before_copy = {};
  const json::Value failed = rest.json_of(rest.ask("GET", "/api/v1/jobs/" + id));
  CHECK(failed.text_of("state") == "failed");
  CHECK(failed.find("result")->is_null());
  CHECK(!failed.find("error")->text_of("reason").empty());
  for (std::size_t i = 0; i < admin::kJobsKeptMax; ++i) rest.result_of(rest.ask("POST", std::string(kMapping) + "apply"));
  CHECK(rest.json_of(rest.ask("GET", "/api/v1/jobs")).find("jobs")->size() == admin::kJobsKeptMax);
  CHECK(rest.ask("GET", "/api/v1/jobs/" + id).status == 404);
}

TEST_CASE("B8: the journal is streamed, it is the one that the command line writes, and its reader may stop") {
  Mapped rest;
  for (const char* format : {"hledger", "csv", "jsonl"}) {
    CAPTURE(format);
    const server::Response response = rest.ask("GET", std::string("/api/v1/ledger/export?format=") + format, {}, true);
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    REQUIRE(response.stream);
    std::size_t pieces = 0, longest = 0;
    CHECK(response.stream([&](std::string_view piece) {
      ++pieces;
      longest = std::max(longest, piece.size());
      return true;
    }).ok());
    CHECK(pieces > 0);
    CHECK(longest <= kPieceMax);
    CHECK(!response.stream([](std::string_view) { return false; }).ok());
  }
  // Each holds a moment of the books for as long as its reader takes.
  auto first = std::make_unique<server::Response>(rest.ask("GET", "/api/v1/ledger/export?format=csv"));
  const server::Response second = rest.ask("GET", "/api/v1/ledger/export?format=csv");
  const server::Response third = rest.ask("GET", "/api/v1/ledger/export?format=csv");
  CHECK(third.status == 409);
  CHECK(rest.json_of(third).text_of("reason") == "ledger.export_busy");
  first.reset();
  CHECK(rest.ask("GET", "/api/v1/ledger/export?format=csv").status == 200);
}
