// The books on the command line.
#include <fmt/format.h>

#include "host/admin/periods.hpp"
#include "host/admin/views.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/entry_table.hpp"
#include "host/ledger/export.hpp"
#include "host/ledger/queries.hpp"
#include "host/runs/registry.hpp"

namespace berth::cli {

namespace {

/// Reads with one query and prints rows as a table or as {"name": [...]}.
template <class Shown, class Read>
int list_rows(const Global& global, const std::string& name, Shown table, Read read) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  json::Value list = json::Value::array();
  const Status done = opened->database->read([&](storage::Connection& connection) -> Status { return read(connection, table, list); });
  if (!done.ok()) return fail(global, done.error());
  if (global.json) {
    print_json(json::Value::object({{name, std::move(list)}}));
  } else {
    print(table.text());
  }
  return kFine;
}

}  // namespace

int ledger_balance(const Global& global, const std::string& company) {
  return list_rows(global, "balances", Table({"company", "account", "debit", "credit", "balance", ""}, {2, 3, 4}),
                   [&](storage::Connection& connection, Table& table, json::Value& list) -> Status {
                     ledger::BalanceFilter filter;
                     filter.company = company;
                     std::map<std::string, MoneyTotal> totals;
                     for (const ledger::Balance& balance : BERTH_TRY(ledger::trial_balance(connection, filter))) {
                       const std::string code(balance.debit.currency().code());
                       table.add({balance.company, balance.account, balance.debit.to_string(), balance.credit.to_string(), balance.net().to_string(), code});
                       list.push_back(admin::balance_view(balance));
                       const auto [total, is_new] = totals.try_emplace(balance.company, MoneyTotal(balance.debit.currency()));
                       total->second += balance.net();
                     }
                     for (const auto& [id, total] : totals) table.add({id, "(sum)", "", "", total.to_string(), std::string(total.currency().code())});
                     return success();
                   });
}

int ledger_entries(const Global& global, const std::string& company, const std::string& source, std::size_t limit) {
  return list_rows(global, "entries", EntryTable(EntryIds::kShown), [&](storage::Connection& connection, EntryTable& table, json::Value& list) -> Status {
    ledger::EntryFilter filter;
    filter.company = company;
    const auto slash = source.find('/');
    filter.entity = source.substr(0, slash);
    if (slash != std::string::npos) filter.remote_id = source.substr(slash + 1);
    filter.limit = limit;
    for (const ledger::StoredEntry& entry : BERTH_TRY(ledger::list_entries(connection, filter)).entries) {
      list.push_back(admin::entry_view(entry));
      table.add(list.items().back());
    }
    return success();
  });
}

int ledger_check(const Global& global) {
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  // First the file itself: what the books say means nothing where pages or rows are lost.
  const auto damages = opened->database->check();
  if (!damages.ok()) return fail(global, damages.error());
  std::vector<ledger::CheckFinding> findings;
  for (const std::string& damage : *damages) findings.push_back({.invariant = "storage", .message = damage});
  const Status done = opened->database->read([&](storage::Connection& connection) -> Status {
    for (ledger::CheckFinding& finding : BERTH_TRY(ledger::check(connection))) findings.push_back(std::move(finding));
    return success();
  });
  if (!done.ok()) return fail(global, done.error());
  if (global.json) {
    json::Value list = json::Value::array();
    for (const ledger::CheckFinding& finding : findings) list.push_back(json::Value::object({{"invariant", finding.invariant}, {"message", finding.message}}));
    print_json(json::Value::object({{"sound", findings.empty()}, {"findings", std::move(list)}}));
  } else {
    for (const ledger::CheckFinding& finding : findings) print_line(fmt::format("{}: {}", finding.invariant, finding.message));
    if (findings.empty()) print_line("the books are sound");
  }
  return findings.empty() ? kFine : kFindings;
}

int ledger_receivables(const Global& global, const std::string& id) {
  return list_rows(global, "receivables", Table({"invoice", "number", "company", "customer", "total", "open"}, {4, 5}),
                   [&](storage::Connection& connection, Table& table, json::Value& list) -> Status {
                     for (const ledger::Receivable& row : BERTH_TRY(ledger::receivables(connection, id))) {
                       table.add({row.remote_id, row.number, row.company, row.customer, row.total.to_string(), row.open.to_string()});
                       list.push_back(json::Value::object({{"integration", row.integration},
                                                           {"remote_id", row.remote_id},
                                                           {"number", row.number},
                                                           {"company", row.company},
                                                           {"customer", row.customer},
                                                           {"currency", row.total.currency().code()},
                                                           {"total", row.total.to_string()},
                                                           {"open", row.open.to_string()}}));
                     }
                     return success();
                   });
}

int ledger_export(const Global& global, const std::string& format_name, const std::string& sort_name) {
  const auto format = ledger::parse_export_format(format_name);
  const auto sort = ledger::parse_export_sort(sort_name);
  if (!format.ok() || !sort.ok()) {
    fail(global, format.ok() ? sort.error() : format.error());
    return kWrongUsage;
  }
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const ledger::ExportOptions options{.companies = runs::companies_of(opened->config), .filter = {}, .order = *sort};
  const Status done = opened->database->read([&](storage::Connection& connection) {
    return ledger::export_journal(connection, *format, options, [](std::string_view text) { return print(text); });
  });
  // Why the output ended is said when the command ends; a reader that has seen enough is no failure.
  if (!done.ok() && done.error().reason == "ledger.export_stopped") return kFine;
  return done.ok() ? kFine : fail(global, done.error());
}

int ledger_period(const Global& global, const std::string& verb, const std::string& company, const std::string& month_text) {
  if (verb == "list") {
    return list_rows(global, "closed", Table({"company", "month", "closed", "by"}), [&](storage::Connection& connection, Table& table, json::Value& list) -> Status {
      list = BERTH_TRY(admin::periods_view(connection, company));
      for (const json::Value& one : list.items()) {
        table.add({std::string(one.text_of("company")), std::string(one.text_of("month")), std::string(one.text_of("closed_at")), std::string(one.text_of("closed_by"))});
      }
      return success();
    });
  }
  const auto opened = open_storage(global);
  if (!opened.ok()) return fail(global, opened.error());
  const auto view = admin::set_period(*opened->database, opened->config, company, month_text, verb == "open", "cli", opened->clock->now());
  if (!view.ok()) return fail(global, view.error());
  if (global.json) {
    print_json(*view);
    return kFine;
  }
  const std::int64_t woken = view->find("woken")->integer().value_or(0);
  print_line(fmt::format("{} of {} is {}{}{}", view->text_of("month"), company, view->text_of("state"), view->find("changed")->boolean() ? "" : " already",
                         woken == 0 ? "" : fmt::format("; {} that waited for it are decided with the next run", counted(woken, "record", "records"))));
  return kFine;
}

}  // namespace berth::cli
