#pragma once
// What is stored, as JSON with stable keys: a record with what it waits for and why, a journal entry with its lines. REST, `--json`
// and the texts on a terminal are made from these. Pure; any thread.
#include "berth/json.hpp"
#include "host/ledger/queries.hpp"
#include "host/storage/records.hpp"

namespace berth::views {

[[nodiscard]] json::Value record_view(const storage::Record& record);
/// [{"account", "side", "amount", "party", "location", "service_type", "description", "document_amount" where it is foreign}]
[[nodiscard]] json::Value lines_view(const ledger::StoredEntry& entry);
[[nodiscard]] json::Value entry_view(const ledger::StoredEntry& entry);

}  // namespace berth::views
