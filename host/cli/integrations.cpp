// sync, pause and what else concerns one integration; status is in status.cpp, connecting in connecting.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "host/views/explain.hpp"
#include "host/admin/trial.hpp"
#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/core/text.hpp"

namespace berth::cli {

namespace {

/// Below a trouble: what can be done about it, where somebody can or time will.
void print_way_out(std::string_view reason) {
  const auto why = views::explain(reason);
  if (why && why->who != reasons::Who::kNobody) print_line("    do: " + why->resolution);
}

/// What the connector noticed and what the remote did wrong, also in a run that succeeded in spite of it: one line for
/// each reason, with the last one's words.
void print_troubles(const runs::RunReport& report) {
  constexpr std::size_t kLinesMax = 6;
  std::vector<std::pair<const http::RemoteError*, std::size_t>> kinds;
  for (const http::RemoteError& error : report.errors) {
    if (error.reason.empty()) continue;   // that a record is gone is an answer like others
    auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.first->reason == error.reason; });
    if (found == kinds.end()) found = kinds.insert(kinds.end(), {nullptr, 0});
    found->first = &error;
    ++found->second;
  }
  const bool is_noted = std::any_of(report.phases.begin(), report.phases.end(), [](const runs::PhaseReport& phase) { return !phase.notes.empty(); });
  if (kinds.empty() && !is_noted) return;
  print_line(fmt::format("what went wrong on the way (all of it: berth run show {}):", report.run));
  for (const runs::PhaseReport& phase : report.phases) {
    for (const runs::PhaseNote& note : phase.notes) {
      print_line(fmt::format("  {} x {} in {}: {}{}{}{}", note.times, note.reason, phase.phase, note.message, note.about.empty() ? "" : " (", note.about,
                             note.about.empty() ? "" : ")"));
      print_way_out(note.reason);
    }
  }
  for (std::size_t i = 0; i < kinds.size() && i < kLinesMax; ++i) {
    const auto& [error, times] = kinds[i];
    std::string what = error->status == 0 ? "" : fmt::format("HTTP {}", error->status);
    if (!error->code.empty()) what += fmt::format("{}code {}", what.empty() ? "" : ", ", error->code);
    print_line(fmt::format("  {} x {}: {}{}{}", times, error->reason, what, what.empty() ? "" : ": ", shortened(error->message, 160)));
    if (error->reason == report.reason) continue;   // said at the end
    print_way_out(error->reason);
  }
}

/// What was spent of each budget, in lines that are no longer than the table above.
void print_budgets(const runs::RunReport& report) {
  constexpr std::size_t kWidth = 120;
  std::string line;
  for (const http::BudgetUse& use : report.budgets) {
    if (use.spent == 0 && !use.refused) continue;
    std::string one = fmt::format("{} {}", use.cost, use.spent);
    if (use.limit) one += fmt::format(" of {}{}", *use.limit, use.is_lifted ? " and what others left" : "");
    if (line.empty()) {
      line = "budgets: " + one;
    } else if (line.size() + 2 + one.size() < kWidth) {
      line += ", " + one;
    } else {
      print_line(line + ",");
      line = "         " + one;
    }
  }
  if (!line.empty()) print_line(line);
}

/// What was not pulled, so that nobody takes the books for more than they are.
void print_reduced(const runs::RunReport& report) {
  for (const runs::PhaseReport& phase : report.phases) {
    if (phase.reduced.missing.empty()) continue;
    print_line(fmt::format("{}: {} known by their list rows alone, without {}", phase.phase,
                           counted(static_cast<std::size_t>(phase.reduced.documents), "document is", "documents are"), join(phase.reduced.missing, ", ")));
  }
}

/// Calls by kind against the fewest that could have brought the same, over all phases.
void print_calls(const runs::RunReport& report) {
  runs::CallCounts made, fewest;
  for (const runs::PhaseReport& phase : report.phases) {
    made.add(phase.calls);
    fewest.add(phase.fewest);
  }
  print_line(fmt::format("calls: {} of lists, {} of details, {} of files, {} others; the fewest possible: {}, {}, {}, {}", made.list, made.detail, made.file, made.other,
                         fewest.list, fewest.detail, fewest.file, fewest.other));
}

void print_report(const runs::RunReport& report) {
  Table table({"phase", "outcome", "listed", "fetched", "files", "unchanged", "posted", "parked", "skipped", "failed", "ignored", "calls", "lower bound"},
              {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  for (const runs::PhaseReport& phase : report.phases) {
    table.add({phase.phase, phase.outcome, number(phase.listed), number(phase.fetched), number(phase.files), number(phase.unchanged), number(phase.posted),
               number(phase.parked), number(phase.skipped), number(phase.failed), number(phase.ignored), number(phase.calls.total()), number(phase.fewest.total())});
  }
  print(table.text());
  print_troubles(report);
  print_reduced(report);
  print_calls(report);
  print_budgets(report);
  if (const std::string ahead = forecast_text(report.forecast, report.ended); !ahead.empty()) print_line(ahead);
  if (report.is_history_done) print_line("the history is complete: all documents of the time before the first pull are here");
  std::string line = fmt::format("{}: {}", report.run, to_string(report.outcome));
  if (!report.reason.empty()) line += fmt::format(" ({}: {})", report.reason, report.message);
  if (report.next_attempt.unix_ms > 0) line += fmt::format("; goes on at {}", to_string(report.next_attempt));
  print_line(line);
  if (report.crash) {
    print_line(fmt::format("crash: {}", runs::crash_text(runs::crash_json(*report.crash))));
    if (!report.crash->stderr_tail.empty()) print_line(fmt::format("its standard error ended with:\n{}", report.crash->stderr_tail));
  }
  if (report.is_crash_loop) print_line(fmt::format("{0} is paused: its plugin crashes over and over; `berth status {0}` says what to do", report.integration));
  if (const auto why = views::explain(report.reason)) fmt::print(stderr, "  cause: {}\n  do:    {}\n", why->cause, why->resolution);
}

/// A line on the terminal that is drawn over itself.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
  }
  void operator()(std::string_view phase, std::int64_t done, std::int64_t total) {
    if (!shown_) return;
    drawn_ = true;
    if (total > 0) {
      constexpr std::int64_t kWidth = 30;
      const std::int64_t filled = std::min(kWidth, done * kWidth / total);
      fmt::print(stderr, "\r\x1b[K{:<18} [{:#<{}}{: <{}}] {}/{}", phase, "", filled, "", kWidth - filled, done, total);
    } else {
      fmt::print(stderr, "\r\x1b[K{:<18} {}", phase, done);
    }
    std::fflush(stderr);
  }

 private:
  bool shown_;
  bool drawn_ = false;
};

}  // namespace

Result<std::vector<storage::Integration>> all_integrations(storage::Connection& connection, const config::Config& config) {
  std::vector<storage::Integration> all = BERTH_TRY(storage::integrations::list(connection));
  for (const config::Integration& declared : config.integrations) {
    const auto is_it = [&](const storage::Integration& each) { return each.id == declared.id; };
    if (std::none_of(all.begin(), all.end(), is_it)) all.push_back(runs::row_of(declared));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return all;
}

Result<storage::Integration> integration_of(storage::Database& database, const config::Config& config, const std::string& id) {
  std::optional<storage::Integration> found;
  std::string known;
  BERTH_CHECK(database.read([&](storage::Connection& connection) -> Status {
    for (const auto& integration : BERTH_TRY(all_integrations(connection, config))) {
      if (integration.id == id) found = integration;
      known += " " + integration.id;
    }
    return success();
  }));
  if (!found) return make_error(Code::kNotFound, "runs.integration_unknown", fmt::format("there is no integration \"{}\"; there are:{}", id, known.empty() ? " none" : known));
  return *found;
}

int sync(const Global& global, const SyncOptions& options) {
  const auto host = open_host(global, options.is_dry_run);
  if (!host.ok()) return fail(global, host.error());
  const auto attempt = [&]() -> Result<runs::RunReport> {
    const auto opened = (*host)->registry().unit(options.id);
    if (options.is_dry_run && opened.ok()) {
      admin::without_files((*opened)->setup);
      BERTH_CHECK(admin::mark_trial((*host)->database()));
    }
    if (!opened.ok()) {
      // A plugin that dies while it is loaded is a crashed run; what a person got wrong in a file is none.
      if (runs::is_plugin_crash(opened.error().reason))
        BERTH_CHECK((*host)->engine().note_not_begun(options.id, {}, opened.error(), (*host)->registry().crash_of(options.id)));
      return opened.error();
    }
    const auto unit = *opened;
    const runs::RemoteAccess access = BERTH_TRY((*host)->registry().access(*unit));
    ProgressLine progress(is_terminal_error() && !global.quiet && !global.json);
    return (*host)->engine().run(unit->setup, access, {.trigger = "command", .phases = options.phases, .full = options.full, .since = options.since},
                                 stop_on_signal(), [&](std::string_view phase, std::int64_t done, std::int64_t total) { progress(phase, done, total); });
  };
  const auto report = attempt();
  if (!report.ok()) return fail(global, report.error());
  if (options.is_dry_run) {
    const auto view = admin::trial_view((*host)->database(), *report, {.entries = options.limit, .refusals = options.limit});
    if (!view.ok()) return fail(global, view.error());
    if (global.json) {
      print_json(*view);
    } else {
      print_report(*report);
      print_dry_run(*view);
    }
  } else if (global.json) {
    print_json(report->to_json());
  } else {
    print_report(*report);
  }
  switch (report->outcome) {
    case runs::RunOutcome::kSucceeded:
    case runs::RunOutcome::kNothingChanged: return kFine;
    case runs::RunOutcome::kRateLimited:
    case runs::RunOutcome::kIncomplete: return options.strict ? kFindings : kFine;
    default: return kFindings;
  }
}

int change_desired(const Global& global, const std::string& id, const std::string& verb) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto found = integration_of((*host)->database(), (*host)->config(), id);
  if (!found.ok()) return fail(global, found.error());
  const auto desired = admin::change_desired((*host)->database(), id, verb, "cli", (*host)->clock().now());
  if (!desired.ok()) return fail(global, desired.error());
  if (global.json) {
    print_json(json::Value::object({{"id", id}, {"desired", *desired}}));
  } else {
    print_line(fmt::format("{} is {}", id, *desired));
  }
  return kFine;
}

int disconnect(const Global& global, const std::string& id) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto unit = (*host)->registry().unit(id);
  if (!unit.ok()) return fail(global, unit.error());
  const Status done = (*host)->connector().disconnect(**unit, stop_on_signal());
  if (!done.ok()) return fail(global, done.error());
  print_line(fmt::format("{} is disconnected; its documents and books stay", id));
  return kFine;
}

int test(const Global& global, const std::string& id) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  const auto attempt = [&]() -> Status {
    const auto unit = BERTH_TRY((*host)->registry().unit(id));
    const runs::RemoteAccess access = BERTH_TRY((*host)->registry().access(*unit));
    return (*host)->engine().check(unit->setup, access, stop_on_signal());
  };
  const Status works = attempt();
  if (!works.ok()) return fail(global, works.error());
  if (global.json) {
    print_json(json::Value::object({{"id", id}, {"works", true}}));
  } else {
    print_line(fmt::format("{}: the connection works", id));
  }
  return kFine;
}

int organizations(const Global& global, const std::string& id, const std::string& choose) {
  const auto host = open_host(global);
  if (!host.ok()) return fail(global, host.error());
  if (!choose.empty()) {
    const auto unit = (*host)->registry().unit(id);
    if (!unit.ok()) return fail(global, unit.error());
    const Status chosen = (*host)->connector().choose_organization(**unit, choose);
    if (!chosen.ok()) return fail(global, chosen.error());
  }
  const auto views = status_views((*host)->database(), (*host)->config(), (*host)->registry().quota_keys(), (*host)->clock().now(), id);
  if (!views.ok()) return fail(global, views.error());
  const json::Value& view = views->items().front();
  if (global.json) {
    print_json(json::Value::object({{"chosen", view.text_of("remote_id")}, {"organizations", *view.find("organizations")}}));
    return kFine;
  }
  Table table({"", "organisation", "name", "currency", "time zone"});
  for (const json::Value& one : view.find("organizations")->items()) {
    table.add({one.text_of("remote_id") == view.text_of("remote_id") ? "*" : "", std::string(one.text_of("remote_id")), std::string(one.text_of("name")),
               std::string(one.text_of("currency")), std::string(one.text_of("time_zone"))});
  }
  print(table.text());
  return kFine;
}

int runs(const Global& global, const std::string& id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  if (const auto found = integration_of(*opened->database, opened->config, id); !found.ok()) return fail(global, found.error());
  json::Value list = json::Value::array();
  Table table({"run", "trigger", "started", "ended", "outcome", "reason"});
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    for (const storage::Run& run : BERTH_TRY(storage::runs::list(connection, id)).items) {
      const json::Value view = admin::run_view(run);
      std::string reason = run.reason;
      if (const json::Value* crash = view.find("report")->find("crash")) reason += ": " + runs::crash_text(*crash);
      table.add({run.id, run.trigger, to_string(run.started), run.ended.unix_ms == 0 ? "" : to_string(run.ended), run.outcome, reason});
      list.push_back(view);
    }
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (global.json) {
    print_json(json::Value::object({{"runs", std::move(list)}}));
  } else {
    print(table.text());
  }
  return kFine;
}

int run_show(const Global& global, const std::string& run_id) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  std::optional<storage::Run> run;
  const Status read = opened->database->read([&](storage::Connection& connection) -> Status {
    run = BERTH_TRY(storage::runs::find(connection, run_id));
    return success();
  });
  if (!read.ok()) return fail(global, read.error());
  if (!run) return fail(global, make_error(Code::kNotFound, "runs.run_unknown", fmt::format("there is no run {}", run_id)));
  print_json(admin::run_view(*run));
  return kFine;
}

}  // namespace berth::cli
