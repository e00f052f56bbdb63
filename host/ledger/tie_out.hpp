#pragma once
// I10: what the books say that each customer owes, against what the remote system said, as stored. Lists every difference
// with its cause where one is known; changes nothing.
//
//   TieOut tie_out = BERTH_TRY(tie_out_with_remote(connection, "zoho_acme", *manifest.tie_out));
//   tie_out.differences.empty();   // the receivables are those of the remote
//
// Where the answers hold balances is the connector's to say (documents/remote_balances.hpp). Read-only, through the caller's
// connection; no call to the remote. Errors: those of storage.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "host/core/money_total.hpp"
#include "host/core/result.hpp"
#include "host/documents/remote_balances.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger {

enum class TieOutCause {
  kWaits,        // the record is parked: it names what it waits for
  kFailed,       // the record was refused
  kSkipped,      // the record was skipped for good
  kArchived,     // a person has archived the record, and the remote has it still
  kPending,      // the record is stored and not applied yet
  kAttention,    // posted, but a newer version of it was refused
  kNotFetched,   // posted, but the list shows a newer version that is not fetched yet
  kRelated,      // a document that goes with it is not posted: a payment, a credit note, the invoice that a credit note is applied to
  kNotStored,    // the books have it and no answer about it is stored: an opening receivable, older than the window
  kDocuments,    // of a customer: the differences of its documents
  kOlder,        // of a customer: the remote's balance was stored before documents that have posted since
  kUnexplained
};
[[nodiscard]] std::string_view to_string(TieOutCause cause);  // "waits"
/// What that means, for whoever reads the list: "the document is parked".
[[nodiscard]] std::string_view meaning(TieOutCause cause);

struct TieOutDifference {
  std::string kind;  // invoice | credit_note | outstanding | unused_credits
  std::string remote_id, number, customer;  // customer: local id
  std::vector<std::string> also;            // further contacts of the remote that are linked to the customer and in the sum
  Currency currency;
  MoneyTotal ours;
  std::optional<MoneyTotal> remote;  // nothing: no answer is stored, or it is in another currency
  TieOutCause cause = TieOutCause::kUnexplained;
  std::string reason, message;  // of the record that causes it
  std::string related;          // "customer_payment/46…": the record, where it is another one
  [[nodiscard]] MoneyTotal difference() const { return remote ? ours - *remote : ours; }
};

struct TieOut {
  std::size_t invoices = 0, credit_notes = 0, customers = 0;  // compared
  std::size_t without_balance = 0;  // answers that hold no balance: not compared
  std::vector<TieOutDifference> differences;  // by kind and remote id
};

Result<TieOut> tie_out_with_remote(storage::Connection& connection, const std::string& integration,
                                   const documents::RemoteBalances& remote);

}  // namespace berth::ledger
