#pragma once
// The books of an integration against what its remote shows as open: where that stands, its connector says in `tie_out:` of
// its plugin.yaml. `berth ledger tie-out`, GET /api/v1/integrations/{id}/tie-out.
//
//   const auto found = BERTH_TRY(admin::tie_out(discovered, database, integration));
//   print_json(admin::tie_out_view(found));
//
// It reads one snapshot, changes nothing and makes no call. Any thread. Errors: runs.plugin_missing, ledger.tie_out_undeclared,
// storage's.
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/ledger/tie_out.hpp"
#include "host/plugins/manifest.hpp"
#include "host/storage/integrations.hpp"

namespace berth::admin {

Result<ledger::TieOut> tie_out(const std::vector<plugins::Discovered>& discovered, storage::Database& database,
                               const storage::Integration& integration);
[[nodiscard]] json::Value tie_out_view(const ledger::TieOut& tie_out);

}  // namespace berth::admin
