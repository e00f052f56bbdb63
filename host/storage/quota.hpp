#pragma once
// State of the limiters, shared by all integrations of one remote organisation. The content is the http folder's.
#include <optional>
#include <string>
#include <string_view>

#include "host/storage/database.hpp"

namespace berth::storage::quota {

/// `shared_by`: plugin and remote organisation, "zoho_books/927000001".
Result<std::optional<std::string>> load(Connection& connection, std::string_view shared_by);
Status save(Connection& connection, std::string_view shared_by, std::string_view state_json, Instant now);

}  // namespace berth::storage::quota
