#pragma once
// Payouts of a processor and deposits at a bank: docs/accounting.md, "Payouts". They are made here, not pulled; this posts them.
#include "host/ledger/books.hpp"

namespace berth::ledger {

/// E12, E13: Dr bank with what arrived, Dr fees with what the processor kept, Cr undeposited with all of it. Refusals:
/// ledger.deposit_totals, ledger.deposit_part, ledger.deposit_currency, and those of plan().
[[nodiscard]] Planned plan_deposit(const documents::Deposit& deposit, const Books& books);

/// Fills Books::undeposited.
Status load_deposit(storage::Connection& connection, const documents::Deposit& deposit, Books& books);

}  // namespace berth::ledger
