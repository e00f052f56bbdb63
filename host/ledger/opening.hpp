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

inline constexpr std::string_view kOpeningEvent = "opening";
inline constexpr std::size_t kOpeningsMax = 100'000;  // lines of a file

struct OpeningReceivable {
  std::size_t line = 0;  // of the file
  std::string invoice;   // remote id
  std::string number;
  std::string customer;  // as written: local or remote id; post_opening() finds the row
  std::string company;
  Money open;            // document currency
  Money base;            // what it is carried at
  Date date;
};

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
/// Makes the invoice's row, if there is none, and posts, in the caller's transaction. `local_id`: of the row if it is made.
/// Errors: ledger.opening_invalid (unknown customer), or what plan_opening() refuses for.
Result<PostedOpening> post_opening(storage::Connection& connection, OpeningReceivable opening,
                                   const BooksContext& context, const std::string& local_id, Instant now);

}  // namespace berth::ledger
