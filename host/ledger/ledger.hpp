#pragma once
// The ledger: from a canonical document to immutable, balanced entries.
//
//   Books books = BERTH_TRY(load_books(connection, document, company, accounts));   // a read-only snapshot
//   Planned planned = plan(document, books);                                        // pure
//   if (planned.plan) BERTH_CHECK(commit(connection, *planned.plan, context));      // in the caller's transaction
//
// plan() reads a snapshot and writes nothing; commit() writes entries, open items and matches. An entry whose debits do
// not equal its credits cannot be stored: the database refuses it. Entries are never edited; a correction is a new entry.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/core/decimal.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/documents/documents.hpp"
#include "host/storage/database.hpp"

namespace berth::ledger {

enum class Side { kDebit, kCredit };

struct EntryLine {
  std::string account;                     // id in the company's chart
  Side side = Side::kDebit;
  Money base;                              // base currency of the company, never negative
  std::optional<Money> document;           // document currency; absent on lines in base only
  std::string party;                       // customer, for control accounts
  std::string location, service_type;      // dimensions
  std::string description;
};

/// One journal entry as planned.
struct Entry {
  std::string event;                       // post, cash, allocation:<id>, refund:<id>, credit_application:<id>, void
  std::int64_t sequence = 1;
  std::string company;
  Date date, document_date;
  Currency currency;
  std::optional<Decimal> rate;
  std::vector<EntryLine> lines;
  std::string fingerprint;
  std::string description;                 // "INV-000317"
};

/// A live entry to negate exactly as stored.
struct Reversal {
  std::int64_t entry = 0;                  // id of the stored entry
  std::string event;                       // key of the reversing entry: "void", or the event it reverses
  Date date;
};

/// Which open item was relieved by how much.
struct Match {
  std::string event;
  documents::Source from;                  // the payment or credit note
  std::string to;                          // local id of the invoice
  Money amount;                            // document currency
  Money base;                              // carrying base relieved
};

struct Plan {
  std::vector<Reversal> reversals;
  std::vector<Entry> entries;
  std::vector<Match> matches;
  std::vector<std::string> pending;        // "invoice/<id>": allocations that wait for it
  std::vector<std::string> flags;          // facts that block nothing: "ledger.balance_identity"
  [[nodiscard]] bool is_empty() const { return reversals.empty() && entries.empty() && matches.empty(); }
};

enum class Consequence { kFailed, kParked, kSkipped };
struct Refusal {
  std::string reason;                      // "ledger.unmapped", "ledger.totals", ...
  std::string message;                     // both sides shown
  Consequence consequence = Consequence::kFailed;
  std::vector<std::string> waits_for;      // kParked: "account/payment_mode/Stripe/acme_us", "invoice/<id>", "period/…"
  std::vector<std::string> forced_fetch;   // "invoice/<remote id>": documents whose current data may resolve it
};

/// Exactly one of the two is set.
struct Planned {
  std::optional<Plan> plan;
  std::optional<Refusal> refusal;
};

}  // namespace berth::ledger
