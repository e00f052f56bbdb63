// How a forecast is told in a line.
#include <doctest/doctest.h>

#include "host/cli/commands.hpp"

using namespace berth;

namespace {

std::string told(std::string_view text) { return cli::forecast_text(json::parse(text).value); }

}  // namespace

TEST_CASE("B7: nothing is said where nothing is left, and before anything was foretold") {
  CHECK(told("null").empty());
  CHECK(told("{}").empty());
  CHECK(told(R"({"calls_left":0,"at_least":false,"backfill":null})").empty());
  CHECK(told(R"({"calls_left":0,"backfill":{"state":"done","listed":10}})").empty());
}

TEST_CASE("B7: the line says how many calls are left, until when, at how many a day, and how far the history is") {
  CHECK(told(R"({"calls_left":31000,"at_least":false,"usable_a_day":9806,"done":"2026-06-02T04:38:20Z","backfill":null})") ==
        "still to come: 31000 calls, done by 2026-06-02T04:38:20Z at 9806 calls a day");
  CHECK(told(R"({"calls_left":12,"at_least":true,"usable_a_day":0,"done":null,"backfill":null})") == "still to come: at least 12 calls, which the day's calls do not allow");
  const std::string text = told(R"({"calls_left":9,"usable_a_day":10,"done":"2026-06-02T04:38:20Z","backfill":{"state":"under_way","listed":52000,"documents":104000,"details_waiting":41233}})");
  CHECK(text.find("history under way: 52000 listed, 104000 documents in all, 41233 details waiting") != std::string::npos);
}
