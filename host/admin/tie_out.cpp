#include "host/admin/tie_out.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::admin {

Result<ledger::TieOut> tie_out(const std::vector<plugins::Discovered>& discovered, storage::Database& database,
                               const storage::Integration& integration) {
  const auto found = std::find_if(discovered.begin(), discovered.end(), [&](const plugins::Discovered& one) {
    return one.manifest && one.manifest->id == integration.plugin;
  });
  if (found == discovered.end()) {
    return make_error(Code::kInvalidConfig, "runs.plugin_missing", fmt::format("no plugin \"{}\" in the configured folders", integration.plugin));
  }
  if (!found->manifest->tie_out) {
    return make_error(Code::kUnsupported, "ledger.tie_out_undeclared",
                      fmt::format("{} has no `tie_out:`, so nobody knows where the answers of {} hold balances", found->file.string(), integration.plugin));
  }
  ledger::TieOut tie_out;
  BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
    tie_out = BERTH_TRY(ledger::tie_out_with_remote(connection, integration.id, *found->manifest->tie_out));
    return success();
  }));
  return tie_out;
}

json::Value tie_out_view(const ledger::TieOut& tie_out) {
  json::Value differences = json::Value::array();
  for (const ledger::TieOutDifference& one : tie_out.differences) {
    json::Value shown = json::Value::object({{"what", one.kind},
                                             {"remote_id", one.remote_id},
                                             {"number", one.number},
                                             {"customer", one.customer},
                                             {"currency", one.currency.code()},
                                             {"here", one.ours.to_string()},
                                             {"difference", one.difference().to_string()},
                                             {"cause", ledger::to_string(one.cause)},
                                             {"meaning", ledger::meaning(one.cause)}});
    if (one.remote) shown.set("remote", one.remote->to_string());
    if (!one.also.empty()) {
      json::Value also = json::Value::array();
      for (const std::string& id : one.also) also.push_back(id);
      shown.set("also", std::move(also));
    }
    if (!one.related.empty()) shown.set("related", one.related);
    if (!one.reason.empty()) shown.set("reason", one.reason);
    if (!one.message.empty()) shown.set("message", one.message);
    differences.push_back(std::move(shown));
  }
  return json::Value::object({{"invoices", tie_out.invoices},
                              {"credit_notes", tie_out.credit_notes},
                              {"customers", tie_out.customers},
                              {"without_balance", tie_out.without_balance},
                              {"differences", std::move(differences)}});
}

}  // namespace berth::admin
