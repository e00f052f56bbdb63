// How a forecast is told in a line.
#include <doctest/doctest.h>

#include "host/cli/commands.hpp"

using namespace berth;

namespace {

const Instant kNow = *parse_instant("2026-05-21T10:00:00Z");

std::string told(std::string_view text) { return cli::forecast_text(json::parse(text).value, kNow); }

}  // namespace

TEST_CASE("B7: nothing is said where nothing is left, and before anything was foretold") {
  CHECK(told("null").empty());
  CHECK(told("{}").empty());
  CHECK(told(R"({"calls_left":0,"at_least":false,"backfill":null})").empty());
  CHECK(told(R"({"calls_left":0,"backfill":{"state":"done","listed":10}})").empty());
}

TEST_CASE("B7: before the first run the line does not give numbers that nobody knows") {
  CHECK(told(R"({"backfill":{"state":"not_begun","listed":0,"documents":null,"details_waiting":0}})") == "still to come: known after the first run");
  CHECK(told(R"({"backfill":null})").empty());
}

TEST_CASE("B7: the line says how many calls are left, until when, at how many a day, and how far the history is") {
  CHECK(told(R"({"calls_left":31000,"at_least":false,"usable_a_day":9806,"done":"2026-06-02T04:38:20.650Z","backfill":null})") ==
        "still to come: 31000 calls, done by 2026-06-02T04:39:00Z at 9806 calls a day");
  CHECK(told(R"({"calls_left":1,"usable_a_day":0,"done":"2026-06-02T04:38:00Z","backfill":null})") == "still to come: 1 call, done by 2026-06-02T04:38:00Z");
  CHECK(told(R"({"calls_left":12,"at_least":true,"usable_a_day":0,"done":null,"backfill":null})") == "still to come: at least 12 calls, which the day's calls do not allow");
  const std::string text = told(
      R"({"calls_left":9,"usable_a_day":10,"done":"2026-06-02T04:38:20Z","backfill":{"state":"under_way","listed":52000,"documents":104000,"listed_of_documents":52000,"details_waiting":41233}})");
  CHECK_MESSAGE(text.find("history under way: 52000 of 104000 documents listed, 41233 details waiting") != std::string::npos, text);
}

TEST_CASE("B7: rows of lists that the remote does not count are not set against the documents of those that it does") {
  const std::string text = told(
      R"({"calls_left":9,"usable_a_day":0,"done":null,"backfill":{"state":"under_way","listed":3998,"documents":3000,"listed_of_documents":2998,"details_waiting":1}})");
  CHECK_MESSAGE(text.find("history under way: 2998 of 3000 documents listed, and 1000 of lists that the remote does not count, 1 detail waiting") != std::string::npos, text);
}

TEST_CASE("B7: nothing is done by a moment that has passed, and no calls are not done by any") {
  CHECK(told(R"({"at":"2026-05-20T09:59:30.120Z","calls_left":3350,"usable_a_day":9000,"done":"2026-05-21T09:59:00Z","backfill":null})") ==
        "still to come: 3350 calls, as of 2026-05-20T10:00:00Z");
  CHECK(told(R"({"calls_left":0,"usable_a_day":10,"done":"2026-06-02T04:38:20Z","backfill":{"state":"under_way","listed":7,"documents":null,"details_waiting":0}})") ==
        "history under way: 7 listed");
}

TEST_CASE("B7: where nothing may run, nothing is foretold") {
  storage::Integration integration;
  integration.desired = "enabled";
  integration.actual = "connected";
  integration.connected = kNow;
  CHECK(cli::may_run(integration));
  SUBCASE("it is paused") { integration.desired = "paused"; }
  SUBCASE("it is disabled") { integration.desired = "disabled"; }
  SUBCASE("it is disconnected") { integration.actual = "pending"; }
  SUBCASE("it was never connected") { integration.connected = {}; }
  CHECK(!cli::may_run(integration));
}

namespace {

json::Value view_with(std::string_view more) {
  const json::Value more_members = json::parse(more).value;
  json::Value view = json::parse(R"({"id":"zoho","name":"Acme","desired":"enabled","status":"waiting_quota","running":false,"connected":"2026-05-01T00:00:00Z","last_sync_at":"2026-05-21T08:41:30.250Z",
    "records":{},"unmapped_accounts":0,"quota":{},"pull":"full","known_by_row":0,"reason":"berth.quota","next_attempt":"2026-05-22T04:00:01.456Z",
    "message":"The day's quota is spent: 8000 of 10000 calls; it begins anew at 2026-05-22T04:00:01.456Z, and only a larger plan raises it.","cause":"The day is spent.","resolution":"Wait.",
    "forecast":{"at":"2026-05-21T09:00:00Z","calls_left":50,"usable_a_day":0,"done":"2026-05-23T10:00:00Z","backfill":null}})").value;
  for (const json::Member& member : more_members.members()) view.set(member.first, member.second);
  json::Value list = json::Value::array();
  list.push_back(std::move(view));
  return list;
}

}  // namespace

TEST_CASE("D13: the row of an integration has the reason, and the sentence stands once below the table") {
  const std::string page = cli::status_page(view_with("{}"), kNow);
  const std::string row = page.substr(page.find("\nzoho") + 1, page.find('\n', page.find("\nzoho") + 1) - page.find("\nzoho") - 1);
  CHECK_MESSAGE(row.ends_with("berth.quota, next attempt 2026-05-22T04:00:01Z"), row);
  CHECK(row.size() < 160);
  CHECK(page.find("zoho (berth.quota): The day's quota is spent") != std::string::npos);
  CHECK(page.find("quota is spent") == page.rfind("quota is spent"));
  CHECK(page.find("  do:    Wait.") != std::string::npos);
  CHECK(page.find("zoho: still to come: 50 calls") != std::string::npos);
}

TEST_CASE("D13: while a run is under way, what the last one met with is told as that") {
  const std::string page = cli::status_page(view_with(R"({"running":true})"), kNow);
  CHECK(page.find("waiting_quota, running") != std::string::npos);
  CHECK(page.find("last run: berth.quota") != std::string::npos);
  CHECK(page.find("next attempt") == std::string::npos);
  CHECK(page.find("quota is spent") == std::string::npos);
}

TEST_CASE("B7: the status foretells nothing of an integration that may not run") {
  for (const char* more : {R"({"desired":"paused"})", R"({"desired":"disabled"})", R"({"status":"pending"})", R"({"connected":null})"}) {
    CHECK(cli::status_page(view_with(more), kNow).find("still to come") == std::string::npos);
  }
}
