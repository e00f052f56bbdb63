#include "host/cli/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "host/views/explain.hpp"
#include "host/admin/views.hpp"
#include "host/app/data_folder.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/validate.hpp"
#include "host/ledger/queries.hpp"
#include "host/plugins/host_process.hpp"
#include "host/plugins/library_file.hpp"
#include "host/runs/classifications.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/pins.hpp"

namespace berth::cli {

namespace {

namespace fs = std::filesystem;

/// Less room on the disk than this is worth a warning: a first sync of 10,000 invoices with their PDFs takes about as much.
constexpr std::uintmax_t kRoomMin = 256U << 20U;
constexpr std::size_t kDamagesShown = 5;

Symptom wrong(const Error& error) { return {.is_warning = false, .reason = error.reason, .message = error.message, .what_to_do = {}}; }
Symptom warning(std::string reason, std::string message) { return {.is_warning = true, .reason = std::move(reason), .message = std::move(message), .what_to_do = {}}; }

class Doctor {
 public:
  Doctor(const Global& global, bool online, std::stop_token stop) : global_(global), online_(online), stop_(std::move(stop)) {
    for (const std::string& folder : global.plugin_dirs) first_.emplace_back(folder);
  }

  std::vector<Examined> examine() {
    configuration();
    if (config_) {
      data_folder();
      database();
      vault();
      plugins();
      isolation();
      integrations();
    } else {
      skip({"data folder", "database", "books", "vault", "plugins", "isolation", "integrations"});
    }
    for (Examined& one : examined_) {
      std::vector<Symptom> errors, warnings;
      std::partition_copy(one.symptoms.begin(), one.symptoms.end(), std::back_inserter(warnings), std::back_inserter(errors),
                          [](const Symptom& symptom) { return symptom.is_warning; });
      errors.insert(errors.end(), warnings.begin(), warnings.end());
      one.symptoms = std::move(errors);
    }
    return std::move(examined_);
  }

 private:
  Examined& add(std::string what) { return examined_.emplace_back(Examined{.what = std::move(what), .detail = {}}); }
  void skip(std::initializer_list<const char*> rest) {
    for (const char* what : rest) add(what).is_examined = false;
  }

  void configuration() {
    Examined& seen = add("configuration");
    config::Findings findings;
    auto loaded = validate_config(global_.config, first_, findings);
    for (const config::Finding& finding : findings.all()) {
      seen.symptoms.push_back({.is_warning = finding.severity == config::Severity::kWarning,
                               .reason = finding.id,
                               .message = finding.line == 0 ? fmt::format("{}: {}", finding.file, finding.message)
                                                            : fmt::format("{}:{}:{}: {}", finding.file, finding.line, finding.column, finding.message),
                               .what_to_do = finding.hint});
    }
    if (!loaded.ok()) {
      if (!findings.has_errors()) seen.symptoms.push_back(wrong(loaded.error()));
      return;
    }
    config_ = std::move(loaded).value();
    seen.detail = fmt::format("{}: {}, {}", global_.config, counted(config_->companies.size(), "company", "companies"),
                              counted(config_->integrations.size(), "integration", "integrations"));
  }

  void data_folder() {
    Examined& seen = add("data folder");
    seen.detail = config_->data_dir.string();
    if (const Status prepared = app::prepare_data_folder(config_->data_dir); !prepared.ok()) {
      seen.symptoms.push_back(wrong(prepared.error()));
      return;
    }
    has_folder_ = true;
    std::error_code failure;
    const fs::space_info room = fs::space(config_->data_dir, failure);
    if (failure) return;
    seen.detail += fmt::format(", {} MiB free", room.available >> 20U);
    if (room.available < kRoomMin) {
      seen.symptoms.push_back(warning("storage.nearly_full", fmt::format("only {} MiB are free on the disk of {}", room.available >> 20U, config_->data_dir.string())));
    }
  }

  void database() {
    if (!has_folder_) {
      skip({"database", "books"});
      return;
    }
    Examined& seen = add("database");
    auto opened = app::open_database(*config_, clock_);
    if (!opened.ok()) {
      seen.symptoms.push_back(wrong(opened.error()));
      skip({"books"});
      return;
    }
    database_ = std::move(opened).value();
    const auto damages = database_->check();
    if (!damages.ok()) {
      seen.symptoms.push_back(wrong(damages.error()));
    } else if (!damages->empty()) {
      for (std::size_t i = 0; i < damages->size() && i < kDamagesShown; ++i) {
        seen.symptoms.push_back(wrong(make_error(Code::kEnvironment, "storage.damaged", (*damages)[i])));
      }
    }
    if (!seen.symptoms.empty()) {
      skip({"books"});
      return;
    }
    seen.detail = "sound";
    Examined& books = add("books");
    const Status read = database_->read([&](storage::Connection& connection) -> Status {
      for (const ledger::CheckFinding& finding : BERTH_TRY(ledger::check(connection))) {
        books.symptoms.push_back(wrong(make_error(Code::kInternal, "ledger.unsound", fmt::format("{}: {}", finding.invariant, finding.message))));
      }
      return success();
    });
    if (!read.ok()) books.symptoms.push_back(wrong(read.error()));
    books.detail = "sound";
  }

  void vault() {
    Examined& seen = add("vault");
    auto key = app::open_master_key(*config_);
    if (!key.ok()) {
      seen.symptoms.push_back(wrong(key.error()));
      return;
    }
    has_key_ = true;
    seen.detail = fmt::format("key {}", key->id());
    if (!database_) return;
    SystemRandom random;
    const auto status = vault::Vault(*database_, std::move(key).value(), random, clock_).status();
    if (!status.ok()) {
      seen.symptoms.push_back(wrong(status.error()));
      return;
    }
    seen.detail += fmt::format(", {}", counted(status->secrets, "secret", "secrets"));
    if (status->other_key > 0) {
      seen.symptoms.push_back(wrong(make_error(Code::kEnvironment, "vault.wrong_key",
                                               fmt::format("{} sealed with another key than {}", counted(status->other_key, "secret is", "secrets are"), status->key_id))));
    }
  }

  /// Those in the folders. What is wrong with one that an integration uses is also that integration's matter.
  void plugins() {
    Examined& seen = add("plugins");
    for (const plugins::Discovered& found : plugins::discover(app::plugin_folders(*config_, first_))) {
      if (found.refusal) {
        seen.symptoms.push_back({.is_warning = true, .reason = found.refusal->reason, .message = found.refusal->message, .what_to_do = {}});
        continue;
      }
      seen.detail += fmt::format("{}{} {}", seen.detail.empty() ? "" : ", ", found.manifest->id, found.manifest->version);
    }
    if (seen.detail.empty() && seen.symptoms.empty()) seen.detail = "none in the configured folders";
  }

  void isolation() {
    Examined& seen = add("isolation");
    if (config_->plugins.isolation == config::Isolation::kInProcess) {
      seen.symptoms.push_back(warning("plugin.not_isolated", "plugins run inside the host (plugins.isolation: in_process), and nothing isolates them"));
      return;
    }
    const std::string filter = plugins::system_call_filter();
    if (filter != "on") seen.symptoms.push_back(warning("plugin.calls_not_filtered", fmt::format("workers run, but the system calls of plugins are not restricted: {}", filter)));
    seen.detail = "workers with a filter of system calls";
  }

  void integrations() {
    if (!database_ || !has_key_) {
      skip({"integrations"});
      return;
    }
    app::HostOptions options;
    options.plugin_folders = first_;
    const auto host = app::Host::open(*config_, std::move(options));
    const auto ids = host.ok() ? (*host)->registry().ids() : Result<std::vector<std::string>>(host.error());
    if (!ids.ok()) {
      add("integrations").symptoms.push_back(wrong(ids.error()));
      return;
    }
    if (ids->empty()) add("integrations").detail = "none";
    for (const std::string& id : *ids) integration(**host, id);
  }

  void integration(app::Host& host, const std::string& id) {
    Examined& seen = add("integration " + id);
    json::Value view;
    const Status read = host.database().read([&](storage::Connection& connection) -> Status {
      const auto row = BERTH_TRY(storage::integrations::find(connection, id));
      if (row) view = BERTH_TRY(admin::integration_view(connection, host.registry().quota_keys(), *row, host.clock().now()));
      return success();
    });
    if (!read.ok()) {
      seen.symptoms.push_back(wrong(read.error()));
      return;
    }
    seen.detail = std::string(view.text_of("desired") == "enabled" ? view.text_of("status") : view.text_of("desired"));
    const auto unit = host.registry().unit(id);
    if (!unit.ok()) seen.symptoms.push_back(wrong(unit.error()));
    stored(view, seen);
    if (unit.ok()) rows(host, (*unit)->setup, seen);
    if (!unit.ok() || !online_ || view.find("connected")->is_null()) return;
    const auto reached = [&]() -> Status {
      const runs::RemoteAccess access = BERTH_TRY(host.registry().access(**unit));
      return host.engine().check((*unit)->setup, access, stop_);
    }();
    if (!reached.ok()) seen.symptoms.push_back(wrong(reached.error()));
    if (reached.ok()) seen.detail += ", the remote answers";
  }

  /// What its rules need and is not here.
  static void rows(app::Host& host, const runs::Setup& setup, Examined& seen) {
    std::int64_t files = 0;
    std::vector<std::string> missing;
    const Status read = host.database().read([&](storage::Connection& connection) -> Status {
      if (setup.rules) missing = BERTH_TRY(runs::missing_classifications(connection, *setup.rules));
      for (const storage::QueueCount& queued : BERTH_TRY(storage::detail_queue::counts(connection, setup.id))) {
        if (queued.want == storage::kWantAttachments) files += queued.count;
      }
      return success();
    });
    if (!read.ok()) seen.symptoms.push_back(wrong(read.error()));
    for (const std::string& name : missing) {
      seen.symptoms.push_back(warning("berth.classification_missing",
                                      fmt::format("{}: there is no classification \"{}\", so no document gets a line of it", setup.id, name)));
    }
    if (files > 0) seen.symptoms.push_back(warning("berth.files_missing", fmt::format("{}: {} still to be fetched", setup.id, counted(static_cast<std::size_t>(files), "file is", "files are"))));
  }

  /// What its last run left behind.
  static void stored(const json::Value& view, Examined& seen) {
    const std::string id(view.text_of("id"));
    const std::string_view status = view.text_of("status"), reason = view.text_of("reason"), acts = view.text_of("who_acts");
    if (view.find("connected")->is_null()) {
      seen.symptoms.push_back(warning("runs.not_connected", fmt::format("{} is not connected", id)));
    } else if (!reason.empty() && reason != "berth.cancelled") {
      // Setting up is not finished: not wrong yet. Who has to act is "time" or "nobody" where it goes on by itself.
      const bool goes_on = acts.empty() || acts == "time" || acts == "nobody" || status == "setup_incomplete";
      seen.symptoms.push_back({.is_warning = goes_on, .reason = std::string(reason), .message = std::string(view.text_of("message")), .what_to_do = {}});
    }
    const std::int64_t unmapped = view.find("unmapped_accounts")->integer().value_or(0);
    if (unmapped > 0 && status != "setup_incomplete") {
      seen.symptoms.push_back(warning("ledger.unmapped", fmt::format("{}: {} of its account rows wait to be mapped", id, unmapped)));
    }
    std::int64_t failed = 0;
    for (const auto& [entity, states] : view.find("records")->members()) {
      if (const json::Value* count = states.find("failed")) failed += count->integer().value_or(0);
    }
    if (failed > 0) seen.symptoms.push_back(warning("berth.records_failed", fmt::format("{}: {} did not post", id, counted(failed, "record", "records"))));
  }

  const Global& global_;
  const bool online_;
  const std::stop_token stop_;
  std::vector<fs::path> first_;
  SystemClock clock_;
  std::optional<config::Config> config_;
  bool has_folder_ = false, has_key_ = false;
  std::unique_ptr<storage::Database> database_;
  std::vector<Examined> examined_;
};

std::string way_out(const Symptom& symptom, const std::optional<reasons::Explanation>& why) {
  if (!symptom.what_to_do.empty()) return symptom.what_to_do;
  return why ? why->resolution : std::string();
}

void print_examined(const Examined& one) {
  print_line(fmt::format("{:<8} {}{}{}", one.state(), one.what, one.detail.empty() ? "" : ": ", one.detail));
  for (const Symptom& symptom : one.symptoms) {
    print_line(fmt::format("  {}[{}]: {}", symptom.is_warning ? "warning" : "error", symptom.reason, symptom.message));
    const auto why = views::explain(symptom.reason);
    if (why && symptom.what_to_do.empty()) print_line(fmt::format("    cause: {}", why->cause));
    if (const std::string what = way_out(symptom, why); !what.empty()) print_line("    do:    " + what);
  }
}

json::Value examined_json(const Examined& one) {
  json::Value symptoms = json::Value::array();
  for (const Symptom& symptom : one.symptoms) {
    json::Value value = json::Value::object({{"severity", symptom.is_warning ? "warning" : "error"}, {"reason", symptom.reason}, {"message", symptom.message}});
    views::add_explanation(value, {.reason = symptom.reason});
    if (!symptom.what_to_do.empty()) value.set("resolution", symptom.what_to_do);
    symptoms.push_back(std::move(value));
  }
  return json::Value::object({{"what", one.what}, {"state", one.state()}, {"detail", one.detail}, {"findings", std::move(symptoms)}});
}

}  // namespace

std::string_view Examined::state() const {
  if (!is_examined) return "not examined";
  if (symptoms.empty()) return "ok";
  return std::all_of(symptoms.begin(), symptoms.end(), [](const Symptom& symptom) { return symptom.is_warning; }) ? "warning" : "wrong";
}

std::vector<Examined> examine(const Global& global, bool online, std::stop_token stop) { return Doctor(global, online, std::move(stop)).examine(); }

int doctor(const Global& global, bool online) {
  const std::vector<Examined> all = examine(global, online, stop_on_signal());
  std::size_t errors = 0, warnings = 0;
  std::string skipped;
  json::Value list = json::Value::array();
  for (const Examined& one : all) {
    for (const Symptom& symptom : one.symptoms) ++(symptom.is_warning ? warnings : errors);
    if (global.json) {
      list.push_back(examined_json(one));
    } else if (!one.is_examined) {
      skipped += (skipped.empty() ? "" : ", ") + one.what;
    } else if (!global.quiet || one.state() == "wrong" || one.state() == "warning") {
      print_examined(one);
    }
  }
  if (global.json) {
    print_json(json::Value::object({{"errors", errors}, {"warnings", warnings}, {"examined", std::move(list)}}));
  } else {
    if (!skipped.empty()) print_line("not examined because of that: " + skipped);
    print_line(fmt::format("{}, {}", counted(errors, "error", "errors"), counted(warnings, "warning", "warnings")));
  }
  return errors == 0 ? kFine : kFindings;
}

}  // namespace berth::cli
