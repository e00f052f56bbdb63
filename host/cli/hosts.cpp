// `berth hosts`: who serves this database, and which integrations each runs now.
#include <fmt/format.h>

#include "host/admin/hosts.hpp"
#include "host/app/host.hpp"
#include "host/cli/commands.hpp"

namespace berth::cli {

namespace {

constexpr std::size_t kNamesShown = 5;

std::string names_of(const json::Value& integrations) {
  std::string text;
  std::size_t shown = 0;
  for (const json::Value& one : integrations.items()) {
    if (++shown > kNamesShown) break;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", one.text_of("id"));
    if (!one.text_of("since").empty()) text += fmt::format(" since {}", one.text_of("since"));
  }
  if (integrations.items().size() > kNamesShown) text += fmt::format(", and {} more", integrations.items().size() - kNamesShown);
  return text;
}

}  // namespace

int hosts(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  json::Value view;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    view = BERTH_TRY(admin::hosts_view(connection, opened->clock->now(), app::is_dead_owner));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(view);
    return kFine;
  }
  if (view.find("hosts")->items().empty()) {
    print_line("no host serves this database now, and no command runs an integration of it; `berth serve` starts a host");
    return kFine;
  }
  constexpr std::int64_t kClockOffMs = 1000;
  Table table({"host", "process", "state", "address", "since", "heard of", "runs"});
  for (const json::Value& host : view.find("hosts")->items()) {
    std::string state(host.text_of("state"));
    const json::Value* ahead = host.find("clock_ahead_ms");
    const std::int64_t off = ahead == nullptr ? 0 : ahead->integer().value_or(0);
    if (off > kClockOffMs || off < -kClockOffMs) state += fmt::format(", clock {} s {}", std::abs(off) / 1000, off > 0 ? "fast" : "slow");
    table.add({std::string(host.text_of("host")), std::string(host.text_of("process")), std::move(state), std::string(host.text_of("address")),
               std::string(host.text_of("started_at")), std::string(host.text_of("seen_at")), names_of(*host.find("integrations"))});
  }
  print(table.text());
  return kFine;
}

}  // namespace berth::cli
