// `berth schedule`: when the phases of an integration run next.
#include <fmt/format.h>

#include "host/admin/schedule.hpp"
#include "host/cli/commands.hpp"
#include "host/runs/offline_setup.hpp"

namespace berth::cli {

namespace {

std::string text_or(const json::Value& row, std::string_view key, std::string_view otherwise) {
  const json::Value* value = row.find(key);
  return std::string(value == nullptr || value->is_null() ? otherwise : value->text());
}

}  // namespace

int schedule_show(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto row = integration_of(*opened->database, opened->config, id);
  if (!row.ok()) return fail(global, row.error());
  const auto declared = runs::declaration_of(opened->config, *opened->database, id);
  if (!declared.ok()) return fail(global, declared.error());
  json::Value view;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(admin::schedule_view(connection, *declared, *row, opened->clock->now()));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(view);
    return kFine;
  }
  Table table({"phase", "runs", "last begun", "next due"});
  for (const json::Value& phase : view.find("phases")->items()) {
    table.add({std::string(phase.text_of("phase")), std::string(phase.text_of("timing")), text_or(phase, "last_started", "never"), text_or(phase, "next_due", "at once")});
  }
  for (const json::Value& one : view.find("comparisons")->items()) {
    table.add({fmt::format("{}, all ids", one.text_of("phase")), text_or(view, "archiving", "not scheduled"), text_or(one, "last_started", "never"),
               one.find("under_way")->boolean() ? "goes on" : text_or(one, "next_due", "never")});
  }
  print(table.text());
  if (const std::string until = text_or(view, "waits_until", ""); !until.empty()) print_line(fmt::format("nothing runs before {}, because of what happened last: berth status {}", until, id));
  print_line(fmt::format("cron expressions are times of {}", view.text_of("zone")));
  return kFine;
}

}  // namespace berth::cli
