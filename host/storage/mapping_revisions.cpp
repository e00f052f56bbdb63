#include "host/storage/mapping_revisions.hpp"

#include <algorithm>

namespace berth::storage::mapping_revisions {
namespace {

constexpr std::string_view kSelect = "SELECT integration, revision, text, saved_ms FROM mapping_revision";
MappingRevision read(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.instant(3)};
}

}  // namespace

Result<bool> save(Connection& connection, const MappingRevision& revision) {
  const auto before = BERTH_TRY(latest(connection, revision.integration));
  if (before && before->revision == revision.revision) return false;
  // Later than the one before also where two are saved in one millisecond.
  const std::int64_t saved =
      before ? std::max(revision.saved.unix_ms, before->saved.unix_ms + 1) : revision.saved.unix_ms;
  BERTH_CHECK(connection.execute(
      "INSERT INTO mapping_revision (integration, revision, text, saved_ms) VALUES (?, ?, ?, ?) ON CONFLICT "
      "(integration, revision) DO UPDATE SET saved_ms = excluded.saved_ms",
      {revision.integration, revision.revision, revision.text, saved}));
  return true;
}

Result<std::optional<MappingRevision>> find(Connection& connection, std::string_view integration,
                                            std::string_view revision) {
  const auto row = BERTH_TRY(
      connection.first(std::string(kSelect) + " WHERE integration = ? AND revision = ?", {integration, revision}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<std::optional<MappingRevision>> latest(Connection& connection, std::string_view integration) {
  const auto row = BERTH_TRY(
      connection.first(std::string(kSelect) + " WHERE integration = ? ORDER BY saved_ms DESC LIMIT 1", {integration}));
  return row ? std::optional(read(*row)) : std::nullopt;
}

Result<std::vector<MappingRevision>> list(Connection& connection, std::string_view integration) {
  std::vector<MappingRevision> all;
  BERTH_CHECK(connection.each(std::string(kSelect) + " WHERE integration = ? ORDER BY saved_ms DESC", {integration},
                              [&](const Row& row) {
                                all.push_back(read(row));
                                return true;
                              }));
  return all;
}

}  // namespace berth::storage::mapping_revisions
