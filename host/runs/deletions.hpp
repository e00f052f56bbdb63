#pragma once
// What a person decides about deletions: letting a comparison go on that the deletion brake stopped.
//
//   const auto released = BERTH_TRY(confirm_deletions(connection, "zoho_acme", clock.now()));
//
// Within Database::write; any thread. Errors: storage's.
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/brakes.hpp"
#include "host/storage/database.hpp"

namespace berth::runs {

/// Brakes of the integration that hold are released: what is missing is asked for by its id in the next run, and what the remote
/// has no more is archived. A sync is queued for that. Returns what was released, with how many are missing now.
Result<std::vector<storage::Brake>> confirm_deletions(storage::Connection& connection, std::string_view integration, Instant now);

/// "25 of 120 records of invoice are missing from the list of 2026-06-01T…": of the first brake that holds, else "".
Result<std::string> held_by_brake(storage::Connection& connection, std::string_view integration);

}  // namespace berth::runs
