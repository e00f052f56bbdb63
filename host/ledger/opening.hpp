#pragma once
// Receivables that were open before these books began: docs/accounting.md, "Opening receivables". An operator brings them in
// from a file, one line an invoice, so that payments for invoices older than the first pull have something to be applied to.
//
//   invoice,number,customer,company,currency,open,base,date
//   46000201,INV-0007,46000101,acme_us,EUR,900.00,972.00,2025-12-31
//
// Each becomes one entry, Dr ar / Cr opening_balance, under the event `opening` of that invoice. The same line again
// posts nothing; one that says something else about an invoice that is in the books is refused.
#include <string>
#include <string_view>
#include <vector>

#include "host/ledger/books.hpp"
#include "host/ledger/commit.hpp"

namespace berth::ledger {

inline constexpr std::size_t kOpeningsMax = 100'000;  // lines of a file

/// Reads the file. `base` may be empty where the currency is that of the company's books. Errors: ledger.opening_invalid
/// with the number of the line.
Result<std::vector<OpeningReceivable>> parse_openings(std::string_view csv, const Companies& companies);

/// Pure. `opening.customer` is a local id; `books` a snapshot for the invoice. Refusals: ledger.opening_exists, and those of
/// plan().
[[nodiscard]] Planned plan_opening(const OpeningReceivable& opening, const Books& books);

struct PostedOpening {
  bool is_new = false;
  Committed committed;
};
/// Makes the invoice's row, if there is none, and posts, in the caller's transaction. `local_id`: of the row if it is made. The
/// customer is found as documents find theirs: a link that a person made counts before the row that a pull made.
/// Errors: ledger.opening_invalid (unknown customer), or what plan_opening() refuses for.
Result<PostedOpening> post_opening(storage::Connection& connection, OpeningReceivable opening,
                                   const BooksContext& context, const std::string& local_id, Instant now);

struct ImportedOpenings {
  std::size_t posted = 0;
  std::size_t there = 0;   // posted before
  std::int64_t woken = 0;  // records that waited for one of the invoices, and are decided again with the next run
};
/// Posts all of a file in the caller's transaction, which an error has to undo. Only what waits for one of its invoices is
/// decided again: payments that failed because nothing of theirs could be imported, and shares that were put off.
Result<ImportedOpenings> import_openings(storage::Connection& connection, const std::vector<OpeningReceivable>& openings,
                                         const BooksContext& context, Instant now);

}  // namespace berth::ledger
