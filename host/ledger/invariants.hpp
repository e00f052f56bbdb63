#pragma once
// The invariants of docs/accounting.md as questions to the database: over everything (check() in queries.hpp, `berth ledger
// check`), or, after a commit, over what it touched.
//
//   const Committed committed = BERTH_TRY(commit(connection, plan, context));
//   const auto findings = BERTH_TRY(check_touched(connection, Touched::by(committed)));   // empty = sound
//
// Tolerance zero. Read-only, through the caller's connection, so also inside the transaction that commits. Amounts in messages
// are minor units: what is wrong may well be the currency.
#include <string>
#include <string_view>
#include <vector>

#include "host/ledger/commit.hpp"
#include "host/ledger/queries.hpp"

namespace berth::ledger {

/// What one commit wrote.
struct Touched {
  std::vector<std::int64_t> entries;
  static Touched by(const Committed& committed) { return {committed.entries}; }
};

/// I1, I2, and per customer the equality of control lines and matches (I3, I4) of the entries that were written; I3 and I5 of
/// the open items that they moved; I4 and I8 of the documents that they belong to. As every commit moves the books from a
/// sound state by entries that keep I3 and I4, this is the same as adding up whole accounts, at a cost that does not grow
/// with the books.
Result<std::vector<CheckFinding>> check_touched(storage::Connection& connection, const Touched& touched);

}  // namespace berth::ledger
