// B5: what a sync would cost in calls, said beforehand with no call, against what the sync then made.
#include "host/admin/estimate.hpp"
#include "host/runs/estimate.hpp"
#include "host/storage/detail_queue.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

json::Value view_of(World& world, const runs::RunRequest& request = {}) {
  json::Value view;
  const Status read = world.database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(admin::estimate_view(connection, world.registry->quota_keys(), world.integration(), world.unit().setup, request, world.clock.now()));
    return success();
  });
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
  return view;
}

std::int64_t at(const json::Value& view, const std::string& pointer) {
  const json::Value* value = view.at_pointer(pointer);
  REQUIRE_MESSAGE(value != nullptr, pointer);
  return value->integer().value_or(-1);
}

const std::vector<json::Value>& phases_of(const json::Value& view) { return view.find("phases")->items(); }

/// Lists and details were exactly as foretold, files within the bounds; rows of the report that no list brought (lines of
/// classifications) cost nothing.
void check_foretold(const json::Value& foretold, const runs::RunReport& report) {
  std::int64_t sum = 0;
  for (const json::Value& phase : phases_of(foretold)) {
    CAPTURE(phase.text_of("phase"));
    const runs::CallCounts& made = phase_of(report, phase.text_of("phase")).calls;
    CHECK(at(phase, "/at_least/list") == made.list);
    CHECK(at(phase, "/at_least/detail") == made.detail);
    CHECK(at(phase, "/at_least/file") <= made.file);
    CHECK(at(phase, "/at_most/file") >= made.file);
    CHECK(at(phase, "/at_most/total") >= made.total());
    sum += made.total();
  }
  std::int64_t all = 0;
  for (const runs::PhaseReport& phase : report.phases) all += phase.calls.total();
  CHECK(sum == all);
  CHECK(at(foretold, "/at_least") <= all);
  CHECK(at(foretold, "/at_most") >= all);
}

/// Where nothing waits, there is nothing between the bounds.
void check_exact(const json::Value& foretold, const runs::RunReport& report) {
  check_foretold(foretold, report);
  CHECK(at(foretold, "/at_least") == at(foretold, "/at_most"));
}

}  // namespace

TEST_CASE("B5: of a first sync nobody knows how many rows there are, and the estimate says so, with what each costs") {
  World world({.invoices = 30});
  world.connect();
  world.transport.forget_calls();
  const json::Value before = view_of(world);
  CHECK(world.transport.calls().empty());
  CHECK(before.find("is_first")->boolean());
  CHECK(before.find("if_all_changed")->is_null());
  CHECK(at(before, "/at_least") == 5);   // one page of each list
  CHECK(before.at_pointer("/phases/0/formula")->text() == "1 per 200 rows, 1 per document, 1 per document for its file");
  CHECK(before.at_pointer("/phases/3/formula")->text() == "1 per 200 rows");
  CHECK(before.at_pointer("/phases/4/formula")->text() == "1 per 200 rows, 1 per document and up to 2 more");
  CHECK(before.at_pointer("/phases/0/if_all_changed")->is_null());
  const runs::RunReport report = world.sync();
  for (const json::Value& phase : phases_of(before)) CHECK(at(phase, "/at_least/total") <= phase_of(report, phase.text_of("phase")).calls.total());
  // By the formula, with the numbers that are known now.
  const runs::PhaseReport& invoices = phase_of(report, "invoices");
  CHECK(invoices.calls.total() == (invoices.listed + 199) / 200 + invoices.fetched + invoices.files);
}

TEST_CASE("B5: where nothing changed, the sync makes exactly the calls that were foretold") {
  World world({.contacts = 230, .invoices = 60, .payments = 40});
  world.connect();
  // More rows than a page holds within the days that are read again.
  for (int i = 0; i < 210; ++i) world.make_invoice("10.00");
  world.later(std::chrono::minutes(1));
  world.sync();
  world.map_all();
  world.later(std::chrono::hours(2));
  world.transport.forget_calls();
  const json::Value foretold = view_of(world);
  CHECK(world.transport.calls().empty());
  CHECK(!foretold.find("is_first")->boolean());
  CHECK(at(foretold, "/phases/0/at_least/list") == 2);
  check_exact(foretold, world.sync());

  // What was fetched within a second or two of its change is fetched once more, and foretold.
  const std::string fresh = world.make_invoice("20.00");
  world.sync();
  world.later(std::chrono::hours(2));
  const json::Value once_more = view_of(world);
  CHECK(at(once_more, "/phases/0/at_least/detail") == 1);
  check_foretold(once_more, world.sync());
  world.later(std::chrono::hours(2));
  check_exact(view_of(world), world.sync());

  // And with one phase only.
  world.later(std::chrono::hours(2));
  const json::Value one = view_of(world, only("items"));
  CHECK(one.find("phases")->size() == 1);
  check_exact(one, world.sync(only("items")));
}

TEST_CASE("B5: a detail that waits, and a queue that a run left, are in the estimate, and the next run makes those calls") {
  World world({.invoices = 40, .payments = 20});
  world.connect();
  world.sync();
  world.map_all();
  world.later(std::chrono::hours(2));
  SUBCASE("one waiting detail") {
    const std::string invoice = world.records("invoice", "posted").front().remote_id;
    REQUIRE(world.database->write("test.write", [&](storage::Connection& connection) -> Status {
      BERTH_TRY(storage::detail_queue::put(connection, {.integration = std::string(kIntegration), .entity = "invoice", .remote_id = invoice, .forced = true, .cause = "forced"}));
      return success();
    }).ok());
    const json::Value foretold = view_of(world);
    CHECK(at(foretold, "/phases/0/queued") == 1);
    CHECK(at(foretold, "/phases/0/at_least/detail") == 1);
    check_foretold(foretold, world.sync());
  }
  SUBCASE("a queue") {
    // Twelve edited invoices, of which a run within its cap fetched the first few.
    const auto invoices = world.records("invoice", "posted");
    for (std::size_t i = 0; i < 12; ++i) world.control("POST", "invoices/" + invoices[i].remote_id, R"({"notes":"edited"})");
    world.later(std::chrono::minutes(1));   // what changes in the second of its fetch is fetched once more
    int details = 0;
    std::stop_source stop;
    world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      if (call.starts_with("GET /books/v3/invoices/") && ++details == 4) stop.request_stop();
      return std::nullopt;
    };
    world.sync({}, stop.get_token());
    world.transport.before = nullptr;
    world.later(std::chrono::hours(2));
    const json::Value foretold = view_of(world);
    CHECK(at(foretold, "/phases/0/queued") > 1);
    CHECK(at(foretold, "/phases/0/queued") < 12);
    check_foretold(foretold, world.sync());
  }
}

TEST_CASE("B5: an estimate of everything, and the bounds that the day and the budgets set") {
  World world({.contacts = 230, .invoices = 60, .payments = 20, .more = "    budgets: {run: 70}\n"});
  world.connect();
  for (int i = 0; i < 20; ++i) {
    world.sync();
    world.map_all();
    world.later(std::chrono::hours(2));
    if (world.number("SELECT COUNT(*) FROM detail_queue") == 0 && world.number("SELECT COUNT(*) FROM phase_cursor WHERE passes_complete = 0 AND mode = 'changes'") == 0) break;
  }
  const json::Value full = view_of(world, everything());
  CHECK(full.text_of("mode") == "full");
  CHECK(at(full, "/phases/2/at_least/list") == 2);   // 230 contacts
  CHECK(at(full, "/allowed") == 70);
  CHECK(full.text_of("allowed_by") == "the budget `run`");
  const runs::RunReport report = world.sync(everything());
  std::int64_t made = 0;
  for (const json::Value& phase : phases_of(full)) {
    CAPTURE(phase.text_of("phase"));
    const runs::CallCounts& calls = phase_of(report, phase.text_of("phase")).calls;
    CHECK(calls.list >= at(phase, "/at_least/list"));
    CHECK(calls.total() <= at(phase, "/if_all_changed/total"));
    made += calls.total();
  }
  CHECK(made >= at(full, "/at_least"));
  CHECK(made <= at(full, "/allowed"));

  const auto wrong = [&](const runs::RunRequest& request) {
    Status read = success();
    read = world.database->read([&](storage::Connection& connection) -> Status {
      BERTH_TRY(runs::estimate_sync(connection, world.unit().setup, request));
      return success();
    });
    REQUIRE(!read.ok());
    return read.error().reason;
  };
  CHECK(wrong(only("wages")) == "runs.phase_unknown");
  runs::RunRequest since;
  since.since = "May";
  CHECK(wrong(since) == "runs.since_invalid");
}

TEST_CASE("pages that overlap are as many as the table of decision 12 says") {
  CHECK(runs::overlapping_pages(0, 200) == 1);
  CHECK(runs::overlapping_pages(200, 200) == 1);
  CHECK(runs::overlapping_pages(398, 200) == 2);
  CHECK(runs::overlapping_pages(1000, 200) == 6);
  CHECK(runs::overlapping_pages(2000, 200) == 11);
  CHECK(runs::overlapping_pages(5000, 200) == 27);
  CHECK(runs::overlapping_pages(10000, 200) == 55);
  CHECK(runs::overlapping_pages(3, 1) == 3);
}
