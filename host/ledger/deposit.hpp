#pragma once
// Payouts of a processor and deposits at a bank: docs/accounting.md, "Payouts". They are made here, not pulled; this posts them.
#include "host/ledger/books.hpp"

namespace berth::ledger {

/// E12, E13: Dr bank with what arrived, Dr fees with what the processor kept, Cr undeposited with all of it. Refusals:
/// ledger.deposit_totals, ledger.deposit_part, ledger.deposit_currency, and those of plan().
[[nodiscard]] Planned plan_deposit(const documents::Deposit& deposit, const Books& books);

/// Fills Books::undeposited.
Status load_deposit(storage::Connection& connection, const documents::Deposit& deposit, Books& books);

/// Fills Books::paid_out, of a document whose live entries are loaded.
Status load_paid_out(storage::Connection& connection, const documents::Source& source, Books& books);

/// What is paid out cannot be taken back under the payout: a plan that leaves less than that is parked (ledger.paid_out), until
/// the payout lets go of it.
[[nodiscard]] std::optional<Refusal> check_paid_out(const Plan& plan, const Books& books, std::string_view what);

}  // namespace berth::ledger
