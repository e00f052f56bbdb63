#pragma once
// Documents whose newest list row is all that is known of them, because their operator pulls no more (`pull: reduced`). A
// record is in here from the capture that took its row for the document until its detail comes, whatever the setting says
// meanwhile.
//
//   BERTH_CHECK(storage::reduced::put(c, record));                          // the row is enough
//   if (BERTH_TRY(storage::reduced::has(c, record.id))) ...                 // then its total alone posts
//
// Threads and errors: database.hpp.
#include <cstdint>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"
#include "host/storage/records.hpp"

namespace berth::storage::reduced {

Result<bool> has(Connection& connection, std::int64_t record);
/// Nothing changes where it is there already. The record has an id.
Status put(Connection& connection, const Record& record);
/// False if it was not there.
Result<bool> remove(Connection& connection, std::int64_t record);
/// How many documents of the entity, those that are gone left out. "": of any.
Result<std::int64_t> count(Connection& connection, std::string_view integration, std::string_view entity = {});

/// Those of `count` whose detail nobody has asked for, in order of capture; at most `limit`.
Result<std::vector<Record>> not_asked_for(Connection& connection, std::string_view integration, std::string_view entity, std::size_t limit);
/// How many they are.
Result<std::int64_t> count_not_asked_for(Connection& connection, std::string_view integration, std::string_view entity);

}  // namespace berth::storage::reduced
