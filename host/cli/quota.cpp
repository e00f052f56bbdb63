// `berth quota`: how much of the remote's limits is used, and lifting what stands in the way.
#include <fmt/format.h>

#include <map>

#include "host/admin/quota.hpp"
#include "host/cli/commands.hpp"
#include "host/runs/forecast.hpp"
#include "host/storage/integrations.hpp"

namespace berth::cli {

namespace {

std::string number_or(const json::Value& view, std::string_view key, std::string_view otherwise) {
  const json::Value* value = view.find(key);
  return std::string(value == nullptr || value->is_null() ? otherwise : value->text());
}

std::string processes_text(const json::Value& view) {
  const std::int64_t count = view.find("processes")->integer().value_or(0);
  return count == 1 ? "1 process makes calls" : fmt::format("{} processes make calls", count);
}

/// Four lines an organisation at most: one for each window, and one for what stands in the way.
void add_rows(Table& table, const json::Value& view) {
  std::string key(view.text_of("key"));
  const auto add = [&](std::string window, std::string used, std::string limit, std::string more) {
    table.add({std::exchange(key, ""), std::move(window), std::move(used), std::move(limit), std::move(more)});
  };
  // A process holds places of the minute ahead of its calls, and until a minute after them: this is not what was called.
  add("a minute", "", number_or(view, "per_minute", "none"), fmt::format("{} held for calls; {}", number_or(view, "minute_held", "0"), processes_text(view)));
  add("at once", "", number_or(view, "at_once", "?"), fmt::format("of {} where the remote does not complain", number_or(view, "at_once_limit", "?")));
  std::string day = fmt::format("{} of it by other programs, {} kept for them", number_or(view, "used_by_others", "0"), number_or(view, "day_reserve", "0"));
  if (const std::string turns = number_or(view, "day_resets_at", ""); !turns.empty()) day += ", turns " + turns;
  add("a day", number_or(view, "day_used", "0"), number_or(view, "day_limit", "not told yet"), std::move(day));
  if (const std::string until = number_or(view, "blocked_until", ""); !until.empty()) {
    add("blocked", "", "", fmt::format("until {}: {} ({})", until, view.text_of("blocked_message"), view.text_of("blocked_reason")));
  } else if (const std::string paused = number_or(view, "paused_until", ""); !paused.empty()) {
    add("paused", "", "", "until " + paused);
  }
}

}  // namespace

OfflineQuotaKeys::OfflineQuotaKeys(const Global& global, const config::Config& config)
    : discovered(discover_plugins(global, config)), keys(config, discovered) {}

int quota_show(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  std::optional<storage::Integration> only;
  if (!id.empty()) {
    auto found = integration_of(*opened->database, opened->config, id);
    if (!found.ok()) return fail(global, found.error());
    only = std::move(found).value();
  }
  OfflineQuotaKeys offline(global, opened->config);
  const Instant now = opened->clock->now();
  std::string ahead;
  std::map<std::string, json::Value> views;   // by key, each with the integrations that draw on it
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    for (const storage::Integration& each : BERTH_TRY(storage::integrations::list(connection))) {
      const std::string key = offline.keys.of(each);
      if ((only && offline.keys.of(*only) != key) || each.remote_id.empty()) continue;
      auto& view = views[key];
      if (view.is_null()) {
        view = BERTH_TRY(admin::quota_view(connection, offline.keys, each, now));
        view.set("integrations", json::Value::array());
      }
      view.find("integrations")->push_back(each.id);
      const json::Value forecast = BERTH_TRY(runs::forecast_view(connection, each.id));
      if (const std::string text = may_run(each) ? forecast_text(forecast, now) : ""; !text.empty()) ahead += fmt::format("{}: {}\n", each.id, text);
      if (view.find("forecasts") == nullptr) view.set("forecasts", json::Value::object());
      view.find("forecasts")->set(each.id, forecast);
    }
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  json::Value list = json::Value::array();
  Table table({"quota", "window", "used", "allowed", ""}, {2, 3});
  for (auto& [key, view] : views) {
    add_rows(table, view);
    list.push_back(std::move(view));
  }
  if (global.json) {
    print_json(json::Value::object({{"quotas", std::move(list)}}));
  } else if (views.empty()) {
    print_line("no call was made yet, so nothing is known of any quota");
  } else {
    print(table.text() + ahead);
  }
  return kFine;
}

int quota_reset(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto found = integration_of(*opened->database, opened->config, id);
  if (!found.ok()) return fail(global, found.error());
  OfflineQuotaKeys offline(global, opened->config);
  const auto view = admin::reset_quota(*opened->database, offline.keys, *found, "cli", opened->clock->now());
  if (!view.ok()) return fail(global, view.error());
  if (global.json) {
    print_json(json::Value::object({{"id", id}, {"quota", *view}}));
  } else {
    print_line(fmt::format("{}: nothing stands in the way any more; the next call finds out how much of the day is left", view->text_of("key")));
  }
  return kFine;
}

}  // namespace berth::cli
