#pragma once
// Deletion brakes that hold: a comparison of all ids of a phase missed more records than looks like people at work, so nothing
// was archived. One row for a phase, until a person confirms it or a later comparison misses less.
//
// Threads and errors: database.hpp.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct Brake {
  std::string integration{};
  std::string phase{};
  std::string entity{};
  std::int64_t pass = 0;      // what no listing since this pass has seen is missing
  std::int64_t missing = 0;
  std::int64_t alive = 0;
  Instant since{};            // of the first comparison that missed too many
};

namespace brakes {

/// The newest comparison counts; `since` stays that of the first.
Status put(Connection& connection, const Brake& brake);
Status release(Connection& connection, std::string_view integration, std::string_view phase);
/// Of one integration, by phase.
Result<std::vector<Brake>> list(Connection& connection, std::string_view integration);

}  // namespace brakes
}  // namespace berth::storage
