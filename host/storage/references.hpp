#pragma once
// References that were already fetched once because a document named them. A customer, invoice or item that no listing
// showed gets one fetch by id; nothing asks again until forget().
#include <string_view>

#include "host/storage/database.hpp"

namespace berth::storage::references {

/// Remembers that it was asked for; false if it already was.
Result<bool> ask_once(Connection& connection, std::string_view integration, std::string_view entity,
                      std::string_view remote_id, Instant now);
Result<bool> was_asked(Connection& connection, std::string_view integration, std::string_view entity,
                       std::string_view remote_id);
/// A new version of the naming document or a person's retry may ask again.
Status forget(Connection& connection, std::string_view integration, std::string_view entity,
              std::string_view remote_id);

}  // namespace berth::storage::references
