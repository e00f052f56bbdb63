#include <doctest/doctest.h>

#include "remote.hpp"

using namespace pull_test;

namespace {
berth::json::Value plan_of(std::string_view text) {
  return json::parse(text).value;
}
}  // namespace

// ---- the bad news first

TEST_CASE("an unknown phase, plan mode or cursor is refused, not ignored") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(3);
  const auto other =
      f.host.run([&](const berth::Run& run) { berth::pull(f.host.host(), f.config, run); }, "ghosts", "changes");
  CHECK(other.status == BERTH_UNSUPPORTED);
  CHECK(other.reason == "sdk.phase_unknown");
  CHECK(f.run("everything").reason == "sdk.plan_mode_unknown");
  for (const char* cursor : {"{}", "[]", "x", R"({"v":2})", R"({"v":1,"token":"x"})", R"({"v":1,"pass":{"page":0}})",
                             R"({"v":1,"watermark":"yesterday"})"}) {
    CAPTURE(cursor);
    f.host.cursors[{"things", "changes"}] = cursor;
    const auto outcome = f.run();
    CHECK(outcome.status == BERTH_UNSUPPORTED);
    CHECK(outcome.reason == "sdk.cursor_unknown");
  }
  CHECK(f.host.requests.empty());
}

TEST_CASE("a mode that the phase does not offer is unsupported") {
  Fixture f(config_of("", R"("detail":"never")"));
  CHECK(f.run("ids", plan_of(R"({"ids":["T1"]})")).reason == "sdk.plan_mode_unsupported");
  CHECK(f.run("window", plan_of(R"({"from":"2026-01-01","to":"2026-02-01"})")).reason == "sdk.plan_mode_unsupported");
}

TEST_CASE("a list that cannot be read ends the phase and keeps the cursor") {
  Fixture f(config_of(""));
  f.remote.fill(3);
  REQUIRE(f.run().status == BERTH_OK);
  const std::string before = f.host.cursors[{"things", "changes"}];
  const auto fails = [&](Answer answer, std::string_view reason) {
    f.remote.special["/things"] = std::move(answer);
    const auto outcome = f.run();
    CHECK(outcome.status == BERTH_BAD_RESPONSE);
    CHECK(outcome.reason == reason);
    CHECK(f.cursor().find("watermark")->text() == json::parse(before).value.text_of("watermark"));
  };
  fails(Answer::json("<html>"), "shop.list.not_json");
  fails(Answer::json(R"({"code":0})"), "shop.list.shape");
  fails(Answer::json(R"({"things":{"a":1}})"), "shop.list.shape");
  fails(Answer::refused("2"), "shop.list.refused");
  fails(Answer::json("{}", 403), "shop.list.refused");
  fails(Answer::json(R"({"things":[],"page_context":{"has_more_page":true}})"), "shop.list.endless");
  f.remote.special["/things"] = Answer::failure(BERTH_UNAUTHENTICATED, "shop.auth.rejected");
  CHECK(f.run().reason == "shop.auth.rejected");
}

TEST_CASE("a record that is refused, unreadable or another's is skipped, the others go on") {
  Fixture f(config_of(""));
  f.remote.fill(7);
  f.remote.special["/things/T100"] = Answer::refused("1005");
  f.remote.special["/things/T101"] = Answer::json("not json");
  f.remote.special["/things/T102"] = Answer::json(R"({"code":0})");
  f.remote.special["/things/T103"] = Answer::json(R"({"code":0,"thing":{"thing_id":"T999"}})");
  f.remote.special["/things/T104"] = Answer::failure(BERTH_UNAVAILABLE, "http.timeout");
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.with_detail() == 2);
  CHECK(f.host.logged("shop.detail.refused") == 1);
  CHECK(f.host.logged("shop.detail.unreadable") == 3);
  CHECK(f.host.logged("shop.detail.unavailable") == 1);
  CHECK(f.host.queued() == 5);
}

TEST_CASE("a remote that is down for every record ends the phase, what was answered is kept") {
  Fixture f(config_of(""));
  f.remote.fill(20);
  for (int i = 103; i < 120; ++i)
    f.remote.special["/things/T" + std::to_string(i)] = Answer::failure(BERTH_UNAVAILABLE, "http.refused", 30000);
  const auto outcome = f.run();
  CHECK(outcome.status == BERTH_UNAVAILABLE);
  CHECK(outcome.reason == "http.refused");
  CHECK(outcome.retry_after_ms == 30000);
  CHECK(f.with_detail() == 3);
  CHECK(f.details() == 8);
}

TEST_CASE("an id that cannot stand in a path is never sent") {
  Fixture f(config_of(""));
  f.remote.docs.push_back({"../organizations", kMay1, "open", "a", "1"});
  f.remote.docs.push_back({"..", kMay1, "open", "a", "1"});
  f.remote.docs.push_back({"T1?x=1", kMay1, "open", "a", "1"});
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.details() == 0);
  CHECK(f.host.logged("shop.detail.id") == 3);
}

TEST_CASE("quota in the middle of a batch: paid answers are kept and the status is passed on") {
  Fixture f(config_of(""));
  f.remote.fill(12);
  f.remote.special["/things/T107"] = Answer::failure(BERTH_QUOTA_EXHAUSTED, "berth.quota", 3600000);
  const auto outcome = f.run();
  CHECK(outcome.status == BERTH_QUOTA_EXHAUSTED);
  CHECK(outcome.reason == "berth.quota");
  CHECK(outcome.retry_after_ms == 3600000);
  CHECK(f.with_detail() == 7);
  CHECK(f.host.queued() == 5);
  CHECK(f.cursor().find("watermark") != nullptr);  // the list had been read to its end

  f.remote.special.clear();
  f.host.forget_calls();
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.details() == 5);  // only what was missing
  CHECK(f.with_detail() == 12);
}

TEST_CASE("replies in any order belong to their records") {
  Fixture f(config_of(""));
  f.host.reverse_replies = true;
  f.remote.fill(9);
  CHECK(f.run().status == BERTH_OK);
  for (const auto& [key, stored] : f.host.records)
    CHECK(json::parse(stored.detail).value.text_of("thing_id") == key.second);
}

TEST_CASE("a record that is gone is emitted as deleted") {
  Fixture f(config_of(""));
  f.remote.fill(3);
  f.remote.special["/things/T101"] = Answer::gone();
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.find("thing", "T101")->deleted);
  CHECK_FALSE(f.host.find("thing", "T100")->deleted);
  CHECK(f.host.queued() == 0);
}

// ---- the everyday

TEST_CASE("a first pass takes every row and every detail, numbers as they came") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.lists() == 4);  // five a page, and pages that overlap by one row
  CHECK(f.details() == 12);
  CHECK(f.host.passes_completed == 1);
  const auto* stored = f.host.find("thing", "T100");
  REQUIRE(stored != nullptr);
  CHECK(stored->detail.find("12.10") != std::string::npos);
  CHECK(json::parse(stored->row).value.text_of("balance") == "10.00");
  CHECK(Remote::query(f.host.requests[0], "organization_id") == "927000001");
  CHECK(Remote::query(f.host.requests[0], "per_page") == "5");
  CHECK(f.host.requests.back().cost == "things.detail");
}

TEST_CASE("a second pass over unchanged data is one list call") {
  for (const std::string& list : {kSortedProbe, kSortedQuery, kFiltered}) {
    CAPTURE(list);
    Fixture f(config_of(list));
    f.remote.fill(2);
    f.remote.fill(12, kMay1 + kDay);
    f.remote.fill(3, kMay1 + 2 * kDay);
    REQUIRE(f.run().status == BERTH_OK);
    f.host.forget_calls();
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.lists() == 1);
    CHECK(f.details() == 0);
    CHECK(f.host.passes_completed == 1);
    CHECK(f.host.logs.empty());
  }
}

TEST_CASE("an edited row costs the list page and one detail") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  f.remote.fill(3, kMay1 + kDay);
  REQUIRE(f.run().status == BERTH_OK);
  f.host.forget_calls();
  f.host.now_ms += kDay;
  f.remote.doc("T103").changed_ms = f.host.now_ms - kMinute;
  f.remote.doc("T103").name = "b";
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.lists() == 1);
  CHECK(f.details() == 1);
  CHECK(f.host.find("thing", "T103")->detail.find("\"b\"") != std::string::npos);
}

TEST_CASE("the watermark moves at the end of a pass only, and never past its start") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  f.host.cut_at_checkpoint = 3;
  CHECK(f.run().reason == "fake_host.cut");
  CHECK(f.cursor().find("watermark") == nullptr);
  CHECK(f.cursor().at_path("pass.page")->text() != "1");
  CHECK(f.host.passes_completed == 0);
  f.host.cut_at_checkpoint = 0;
  CHECK(f.run().status == BERTH_OK);
  CHECK(berth::times::parse(f.cursor().text_of("watermark"))->unix_ms == kMay1 + 11 * kMinute);

  f.remote.doc("T100").changed_ms = f.host.now_ms + kDay;  // the remote's clock runs ahead
  const std::int64_t started = f.host.now_ms;
  CHECK(f.run().status == BERTH_OK);
  CHECK(berth::times::parse(f.cursor().text_of("watermark"))->unix_ms == started);
}

TEST_CASE("a run cut at any checkpoint and resumed stores what an uncut one stores") {
  Fixture whole(config_of(kSortedProbe));
  whole.remote.fill(23);
  REQUIRE(whole.run().status == BERTH_OK);
  const int checkpoints = whole.host.checkpoints;
  REQUIRE(checkpoints > 6);
  for (int cut = 1; cut <= checkpoints; ++cut) {
    CAPTURE(cut);
    Fixture f(config_of(kSortedProbe));
    f.remote.fill(23);
    f.host.cut_at_checkpoint = cut;
    CHECK(f.run().status == BERTH_INTERNAL);
    f.host.cut_at_checkpoint = 0;
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.host.records == whole.host.records);
    CHECK(f.host.queued() == 0);
  }
}

TEST_CASE("a run stopped after any number of requests keeps every answer it paid for") {
  for (int stop = 0; stop < 16; ++stop) {
    CAPTURE(stop);
    Fixture f(config_of(kSortedProbe));
    f.remote.fill(12);
    f.host.stop_after_requests = stop;
    CHECK(f.run().status == BERTH_CANCELLED);
    CHECK(f.host.requests.size() == static_cast<std::size_t>(stop));
    CHECK(f.with_detail() == f.details());
    f.host.stop_after_requests = -1;
    f.host.now_ms += kMinute;
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.with_detail() == 12);
    CHECK(f.details() == 12);  // over both runs: nothing was fetched twice
  }
}

TEST_CASE("the next slice of a run that was working off its queue does not read the list again") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  f.host.stop_after_requests = 8;
  CHECK(f.run().status == BERTH_CANCELLED);
  f.host.stop_after_requests = -1;
  f.host.forget_calls();
  SUBCASE("however long its calls took") {
    f.host.now_ms += 60 * kMinute;
    CHECK(f.run("changes", plan_of(R"({"goes_on":true})")).status == BERTH_OK);
    CHECK(f.lists() == 0);
    CHECK(f.cursor().find("draining") == nullptr);
  }
  SUBCASE("another run does, however soon it comes after one that was stopped") {
    f.remote.fill(1, f.host.now_ms);
    CHECK(f.run().status == BERTH_OK);
    CHECK(f.lists() == 5);   // three pages, and two calls more because there is something new
    CHECK(f.with_detail() == 13);
  }
}

TEST_CASE("the end of the slice stops the phase with a checkpoint") {
  Fixture f(config_of(kSortedProbe));
  f.remote.fill(12);
  f.host.ms_per_request = 1000;
  const auto outcome = f.run("changes", json::Value::object(), f.host.now_ms + 2000);
  CHECK(outcome.status == BERTH_CANCELLED);
  CHECK(outcome.reason == "sdk.deadline");
  CHECK(f.lists() == 2);
  CHECK(f.cursor().at_path("pass.page")->text() == "3");
}

// ---- order, filter, floor

TEST_CASE("rows before the floor are neither taken nor paged for") {
  Fixture f(config_of(kSortedProbe, R"("detail":{"path":"/things/{id}","row":["thing"],"cost":"c"})",
                      "2026-05-02T00:00:00+02:00"));
  f.remote.fill(10);
  f.remote.fill(4, kMay1 + kDay);
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == 4);
  CHECK(f.lists() == 1);
}

TEST_CASE("without a watermark and a floor there is no filter, with one it is sent with an offset") {
  Fixture f(config_of(kFiltered));
  f.remote.fill(3);
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(Remote::query(f.host.requests[0], "changed").empty());
  f.host.forget_calls();
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(Remote::query(f.host.requests[0], "changed") ==
        "2026-04-30T23:52:00+0000");  // the latest change less ten minutes
}

TEST_CASE("the plan's floor goes before the configured one") {
  Fixture f(config_of(kFiltered, R"("detail":"never")", "2026-01-01T00:00:00Z"));
  REQUIRE(f.run("changes", plan_of(R"({"floor":"2026-03-01T00:00:00-0500"})")).status == BERTH_OK);
  CHECK(Remote::query(f.host.requests[0], "changed") == "2026-03-01T05:00:00+0000");
}

TEST_CASE("a remote that does not obey is read whole, said so once, and tried again after seven days") {
  for (const auto obeys : {Obeys::kNothing, Obeys::kRefuses, Obeys::kEchoOnly}) {
    for (const std::string& list : {kSortedProbe, kSortedQuery}) {
      CAPTURE(static_cast<int>(obeys));
      CAPTURE(list);
      Fixture f(config_of(list));
      f.remote.fill(12);
      f.remote.obeys = obeys;
      f.host.now_ms = kMay1 + 12 * kMinute;
      if (obeys == Obeys::kRefuses && list == kSortedQuery) {
        CHECK(f.run().reason == "shop.list.refused");  // on a first pass nothing may be left out of a documented query
        continue;
      }
      REQUIRE(f.run().status == BERTH_OK);
      CHECK(f.host.logs.empty());  // a first pass reads everything anyway
      f.host.forget_calls();
      REQUIRE(f.run().status == BERTH_OK);
      CHECK(f.host.logged("shop.list.disobeyed") == 1);
      CHECK(f.lists() == 4);  // one that shows it, then all three pages
      f.host.forget_calls();
      f.host.now_ms += kDay;
      REQUIRE(f.run().status == BERTH_OK);
      CHECK(f.host.logs.empty());
      CHECK(f.lists() == 3);
      CHECK(Remote::query(f.host.requests[0], "sort_column").empty());
      f.host.forget_calls();
      f.host.now_ms += 7 * kDay;
      f.remote.obeys = Obeys::kAll;
      REQUIRE(f.run().status == BERTH_OK);
      CHECK(f.host.logs.empty());
      CHECK(Remote::query(f.host.requests[0], "sort_column") == "changed");
    }
  }
}

TEST_CASE("a filter that is ignored is noticed by the rows") {
  Fixture f(config_of(kFiltered));
  f.remote.fill(3);
  f.remote.fill(9, kMay1 + kDay);
  f.remote.obeys = Obeys::kNothing;
  REQUIRE(f.run().status == BERTH_OK);
  f.remote.doc("T100").name = "changed unseen";
  f.host.forget_calls();
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.logged("shop.list.disobeyed") == 1);
  CHECK(f.lists() == 4);
}

TEST_CASE("page_context may be an object, a list of one object, or absent") {
  for (const auto context : {Context::kObject, Context::kArray}) {
    Fixture f(config_of(kSortedProbe));
    f.remote.fill(12);
    f.remote.context = context;
    REQUIRE(f.run().status == BERTH_OK);
    CHECK(f.lists() == 4);
    f.host.forget_calls();
    REQUIRE(f.run().status == BERTH_OK);
    CHECK(f.host.logs.empty());
  }
  Fixture f(config_of(""));
  f.remote.fill(4);
  f.remote.context = Context::kAbsent;
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.lists() == 1);
  CHECK(f.host.passes_completed == 1);
}

TEST_CASE("without page_context a full page is not taken for the last one") {
  for (const std::size_t count : {std::size_t{10}, std::size_t{12}}) {
    Fixture f(config_of(""));
    f.remote.fill(count);
    f.remote.context = Context::kAbsent;
    REQUIRE(f.run().status == BERTH_OK);
    CHECK(f.lists() == (count == 10 ? 4 : 5));
    CHECK(f.host.records.size() == count);
    CHECK(f.host.passes_completed == 1);
    CHECK(f.host.logged("shop.list.no_page_context") == 1);
  }
}

TEST_CASE("a remote that sends the same page again and again is stopped, and the list is whole when it turns pages again") {
  Fixture f(config_of(""));
  f.remote.fill(12);
  f.remote.is_stuck = true;
  const auto outcome = f.run();
  CHECK(outcome.status == BERTH_BAD_RESPONSE);
  CHECK(outcome.reason == "shop.list.repeated");
  CHECK(f.lists() == 4);
  CHECK(f.host.passes_completed == 0);
  CHECK(f.host.records.size() == 5);
  f.remote.is_stuck = false;
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.passes_completed == 1);
  CHECK(f.host.records.size() == 12);
}

TEST_CASE("rows added between two pages come twice and are taken once") {
  Fixture f(config_of(kSortedQuery));
  f.remote.fill(12);
  f.remote.before_page[2] = [&] { f.remote.fill(3, kMay1 + kDay); };
  REQUIRE(f.run().status == BERTH_OK);
  for (const Doc& doc : f.remote.docs) {
    if (doc.changed_ms < kMay1 + kDay) CHECK(f.host.records.contains({"thing", doc.id}));
  }
}

TEST_CASE("a row that a removal pulled onto a page already read is not lost") {
  for (const bool says_total : {true, false}) {
    Fixture f(config_of(kSortedQuery));
    f.remote.fill(12);
    f.remote.says_total = says_total;
    // Newest first, five a page: the second newest is gone before page 2 is asked for, and what was first there moves up.
    f.remote.before_page[2] = [&] { f.remote.docs.erase(f.remote.docs.end() - 2); };
    REQUIRE(f.run().status == BERTH_OK);
    const std::string moved = "T106";
    CHECK(f.host.records.contains({"thing", moved}));
    CHECK(f.host.logged("shop.list.shifted") == 1);
    CHECK(f.host.passes_completed == 1);
  }
}

TEST_CASE("a list that loses a row before every second page is still read to its end") {
  Fixture f(config_of(kSortedQuery));
  f.remote.fill(40);
  f.remote.says_total = true;
  const std::function<void()> lose = [&] {
    f.remote.docs.pop_back();
    f.remote.before_page[2] = lose;
  };
  f.remote.before_page[2] = lose;
  REQUIRE(f.run().status == BERTH_OK);
  CHECK(f.host.logged("shop.list.shifted") > 0);
  CHECK(f.host.passes_completed == 1);
  for (const Doc& doc : f.remote.docs) CHECK(f.host.records.contains({"thing", doc.id}));
}

TEST_CASE("the root key may be spelt in two ways, and rows may be an empty text") {
  Fixture f(config_of(""));
  f.remote.root = "thing_list";
  f.remote.fill(2);
  CHECK(f.run().status == BERTH_OK);
  CHECK(f.host.records.size() == 2);
  f.remote.special["/things"] = Answer::json(R"({"code":0,"things":""})");
  CHECK(f.run().status == BERTH_OK);
}
