#pragma once
// The hosts that serve a database, for people: who is there, since when, and whether its clock is right. Each host tells every
// few seconds that it is there; nothing is decided by that, for whoever runs an integration has a lease (leases.hpp).
//
//   BERTH_CHECK(storage::hosts::beat(c, {.owner = owner, .state = "serving"}, 2min, clock.now()));
//
// Times are those that all who use the database agree on (Connection::shared_now). Threads and errors: database.hpp.
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Host {
  std::string owner{};
  std::string state{};                      // serving | draining
  std::string address{};
  std::chrono::milliseconds clock_ahead{};  // of the time that all agree on; for beat(): of the clock that `of_machine` is from
  Instant started{};
  Instant seen{};
  Instant expires{};
};

namespace hosts {

/// One that is gone is remembered for so long.
inline constexpr std::chrono::hours kRemembered{24};

/// It is there now, and gone if nothing is heard of it for `ttl`. Forgets those that are long gone.
Status beat(Connection& connection, const Host& host, std::chrono::milliseconds ttl, Instant of_machine);
Status remove(Connection& connection, std::string_view owner);
/// In the order of their start.
Result<std::vector<Host>> list(Connection& connection);

}  // namespace hosts
}  // namespace berth::storage
