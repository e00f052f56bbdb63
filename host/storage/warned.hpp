#pragma once
// Records that were decided with a warning: {"warnings":[{"what":"classification_line/Service Type/Consulting"}]}.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

/// Makes pending what was warned of exactly this, whatever its integration; archived and skipped records stay. Returns how
/// many. It looks at every record, so it is for what a person does.
Result<std::int64_t> requeue_warned(Connection& connection, std::string_view what, Instant now);

/// What records are warned of that begins so, each once, without that beginning; at most `limit`, of kWarnedRecordsMax records.
inline constexpr std::size_t kWarnedRecordsMax = 10'000;
Result<std::vector<std::string>> warned_of(Connection& connection, std::string_view beginning, std::size_t limit);

}  // namespace berth::storage
