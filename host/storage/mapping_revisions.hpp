#pragma once
// Texts of the mapping rules that were in force, by the hash of the text: every applied record names its revision.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

struct MappingRevision {
  std::string integration{};
  std::string revision{};
  std::string text{};
  Instant saved{};
};

namespace mapping_revisions {

/// Saving a known revision again only makes it the latest. True if it was not the latest before.
Result<bool> save(Connection& connection, const MappingRevision& revision);
Result<std::optional<MappingRevision>> find(Connection& connection, std::string_view integration,
                                            std::string_view revision);
Result<std::optional<MappingRevision>> latest(Connection& connection, std::string_view integration);
/// Newest first.
Result<std::vector<MappingRevision>> list(Connection& connection, std::string_view integration);

}  // namespace mapping_revisions
}  // namespace berth::storage
