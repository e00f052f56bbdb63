#include "host/admin/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "host/admin/quota.hpp"
#include "host/runs/forecast.hpp"
#include "host/storage/audit.hpp"
#include "host/storage/leases.hpp"
#include "host/storage/reduced.hpp"
#include "host/storage/runs.hpp"
#include "host/storage/waiting.hpp"
#include "host/views/explain.hpp"

namespace berth::admin {

namespace {

json::Value time_or_null(Instant instant) {
  return instant.unix_ms == 0 ? json::Value() : json::Value(berth::to_string(instant));
}

json::Value parsed_or_object(const std::string& text) {
  json::Parsed parsed = json::parse(text);
  return parsed.ok() ? std::move(parsed.value) : json::Value::object();
}

/// The report of its last run; an empty object before the first.
Result<json::Value> last_report(storage::Connection& connection, const std::string& integration) {
  const auto newest = BERTH_TRY(storage::runs::list(connection, integration, {.after = {}, .limit = 1}));
  return newest.items.empty() ? json::Value::object() : parsed_or_object(newest.items.front().report_json);
}

constexpr std::string_view kKinds[] = {"default_income", "default_expense", "payment_mode", "tax", "zoho_account", "service_line", "reduced_total", "role"};

}  // namespace

Result<json::Value> integration_view(storage::Connection& connection, runs::QuotaKeys& keys, const storage::Integration& integration, Instant now) {
  json::Value view = json::Value::object({{"id", integration.id},
                                          {"plugin", integration.plugin},
                                          {"company", integration.company},
                                          {"tenant", integration.tenant},
                                          {"environment", integration.environment},
                                          {"mode", integration.mode},
                                          {"origin", integration.origin},
                                          {"name", integration.name},
                                          {"remote_id", integration.remote_id},
                                          {"desired", integration.desired},
                                          {"status", integration.actual},
                                          {"reason", integration.reason},
                                          {"message", integration.message},
                                          {"who_acts", integration.who_acts},
                                          {"since", time_or_null(integration.since)},
                                          {"next_attempt", time_or_null(integration.next_attempt)},
                                          {"created", time_or_null(integration.created)},
                                          {"connected", time_or_null(integration.connected)},
                                          {"last_sync_at", time_or_null(integration.last_sync)},
                                          {"backfill_floor", time_or_null(integration.backfill_floor)}});
  if (!integration.reason.empty()) views::add_explanation(view, {.reason = integration.reason});
  const json::Value last = BERTH_TRY(last_report(connection, integration.id));
  // Whether the kernel refused its plugin what a plugin may not do.
  view.set("system_call_filter", last.text_of("system_call_filter"));
  view.set("running", BERTH_TRY(storage::leases::find(connection, integration.id, now)).has_value());
  const json::Value organization = parsed_or_object(integration.organization_json);
  for (const char* key : {"currency", "time_zone", "fiscal_year_start_month"}) {
    if (const json::Value* value = organization.find(key)) view.set(key, *value);
  }
  json::Value organizations = json::Value::array();
  if (const json::Value* all = organization.find("all")) organizations = *all;
  view.set("organizations", std::move(organizations));
  json::Value counts = json::Value::object();
  for (const storage::RecordCount& count : BERTH_TRY(storage::records::counts(connection, integration.id))) {
    if (counts.find(count.entity) == nullptr) counts.set(count.entity, json::Value::object());
    counts.find(count.entity)->set(count.state, count.count);
  }
  view.set("records", std::move(counts));
  const config::Integration* declared = keys.config().find_integration(integration.id);
  view.set("pull", config::to_string(declared == nullptr ? config::PullExtent::kFull : declared->pull));
  view.set("known_by_row", BERTH_TRY(storage::reduced::count(connection, integration.id)));
  std::int64_t unmapped = 0;
  for (const storage::AccountRow& row : BERTH_TRY(storage::account_rows::list(connection, integration.id))) {
    if (!row.is_mapped()) ++unmapped;
  }
  view.set("unmapped_accounts", unmapped);
  view.set("quota", BERTH_TRY(quota_view(connection, keys, integration, now)));
  view.set("forecast", BERTH_TRY(runs::forecast_view(connection, integration.id)));
  const json::Value* budgets = last.find("budgets");
  view.set("budgets", budgets == nullptr ? json::Value::array() : *budgets);
  return view;
}

json::Value account_row_view(const storage::AccountRow& row) {
  return json::Value::object({{"row", row.awaited().substr(8)},
                              {"kind", row.kind},
                              {"key", row.label},
                              {"company", row.company},
                              {"account", row.account.empty() ? json::Value() : json::Value(row.account)},
                              {"origin", row.origin},
                              {"waiting", row.waiting}});
}

json::Value run_view(const storage::Run& run) {
  json::Value report = parsed_or_object(run.report_json);
  // What the connector noticed on the way is explained where it stands.
  if (json::Value* phases = report.find("phases")) {
    for (json::Value& phase : phases->make_array()) {
      if (!phase.text_of("reason").empty()) views::add_explanation(phase, {.reason = phase.text_of("reason")});
      json::Value* notes = phase.find("notes");
      if (notes == nullptr) continue;
      for (json::Value& note : notes->make_array()) views::add_explanation(note, {.reason = note.text_of("reason")});
    }
  }
  json::Value view = json::Value::object({{"run", run.id},
                              {"integration", run.integration},
                              {"trigger", run.trigger},
                              {"started", time_or_null(run.started)},
                              {"ended", time_or_null(run.ended)},
                              {"outcome", run.outcome},
                              {"reason", run.reason},
                              {"message", run.message}});
  if (!run.reason.empty()) views::add_explanation(view, {.reason = run.reason});
  view.set("report", std::move(report));
  return view;
}

json::Value balance_view(const ledger::Balance& balance) {
  return json::Value::object({{"company", balance.company},
                              {"account", balance.account},
                              {"currency", balance.debit.currency().code()},
                              {"debit", balance.debit.to_string()},
                              {"credit", balance.credit.to_string()},
                              {"balance", balance.net().to_string()}});
}

Result<storage::AccountRow> map_account(storage::Database& database, const config::Config& config, std::string_view integration,
                                        std::string_view kind, std::string_view label, std::string_view company,
                                        std::string_view account, std::string_view actor, Instant now) {
  if (std::find(std::begin(kKinds), std::end(kKinds), kind) == std::end(kKinds)) {
    return make_error(Code::kInvalidArgument, "admin.account_kind", fmt::format("\"{}\" is no kind of account row", kind));
  }
  const config::Company* owner = config.find_company(company);
  if (owner == nullptr) return make_error(Code::kNotFound, "runs.company_unknown", fmt::format("there is no company \"{}\"", company));
  if (owner->chart.find(account) == nullptr) {
    const std::string hint = config::did_you_mean(account, owner->chart.ids());
    return make_error(Code::kNotFound, "admin.account_unknown",
                      fmt::format("the chart of {} has no account \"{}\"{}{}", company, account, hint.empty() ? "" : "; ", hint));
  }
  storage::AccountRow row;
  BERTH_CHECK(database.write("account.map", [&](storage::Connection& connection) -> Status {
    row = BERTH_TRY(storage::account_rows::map(connection, integration, kind, label == "-" ? "" : label, company, account, now));
    BERTH_CHECK(storage::waiting::wake(connection, integration, row.awaited(), now));
    return note(connection, actor, "account.map", integration, now, json::dump(account_row_view(row)));
  }));
  return row;
}

Status set_desired(storage::Database& database, std::string_view integration, std::string_view desired, Instant now) {
  return database.write("integration.set_desired", [&](storage::Connection& connection) { return runs::set_desired(connection, integration, desired, now); });
}

Result<std::string> change_desired(storage::Database& database, std::string_view integration, std::string_view verb, std::string_view actor, Instant now) {
  const std::string desired = verb == "pause" ? "paused" : verb == "disable" ? "disabled" : "enabled";
  BERTH_CHECK(database.write("integration.pause_or_resume", [&](storage::Connection& connection) -> Status {
    BERTH_CHECK(runs::set_desired(connection, integration, desired, now));
    return note(connection, actor, fmt::format("integration.{}", verb), integration, now);
  }));
  return desired;
}

Status note(storage::Connection& connection, std::string_view actor, std::string_view action, std::string_view target, Instant now,
            std::string_view detail_json) {
  storage::AuditEntry entry;
  entry.at = now;
  entry.actor = actor;
  entry.action = action;
  entry.target = target;
  entry.detail_json = detail_json;
  BERTH_CHECK(storage::audit::append(connection, entry));
  return success();
}

}  // namespace berth::admin
