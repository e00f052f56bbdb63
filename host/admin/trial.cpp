#include "host/admin/trial.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "host/admin/views.hpp"
#include "host/core/money_total.hpp"
#include "host/storage/waiting.hpp"

namespace berth::admin {

namespace {

using storage::Connection;
using storage::Row;

/// Records that the run refused, and did not refuse before or for another reason.
constexpr std::string_view kNewlyRefused =
    " FROM record AS r LEFT JOIN trial_record AS b ON b.id = r.id WHERE r.integration = ? AND r.state IN ('parked', 'failed', 'skipped') "
    "AND (b.id IS NULL OR b.state <> r.state OR b.reason <> r.reason OR b.message <> r.message)";

Result<std::int64_t> number(Connection& connection, std::string_view sql, std::initializer_list<storage::Parameter> parameters = {}) {
  const auto row = BERTH_TRY(connection.first(sql, parameters));
  return row ? row->integer(0) : 0;
}

Result<Currency> currency_of(const std::string& code) {
  const auto currency = Currency::of(code);
  if (!currency) return make_error(Code::kEnvironment, "ledger.damaged", "a stored currency is unknown: " + code);
  return *currency;
}

Status add_entries(Connection& connection, json::Value& view, std::size_t limit) {
  const std::int64_t before = BERTH_TRY(number(connection, "SELECT last FROM trial_entry"));
  ledger::EntryFilter filter;
  filter.cursor = std::to_string(before);
  filter.limit = std::min(limit, kTrialListMax);
  json::Value entries = json::Value::array();
  for (const ledger::StoredEntry& entry : BERTH_TRY(ledger::list_entries(connection, filter)).entries) entries.push_back(entry_view(entry));
  view.set("entries", std::move(entries));
  view.set("entries_total", BERTH_TRY(number(connection, "SELECT COUNT(*) FROM entry WHERE id > ?", {before})));
  view.set("reversals_total", BERTH_TRY(number(connection, "SELECT COUNT(*) FROM entry WHERE id > ? AND reverses IS NOT NULL", {before})));
  json::Value totals = json::Value::array();
  for (const Row& row : BERTH_TRY(connection.query(
           "SELECT company, account, currency, CAST(exact_sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS TEXT), "
           "CAST(exact_sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS TEXT), "
           "base_currency, CAST(exact_sum(base_minor) AS TEXT) FROM (SELECT e.company, l.account, CASE WHEN l.document_minor IS NULL THEN e.base_currency ELSE "
           "e.currency END AS currency, COALESCE(l.document_minor, l.base_minor) AS amount, e.base_currency, l.base_minor FROM entry_line AS l "
           "JOIN entry AS e ON e.id = l.entry WHERE e.id > ?) GROUP BY company, account, currency, base_currency ORDER BY company, account, currency",
           {before}))) {
    const Currency currency = BERTH_TRY(currency_of(row.text(2)));
    const Currency base = BERTH_TRY(currency_of(row.text(5)));
    totals.push_back(json::Value::object({{"company", row.text(0)},
                                          {"account", row.text(1)},
                                          {"currency", row.text(2)},
                                          {"debit", BERTH_TRY(MoneyTotal::parse_minor(row.text(3), currency)).to_string()},
                                          {"credit", BERTH_TRY(MoneyTotal::parse_minor(row.text(4), currency)).to_string()},
                                          {"base_currency", row.text(5)},
                                          {"base_net", BERTH_TRY(MoneyTotal::parse_minor(row.text(6), base)).to_string()}}));
  }
  view.set("totals", std::move(totals));
  return success();
}

Status add_refusals(Connection& connection, json::Value& view, const std::string& integration, std::size_t limit) {
  std::vector<std::pair<std::int64_t, std::string>> refused;
  BERTH_CHECK(connection.each("SELECT r.id, COALESCE(b.state, '')" + std::string(kNewlyRefused) + " ORDER BY r.id LIMIT ?",
                              {integration, std::min(limit, kTrialListMax)}, [&](const Row& row) {
                                refused.emplace_back(row.integer(0), row.text(1));
                                return true;
                              }));
  json::Value refusals = json::Value::array();
  for (const auto& [id, was] : refused) {
    const auto record = BERTH_TRY(storage::records::find(connection, id));
    if (!record) continue;
    json::Value one = record_view(*record);
    one.set("was", was.empty() ? json::Value() : json::Value(was));
    refusals.push_back(std::move(one));
  }
  view.set("refusals", std::move(refusals));
  const std::int64_t all = BERTH_TRY(number(connection, "SELECT COUNT(*)" + std::string(kNewlyRefused), {integration}));
  view.set("refusals_total", all);
  view.set("still_refused", BERTH_TRY(number(connection, "SELECT COUNT(*) FROM record WHERE integration = ? AND state IN ('parked', 'failed', 'skipped')",
                                             {integration})) - all);
  return success();
}

/// How many records went from which state to which; those that stayed are not told.
Status add_outcomes(Connection& connection, json::Value& view, const std::string& integration) {
  json::Value outcomes = json::Value::array();
  BERTH_CHECK(connection.each(
      "SELECT r.entity, COALESCE(b.state, ''), r.state, COUNT(*) FROM record AS r LEFT JOIN trial_record AS b ON b.id = r.id "
      "WHERE r.integration = ? AND (b.id IS NULL OR b.state <> r.state) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
      {integration}, [&](const Row& row) {
        outcomes.push_back(json::Value::object({{"entity", row.text(0)},
                                                {"was", row.text(1).empty() ? json::Value() : json::Value(row.text(1))},
                                                {"is", row.text(2)},
                                                {"records", row.integer(3)}}));
        return true;
      }));
  view.set("outcomes", std::move(outcomes));
  return success();
}

}  // namespace

Status mark_trial(storage::Database& scratch) {
  return scratch.write("trial.begin", [&](Connection& connection) -> Status {
    BERTH_CHECK(connection.execute("CREATE TABLE trial_record (id INTEGER PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL)"));
    BERTH_CHECK(connection.execute("INSERT INTO trial_record SELECT id, state, reason, message FROM record"));
    BERTH_CHECK(connection.execute("CREATE TABLE trial_entry (last BIGINT NOT NULL)"));
    BERTH_CHECK(connection.execute("INSERT INTO trial_entry SELECT COALESCE(MAX(id), 0) FROM entry"));
    BERTH_CHECK(connection.execute("DELETE FROM detail_queue WHERE want = 2"));
    return success();
  });
}

void without_files(runs::Setup& setup) {
  for (runs::Phase& phase : setup.phases) phase.files.clear();
}

Result<json::Value> trial_view(storage::Database& scratch, const runs::RunReport& report, const TrialLimits& limits) {
  runs::CallCounts calls;
  for (const runs::PhaseReport& phase : report.phases) {
    calls.list += phase.calls.list;
    calls.detail += phase.calls.detail;
    calls.file += phase.calls.file;
    calls.other += phase.calls.other;
  }
  json::Value view = json::Value::object({{"dry_run", true},
                                          {"integration", report.integration},
                                          {"outcome", to_string(report.outcome)},
                                          {"reason", report.reason},
                                          {"message", report.message},
                                          {"calls", json::Value::object({{"list", calls.list},
                                                                         {"detail", calls.detail},
                                                                         {"file", calls.file},
                                                                         {"other", calls.other},
                                                                         {"total", calls.total()}})}});
  BERTH_CHECK(scratch.read([&](Connection& connection) -> Status {
    BERTH_CHECK(add_entries(connection, view, limits.entries));
    BERTH_CHECK(add_refusals(connection, view, report.integration, limits.refusals));
    BERTH_CHECK(add_outcomes(connection, view, report.integration));
    json::Value unmapped = json::Value::array();
    for (const storage::AccountRow& row : BERTH_TRY(storage::account_rows::list(connection, report.integration))) {
      if (!row.is_mapped()) unmapped.push_back(account_row_view(row));
    }
    view.set("unmapped_accounts", std::move(unmapped));
    return success();
  }));
  view.set("run", report.to_json());
  return view;
}

}  // namespace berth::admin
