#pragma once
// What the ledger holds: balances, entries, receivables, and the invariants. Read-only, through the caller's
// connection.
#include <optional>
#include <string>
#include <vector>

#include "host/core/money_total.hpp"
#include "host/ledger/accounts.hpp"
#include "host/ledger/ledger.hpp"

namespace berth::ledger {

/// Empty members do not filter. Dates are posting dates, both ends included.
struct BalanceFilter {
  std::string company, account, party;
  std::optional<Date> from, through;
  std::optional<std::string> location, service_type;  // "" = lines without one
};
struct Balance {
  std::string company, account;
  MoneyTotal debit, credit;  // base currency of the company
  [[nodiscard]] MoneyTotal net() const { return debit - credit; }
};
/// One row per company and account, in that order; the nets of a company add up to zero unless lines were filtered out.
Result<std::vector<Balance>> trial_balance(storage::Connection& connection, const BalanceFilter& filter = {});

struct StoredLine {
  std::string account;
  Side side = Side::kDebit;
  Money base;
  std::optional<Money> document;
  std::string party, location, service_type, description;
};
struct StoredEntry {
  std::int64_t id = 0;
  documents::Source source;  // version: of the document that made it
  std::string local_id, event, company, description, fingerprint, rules_revision, rate;
  std::int64_t sequence = 0;
  std::int64_t reverses = 0;  // 0: none
  std::string reversed_event;  // of the entry that it reverses: the same source, this event and sequence
  std::int64_t reversed_sequence = 0;
  std::int64_t reversed_by = 0;
  std::int64_t supersedes = 0;  // the reversed entry that this one replaces
  Date date, document_date;
  Currency currency, base_currency;
  Instant created_at;
  std::vector<StoredLine> lines;
};

struct EntryFilter {
  std::string integration, entity, remote_id, local_id, company, account;
  std::optional<Date> from, through;
  std::int64_t recorded_after = 0;  // an entry's id: only those that were recorded later
  bool only_live = false;
  bool newest_first = false;
  std::string cursor;       // next_cursor of the page before
  std::size_t limit = 100;  // at most kEntryPageMax
};
inline constexpr std::size_t kEntryPageMax = 1000;
struct EntryPage {
  std::vector<StoredEntry> entries;
  std::string next_cursor;  // "" on the last page
};
/// In order of recording. Errors: ledger.cursor_invalid.
Result<EntryPage> list_entries(storage::Connection& connection, const EntryFilter& filter = {});
enum class EntryOrder {
  kRecording,
  kSource  // integration, entity, remote id, event, sequence: byte by byte, whatever was recorded first
};
/// Every entry, for exports. The visitor may fail; its error ends the walk.
Status each_entry(storage::Connection& connection, const EntryFilter& filter,
                  const std::function<Status(const StoredEntry&)>& visit, EntryOrder order = EntryOrder::kRecording);

/// The id of the entry that was recorded last; 0: none.
Result<std::int64_t> last_entry(storage::Connection& connection);

struct Receivable {
  std::string integration, entity, remote_id, local_id, number, company, customer;
  Money total, open;  // of a credit note: negative
  Money base_open;
};
/// Posted invoices (entity "invoice") or credit notes, also the paid ones, by remote id. "" integration = all.
Result<std::vector<Receivable>> receivables(storage::Connection& connection, std::string_view integration,
                                            std::string_view entity = "invoice");

/// Documents with a live entry in the name of that customer: "invoice/46…". Reads all lines: for what happens seldom.
Result<std::vector<std::string>> documents_of_customer(storage::Connection& connection, std::string_view integration, std::string_view customer);
/// Another customer to whom documents that were this one's belong now; "" if there is none.
Result<std::string> customer_after(storage::Connection& connection, std::string_view integration, std::string_view customer);

struct CustomerCredit {
  std::string company, customer;
  MoneyTotal credit;  // what the customer has paid and not used
  MoneyTotal base;
};
Result<std::vector<CustomerCredit>> customer_credits(storage::Connection& connection);

struct CheckFinding {
  std::string invariant;  // "I1"
  std::string message;    // one sentence with both sides
};
/// I1–I8 over everything stored, tolerance zero. Empty = sound. (I9 is a test, I10 a tie-out.)
Result<std::vector<CheckFinding>> check(storage::Connection& connection);

}  // namespace berth::ledger
