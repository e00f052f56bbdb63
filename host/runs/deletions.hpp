#pragma once
// The deletion brake: of documents that seem to be gone, because a comparison of all ids did not show them or because the remote
// says so when it is asked for them, none is believed where they are more at once than people delete. What a person decides about it.
//
//   if (BERTH_TRY(suspects_of(connection, "zoho_acme", phase)).are_too_many()) ...      // none of them is asked for again
//   BERTH_CHECK(see_brake(connection, "zoho_acme", phase, clock.now()));                // at the end of a run
//   const auto released = BERTH_TRY(confirm_deletions(connection, "zoho_acme", clock.now()));
//
// Within Database::write (suspects_of: or read); any thread. Errors: storage's.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/runs/setup.hpp"
#include "host/storage/brakes.hpp"
#include "host/storage/database.hpp"
#include "host/storage/detail_queue.hpp"

namespace berth::runs {

/// Documents of a phase that seem to be gone and about which no person has decided.
struct Suspects {
  storage::detail_queue::Confirming waiting{};   // in the queue, also those that a person has asked for
  std::int64_t count = 0;                        // that the brake counts
  std::int64_t let_through = 0;                  // so many are believed
  std::int64_t of = 0;                           // records that there are; 0 where they need not be counted
  [[nodiscard]] bool are_too_many() const { return count > let_through; }
};
/// `missing`: what a comparison has just missed; nothing: what the one before has, where its brake holds.
Result<Suspects> suspects_of(storage::Connection& connection, std::string_view integration, const Phase& phase, std::optional<std::int64_t> missing = {});
/// Puts the brake of the phase on or takes it off, by how many wait.
Status see_brake(storage::Connection& connection, std::string_view integration, const Phase& phase, Instant now);

/// Brakes of the integration that hold are released: what is missing is asked for by its id in the next run, and what the remote
/// has no more is archived. A sync is queued for that. Returns what was released, with how many are missing now.
Result<std::vector<storage::Brake>> confirm_deletions(storage::Connection& connection, std::string_view integration, Instant now);

/// "25 of 120 records of invoice seem to be gone at the remote since 2026-06-01T…": of the first brake that holds, else "".
Result<std::string> held_by_brake(storage::Connection& connection, std::string_view integration);

}  // namespace berth::runs
