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
  std::string near;         // a name beside which this new one looks like a slip of the pen; "" for none
  bool is_near_awaited = false;   // `near` is not here: documents carry it
};

/// The classification, and the line where it is not empty, unless they are there. Records that were warned that the line is
/// missing become pending, of every integration: applying them again gives them the dimension, with no remote call.
Result<Declared> declare_classification(storage::Connection& connection, std::string_view name, std::string_view line, Instant now);

/// Takes back what nothing uses. Nothing: an Error says why. Errors: admin.classification_unknown with the nearest name,
/// admin.classification_in_use where entries carry the line or the classification has lines.
Status remove_classification(storage::Connection& connection, std::string_view name, std::string_view line);

/// Classifications whose lines the rules look up and do not make, and that are not here.
Result<std::vector<std::string>> missing_classifications(storage::Connection& connection, const mapping::Rules& rules);

}  // namespace berth::runs
