#pragma once
// From a document and a snapshot of the books to entries, or to a refusal that says what is wrong. Pure and
// deterministic.
//
// Every event of a document (post, cash, allocation:<id>, ...) has a fingerprint over what it would post. Equal to that
// of the live entry: nothing happens. Different: reversal and repost. Gone: reversal. None yet: post.
#include "host/ledger/books.hpp"
#include "host/ledger/ledger.hpp"

namespace berth::ledger {

/// Amounts beyond this many minor units are refused (ledger.amount_limit); with kRowsMax rows no sum can overflow.
inline constexpr std::int64_t kAmountMinorMax = 1'000'000'000'000'000;
inline constexpr std::size_t kRowsMax = 5000;

/// `books` must be a snapshot for exactly this document. Master data plans nothing.
[[nodiscard]] Planned plan(const documents::Document& document, const Books& books);

/// What a document waits for that needs entries between companies where its company has none (policies.intercompany).
inline constexpr std::string_view kAwaitsIntercompany = "ledger/intercompany";

}  // namespace berth::ledger
