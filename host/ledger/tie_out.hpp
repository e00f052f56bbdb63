#pragma once
// I10: what the books say that each customer owes, against what the remote system said, as stored. Lists every difference
// with its cause where one is known; changes nothing.
//
//   TieOut tie_out = BERTH_TRY(tie_out_with_remote(connection, "zoho_acme"));
//   tie_out.differences.empty();   // the receivables are those of the remote
//
// Read-only, through the caller's connection; no call to the remote. Errors: those of storage.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger {

/// Under which names a remote's answers hold its balances, and which entities they are answers of.
struct TieOutFields {
  std::string invoice = "invoice", credit_note = "credit_note", payment = "customer_payment", customer = "contact";
  std::string currency = "currency_code", balance = "balance";
  std::string outstanding = "outstanding_receivable_amount", unused = "unused_credits_receivable_amount";
};

enum class TieOutCause {
  kWaits,        // the record is parked: it names what it waits for
  kFailed,       // the record was refused
  kSkipped,      // the record was skipped for good
  kPending,      // the record is stored and not applied yet
  kAttention,    // posted, but a newer version of it was refused
  kNotFetched,   // posted, but the list shows a newer version that is not fetched yet
  kRelated,      // a payment or credit that names it is not posted
  kNotStored,    // the books have it and no answer about it is stored: an opening receivable, older than the window
  kDocuments,    // of a customer: the differences of its documents
  kOlder,        // of a customer: the remote's balance was stored before documents that have posted since
  kUnexplained
};
[[nodiscard]] std::string_view to_string(TieOutCause cause);  // "waits"

struct TieOutDifference {
  std::string kind;  // invoice | credit_note | outstanding | unused_credits
  std::string remote_id, number, customer;  // customer: local id
  Currency currency;
  Money ours;
  std::optional<Money> remote;  // nothing: no answer is stored, or it has no balance
  TieOutCause cause = TieOutCause::kUnexplained;
  std::string reason, message;  // of the record that causes it
  std::string related;          // "customer_payment/46…": the record, where it is another one
  [[nodiscard]] Money difference() const { return remote ? ours - *remote : ours; }
};

struct TieOut {
  std::size_t invoices = 0, credit_notes = 0, customers = 0;  // compared
  std::size_t without_balance = 0;  // answers that hold no balance: not compared
  std::vector<TieOutDifference> differences;  // by kind and remote id
};

Result<TieOut> tie_out_with_remote(storage::Connection& connection, const std::string& integration,
                                   const TieOutFields& fields = {});

}  // namespace berth::ledger
