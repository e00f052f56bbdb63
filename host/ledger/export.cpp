#include "host/ledger/export.hpp"

#include <fmt/format.h>

namespace berth::ledger {
namespace {

/// Text is handed to the sink in pieces of about this many bytes.
constexpr std::size_t kPieceBytes = 64U << 10U;

constexpr std::pair<std::string_view, ExportFormat> kFormats[] = {{"hledger", ExportFormat::kHledger},
                                                                  {"ledger", ExportFormat::kLedger},
                                                                  {"beancount", ExportFormat::kBeancount},
                                                                  {"csv", ExportFormat::kCsv},
                                                                  {"jsonl", ExportFormat::kJsonLines}};

std::unique_ptr<JournalWriter> make_writer(ExportFormat format, const ExportOptions& options) {
  switch (format) {
    case ExportFormat::kHledger:
      return make_hledger_writer(options.companies, options.order, LedgerDialect::kHledger);
    case ExportFormat::kLedger:
      return make_hledger_writer(options.companies, options.order, LedgerDialect::kLedger);
    case ExportFormat::kBeancount:
      return make_beancount_writer(options.companies, options.order);
    case ExportFormat::kCsv:
      return make_csv_writer(options.companies, options.order);
    case ExportFormat::kJsonLines:
      return make_json_lines_writer(options.companies, options.order);
  }
  return nullptr;
}

Result<JournalHead> read_head(storage::Connection& connection) {
  JournalHead head;
  const auto used =
      BERTH_TRY(connection.query("SELECT DISTINCT e.company, l.account FROM entry_line AS l JOIN entry AS e ON e.id = "
                                 "l.entry ORDER BY e.company, l.account"));
  for (const storage::Row& row : used) head.accounts.push_back({row.text(0), row.text(1)});
  const auto codes =
      BERTH_TRY(connection.query("SELECT currency FROM entry UNION SELECT base_currency FROM entry ORDER BY 1"));
  for (const storage::Row& row : codes) head.currencies.push_back(BERTH_TRY(Currency::of(row.text(0))));
  const auto first = BERTH_TRY(connection.first("SELECT MIN(date) FROM entry"));
  if (first && !first->is_null(0)) head.first = BERTH_TRY(parse_date(first->text(0)));
  return head;
}

std::string_view plural(AccountType type) {
  switch (type) {
    case AccountType::kAsset:
      return "assets";
    case AccountType::kLiability:
      return "liabilities";
    case AccountType::kEquity:
      return "equity";
    case AccountType::kIncome:
      return "income";
    case AccountType::kExpense:
      return "expenses";
  }
  return "unknown";
}

}  // namespace

Result<ExportFormat> parse_export_format(std::string_view text) {
  for (const auto& [name, format] : kFormats) {
    if (name == text) return format;
  }
  return make_error(
      Code::kUnsupported, "ledger.export_format",
      fmt::format("\"{}\" is no format of the journal; there are hledger, ledger, beancount, csv and jsonl", text));
}

Result<EntryOrder> parse_export_sort(std::string_view text) {
  if (text == "recording") return EntryOrder::kRecording;
  if (text == "source") return EntryOrder::kSource;
  return make_error(Code::kUnsupported, "ledger.export_sort",
                    fmt::format("\"{}\" is no order of the journal; there are recording and source", text));
}

std::string full_account_name(const Companies& companies, std::string_view company, std::string_view account) {
  std::string_view type = "unknown";
  if (const auto found = companies.find(std::string(company)); found != companies.end()) {
    const auto& accounts = found->second.chart.accounts;
    if (const auto known = accounts.find(std::string(account)); known != accounts.end())
      type = plural(known->second.type);
  }
  return fmt::format("{}:{}:{}", type, company, account);
}

Status export_journal(storage::Connection& connection, ExportFormat format, const ExportOptions& options,
                      const ExportSink& sink) {
  const std::unique_ptr<JournalWriter> writer = make_writer(format, options);
  std::string piece;
  const auto flush = [&]() -> Status {
    if (!piece.empty() && !sink(piece)) {
      return make_error(Code::kCancelled, "ledger.export_stopped", "the reader of the export has gone");
    }
    piece.clear();
    return success();
  };
  writer->begin(BERTH_TRY(read_head(connection)), piece);
  const auto write = [&](const StoredEntry& entry) -> Status {
    writer->entry(entry, piece);
    return piece.size() >= kPieceBytes ? flush() : success();
  };
  BERTH_CHECK(each_entry(connection, options.filter, write, options.order));
  return flush();
}

}  // namespace berth::ledger
