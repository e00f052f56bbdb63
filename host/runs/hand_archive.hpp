#pragma once
// A person archives a document, a customer or an item, and takes that back. Its entries are reversed as those of what the remote
// has deleted, by the same rules and policies; nothing that the remote says afterwards posts it again, until a person says so.
//
//   const storage::Record record = BERTH_TRY(archive_by_hand(connection, "zoho_acme", "invoice/4815", "sent twice", "cli", clock.now()));
//   ... engine.apply_or_queue(setup, stop)      // reverses what it has posted
//
// Both only note what is wanted, and make the record pending: whoever applies next decides it, in a transaction that reads the
// note, so that a run under way cannot miss it. Doing the same once more ends what a killed process has begun.
//
// Within Database::write; any thread. Errors: those of record_names.hpp, runs.archive_why, runs.archived_already, runs.not_archived,
// runs.gone_at_remote, storage's.
#include <optional>
#include <string>
#include <string_view>

#include "berth/json.hpp"
#include "host/storage/database.hpp"
#include "host/storage/hand_archives.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

/// The reason of a record that is archived by hand.
inline constexpr std::string_view kArchivedByHand = "berth.archived_by_hand";
inline constexpr std::size_t kArchiveWhyMax = 500;   // bytes

/// What was noted, and whether this call noted it: not, where an earlier one was cut before it was applied.
struct HandArchiveNoted {
  storage::Record record;
  storage::HandArchive archive;
  bool is_new = true;
};
Result<HandArchiveNoted> archive_by_hand(storage::Connection& connection, std::string_view integration, std::string_view name, std::string_view why,
                                         std::string_view actor, Instant now);
/// With the note that was taken back.
struct HandArchiveTaken {
  storage::Record record;
  storage::HandArchive archive;
};
Result<HandArchiveTaken> unarchive_by_hand(storage::Connection& connection, std::string_view integration, std::string_view name, Instant now);

/// "archived by cli on 2026-11-23T…: sent twice", and that the remote has changed it since, where it has.
[[nodiscard]] std::string archived_text(const storage::HandArchive& archive, const storage::Record& record);
/// The same for a record's facts: {"by","at","why","is_changed_since"}.
[[nodiscard]] json::Value archived_fact(const storage::HandArchive& archive, const storage::Record& record);

}  // namespace berth::runs
