// `berth sync ID --estimate`: what a sync would cost in calls. Opens no plugin, no vault and no connection.
#include <fmt/format.h>

#include "host/admin/estimate.hpp"
#include "host/cli/commands.hpp"
#include "host/runs/offline_setup.hpp"

namespace berth::cli {

namespace {

std::string number(const json::Value& view, const char* name) {
  const json::Value* value = view.find(name);
  return value == nullptr || value->is_null() ? std::string("?") : std::string(value->text());
}

/// "3", or "3 to 7" where what waits may have parts and files.
std::string range(const json::Value& phase, const char* kind) {
  const std::string from = number(*phase.find("at_least"), kind), to = number(*phase.find("at_most"), kind);
  return from == to ? from : fmt::format("{} to {}", from, to);
}

void print_estimate(const json::Value& view) {
  Table table({"phase", "stored", "waiting", "list", "details", "files", "calls", "if all changed", "and for what is new"}, {1, 2, 3, 4, 5, 6, 7});
  for (const json::Value& phase : view.find("phases")->items()) {
    const json::Value* all = phase.find("if_all_changed");
    table.add({std::string(phase.text_of("phase")), phase.find("is_first")->boolean() ? "?" : number(phase, "stored"), number(phase, "queued"), range(phase, "list"),
               range(phase, "detail"), range(phase, "file"), range(phase, "total"), all->is_null() ? "?" : number(*all, "total"), std::string(phase.text_of("formula"))});
  }
  print(table.text());
  const std::string from = number(view, "at_least"), to = number(view, "at_most");
  print_line(fmt::format("{}: {} calls, if nothing changed at the remote since", view.text_of("integration"), from == to ? from : fmt::format("{} to {}", from, to)));
  if (!view.find("if_all_changed")->is_null()) print_line(fmt::format("  {} if everything that is stored had changed", number(view, "if_all_changed")));
  if (view.find("is_first")->boolean()) print_line("  nobody knows how many rows a list has before it was read once: the last column says what they cost");
  if (!view.find("allowed")->is_null()) {
    print_line(fmt::format("  {} are allowed by {}; what does not fit waits for the next run", number(view, "allowed"), view.text_of("allowed_by")));
  } else {
    print_line("  how much is left of the day is known with the first call");
  }
  if (!view.find("day_left")->is_null()) print_line(fmt::format("  {} of {} calls are left of the day, after the reserve", number(view, "day_left"), number(view, "day_limit")));
  print_line("  calls that have to be repeated come on top, and at most one for a token in an hour, which no quota counts\nnobody was asked: no call was made");
}

}  // namespace

int sync_estimate(const Global& global, const SyncOptions& options) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto integration = integration_of(*opened->database, opened->config, options.id);
  if (!integration.ok()) return fail(global, integration.error());
  OfflineQuotaKeys offline(global, opened->config);
  const auto setup = runs::offline_setup(opened->config, offline.discovered, *opened->database, options.id);
  if (!setup.ok()) return fail(global, setup.error());
  json::Value view;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(admin::estimate_view(connection, offline.keys, *integration, (*setup)->setup,
                                          {.trigger = "command", .phases = options.phases, .full = options.full, .since = options.since}, opened->clock->now()));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(view);
  } else {
    print_estimate(view);
  }
  return kFine;
}

}  // namespace berth::cli
