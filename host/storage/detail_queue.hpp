#pragma once
// Documents and files still to fetch. It commits with the cursor and outlives runs. Larger priority first, then by
// order of arrival: 0-500 what lists show, above 500 forced fetches, below 0 missing attachments, kConfirmDeletion
// last.
//
//   BERTH_TRY(storage::detail_queue::put(c, {.integration = i, .entity = "invoice", .remote_id = "46…", .version = v,
//   .priority = 100})); storage::detail_queue::HandedOut handed_out;                                        // one for
//   each run_phase for (auto& wanted : BERTH_TRY(storage::detail_queue::take(c, i, {"invoice"}, 100, handed_out))) ...
//   BERTH_TRY(storage::detail_queue::done(c, i, "invoice", "46…", kWantDetail));        // in the transaction that
//   captures it
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "host/storage/database.hpp"

namespace berth::storage {

constexpr std::uint32_t kWantDetail = 1;
constexpr std::uint32_t kWantAttachments = 2;

struct QueuedDetail {
  std::string integration{};
  std::string entity{};
  std::string remote_id{};
  std::uint32_t want = kWantDetail;
  std::string version{};
  std::int64_t priority = 0;
  bool forced = false;  // fetched although known
  std::int64_t attempts = 0;
  std::string cause = "list";  // list | reference | forced | webhook | backfill | kConfirmCause | kConfirmAskedCause
  std::int64_t position = 0;   // order of arrival; put() sets it
  std::string last_error_json = "{}";
  std::optional<Instant> version_time{};  // only for put(): see KnownQuery
};
struct QueueCount {
  std::string entity{};
  std::uint32_t want = kWantDetail;
  std::int64_t count = 0;
};

namespace detail_queue {

constexpr std::int64_t kConfirmDeletion = -1'000'000;
/// Why it has that priority: the document seems to be gone and is asked for once more. The deletion brake may hold that back, but not
/// where a person has asked for it.
inline constexpr std::string_view kConfirmCause = "confirm_deletion";
inline constexpr std::string_view kConfirmAskedCause = "confirm_deletion_asked";
[[nodiscard]] inline bool is_confirming(const QueuedDetail& entry) { return entry.cause == kConfirmCause || entry.cause == kConfirmAskedCause; }
constexpr std::int64_t kAttemptsMax = 5;
/// The same where the remote itself failed, which passes as a rule: with the growing waits after failed runs half a day.
constexpr std::int64_t kPutOffMax = 15;

/// What take() gave out in this run_phase: an entry is handed out once, also if it is put again meanwhile.
class HandedOut {
 public:
  /// False if it was there.
  bool insert(const QueuedDetail& entry) { return keys_.insert(key_of(entry)).second; }
  /// Where take() goes on, so that what is under way or was refused is not walked over each time.
  struct Place {
    std::int64_t priority = 0, position = 0;
  };
  std::optional<Place> place{};
  [[nodiscard]] bool contains(const QueuedDetail& entry) const { return keys_.contains(key_of(entry)); }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  /// Half of a BLAKE2b of entity, remote id and want: a first sync hands out every document there is, and their texts would
  /// be the largest thing in memory. That two ever have the same 128 bits is less likely than anything else that can go wrong.
  struct Key {
    std::uint64_t first = 0, second = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.first); }
  };
  static Key key_of(const QueuedDetail& entry);
  std::unordered_set<Key, KeyHash> keys_{};
};

/// Which entries take() gives out.
struct Filter {
  enum class Deletions { kAlso, kNot, kOnly, kOnlyAsked };   // those that confirm a deletion
  Deletions deletions = Deletions::kAlso;
  std::uint32_t wants = kWantDetail | kWantAttachments;
  bool with_history = true;   // also what the history asked for (backfills.hpp)
  std::optional<std::int64_t> at_least{};   // of that priority or a higher one
};

/// Queues it, or raises priority, version and `forced` of the entry that is there; another version starts its attempts
/// anew. Dropped (false) if its detail is known with that version (without a version: with any) and it is not forced.
Result<bool> put(Connection& connection, const QueuedDetail& entry);
/// The next `n` of these entities that were not handed out yet; they are then. They stay in the queue until done().
Result<std::vector<QueuedDetail>> take(Connection& connection, std::string_view integration, const std::vector<std::string>& entities,
                                       std::size_t n, HandedOut& handed_out, const Filter& filter = {});
/// What it wanted is committed. False if it was not there.
Result<bool> done(Connection& connection, std::string_view integration, std::string_view entity,
                  std::string_view remote_id, std::uint32_t want);
enum class FailEffect { kKept, kGaveUp };
/// Counts an attempt and keeps the error; the entry goes behind all others of its priority, so that what the remote refuses
/// keeps nothing else away. After kAttemptsMax it is removed and the caller reports it.
Result<FailEffect> fail(Connection& connection, std::string_view integration, std::string_view entity,
                        std::string_view remote_id, std::uint32_t want, std::string_view error_json);
/// The same of one that the remote failed at itself, which passes: it is given up after kPutOffMax.
Result<FailEffect> put_off(Connection& connection, std::string_view integration, std::string_view entity,
                           std::string_view remote_id, std::uint32_t want, std::string_view error_json);
Result<std::optional<QueuedDetail>> find(Connection& connection, std::string_view integration, std::string_view entity,
                                         std::string_view remote_id, std::uint32_t want);
/// Remote ids of documents that others named or that were forced (cause reference or forced), most urgent first.
Result<std::vector<std::string>> named(Connection& connection, std::string_view integration, std::string_view entity, std::size_t limit);
/// Remote ids of documents whose detail a list asked for, and nobody else.
Result<std::vector<std::string>> listed(Connection& connection, std::string_view integration, std::string_view entity);
/// How many documents that seem to be gone are to be asked for once more.
struct Confirming {
  std::int64_t in_all = 0;
  std::int64_t asked = 0;   // because a person has asked for that
  std::int64_t found = 0;   // nobody has, and nobody has archived them by hand: these the deletion brake counts
};
Result<Confirming> confirming(Connection& connection, std::string_view integration, std::string_view entity);
/// A person asks for all of them. How many nobody had asked for yet.
Result<std::int64_t> ask_confirming(Connection& connection, std::string_view integration, std::string_view entity);
/// Queues one that seems to be gone; nothing if it is in the queue.
Status put_confirming(Connection& connection, std::string_view integration, std::string_view entity, std::string_view remote_id);
/// These are alive after all: none of them is asked for again only because it seemed to be gone, but if somebody else wants it.
Status drop_confirming(Connection& connection, std::string_view integration, std::string_view entity, std::span<const std::string> remote_ids);
/// The highest priority, below that, of a detail of these entities that the history asked for; nothing: there is none.
Result<std::optional<std::int64_t>> history_priority(Connection& connection, std::string_view integration, const std::vector<std::string>& entities,
                                                     std::int64_t below);
/// Entries that the history asked for are like any other from now on.
Status end_history(Connection& connection, std::string_view integration);
/// Takes details out of the queue that were wanted for a value which another document has offered meanwhile (offers.hpp).
Status drop_offered(Connection& connection, std::string_view integration, std::string_view entity, std::string_view name);
Result<std::vector<QueueCount>> counts(Connection& connection, std::string_view integration);

}  // namespace detail_queue
}  // namespace berth::storage
