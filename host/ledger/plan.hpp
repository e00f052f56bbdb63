#pragma once
// From a document and a snapshot of the books to entries, or to a refusal that says what is wrong. Pure and
// deterministic.
//
// Every event of a document (post, cash, allocation:<id>, ...) has a fingerprint over what it would post. Equal to that
// of the live entry: nothing happens. Different: reversal and repost. Gone: reversal. None yet: post.
#include "host/ledger/books.hpp"
#include "host/ledger/ledger.hpp"

namespace berth::ledger {

/// What is refused as ledger.amount_limit, and where more than 64 bits would be needed for one document: an amount beyond
/// Money::kMinorMax, a document whose amounts, signs apart, add up to more than this, and more rows than kRowsMax.
inline constexpr std::int64_t kDocumentMinorMax = 9 * (Money::kMinorMax + 1);
inline constexpr std::size_t kRowsMax = 5000;

/// `books` must be a snapshot for exactly this document. Master data plans nothing.
[[nodiscard]] Planned plan(const documents::Document& document, const Books& books);

/// What a document waits for that needs entries between companies where its company has none (policies.intercompany).
inline constexpr std::string_view kAwaitsIntercompany = "ledger/intercompany";

}  // namespace berth::ledger
