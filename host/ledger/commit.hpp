#pragma once
// Writes a plan: entries, matches, open items and pending applications, in the caller's transaction.
//
// Idempotent: what of the plan is stored already, with the same key and content, is left alone. Errors, after which the
// caller must roll back: ledger.key_conflict (the key is taken by other content), ledger.already_reversed,
// ledger.entry_unknown, storage.refused (the database found the entry unbalanced or immutable), other storage errors.
#include <string>
#include <vector>

#include "host/ledger/ledger.hpp"

namespace berth::ledger {

struct CommitContext {
  std::string integration;
  documents::Source source;    // of the planned document; version is remembered on every entry
  std::string local_id;        // "inv_317"
  std::string number;          // "INV-000317", for people
  std::string rules_revision;  // of the mapping that made the document
  Instant now;
};

struct Committed {
  std::vector<std::int64_t> entries;  // ids written, reversals included
  /// "invoice/<remote id>": documents whose open amount moved; what waits for them is worth applying again.
  std::vector<std::string> moved;
  /// "customer_payment/<remote id>": documents to apply again now, because an entry of theirs was taken back.
  std::vector<std::string> replan;
};

/// To be called also for an empty plan: pending applications are replaced by those of the plan.
Result<Committed> commit(storage::Connection& connection, const Plan& plan, const CommitContext& context);

}  // namespace berth::ledger
