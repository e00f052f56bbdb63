#include <doctest/doctest.h>

#include "remote.hpp"

using namespace pull_test;

namespace {
berth::json::Value plan_of(std::string_view text) { return json::parse(text).value; }
}  // namespace

TEST_CASE("a sweep emits nothing, fetches nothing and sees every id") {
  Fixture f(config_of(kSortedProbe, R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c"})",
                      "2026-05-01T00:05:00Z"));
  f.remote.fill(12);
  CHECK(f.run("sweep").status == BERTH_OK);
  CHECK(f.host.records.empty());
  CHECK(f.host.seen.size() == 12);  // also those before the floor
  CHECK(f.host.queued() == 0);
  CHECK(f.host.passes_completed == 1);
  CHECK(f.lists() == 3);   // side by side: what it does not see is asked for by itself
}

TEST_CASE("a sweep that is cut goes on where it was, and counts all ids of the pass as seen") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  f.host.stop_after_requests = 2;
  CHECK(f.run("sweep").status == BERTH_CANCELLED);
  f.host.stop_after_requests = -1;
  f.host.forget_calls();
  CHECK(f.run("sweep").status == BERTH_OK);
  CHECK(f.lists() == 1);
  CHECK(f.host.seen.size() == 12);
  CHECK(f.cursor("changes").is_null());  // a cursor of its own
}

TEST_CASE("a full pass reads every row again and misses those that are gone") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  REQUIRE(f.run().status == BERTH_OK);
  f.remote.docs.erase(f.remote.docs.begin() + 3);
  f.host.forget_calls();
  CHECK(f.run("full").status == BERTH_OK);
  CHECK(f.lists() == 4);
  CHECK(f.details() == 0);
  CHECK(f.host.seen.size() == 11);
  CHECK_FALSE(f.host.seen.contains("T103"));
  CHECK(f.host.records.size() == 12);  // nothing is deleted on absence alone
}

TEST_CASE("ids fetches exactly these, known or not") {
  Fixture f(config_of(""));
  f.remote.fill(5);
  REQUIRE(f.run().status == BERTH_OK);
  f.host.forget_calls();
  CHECK(f.run("ids", plan_of(R"({"ids":["T101","T104","T900"]})")).status == BERTH_OK);
  CHECK(f.host.requests.size() == 3);
  CHECK(f.host.find("thing", "T900")->deleted);
}

TEST_CASE("a window sends its first and last day and no filter by change") {
  Fixture f(config_of(
      kFiltered,
      R"("window":{"from":"date_start","to":"date_end"},"detail":{"path":"/things/{id}","row":["thing"],"cost":"c"})",
      "2026-05-20T00:00:00Z"));
  f.remote.fill(2);
  CHECK(f.run("window", plan_of(R"({"from":"2026-01-01T00:00:00-05:00","to":"2026-02-01T00:00:00-05:00"})")).status ==
        BERTH_OK);
  CHECK(Remote::query(f.host.requests[0], "date_start") == "2026-01-01");
  CHECK(Remote::query(f.host.requests[0], "date_end") == "2026-01-31");
  CHECK(Remote::query(f.host.requests[0], "changed").empty());
  CHECK(f.with_detail() == 2);
  CHECK(f.host.passes_completed == 1);
}

TEST_CASE("P2: a window in which rows of other days are shown ends at once, keeps none of them and says why, a row at its edge is none") {
  const std::string more = R"("window":{"from":"date_start","to":"date_end"},"priority":{"date":"changed"},"detail":"never")";
  Fixture f(config_of("", more));
  f.remote.fill(12);   // of the first of May
  CHECK(f.run("window", plan_of(R"({"from":"2026-05-02T00:00:00Z","to":"2026-05-10T00:00:00Z"})")).status == BERTH_OK);   // where a day begins is the remote's affair
  CHECK(f.host.records.size() == 12);
  Fixture other(config_of("", more));
  other.remote.fill(12);
  const auto outcome = other.run("window", plan_of(R"({"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"})"));
  CHECK(outcome.reason == "berth.window_ignored");
  CHECK(other.lists() == 1);
  CHECK(other.host.records.empty());
  CHECK(other.host.seen.empty());
  CHECK(other.host.passes_completed == 0);
  CHECK(other.run("window").status == BERTH_OK);   // the host asks for the whole list then
  CHECK(other.host.records.size() == 12);
}

TEST_CASE("P2: a window without days is the whole list, whatever the floor, and moves no watermark") {
  Fixture f(config_of(kFiltered, R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c"})", "2026-05-20T00:00:00Z"));
  f.remote.fill(12);
  CHECK(f.run("window").status == BERTH_OK);
  CHECK(f.host.records.size() == 12);
  CHECK(f.with_detail() == 12);
  CHECK(Remote::query(f.host.requests[0], "changed").empty());
  CHECK(Remote::query(f.host.requests[0], "date_start").empty());
  CHECK(f.cursor("window").find("watermark") == nullptr);
  CHECK(f.host.passes_completed == 1);
}

TEST_CASE("P2: half a window is refused") {
  Fixture f(config_of("", R"("window":{"from":"date_start","to":"date_end"},"detail":"never")"));
  for (const char* plan : {R"({"from":"2026-01-01"})", R"({"to":"2026-01-01"})", R"({"from":"2026-02-01","to":"2026-01-01"})"}) {
    CHECK(f.run("window", plan_of(plan)).reason == "sdk.plan_invalid");
  }
  CHECK(f.host.requests.empty());
}

TEST_CASE("P2: a window without a row to take asks for one page, from which the host learns how many there are") {
  Fixture f(config_of(""));
  f.remote.fill(12);
  f.remote.says_total = true;
  CHECK(f.run("window", plan_of(R"({"limit":0})")).status == BERTH_OK);
  CHECK(f.lists() == 1);
  CHECK(f.host.records.empty());
  CHECK(f.host.passes_completed == 0);
}

TEST_CASE("A6: details come open documents first, then the newest, and those of the history after all of them") {
  const std::string priority = R"("priority":{"date":"changed","first":{"field":"status","in":["open"]}},"detail":{"path":"/things/{id}","row":["thing"],"cost":"c"})";
  Fixture f(config_of("", priority));
  // From May on backwards: one a quarter, the oldest of them open.
  for (int i = 0; i < 4; ++i) f.remote.docs.push_back({"T" + std::to_string(100 + i), kMay1 - i * 91 * kDay, i == 3 ? "open" : "paid", "a", "10.00"});
  std::swap(f.remote.docs[0], f.remote.docs[2]);   // the list has another order
  CHECK(f.run().status == BERTH_OK);
  std::vector<std::string> order;
  for (const Request& request : f.host.requests) {
    if (request.path != "/things") order.push_back(request.path);
  }
  CHECK(order == std::vector<std::string>{"/things/T103", "/things/T100", "/things/T101", "/things/T102"});

  // An open document of the history, from before the floor, waits for what changed.
  Fixture both(config_of("", priority, berth::times::format_utc(kMay1 - 450 * kDay)));
  both.remote.docs = {{"T100", kMay1 - 500 * kDay, "open", "a", "10.00"}};
  both.host.serve = [&](const Request& request) {
    return request.path == "/things" ? both.remote.serve(request) : Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.quota");
  };
  CHECK(both.run("window").status == BERTH_QUOTA_EXHAUSTED);   // listed, not fetched
  both.remote.docs.push_back({"T200", kMay1 - 400 * kDay, "paid", "a", "10.00"});
  both.host.serve = [&](const Request& request) { return both.remote.serve(request); };
  both.host.forget_calls();
  CHECK(both.run().status == BERTH_OK);
  REQUIRE(both.host.requests.size() == 3);
  CHECK(both.host.requests[1].path == "/things/T200");
  CHECK(both.host.requests[2].path == "/things/T100");
}

TEST_CASE("a limit bounds the rows, a list that is cut is never complete") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  CHECK(f.run("changes", plan_of(R"({"limit":7})")).status == BERTH_OK);
  CHECK(f.host.records.size() == 7);
  CHECK(f.with_detail() == 7);
  CHECK(f.lists() == 2);
  CHECK(f.host.passes_completed == 0);
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == 12);
}

// ---- limits of the boundary

TEST_CASE("there is a checkpoint within every 1,000 records and 8 MiB") {
  Fixture f(config_of("", R"("detail":"never")"));
  f.remote.page_size = 2500;
  f.remote.fill(2500);
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == 2500);

  Fixture large(config_of(""));
  large.remote.fill(5);
  for (auto& doc : large.remote.docs) doc.name = std::string(std::size_t{3} << 20u, 'x');
  CHECK(large.run().status == BERTH_OK);
  CHECK(large.with_detail() == 5);
}

TEST_CASE("answers larger than what is held at once are worked on in rounds") {
  Fixture f(config_of(""));
  f.remote.fill(9);
  for (const auto& doc : f.remote.docs) {
    f.remote.special["/things/" + doc.id] = Answer::json(R"({"thing":{"thing_id":")" + doc.id + R"(","name":")" +
                                                         std::string(std::size_t{5} << 20u, 'x') + "\"}}");
  }
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 9);
  CHECK(f.details() == 9);
}

TEST_CASE("a record that is too large for the boundary is skipped") {
  Fixture f(config_of(""));
  f.remote.fill(2);
  f.remote.special["/things/T100"] =
      Answer::json(R"({"thing":{"thing_id":"T100","name":")" + std::string(std::size_t{9} << 20u, 'x') + "\"}}");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.logged("shop.record.too_large") == 1);
  CHECK(f.with_detail() == 1);
}

TEST_CASE("without a connection there is a reason, not an empty parameter") {
  berth::PullConfig config = config_of("");
  config.values.erase("connection.organization_id");
  Fixture f(config);
  const auto outcome = f.run();
  CHECK(outcome.status == BERTH_INVALID_CONFIG);
  CHECK(outcome.reason == "sdk.placeholder_empty");
  CHECK(outcome.message.find("connection.organization_id") != std::string::npos);
}

TEST_CASE("hooks read the id of a row and decide about its detail") {
  Fixture f(config_of(""));
  f.remote.fill(3);
  berth::PullHooks hooks;
  hooks.row_id = [](const berth::phases::Phase&, const json::Value& row) {
    return std::string(row.text_of("thing_id"));
  };
  hooks.needs_detail = [](const berth::phases::Phase&, const json::Value& row) {
    return row.text_of("thing_id") == "T101";
  };
  const auto outcome =
      f.host.run([&](const berth::Run& run) { berth::pull(f.host.host(), f.config, run, hooks); }, "things", "changes");
  CHECK(outcome.status == BERTH_OK);
  CHECK(f.details() == 1);
}
