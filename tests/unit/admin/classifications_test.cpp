// D19: classifications and lines that a person adds with a slip of the pen, and takes back.
#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {
constexpr const char* kPath = "/api/v1/classifications";

json::Value added(Rest& rest, const std::string& name, const std::string& line) {
  return rest.json_of(rest.ask("POST", kPath, json::dump(json::Value::object({{"name", name}, {"line", line}}))));
}
}  // namespace

TEST_CASE("D19: a line that differs in one character from one that is here is named with that one") {
  Rest rest;
  rest.connect();
  added(rest, "Service Type", "Calibration");
  const json::Value near = added(rest, "Service Type", "Calibratoin");
  CHECK(near.find("added")->boolean());
  CHECK(near.text_of("near") == "Calibration");
  CHECK(near.text_of("near_is") == "here");
  CHECK(added(rest, "Service Type", "Training").find("near") == nullptr);
  // A classification of its own, by a blank too many.
  CHECK(added(rest, "Service  Type", "").text_of("near") == "Service Type");
  // The same again is there, and no news.
  CHECK(added(rest, "Service Type", "Calibratoin").find("near") == nullptr);
}

TEST_CASE("D19: a line that nearly is what documents carry is named with what they carry") {
  Rest rest;
  rest.connect();
  const std::string invoice = rest.make_invoice("10.00", R"("cf_service_line":"Calibration")");
  rest.sync();
  rest.map_all();
  REQUIRE(json::parse(rest.record("invoice", invoice).detail_json).value.find("warnings") != nullptr);
  const json::Value near = added(rest, "Service Type", "Calibrations");
  CHECK(near.find("woken")->integer().value() == 0);
  CHECK(near.text_of("near") == "Calibration");
  CHECK(near.text_of("near_is") == "in documents");
}

TEST_CASE("D19: what nothing uses is removed, what entries carry or berth.yaml declares is not") {
  Rest rest;
  rest.connect();
  const std::string invoice = rest.make_invoice("10.00", R"("cf_service_line":"Calibration")");
  rest.sync();
  rest.map_all();
  added(rest, "Service Type", "Calibration");
  added(rest, "Service Type", "Calibratoin");
  added(rest, "Region", "North");
  const auto remove = [&](const std::string& query) { return rest.ask("DELETE", std::string(kPath) + "?" + query); };
  CHECK(rest.ask("DELETE", std::string(kPath) + "?name=Region&line=North", {}, true).status == 403);
  const server::Response used = remove("name=Service%20Type&line=Calibration");
  CHECK(used.status == 409);
  CHECK(rest.json_of(used).text_of("reason") == "admin.classification_in_use");
  CHECK_MESSAGE(rest.json_of(used).text_of("detail").find("entries carry the line \"Calibration\" of Service Type") != std::string_view::npos, used.body);
  CHECK(remove("name=Service%20Type&line=Calibratoin").status == 200);
  const server::Response gone = remove("name=Service%20Type&line=Calibratoin");
  CHECK(gone.status == 404);
  CHECK(rest.json_of(gone).text_of("detail").find("did you mean \"Calibration\"?") != std::string_view::npos);
  const server::Response has_lines = remove("name=Region");
  CHECK(has_lines.status == 409);
  CHECK(rest.json_of(has_lines).text_of("detail").find("has 1 lines") != std::string_view::npos);
  CHECK(remove("name=Region&line=North").status == 200);
  CHECK(remove("name=Region").status == 200);
  CHECK(rest.number("SELECT COUNT(*) FROM local_row WHERE name IN ('Region', 'North', 'Calibratoin')") == 0);
  CHECK(remove("").status == 400);
  CHECK(rest.record("invoice", invoice).state == "posted");
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'classification.remove' AND actor = 'Ada'") == 3);
}
