// `berth ledger tie-out`: the receivables here against the balances that the remote showed, as stored.
#include <fmt/format.h>

#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/ledger/tie_out.hpp"

namespace berth::cli {

int ledger_tie_out(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto integration = integration_of(*opened->database, opened->config, id);
  if (!integration.ok()) return fail(global, integration.error());
  ledger::TieOut tie_out;
  const Status done = opened->database->read([&](storage::Connection& connection) -> Status {
    tie_out = BERTH_TRY(ledger::tie_out_with_remote(connection, integration->id));
    return success();
  });
  if (!done.ok()) return fail(global, done.error());
  if (global.json) {
    print_json(admin::tie_out_view(tie_out));
    return tie_out.differences.empty() ? kFine : kFindings;
  }
  Table table({"what", "remote id", "name", "here", "remote", "difference", "", "cause", "reason"}, {3, 4, 5});
  for (const ledger::TieOutDifference& one : tie_out.differences) {
    const std::string cause(ledger::to_string(one.cause));
    table.add({one.kind, one.remote_id, one.number, one.ours.to_string(), one.remote ? one.remote->to_string() : "-",
               one.difference().to_string(), std::string(one.currency.code()), one.related.empty() ? cause : cause + " " + one.related, one.reason});
  }
  if (!tie_out.differences.empty()) print(table.text());
  print_line(fmt::format("{} invoices, {} credit notes and {} customers compared; {} differences{}", tie_out.invoices, tie_out.credit_notes,
                         tie_out.customers, tie_out.differences.size(),
                         tie_out.without_balance == 0 ? "" : fmt::format("; {} answers hold no balance", tie_out.without_balance)));
  return tie_out.differences.empty() ? kFine : kFindings;
}

}  // namespace berth::cli
