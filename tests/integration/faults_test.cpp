// The remote has a bad day: what fails says why, what could be had is kept, and a later run finishes.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

std::vector<std::string> undisturbed_journal() {
  World world;
  world.connect();
  world.sync();
  world.map_all();
  return world.journal();
}

http::Response answer(int status, std::string body, std::string type = "application/json") {
  http::Response response;
  response.status = status;
  response.headers = {{"content-type", std::move(type)}};
  response.body = std::move(body);
  return response;
}

}  // namespace

TEST_CASE("D13: an outage fails the run with its reason, and the next run after it finishes the work") {
  const auto undisturbed = undisturbed_journal();
  int number = 0;
  for (const auto kind : {zoho_sim::FaultKind::kStatus, zoho_sim::FaultKind::kHtml, zoho_sim::FaultKind::kReset}) {
    for (const char* path : {"/books/v3/invoices", "/books/v3/invoices/", "/books/v3/customerpayments/", "/books/v3/items"}) {
      if (number++ % kEvery != 0) continue;   // every third of these twelve has each kind and each path
      CAPTURE(path);
      CAPTURE(static_cast<int>(kind));
      World world;
      world.connect();
      world.simulator.inject({.kind = kind, .path_prefix = path, .skip = 1, .count = -1, .status = 503});
      // Of the list of one page only the first call is made: the outage begins with the next run's.
      runs::RunReport report = world.sync();
      if (report.outcome == runs::RunOutcome::kSucceeded) {
        world.later(std::chrono::hours(1));
        report = world.sync();
      }
      CHECK((report.outcome == runs::RunOutcome::kFailed || report.outcome == runs::RunOutcome::kIncomplete));
      CHECK(!report.reason.empty());
      CHECK(!report.errors.empty());
      const std::string actual = world.integration().actual;
      CHECK((actual == "error" || actual == "degraded"));
      CHECK(!world.integration().reason.empty());
      world.simulator.clear_faults();
      world.later(std::chrono::minutes(10));
      const runs::RunReport next = world.sync();
      CHECK_MESSAGE((next.outcome == runs::RunOutcome::kSucceeded || next.outcome == runs::RunOutcome::kNothingChanged), next.reason);
      CHECK(world.integration().actual == "setup_incomplete");
      CHECK(world.integration().reason == "berth.setup_incomplete");
      world.map_all();
      CHECK(world.journal() == undisturbed);
    }
  }
}

TEST_CASE("a database that goes away while records are committed fails none of them") {
  const auto undisturbed = undisturbed_journal();
  for (const char* reason : {"storage.unreachable", "storage.busy"}) {
    CAPTURE(reason);
    World world;
    world.connect();
    int until = 8;  // pages are stored before anything is applied
    world.database->refuse = [&]() -> std::optional<Error> {
      if (until-- > 0) return std::nullopt;
      return make_error(Code::kUnavailable, reason, "there is no connection to the PostgreSQL server");
    };
    (void)world.try_sync();
    REQUIRE(until < 0);
    world.database->refuse = nullptr;
    CHECK(world.records({}, "failed").empty());
    world.later(std::chrono::minutes(10));
    world.sync();
    world.map_all();
    CHECK(world.records({}, "failed").empty());
    CHECK(world.journal() == undisturbed);
  }
}

TEST_CASE("a document that the remote refuses again and again is failed with the remote's words, the others are not touched") {
  World world;
  world.connect();
  const std::string bad = world.make_invoice("70.00");
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (!call.starts_with("GET /books/v3/invoices/" + bad)) return std::nullopt;
    return answer(400, R"({"code":1049,"message":"This invoice cannot be shown."})");
  };
  for (int run = 0; run < 5; ++run) {
    world.sync();
    CHECK(world.record("invoice", bad).state == (run < 4 ? "pending" : "failed"));
    world.later(std::chrono::hours(1));
  }
  const storage::Record record = world.record("invoice", bad);
  CHECK(record.reason == "zoho_books.remote.refused");
  CHECK(record.message.find("This invoice cannot be shown.") != std::string::npos);
  CHECK(world.transport.count("GET /books/v3/invoices/" + bad) == 5);
  world.sync();
  CHECK(world.transport.count("GET /books/v3/invoices/" + bad) == 5);   // given up
  // A new version is a new chance.
  world.transport.before = nullptr;
  world.control("POST", "invoices/" + bad, R"({"notes":"better"})");
  world.later(std::chrono::hours(1));
  world.sync();
  world.map_all();
  CHECK(world.record("invoice", bad).state == "posted");
}

TEST_CASE("A10: documents that only ever bring an error of the remote's own do not keep all others away for good") {
  World world;
  world.connect();
  world.sync();
  std::vector<std::string> bad;
  for (int i = 0; i < 6; ++i) bad.push_back(world.make_invoice("70.00"));
  world.later(std::chrono::minutes(1));
  const std::string good = world.make_invoice("80.00");
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    for (const std::string& id : bad) {
      if (call.starts_with("GET /books/v3/invoices/" + id)) return answer(500, R"({"code":1000,"message":"Internal error."})");
    }
    return std::nullopt;
  };
  world.later(std::chrono::hours(2));
  const runs::RunReport first = world.sync();
  CHECK(first.outcome == runs::RunOutcome::kFailed);
  CHECK(first.reason == "zoho_books.remote.internal");
  CHECK(phase_of(first, "customer_payments").outcome == "succeeded");   // the phases behind have their turn
  world.later(std::chrono::hours(2));
  world.sync();
  world.map_all();
  CHECK(world.record("invoice", good).state == "posted");
  int runs = 2;
  for (; runs < 40; ++runs) {
    world.later(std::chrono::hours(2));
    if (world.sync().outcome != runs::RunOutcome::kFailed) break;
  }
  CHECK(runs >= 15);   // what the remote fails at passes as a rule, and is not given up soon
  CHECK(runs < 40);
  for (const std::string& id : bad) {
    CHECK(world.record("invoice", id).state == "failed");
    CHECK(world.record("invoice", id).reason == "zoho_books.remote.internal");
  }
  // The next run is a quiet one.
  world.later(std::chrono::hours(2));
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
}

TEST_CASE("D9: a remote that cannot make files now keeps no document away, and no file is given up for what was not asked") {
  World world;
  world.connect();
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (!call.ends_with("?accept=pdf")) return std::nullopt;
    return answer(503, "<html>busy</html>", "text/html");
  };
  for (int run = 0; run < 7; ++run) {
    const runs::RunReport report = world.sync();
    CHECK_MESSAGE(report.outcome != runs::RunOutcome::kFailed, report.reason);
    for (const auto& phase : report.phases) CHECK((phase.outcome == "succeeded" || phase.outcome == "derived"));
    world.later(std::chrono::hours(1));
  }
  world.map_all();
  const auto posted = world.records("invoice", "posted").size();
  CHECK(posted > 20);
  world.transport.before = nullptr;
  world.sync();
  CHECK(world.number("SELECT COUNT(*) FROM attachment") == static_cast<std::int64_t>(posted));
}

TEST_CASE("D9: files are best effort: their failure blocks nothing, and the next run tries them again") {
  World world;
  world.connect();
  world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
    if (!call.ends_with("?accept=pdf")) return std::nullopt;
    return answer(200, "<html>busy</html>", "text/html");
  };
  const runs::RunReport first = world.sync();
  CHECK_MESSAGE(first.outcome == runs::RunOutcome::kSucceeded, first.reason);
  world.map_all();
  CHECK(world.number("SELECT COUNT(*) FROM attachment") == 0);
  const auto posted = world.records("invoice", "posted").size();
  CHECK(posted > 20);
  world.check_books();
  CHECK(world.sink->text().find("attachment.failed") != std::string::npos);

  world.transport.before = nullptr;
  world.later(std::chrono::hours(1));
  world.transport.forget_calls();
  const runs::RunReport second = world.sync();
  CHECK(second.outcome == runs::RunOutcome::kSucceeded);   // files are something
  CHECK(phase_of(second, "invoices").files == static_cast<std::int64_t>(posted));
  CHECK(phase_of(second, "invoices").fetched == 0);
  CHECK(world.number("SELECT COUNT(*) FROM attachment") == static_cast<std::int64_t>(posted));
  world.later(std::chrono::hours(1));
  world.transport.forget_calls();
  CHECK(world.sync().outcome == runs::RunOutcome::kNothingChanged);
  CHECK(world.transport.count("GET /books/v3/invoices/") == 0);
}
