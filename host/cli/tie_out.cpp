// `berth ledger tie-out`: the receivables here against the balances that the remote showed, as stored.
#include <fmt/format.h>

#include <set>

#include "host/admin/tie_out.hpp"
#include "host/cli/commands.hpp"
#include "host/core/text.hpp"

namespace berth::cli {

int ledger_tie_out(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto integration = integration_of(*opened->database, opened->config, id);
  if (!integration.ok()) return fail(global, integration.error());
  const auto compared = admin::tie_out(discover_plugins(global, opened->config), *opened->database, *integration);
  if (!compared.ok()) return fail(global, compared.error());
  const ledger::TieOut& tie_out = *compared;
  const int exit = tie_out.differences.empty() ? kFine : kFindings;
  if (global.json) {
    print_json(admin::tie_out_view(tie_out));
    return exit;
  }
  Table table({"what", "remote id", "name", "", "here", "remote", "difference", "cause", "reason"}, {4, 5, 6});
  std::set<ledger::TieOutCause> causes;
  for (const ledger::TieOutDifference& one : tie_out.differences) {
    std::vector<std::string> ids{one.remote_id};
    ids.insert(ids.end(), one.also.begin(), one.also.end());
    const std::string cause(ledger::to_string(one.cause));
    table.add({one.kind, join(ids, ", "), one.number, std::string(one.currency.code()), one.ours.to_string(), one.remote ? one.remote->to_string() : "-",
               one.difference().to_string(), one.related.empty() ? cause : cause + " " + one.related, one.reason});
    causes.insert(one.cause);
  }
  if (!causes.empty()) {
    print(table.text());
    print_line("");
    for (const ledger::TieOutCause cause : causes) print_line(fmt::format("  {}: {}", ledger::to_string(cause), ledger::meaning(cause)));
    print_line("");
  }
  const std::size_t count = tie_out.differences.size();
  print_line(fmt::format("{} invoices, {} credit notes and {} customers compared; {}{}", tie_out.invoices, tie_out.credit_notes, tie_out.customers,
                         count == 0 ? std::string("no difference") : fmt::format("{} difference{}", count, count == 1 ? "" : "s"),
                         tie_out.without_balance == 0 ? "" : fmt::format("; {} answers hold no balance", tie_out.without_balance)));
  return exit;
}

}  // namespace berth::cli
