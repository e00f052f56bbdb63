// E19 over REST: what is open in a foreign currency at the end of a period, posted and taken back.
#include "rest_world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("E19: REST revalues what is open in euros, once for a rate, taken back on the next day, and noted") {
  Rest rest({.contacts = 20, .invoices = 40, .payments = 10, .credit_notes = 2, .foreign = 5000});
  rest.connect();
  rest.sync();
  rest.map_all();
  const std::string company = rest.lines("SELECT company FROM open_item WHERE currency = 'EUR' AND open_minor > 0 GROUP BY company ORDER BY COUNT(*) DESC LIMIT 1").front();
  const std::string path = "/api/v1/integrations/zoho_acme/revaluation";
  const auto body = [&](const std::string& rate) { return R"({"company":")" + company + R"(","currency":"EUR","rate":)" + rate + R"(,"date":"2026-05-31"})"; };
  CHECK(rest.ask("POST", path, body("1.5"), true).status == 403);
  CHECK(rest.ask("POST", path, R"({"currency":"EUR","date":"2026-05-31"})").status == 400);
  CHECK(rest.ask("POST", path, R"({"currency":"Euro","rate":"1.5","date":"2026-05-31"})").status == 400);
  CHECK(rest.ask("POST", path, R"({"currency":"EUR","rate":"1.5","date":"2026-05-32"})").status == 400);
  CHECK(rest.ask("POST", path, R"({"currency":"EUR","rate":"1.5","date":"2026-05-31","company":"nobody"})").status == 404);
  CHECK(rest.ask("POST", "/api/v1/integrations/nobody/revaluation", body("1.5")).status == 404);
  const std::int64_t before = rest.number("SELECT COUNT(*) FROM entry");
  const server::Response posted = rest.ask("POST", path, body("1.5"));
  REQUIRE_MESSAGE(posted.status == 200, posted.body);
  CHECK(rest.json_of(posted).find("entries")->size() == 2);
  CHECK(rest.number("SELECT COUNT(*) FROM entry") == before + 2);
  CHECK(rest.lines("SELECT date FROM entry ORDER BY id DESC LIMIT 2") == std::vector<std::string>{"2026-06-01", "2026-05-31"});
  CHECK(rest.number("SELECT SUM(base_minor) FROM entry_line WHERE entry > " + std::to_string(before)) == 0);
  // The same again finds nothing to do; a number is a rate as well as a text.
  const server::Response again = rest.ask("POST", path, body("\"1.5\""));
  REQUIRE_MESSAGE(again.status == 200, again.body);
  CHECK(rest.json_of(again).find("entries")->size() == 0);
  CHECK(rest.number("SELECT COUNT(*) FROM entry") == before + 2);
  CHECK(rest.number("SELECT COUNT(*) FROM audit WHERE action = 'books.revalue' AND actor = 'Ada'") == 1);
  rest.check_books();
}
