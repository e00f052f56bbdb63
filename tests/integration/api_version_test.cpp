// Which version of the remote's API is called.
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

TEST_CASE("B2: every call goes to the version of the API that the integration names") {
  World world;
  world.connect();
  world.config.integrations.front().api_version = "v4";
  world.restart();
  world.transport.forget_calls();
  const runs::RunReport report = world.sync();   // which the simulator does not have
  CHECK(report.outcome == runs::RunOutcome::kFailed);
  CHECK_MESSAGE(report.reason == "zoho_books.list.refused", report.reason << ": " << report.message);
  CHECK(report.message.find("404") != std::string::npos);
  // An unknown address is no refused filter: no list is read whole for a week because of it, and nothing is asked twice.
  for (const runs::PhaseReport& phase : report.phases) {
    for (const runs::PhaseNote& note : phase.notes) CHECK(note.reason != "zoho_books.list.disobeyed");
  }
  CHECK(world.transport.count("GET /books/v4/") > 0);
  CHECK(world.transport.count("GET /books/v3/") == 0);
}
