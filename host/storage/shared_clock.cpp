#include "host/storage/shared_clock.hpp"

namespace berth::storage {

Status SharedClock::follow(Database& database) {
  std::chrono::milliseconds behind{0};
  const auto look = [&](Connection& connection) -> Status {
    behind = connection.shared_ahead();
    return success();
  };
  BERTH_CHECK(database.read(look));
  if (std::chrono::abs(behind) <= kLeftAlone) return success();
  machine_ahead_ms_ -= behind.count();
  return database.read(look);   // so that the database knows it from now on, too
}

}  // namespace berth::storage
