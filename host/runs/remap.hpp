#pragma once
// Changed rules over stored documents: what each record was, what it is now, and the entries that this made.
//
//   Remapped done = BERTH_TRY(engine.remap(setup, {}, [&](const RecordChange& change) { show(change); return success(); }, stop));
//
// It is the same step as after a sync: records that other rules decided become pending, and pending records are applied. So
// killed at any moment it goes on with the next sync, or with the next remap, which then tells of the rest only. To know
// beforehand what would change, do it in a copy of the books (scratch.hpp): the two cannot disagree, also where payments
// depend on invoices, because they are one and the same.
//
// It needs 32 bytes of memory a stored record, and some 200 for each that gets entries. One thread.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/core/money_total.hpp"
#include "host/ledger/queries.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

struct RemapRequest {
  bool all = false;   // also records that these very rules decided: accounts, settings or charts may have changed since
  /// Within the transaction that makes records pending, where everything begins: who asked for it is noted there.
  std::function<Status(storage::Connection& connection, const std::string& revision, std::int64_t decided)> on_begin{};
  /// Now and then: records that were decided, some of them twice, and how many there were at first.
  std::function<void(std::int64_t done, std::int64_t total)> on_progress{};
};

/// What a record is: the part of it that a person would see change.
struct RecordFace {
  std::string state, reason;
  std::vector<std::string> waits_for;
  friend bool operator==(const RecordFace&, const RecordFace&) = default;
};

struct RecordChange {
  std::string ref;              // "invoice/4615…"
  bool is_stored = true;        // false: no record has that document (an opening receivable), only its entries changed
  RecordFace before, after;
  std::string message;          // of its state now
  bool has_new_content = false; // another canonical document than before
  std::vector<ledger::StoredEntry> entries;   // reversals and postings, in order of recording
  std::map<std::string, std::string> customers{};   // names of those in the entries, by id
};
/// The customer that an entry names, the first where it names several; "" for none.
[[nodiscard]] const std::string& customer_of(const ledger::StoredEntry& entry);
/// A visitor of changed records, by order of their first capture; its error ends the walk, not what was applied.
using OnRecordChange = std::function<Status(const RecordChange&)>;

struct Remapped {
  std::string revision;         // of the rules
  std::int64_t decided = 0;     // records that were decided again
  std::int64_t changed = 0;     // of them or of those that depend on them
  std::int64_t posted = 0, waiting = 0, failed = 0, ignored = 0, skipped = 0;   // records that came into that state
  std::int64_t new_content = 0; // posted records with another canonical document
  std::int64_t entries_reversed = 0, entries_posted = 0;
  std::int64_t asked_for = 0;   // documents that the next sync fetches because of this
  struct Effect {
    std::string company, account;
    MoneyTotal net;             // in the company's base currency; a debit is positive
  };
  std::vector<Effect> effects;  // by company and account, without those that come to nothing
  bool was_stopped = false;     // the rest is pending
};

/// What all records of an integration are at one moment, small enough to keep.
class RecordFaces {
 public:
  static Result<RecordFaces> read(storage::Connection& connection, std::string_view integration);

  /// Visits every record that is not what it was, and every document with entries made since. Fills what is counted.
  Status compare(storage::Connection& connection, const OnRecordChange& on_change, Remapped& counts) const;

 private:
  struct Known {
    std::int64_t record = 0;
    std::uint64_t content = 0;   // hash of the document's hash
    std::uint32_t face = 0;      // place in faces_
  };
  std::string integration_;
  std::vector<RecordFace> faces_;   // each once: most records are posted and nothing else
  std::vector<Known> known_;        // by record
  std::int64_t last_entry_ = 0;
};

}  // namespace berth::runs
