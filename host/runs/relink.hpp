#pragma once
// A customer of the remote becomes another one of ours: its documents are decided again. What is posted in the old name is
// reversed and posted in the new one by the ordinary rules of an edit (docs/accounting.md, C2), also in closed months (C3),
// from the stored documents and with no remote call.
//
// Inside a transaction of the caller's, who applies afterwards. Errors: the database's.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/time.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

/// How many documents of the integration have live entries in the name of that row.
Result<std::int64_t> posted_in_name_of(storage::Connection& connection, const Setup& setup, std::string_view row);

/// Documents that are posted in the name of that row become pending, and so does the remote customer's own record. It may
/// take in documents of another remote customer that is the same row: they are decided as before. Returns how many documents.
Result<std::int64_t> decide_again(storage::Connection& connection, const Setup& setup, std::string_view remote_id, std::string_view row, Instant now);

/// Opening receivables in the name of that row whose invoices were never pulled: no record says who their customer is now, so
/// decide_again() leaves them where they are. Numbers of invoices (or remote ids), the first `limit`.
Result<std::vector<std::string>> openings_kept(storage::Connection& connection, const Setup& setup, std::string_view row, std::size_t limit);

/// Whether documents of the remote customer find one that it is by itself: a row of its own, or a stored record that
/// becomes one.
Result<bool> is_by_itself(storage::Connection& connection, const Setup& setup, std::string_view remote_id);

}  // namespace berth::runs
