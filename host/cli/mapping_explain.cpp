// `berth mapping explain`: why a stored record is what it is.
#include <fmt/format.h>

#include "host/cli/commands.hpp"
#include "host/runs/explain.hpp"

namespace berth::cli {

int mapping_explain(const Global& global, const std::string& id, const std::string& reference, const std::string& file) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(id);
  if (!unit.ok()) return fail(global, unit.error());
  const auto setup = candidate_of(global, (*unit)->setup, file);
  if (!setup.ok()) return fail(global, setup.error());
  runs::Explained explained;
  const Status read = (*host)->database().read([&](storage::Connection& connection) -> Status {
    explained = BERTH_TRY(runs::explain(connection, *setup, (*host)->registry().companies(), reference));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    json::Value view = mapping::explain_json(*setup->rules, explained.entity, explained.loaded, explained.outcome, explained.judgement);
    view.set("state", explained.record.state);
    print_json(view);
    return kFine;
  }
  print(mapping::explain(*setup->rules, explained.entity, explained.loaded, explained.outcome, explained.judgement));
  print_line(fmt::format("is now: {}{}{}; rules in {}", explained.record.state, explained.record.reason.empty() ? "" : ", ", explained.record.reason, setup->rules->file()));
  return kFine;
}

}  // namespace berth::cli
