#pragma once
// Classifications and their lines: what documents carry as dimensions. They come from berth.yaml, from a person, and those
// that the rules make (`ensure`) from documents.
//
// Inside a transaction of the caller's. Errors: the database's.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/result.hpp"
#include "host/mapping/mapping.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

struct Declared {
  bool is_new = false;
  std::int64_t woken = 0;   // records that lacked the line and are pending now
};

/// The classification, and the line where it is not empty, unless they are there. Records that were warned that the line is
/// missing become pending, of every integration: applying them again gives them the dimension, with no remote call.
Result<Declared> declare_classification(storage::Connection& connection, std::string_view name, std::string_view line, Instant now);

/// Classifications whose lines the rules look up and do not make, and that are not here.
Result<std::vector<std::string>> missing_classifications(storage::Connection& connection, const mapping::Rules& rules);

}  // namespace berth::runs
