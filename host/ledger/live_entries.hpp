#pragma once
// Inside books: how a live entry is read.
#include <string_view>

#include "host/ledger/books.hpp"

namespace berth::ledger {

/// An entry is live when it is no reversal and has none.
inline constexpr std::string_view kLiveEntry =
    "e.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM entry AS r WHERE r.reverses = e.id)";

inline constexpr std::string_view kLiveColumns =
    "e.id, e.integration, e.entity, e.remote_id, e.version, e.event, e.sequence, e.fingerprint, e.company, e.date, "
    "e.document_date, "
    "(SELECT MAX(s.sequence) FROM entry AS s WHERE s.integration = e.integration AND s.entity = e.entity "
    "AND s.remote_id = e.remote_id AND s.event = e.event), e.currency, e.base_currency";
inline constexpr std::size_t kLiveColumnCount = 14;

[[nodiscard]] Error damaged(std::string_view what, const Error& cause);  // ledger.damaged
Result<LiveEntry> read_live(const storage::Row& row);

/// Fills Books::written for a document in a foreign currency.
Status load_written(storage::Connection& connection, const documents::Source& own, Books& books);

}  // namespace berth::ledger
