#pragma once
// `pull: reduced`: list rows that stand for their documents, which are not fetched (docs/decisions/0019). Which rows are enough
// says the phase file of the connector; what is known of a document beyond its row is never given up.
//
// Within the caller's transaction; errors: storage's.
#include "host/runs/setup.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

/// Whether the newest list row of the record stands for it from now on, which is noted then (storage/reduced.hpp); that it does
/// so no more is noted, too. Never of a record with a detail: what has its lines once is fetched when it changes.
Result<bool> take_row_for_document(storage::Connection& connection, const Phase& phase, const storage::Record& record);

/// Whether files are fetched of documents whose rows are enough: only where the integration itself gives them calls.
[[nodiscard]] bool wants_files_of_rows(const Setup& setup, const Phase& phase);

/// What the setting asks of what is stored, before a pass. Full: documents known by their rows alone are put into the detail
/// queue, so many in a call, behind what has changed. Reduced: details that lists asked for and that were never fetched are
/// taken out of it where the row is enough.
Status follow_extent(storage::Connection& connection, const Setup& setup, const Phase& phase, Instant now);

}  // namespace berth::runs
