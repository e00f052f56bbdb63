// `berth ledger revalue`: what is open in a foreign currency at the end of a period, at that day's rate (E19).
#include <fmt/format.h>

#include "host/admin/revaluation.hpp"
#include "host/cli/commands.hpp"

namespace berth::cli {

int ledger_revalue(const Global& global, const RevalueOptions& options) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto view = admin::revalue(*opened->database, opened->config,
                                   {.integration = options.id, .company = options.company, .currency = options.currency, .rate = options.rate, .period_end = options.period_end}, "cli",
                                   opened->clock->now());
  if (!view.ok()) return fail(global, view.error());
  const std::vector<json::Value>& entries = view->find("entries")->items();
  if (global.json) {
    print_json(*view);
  } else {
    print_line(entries.empty() ? "nothing to revalue: what is open is carried at that rate already"
                               : fmt::format("posted: entry {}, taken back by entry {}", entries.front().text(), entries.back().text()));
  }
  return kFine;
}

}  // namespace berth::cli
