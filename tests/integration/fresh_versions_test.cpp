// Zoho's versions are seconds. What is edited twice within one has the version of the first edit, and what was fetched between the two
// must be fetched once more, whatever the clock of the host says.
#include <algorithm>
#include <utility>

#include "integration/machine_clock.hpp"
#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;

namespace {

/// One host whose clock is wrong, with the simulator's clock on the edge of a second.
struct OneHost {
  World world;
  MachineClock clock{world.clock};
  Running host;
  std::string invoice;

  explicit OneHost(std::chrono::milliseconds wrong_by) : world({.invoices = 6, .payments = 0, .credit_notes = 0}) {
    world.connect();
    clock.be_wrong_by(wrong_by);
    host = world.begin_process("wrong", clock, [](std::string_view) { return false; });
    run();
    world.map_all();
    invoice = world.make_invoice("10.00");
    world.later(std::chrono::hours(2));
    run();
    world.map_all();
    run();
    REQUIRE_MESSAGE(world.record("invoice", invoice).state == "posted", world.record("invoice", invoice).reason);
    world.transport.takes = std::chrono::milliseconds(1);
    world.later(std::chrono::milliseconds(3'600'000 - world.clock.now().unix_ms % 1000));
  }
  runs::RunReport run() {
    const auto unit = *host.registry->unit(kIntegration);
    const auto access = host.registry->access(*unit);
    REQUIRE(access.ok());
    const auto report = host.engine->run(unit->setup, *access, {}, {});
    REQUIRE(report.ok());
    CHECK(report->outcome != runs::RunOutcome::kFailed);
    return *report;
  }
  void edit(const std::string& amount) { world.control("POST", "invoices/" + invoice, R"({"line_items":[{"name":"Work","quantity":1,"rate":)" + amount + "}]}"); }
  std::size_t details() { return world.transport.count("GET /books/v3/invoices/" + invoice); }
  /// Of the live entries of the invoice.
  bool has_posted(const std::string& amount) {
    const auto lines = world.journal(true);
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(amount) != std::string::npos; });
  }
};

constexpr std::chrono::milliseconds kWrong[] = {std::chrono::milliseconds(0), std::chrono::hours(1), std::chrono::hours(-1), std::chrono::minutes(3), std::chrono::seconds(-5)};

}  // namespace

TEST_CASE("B2: the second of two edits within one second is found, whatever the clock of the host says") {
  for (const auto wrong_by : kWrong) {
    CAPTURE(wrong_by.count());
    OneHost one(wrong_by);
    const Instant second = one.world.clock.now();
    one.edit("222.22");
    one.run();
    CHECK(one.has_posted("222.22"));
    one.edit("333.33");
    REQUIRE(one.world.clock.now() - second < std::chrono::seconds(1));
    one.world.later(std::chrono::hours(1));
    one.run();
    CHECK(one.has_posted("333.33"));
    CHECK_FALSE(one.has_posted("222.22"));
    one.world.check_books();
    // And then it is known, and asked for no more.
    one.world.later(std::chrono::hours(1));
    one.world.transport.forget_calls();
    CHECK(one.run().outcome == runs::RunOutcome::kNothingChanged);
    CHECK(one.details() == 0);
  }
}

TEST_CASE("B2: an edit that comes after the fetch and before its commit, within the second of another one, is found") {
  for (const auto wrong_by : kWrong) {
    CAPTURE(wrong_by.count());
    OneHost one(wrong_by);
    one.edit("222.22");
    bool is_detail = false, is_edited = false;
    one.world.transport.before = [&](const std::string& call) -> std::optional<http::Response> {
      is_detail = call.ends_with("/invoices/" + one.invoice);
      return std::nullopt;
    };
    one.world.transport.after = [&](http::Response&) {
      if (!is_detail || std::exchange(is_edited, true)) return;
      one.edit("333.33");
      one.world.later(std::chrono::seconds(20));   // until the answer is here
    };
    one.run();
    CHECK(is_edited);
    one.world.transport.before = nullptr;
    one.world.transport.after = nullptr;
    one.world.later(std::chrono::hours(1));
    one.run();
    CHECK(one.has_posted("333.33"));
    one.world.check_books();
  }
}

TEST_CASE("B2: where the remote does not tell its time, what is new is fetched a second time and then known") {
  for (const auto wrong_by : kWrong) {
    CAPTURE(wrong_by.count());
    OneHost one(wrong_by);
    one.world.transport.after = [](http::Response& response) { std::erase_if(response.headers, [](const auto& header) { return header.first == "date"; }); };
    one.edit("222.22");
    one.run();
    one.edit("333.33");
    one.world.later(std::chrono::hours(1));
    one.run();
    CHECK(one.has_posted("333.33"));
    one.world.later(std::chrono::hours(1));
    one.world.transport.forget_calls();
    CHECK(one.run().outcome == runs::RunOutcome::kNothingChanged);
    CHECK(one.details() == 0);
  }
}
