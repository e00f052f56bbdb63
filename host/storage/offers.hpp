#pragma once
// Values that documents of one entity offer to rows of another, e.g. the tax number that an invoice shows for its
// customer. The newest offer of a name wins.
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/storage/database.hpp"

namespace berth::storage::offers {

/// Offered to (entity, remote_id). True if the value is new or another one than before.
Result<bool> put(Connection& connection, std::string_view integration, std::string_view entity,
                 std::string_view remote_id, std::string_view name, std::string_view value, Instant now);
Result<std::optional<std::string>> find(Connection& connection, std::string_view integration, std::string_view entity,
                                        std::string_view remote_id, std::string_view name);
/// All offers to one document, by name.
Result<std::map<std::string, std::string>> list(Connection& connection, std::string_view integration,
                                                std::string_view entity, std::string_view remote_id);

}  // namespace berth::storage::offers
