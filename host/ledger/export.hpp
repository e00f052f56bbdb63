#pragma once
// The journal in other programs' languages, as judges of ours, and as tables for spreadsheets and scripts. A format is a
// JournalWriter; the walk over the entries is shared. The same books give the same bytes.
//
//   BERTH_CHECK(export_journal(connection, ExportFormat::kHledger, {.companies = companies}, [&](std::string_view text)
//   {
//     return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
//   }));
#include <functional>
#include <memory>
#include <string_view>

#include "host/ledger/books.hpp"
#include "host/ledger/queries.hpp"

namespace berth::ledger {

enum class ExportFormat { kHledger, kLedger, kBeancount, kCsv, kJsonLines };
/// "hledger", "ledger", "beancount", "csv", "jsonl". Errors: ledger.export_format.
Result<ExportFormat> parse_export_format(std::string_view text);
/// "recording" or "source". Errors: ledger.export_sort.
Result<EntryOrder> parse_export_sort(std::string_view text);

struct ExportOptions {
  Companies companies;  // types and names of accounts
  EntryFilter filter;   // cursor and limit are not used
  /// kSource leaves out what belongs to this host's recording (numbers of entries): two hosts that took the same
  /// documents write the same bytes.
  EntryOrder order = EntryOrder::kRecording;
};
/// Takes a piece of text; false = stop (a closed pipe): ledger.export_stopped.
using ExportSink = std::function<bool(std::string_view)>;

Status export_journal(storage::Connection& connection, ExportFormat format, const ExportOptions& options,
                      const ExportSink& sink);

/// "assets:acme_us:undeposited": type, company, id. Accounts that are in no chart: "unknown:acme_us:old".
[[nodiscard]] std::string full_account_name(const Companies& companies, std::string_view company,
                                            std::string_view account);

/// What of the whole journal stands at its head.
struct JournalHead {
  struct UsedAccount {
    std::string company, account;
  };
  std::vector<UsedAccount> accounts;  // in order of company and id
  std::vector<Currency> currencies;
  Date first;  // the earliest posting date
};

/// One format.
class JournalWriter {
 public:
  virtual ~JournalWriter() = default;
  virtual void begin(const JournalHead& head, std::string& out) = 0;
  virtual void entry(const StoredEntry& entry, std::string& out) = 0;
};
/// hledger's and ledger's languages differ in how commodities and accounts are declared.
enum class LedgerDialect { kHledger, kLedger };
[[nodiscard]] std::unique_ptr<JournalWriter> make_hledger_writer(const Companies& companies, EntryOrder order,
                                                                 LedgerDialect dialect = LedgerDialect::kHledger);
[[nodiscard]] std::unique_ptr<JournalWriter> make_beancount_writer(const Companies& companies, EntryOrder order);
[[nodiscard]] std::unique_ptr<JournalWriter> make_csv_writer(const Companies& companies, EntryOrder order);
[[nodiscard]] std::unique_ptr<JournalWriter> make_json_lines_writer(const Companies& companies, EntryOrder order);

}  // namespace berth::ledger
