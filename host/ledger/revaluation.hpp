#pragma once
// Revaluation of open receivables at the end of a period: docs/accounting.md, E19. Nothing does this by itself; it is
// posted when an operator asks for it, and taken back on the next day, so that a settlement still measures from what
// the receivable was carried at.
#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"

namespace berth::ledger {

struct OpenAmount {
  std::string document;  // "invoice/46…"
  Money open, base;
};
struct Revaluation {
  std::string integration, company;
  Currency currency;
  Decimal rate;
  Date period_end;
  std::vector<OpenAmount> open;
  Money posted;  // by earlier revaluations of the same period: what is posted now is the difference
};

/// Reads what was open in a currency at the end of the period, by the dates of entries, and what was revalued already.
Result<Revaluation> load_revaluation(storage::Connection& connection, std::string_view integration,
                                     std::string_view company, Currency currency, const Decimal& rate, Date period_end);
/// Pure. Dr or Cr ar against unrealised differences, in base only, for all that is open together. Nothing to do: an
/// empty plan. Refusals: those of plan().
[[nodiscard]] Planned plan_revaluation(const Revaluation& revaluation, const Books& books);
/// Commits the plan and its reversal of the next day, in the caller's transaction.
Result<Committed> post_revaluation(storage::Connection& connection, const Revaluation& revaluation,
                                   const BooksContext& context, Instant now);

}  // namespace berth::ledger
