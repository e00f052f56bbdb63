#pragma once
// APPLY: what every pending record becomes. Reads stored documents only; makes no remote call. The same step serves a
// first run, a newly mapped account, changed rules, and a crash between capture and apply.
//
//   Applier applier({database, clock, random, log, setup, lease, companies});
//   ApplyResult result = BERTH_TRY(applier.apply_pending(stop));
//
// Each record is decided and committed in one transaction: entries, open items, new rows and the record's state together.
// Several records share a transaction for speed; if one of them makes it fail, they are done again one by one, and only
// that one is failed. One thread.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/documents/documents.hpp"
#include "host/ledger/books.hpp"
#include "host/runs/apply_result.hpp"
#include "host/runs/capture.hpp"
#include "host/runs/lookups.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/account_rows.hpp"
#include "host/storage/rows.hpp"
#include "host/storage/records.hpp"
#include "host/telemetry/log.hpp"

namespace berth::runs {

class Applier {
 public:
  struct Dependencies {
    storage::Database& database;
    Clock& clock;
    Random& random;
    telemetry::Log log;
    const Setup& setup;
    HeldLease lease;
    const ledger::Companies& companies;
    std::function<void(std::int64_t decided)> on_batch{};   // how many records were decided, after each batch of them
  };
  explicit Applier(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  /// Applies until nothing is pending that can be decided. Errors: storage's; records decided before are committed.
  Result<ApplyResult> apply_pending(std::stop_token stop);

 private:
  struct Decision;
  Status apply_batch(const std::vector<storage::Record>& batch, ApplyResult& result);
  Result<std::string> apply_one(storage::Connection& connection, const storage::Record& record);
  Result<std::string> apply_mapped(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                   const mapping::Outcome& outcome, Decision decision);
  Result<std::string> apply_master(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                   const mapping::Outcome& outcome, Decision decision);
  Status see_merge(storage::Connection& connection, const storage::LocalRow& customer, Decision& decision);
  Result<std::string> archive_master(storage::Connection& connection, const storage::Record& record, Decision decision);
  Result<std::string> apply_document(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                     const mapping::Outcome& outcome, Decision decision);
  Result<std::string> refuse(storage::Connection& connection, const storage::Record& record, const ledger::Refusal& refusal,
                             Decision decision, bool was_posted);
  Result<std::string> settle(storage::Connection& connection, const storage::Record& record, Decision decision);
  Status ask_for_own_detail(storage::Connection& connection, const storage::Record& record);
  Status ask_for_unseen(storage::Connection& connection, const std::vector<std::string>& references);
  Status hint_at_mapped_row(storage::Connection& connection, const storage::AccountRow& row, Decision& decision) const;
  Status force_fetch(storage::Connection& connection, const std::vector<std::string>& documents);
  Status wake(storage::Connection& connection, std::string_view key);
  /// An id made of what the row stands for; a random one where another row has that.
  Result<std::string> id_for_new(storage::Connection& connection, std::string_view prefix,
                                 std::initializer_list<std::string_view> parts) const;
  Result<std::string> awaited_account(storage::Connection& connection, const std::string& key);

  /// Whether all that was asked for because of this record has been fetched since.
  Result<bool> is_confirmed(storage::Connection& connection, const storage::Record& record) const;
  /// The books as far as this document goes. What is the same for all documents is read once in a transaction.
  Result<const ledger::Books*> books_of(storage::Connection& connection, const documents::Document& document, bool is_confirmed);

  Dependencies dependencies_;
  bool wants_fetch_ = false;
  std::optional<ledger::Books> books_;   // of the transaction under way
  FoundRows found_rows_;                 // the same
};

/// Rule entities in the order in which their records are applied: customers before the invoices that name them.
[[nodiscard]] const std::vector<std::string>& apply_order();

}  // namespace berth::runs
