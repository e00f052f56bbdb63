// `berth confirm-deletions`: what the deletion brake holds is let go on.
#include "host/admin/deletions.hpp"

#include <fmt/format.h>

#include "host/cli/commands.hpp"

namespace berth::cli {

int confirm_deletions(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto integration = integration_of(*opened->database, opened->config, id);
  if (!integration.ok()) return fail(global, integration.error());
  const auto view = admin::confirm_deletions(*opened->database, *integration, "cli", opened->clock->now());
  if (!view.ok()) return fail(global, view.error());
  if (global.json) {
    print_json(*view);
    return kFine;
  }
  const auto& released = view->find("released")->items();
  if (released.empty()) print_line(fmt::format("the deletion brake holds nothing of {}", id));
  for (const json::Value& brake : released) {
    print_line(fmt::format("{}: {} documents that are missing from the list are asked for one by one in the next sync, and those that are gone are archived",
                           brake.text_of("phase"), brake.find("missing")->text()));
  }
  return kFine;
}

}  // namespace berth::cli
