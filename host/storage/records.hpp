#pragma once
// Remote documents: what was received, word for word (zstd-compressed), and what became of it.
//
// A record has a newest list row, a newest detail and named parts; every answer with new content is kept as a version.
// Capturing new content sets the record's state to pending; applying it sets posted, parked, ignored, skipped or
// failed.
//
//   auto captured = BERTH_TRY(storage::records::capture_detail(c, {.integration = "zoho_acme", .entity = "invoice",
//       .remote_id = "46…", .version = "2026-05-21T08:41:30-0400", .content_hash = hash, .body = json, .fetched = now,
//       .pass = 12}));
//   for (const auto& record : BERTH_TRY(storage::records::pending(c, "zoho_acme", {{"contact"}, {"invoice", true}},
//   100))) ...
//
// Hashes are the caller's (over canonical JSON without volatile keys). Threads and errors: database.hpp; besides
// storage.not_found, and storage.body_damaged when a stored body cannot be decompressed.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/storage/database.hpp"
#include "host/storage/page.hpp"

namespace berth::storage {

struct Record {
  std::int64_t id = 0;
  std::string integration{};
  std::string entity{};
  std::string remote_id{};
  std::string row_version{};
  Instant row_fetched{};  // 0: no row
  std::string detail_version{};
  Instant detail_fetched{};       // 0: no detail
  bool is_row_settled = false, is_detail_settled = false;   // see Capture::version_time
  std::string state = "pending";  // pending | posted | parked | ignored | skipped | failed | archived
  std::string reason{};
  std::string message{};
  std::string detail_json = "{}";  // waits_for, warnings, flags, attention, remote error
  std::string local_id{};
  std::string rules_revision{};
  std::string document_hash{};
  std::string remote_state = "alive";  // alive | suspect | deleted
  std::int64_t seen_pass = 0;
  std::int64_t captured = 0;  // order of capture, over all integrations
  Instant state_since{};
  [[nodiscard]] bool has_row() const { return row_fetched.unix_ms != 0; }
  [[nodiscard]] bool has_detail() const { return detail_fetched.unix_ms != 0; }
};

/// One answer to keep.
struct Capture {
  std::string_view integration;
  std::string_view entity;
  std::string_view remote_id;
  std::string_view version;
  std::string_view content_hash;
  std::string_view body;  // as the remote sent it
  Instant fetched{};      // not 0
  std::int64_t pass = 0;  // of the phase cursor; 0: not seen by a listing
  /// Versions of kind "time": the parsed one. Such a version is a second, and what changes twice within it keeps it: one
  /// that is not kFreshVersion older than `as_of` is not settled, which means that it counts as not known and is fetched
  /// once more. Nothing: every change has a version of its own.
  std::optional<Instant> version_time{};
  /// By the remote's clock, and not later than the moment of which the body tells; 0: not known. Then, and where the
  /// remote's versions are ahead of its clock, a version is settled when it came once more, kFreshVersion later.
  Instant as_of{};
  Instant asked{};  // by our clock, not later than the body was asked for; 0: when it was fetched
};

enum class CaptureEffect { kUnchanged, kNew, kChanged };
struct Captured {
  std::int64_t record = 0;
  CaptureEffect effect =
      CaptureEffect::kUnchanged;  // of this body; kChanged also for one that came back after its deletion
  bool pending = false;           // this capture made the record pending
};

struct StoredBody {
  std::int64_t id = 0;  // of the version
  std::string kind{};   // row | detail | part:NAME
  std::string version{};
  std::string content_hash{};
  std::string body{};  // decompressed
  Instant fetched{};
};
struct Bodies {
  std::optional<StoredBody> row{};
  std::optional<StoredBody> detail{};
  std::map<std::string, StoredBody> parts{};  // by name
};

enum class KnownAs : std::uint8_t { kNone = 0, kRow = 1, kDetail = 2 };
struct KnownQuery {
  std::string_view remote_id;
  std::string_view version;
  /// Versions of kind "time": the parsed version. Only one that is settled (Capture) is known.
  std::optional<Instant> version_time{};
};
constexpr std::chrono::milliseconds kFreshVersion{2000};

struct RecordOutcome {
  std::string state{};
  std::string reason{};
  std::string message{};
  std::string detail_json = "{}";
  std::optional<std::string> local_id{};  // nothing: stays
  std::optional<std::string> rules_revision{};
  std::optional<std::string> document_hash{};
};

/// An entity in the order of applying. With `needs_detail`, records of which only a list row is there are left out.
struct PendingEntity {
  std::string entity{};
  bool needs_detail = false;
};

struct RecordFilter {
  std::string integration{};  // "" = any; so for each
  std::string entity{};
  std::string state{};
  std::string reason{};
  std::string remote_state{};
};
struct RecordCount {
  std::string entity{};
  std::string state{};
  std::int64_t count = 0;
};
struct MissingRecord {
  std::int64_t id = 0;
  std::string remote_id{};
  std::string state{};
  bool is_archived_by_hand = false;   // it is no news to anybody here: the deletion brake does not count it
};

namespace records {

/// A row of a list. It does not make the record pending when the stored detail has this very version: the detail says
/// more.
Result<Captured> capture_row(Connection& connection, const Capture& capture);
/// The whole document.
Result<Captured> capture_detail(Connection& connection, const Capture& capture);
/// A further answer kept beside the detail, under its name.
Result<Captured> capture_part(Connection& connection, const Capture& capture, std::string_view part);

/// Missing from a compared pass, or reported as gone: to be confirmed. Nothing for a record that is not alive or not
/// there.
Status mark_suspect(Connection& connection, std::string_view integration, std::string_view entity,
                    std::string_view remote_id);
/// Nobody could say whether it is gone: a suspect is alive again, and the next comparison that misses it asks anew.
Status mark_alive(Connection& connection, std::string_view integration, std::string_view entity, std::string_view remote_id);
/// Confirmed as gone: pending, so that what was posted is reversed. False if it is not there or already was.
Result<bool> mark_deleted(Connection& connection, std::string_view integration, std::string_view entity,
                          std::string_view remote_id, Instant now);

/// How well each is stored with that very version; a deleted record is not known.
Result<std::vector<KnownAs>> known(Connection& connection, std::string_view integration, std::string_view entity,
                                   std::span<const KnownQuery> queries);
/// Seen by a listing of this pass: suspects among them are alive again, and are not asked for any more.
Status touch_seen(Connection& connection, std::string_view integration, std::string_view entity,
                  const std::vector<std::string>& remote_ids, std::int64_t pass);
/// Alive records that pass `pass` and those begun after it have not seen, and suspects of which that is true and about whom nobody
/// asks, by id; at most `limit`.
Result<std::vector<MissingRecord>> missing_since_pass(Connection& connection, std::string_view integration,
                                                      std::string_view entity, std::int64_t pass, std::size_t limit);
/// Remote ids of deleted records that pass `pass` has seen all the same; at most `limit`.
Result<std::vector<std::string>> shown_again(Connection& connection, std::string_view integration, std::string_view entity, std::int64_t pass, std::size_t limit);
/// How many records of the entity are alive, and how many are suspect: the two sides of the deletion brake. Without those that
/// are archived by hand.
struct AliveCount {
  std::int64_t alive = 0;
  std::int64_t suspect = 0;
};
Result<AliveCount> alive_count(Connection& connection, std::string_view integration, std::string_view entity);

Result<std::optional<Record>> find(Connection& connection, std::int64_t id);
Result<std::optional<Record>> find(Connection& connection, std::string_view integration, std::string_view entity,
                                   std::string_view remote_id);
/// The newest row, detail and parts. Empty for a record that is not there.
enum class Wanted { kAll, kWithoutRow };
Result<Bodies> load(Connection& connection, std::int64_t id, Wanted wanted = Wanted::kAll);
/// All versions without bodies, oldest first, at most kPageRowsMax.
Result<std::vector<StoredBody>> versions(Connection& connection, std::int64_t id);
/// One version with its body. Errors: storage.not_found.
Result<StoredBody> version(Connection& connection, std::int64_t version_id);

/// Errors: storage.not_found.
Status set_state(Connection& connection, std::int64_t id, const RecordOutcome& outcome, Instant now);
/// Errors: storage.not_found.
Status set_pending(Connection& connection, std::int64_t id, Instant now);
/// Makes all that the filter selects pending (changed rules, a retry of all); at least the integration must be given.
/// Archived and skipped records only when the filter names that state. Returns how many.
Result<std::int64_t> requeue(Connection& connection, const RecordFilter& filter, Instant now);

/// Makes pending all that other rules than `revision` decided, with `all` also what these did; archived records, which are
/// gone at the remote, stay as they are. Returns how many.
Result<std::int64_t> requeue_for_rules(Connection& connection, std::string_view integration, std::string_view revision, bool all, Instant now);
/// Every record of the integration, by id; the visitor's error ends the walk.
Status each(Connection& connection, std::string_view integration, const std::function<Status(const Record&)>& visit);

/// The next records to apply: by entity in the given order, within one by order of capture. Those that were looked at and
/// wait for their detail (reason berth.detail_missing) are left out until a capture clears that.
Result<std::vector<Record>> pending(Connection& connection, std::string_view integration,
                                    const std::vector<PendingEntity>& order, std::size_t limit);
Result<std::vector<RecordCount>> counts(Connection& connection, std::string_view integration);
/// By id (order of first capture).
Result<Page<Record>> list(Connection& connection, const RecordFilter& filter, const PageRequest& page = {});

}  // namespace records
}  // namespace berth::storage
