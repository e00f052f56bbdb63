// What a host says of its database: that it cannot be reached, or that it answers and takes nothing; each once.
#include "host/app/presence.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "integration/world.hpp"

using namespace berth;
using namespace berth::integration;
using namespace std::chrono_literals;

TEST_CASE("B11: a database that takes nothing is not called out of reach, and what is wrong is said once, and that it is over") {
  World world;
  struct Case {
    const char *reason, *said, *not_said;
  };
  constexpr const char *kFull = "the database answers and takes nothing: no run begins, and those under way end before their leases do",
                       *kAway = "the database is out of reach: no run begins, and those under way end before their leases do";
  for (const Case& each : {Case{"storage.full", kFull, kAway}, Case{"storage.unreachable", kAway, kFull}}) {
    CAPTURE(each.reason);
    const std::size_t before = world.sink->entries().size();
    const auto said = [&](std::string_view message) {
      const auto entries = world.sink->entries();
      return std::count_if(entries.begin() + static_cast<std::ptrdiff_t>(before), entries.end(), [&](const telemetry::Entry& entry) { return entry.message == message; });
    };
    std::atomic<bool> refuses = true;
    world.database->refuse = [&]() -> std::optional<Error> {
      if (!refuses) return std::nullopt;
      return make_error(Code::kUnavailable, each.reason, "made up");
    };
    storage::SharedClock clock(world.clock);
    app::Presence presence({.database = *world.database, .clock = clock, .log = world.log, .owner = "here:1:x", .address = "", .lease = 3600ms});
    presence.start();
    const auto eventually = [](const auto& is_so) {
      for (int i = 0; i < 4000 && !is_so(); ++i) std::this_thread::sleep_for(5ms);
      return is_so();
    };
    CHECK(eventually([&] { return !presence.reachable().ok(); }));
    CHECK(presence.reachable().error().reason == each.reason);
    std::this_thread::sleep_for(700ms);   // two beats
    CHECK(said(each.said) == 1);
    CHECK(said(each.not_said) == 0);
    refuses = false;
    CHECK(eventually([&] { return presence.reachable().ok(); }));
    CHECK(eventually([&] { return said("the database answers again") == 1; }));
    presence.end();
    world.database->refuse = {};
  }
}
