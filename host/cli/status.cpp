// `berth status`: how each integration is, what is the matter with it and what it still needs.
#include <fmt/format.h>

#include <chrono>

#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/core/text.hpp"

namespace berth::cli {

namespace {

/// As people read it; the milliseconds are in the JSON.
std::string whole_seconds(std::string_view moment) {
  constexpr std::int64_t kSecondMs = 1'000;
  const auto at = parse_instant(moment);
  return at.ok() ? to_string(Instant{at->unix_ms / kSecondMs * kSecondMs}) : std::string(moment);
}

/// An estimate is not known to the second.
Instant whole_minute_after(Instant at) {
  constexpr std::int64_t kMinuteMs = 60'000;
  return Instant{(at.unix_ms + kMinuteMs - 1) / kMinuteMs * kMinuteMs};
}

std::string status_text(const json::Value& view) {
  std::string text(view.text_of("status"));
  if (view.text_of("desired") != "enabled") text = std::string(view.text_of("desired")) + " (" + text + ")";
  if (view.find("running")->boolean()) text += ", running";
  return text;
}

/// "812 of 10000": calls of the day that the remote counts, by all who share its quota. "" before the first.
std::string calls_today(const json::Value& quota) {
  const json::Value* used = quota.find("day_used");
  const json::Value* limit = quota.find("day_limit");
  if (used == nullptr || limit == nullptr || limit->is_null()) return {};
  return fmt::format("{} of {}", used->text(), limit->text());
}

std::string status_table(const json::Value& list) {
  Table table({"integration", "organisation", "status", "last sync", "records", "unmapped", "calls today", "what is the matter"}, {5, 6});
  for (const json::Value& view : list.items()) {
    std::map<std::string, std::int64_t> by_state;
    for (const auto& [entity, states] : view.find("records")->members()) {
      for (const auto& [state, count] : states.members()) by_state[state] += count.integer().value_or(0);
    }
    std::string records;
    for (const auto& [state, count] : by_state) records += fmt::format("{}{} {}", records.empty() ? "" : ", ", count, state);
    const json::Value* last = view.find("last_sync_at");
    // The sentence stands below the table. What the last run met with is old news while the next one works.
    const bool is_running = view.find("running")->boolean();
    std::string matter(view.text_of("reason"));
    if (matter.empty() && view.text_of("status") == "pending") matter = fmt::format("not connected: berth connect {}", view.text_of("id"));
    if (is_running && !matter.empty()) matter = "last run: " + matter;
    if (const json::Value* next = view.find("next_attempt"); !next->is_null() && !is_running) {
      matter += fmt::format("{}next attempt {}", matter.empty() ? "" : ", ", whole_seconds(next->text()));
    }
    table.add({std::string(view.text_of("id")), std::string(view.text_of("name")), status_text(view),
               last->is_null() ? "never" : whole_seconds(last->text()), records, std::string(view.text_of("unmapped_accounts")),
               calls_today(*view.find("quota")), matter});
  }
  return table.text();
}

/// What is the matter, with cause and resolution, below the table.
std::string ways_out(const json::Value& list) {
  std::string text;
  for (const json::Value& view : list.items()) {
    if (view.find("running")->boolean() || (view.text_of("resolution").empty() && view.text_of("message").empty())) continue;
    text += std::string(view.text_of("id"));
    if (!view.text_of("reason").empty()) text += fmt::format(" ({})", view.text_of("reason"));
    text += fmt::format(":{}{}\n", view.text_of("message").empty() ? "" : " ", view.text_of("message"));
    if (!view.text_of("resolution").empty()) text += fmt::format("  cause: {}\n  do:    {}\n", view.text_of("cause"), view.text_of("resolution"));
  }
  return text;
}

/// Which of them are not pulled in full, or were not.
std::string reductions(const json::Value& list) {
  std::string text;
  for (const json::Value& view : list.items()) {
    const bool is_reduced = view.text_of("pull") == "reduced";
    const std::int64_t known = view.find("known_by_row")->integer().value_or(0);
    if (is_reduced || known > 0) {
      text += fmt::format("{}: pull: {}; {} known by their list rows alone{}\n", view.text_of("id"), view.text_of("pull"),
                          counted(static_cast<std::size_t>(known), "document is", "documents are"), is_reduced ? "" : " and still to be fetched");
    }
  }
  return text;
}

/// What is still to come, for each that has work left and may run.
std::string forecasts(const json::Value& list, Instant now) {
  std::string text;
  for (const json::Value& view : list.items()) {
    const json::Value* forecast = view.find("forecast");
    const bool is_idle = view.text_of("desired") != "enabled" || view.find("connected")->is_null() || view.text_of("status") == "pending" || view.text_of("status") == "authorizing";
    const std::string ahead = forecast == nullptr || is_idle ? "" : forecast_text(*forecast, now);
    if (!ahead.empty()) text += fmt::format("{}: {}\n", view.text_of("id"), ahead);
  }
  return text;
}

/// What plugins run without, for whoever looks at the status.
std::string isolation_warnings(const config::Config& config, const json::Value& list) {
  if (config.plugins.isolation == config::Isolation::kInProcess)
    return "warning: plugins run inside this process (plugins.isolation: in_process), and nothing isolates them: for tests and debugging only\n";
  std::string text;
  for (const json::Value& view : list.items()) {
    const std::string_view filter = view.text_of("system_call_filter");
    if (filter.starts_with("off")) text += fmt::format("warning: system calls of {}'s plugin are not restricted: {}\n", view.text_of("id"), filter);
  }
  return text;
}

}  // namespace

std::string forecast_text(const json::Value& forecast, Instant now) {
  const auto number = [&](const json::Value& of, const char* key) {
    const json::Value* found = of.find(key);
    return found == nullptr ? 0 : found->integer().value_or(0);
  };
  if (!forecast.is_object()) return {};
  const json::Value* backfill = forecast.find("backfill");
  const bool is_under_way = backfill != nullptr && backfill->is_object() && backfill->text_of("state") != "done";
  if (forecast.find("calls_left") == nullptr) return is_under_way ? "still to come: known after the first run" : "";
  const std::int64_t left = number(forecast, "calls_left");
  std::string text;
  if (left > 0) {
    const json::Value* at_least = forecast.find("at_least");
    text = fmt::format("still to come: {}{}", at_least != nullptr && at_least->boolean() ? "at least " : "", counted(static_cast<std::size_t>(left), "call", "calls"));
    const auto done = parse_instant(forecast.text_of("done"));
    const auto at = parse_instant(forecast.text_of("at"));
    if (!done.ok()) {
      text += ", which the day's calls do not allow";
    } else if (*done > now) {
      text += fmt::format(", done by {}", to_string(whole_minute_after(*done)));
    } else if (at.ok()) {
      text += fmt::format(", as of {}", to_string(whole_minute_after(*at)));   // nobody has run since
    }
    if (done.ok() && *done > now && number(forecast, "usable_a_day") > 0) text += fmt::format(" at {} calls a day", number(forecast, "usable_a_day"));
  }
  if (is_under_way) {
    text += fmt::format("{}history {}", text.empty() ? "" : "; ", backfill->text_of("state") == "under_way" ? "under way" : "not begun");
    const std::int64_t listed = number(*backfill, "listed"), documents = number(*backfill, "documents");
    if (documents > 0) {
      const std::int64_t of_these = number(*backfill, "listed_of_documents");
      text += fmt::format(": {} of {} listed", of_these, counted(static_cast<std::size_t>(documents), "document", "documents"));
      if (listed > of_these) text += fmt::format(", and {} of lists that the remote does not count", listed - of_these);
    } else if (listed > 0) {
      text += fmt::format(": {} listed", listed);
    }
    if (const std::int64_t waiting = number(*backfill, "details_waiting"); waiting > 0) {
      text += fmt::format("{} {}", listed + documents > 0 ? "," : ":", counted(static_cast<std::size_t>(waiting), "detail waiting", "details waiting"));
    }
  }
  return text;
}

bool may_run(const storage::Integration& integration) {
  return integration.desired == "enabled" && integration.connected.unix_ms > 0 && integration.actual != "pending" && integration.actual != "authorizing";
}

Result<json::Value> status_views(storage::Database& database, const config::Config& config, runs::QuotaKeys& keys, Instant now, const std::string& id) {
  json::Value list = json::Value::array();
  if (!id.empty()) BERTH_TRY(integration_of(database, config, id));
  BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
    for (const auto& integration : BERTH_TRY(all_integrations(connection, config))) {
      if (!id.empty() && integration.id != id) continue;
      list.push_back(BERTH_TRY(admin::integration_view(connection, keys, integration, now)));
    }
    return success();
  }));
  return list;
}

std::string status_page(const json::Value& views, Instant now) {
  return status_table(views) + reductions(views) + forecasts(views, now) + ways_out(views);
}

int status(const Global& global, const std::string& id, bool watch) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const std::stop_token stop = stop_on_signal();
  OfflineQuotaKeys offline(global, opened->config);
  std::string before;
  while (true) {
    const auto views = status_views(*opened->database, opened->config, offline.keys, opened->clock->now(), id);
    if (!views.ok()) return fail(global, views.error());
    const bool is_in_process = opened->config.plugins.isolation == config::Isolation::kInProcess;
    const std::string text =
        global.json ? json::dump_pretty(json::Value::object({{"integrations", *views}, {"isolation", is_in_process ? "in_process" : "worker"}})) + "\n"
                    : status_page(*views, opened->clock->now()) + isolation_warnings(opened->config, *views);
    if (text != before) print(text);
    if (!flush_output()) return kFine;  // nobody reads it any more; why is said at the end
    before = text;
    if (!watch || !opened->clock->sleep_for(std::chrono::seconds(1), stop)) return kFine;
  }
}

}  // namespace berth::cli
