#pragma once
// Why a document became what it became: the versions that the remote sent and what differs between them, the fields that the
// rules made of the newest one and the rule of each, the entries, what reversed them and what replaced those, and on the other
// side who waits for whom. `berth records show`, GET /api/v1/integrations/{id}/lineage.
//
//   const json::Value view = BERTH_TRY(lineage::of({config, discovered, database}, "zoho_acme", "INV-000317"));
//   print(lineage::to_text(view));
//
// It reads one snapshot and changes nothing, makes no call and opens no plugin. The rules are those of the revision by which
// the record was decided, as long as that is stored; what they look up is looked up in what is stored now.
//
// Any thread. Errors: those of record_names.hpp, runs.integration_unknown, storage's. Rules that cannot be had are no error:
// the view says why there are no fields.
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/config/config.hpp"
#include "host/core/result.hpp"
#include "host/plugins/manifest.hpp"
#include "host/storage/database.hpp"

namespace berth::lineage {

inline constexpr std::size_t kDifferencesShown = 100;   // of a version; the rest is counted
inline constexpr std::size_t kLineageRowsMax = 500;     // of versions, entries, and each of the others

struct Services {
  const config::Config& config;
  const std::vector<plugins::Discovered>& discovered;
  storage::Database& database;
};
Result<json::Value> of(const Services& services, std::string_view integration, std::string_view name);

/// The same for a terminal.
[[nodiscard]] std::string to_text(const json::Value& view);

}  // namespace berth::lineage
