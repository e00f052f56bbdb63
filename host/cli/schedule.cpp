// `berth schedule`: when the phases of an integration run next, and why they do not.
#include <fmt/format.h>

#include <algorithm>

#include "host/admin/schedule.hpp"
#include "host/app/host.hpp"
#include "host/cli/commands.hpp"
#include "host/core/local_time.hpp"
#include "host/runs/offline_setup.hpp"

namespace berth::cli {

namespace {

bool is_true(const json::Value& row, std::string_view key) {
  const json::Value* value = row.find(key);
  return value != nullptr && value->boolean();
}

/// As a clock on the wall of that zone shows it.
std::string time_or(const json::Value& row, std::string_view key, std::string_view zone, std::string_view otherwise) {
  const json::Value* value = row.find(key);
  const auto instant = value == nullptr || value->is_null() ? Result<Instant>(make_error(Code::kNotFound, "core.time_invalid", "")) : parse_instant(value->text());
  return instant.ok() ? text_in_zone(*instant, zone) : std::string(otherwise);
}

void print_schedule(const json::Value& view) {
  const std::string_view zone = view.text_of("zone");
  const json::Value& nothing_runs = *view.find("nothing_runs");
  if (!nothing_runs.is_null()) {
    const std::string until = time_or(nothing_runs, "until", zone, "");
    print_line(fmt::format("{}{}", nothing_runs.text_of("message"), until.empty() ? "" : fmt::format("; nothing runs before {}", until)));
  } else if (is_true(view, "is_running")) {
    print_line("a run is under way");
  }
  if (is_true(view, "sync_asked_for")) print_line(nothing_runs.is_null() ? "a sync was asked for and begins next" : "a sync was asked for and waits");
  const bool never = !nothing_runs.is_null() && time_or(nothing_runs, "until", zone, "").empty();
  const auto due_of = [&](const json::Value& row, std::string_view otherwise) {
    return is_true(row, "is_due") ? std::string("at once") : time_or(row, "next_due", zone, never ? "-" : otherwise);
  };
  Table table({"phase", "runs", "last begun", "next due"});
  bool has_cron = false;
  for (const json::Value& phase : view.find("phases")->items()) {
    has_cron = has_cron || is_true(phase, "is_cron");
    table.add({std::string(phase.text_of("phase")), std::string(phase.text_of("timing")), time_or(phase, "last_started", zone, "never"), due_of(phase, "-")});
  }
  const json::Value& archiving = *view.find("archiving");
  for (const json::Value& one : view.find("comparisons")->items()) {
    table.add({fmt::format("{}, all ids", one.text_of("phase")), std::string(archiving.text()), time_or(one, "last_started", zone, "never"),
               due_of(one, "when its list has been read whole") + (is_true(one, "under_way") ? ", goes on" : "")});
  }
  print(table.text());
  if (archiving.is_null()) print_line("deletions are not looked for: the schedule does not name `archiving`");
  if (has_cron || (!archiving.is_null() && Cron::looks_like_one(archiving.text()))) print_line(fmt::format("cron expressions are times of {}", zone));
}

}  // namespace

int schedule_show(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto row = integration_of(*opened->database, opened->config, id);
  if (!row.ok()) return fail(global, row.error());
  const auto declared = runs::declaration_of(opened->config, *opened->database, id);
  if (!declared.ok()) return fail(global, declared.error());
  const auto discovered = discover_plugins(global, opened->config);
  json::Value view;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(admin::schedule_view(connection, *declared, discovered, id, opened->clock->now(), app::is_dead_owner));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(view);
  } else {
    print_schedule(view);
  }
  return kFine;
}

}  // namespace berth::cli
