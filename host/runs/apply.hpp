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
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/core/random.hpp"
#include "host/core/time.hpp"
#include "host/documents/documents.hpp"
#include "host/ledger/books.hpp"
#include "host/runs/capture.hpp"
#include "host/runs/lookups.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/records.hpp"
#include "host/telemetry/log.hpp"

namespace berth::runs {

/// Records by the state in which they ended.
struct ApplyCounts {
  std::int64_t posted = 0, parked = 0, skipped = 0, failed = 0, ignored = 0;
  [[nodiscard]] std::int64_t total() const { return posted + parked + skipped + failed + ignored; }
};
struct ApplyResult {
  /// The last state of each record that was decided, by record id: {entity, state}.
  std::map<std::int64_t, std::pair<std::string, std::string>> decided;
  [[nodiscard]] std::map<std::string, ApplyCounts> by_entity() const;
  bool wants_fetch = false;      // references or forced documents were put into the detail queue
  bool was_stopped = false;
};

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
  };
  explicit Applier(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  /// Applies until nothing is pending that can be decided. Errors: storage's; records decided before are committed.
  Result<ApplyResult> apply_pending(std::stop_token stop);

 private:
  struct Decision;
  Status apply_batch(const std::vector<storage::Record>& batch, ApplyResult& result);
  Result<std::string> apply_one(storage::Connection& connection, const storage::Record& record);
  Result<mapping::Record> load(storage::Connection& connection, const storage::Record& record) const;
  Result<std::string> apply_mapped(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                   mapping::Outcome outcome, Decision decision);
  Result<std::string> apply_master(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                   const mapping::Outcome& outcome, Decision decision);
  Result<std::string> archive_master(storage::Connection& connection, const storage::Record& record, Decision decision);
  Result<std::string> apply_document(storage::Connection& connection, const storage::Record& record, const std::string& entity,
                                     const mapping::Outcome& outcome, Decision decision);
  Result<std::string> refuse(storage::Connection& connection, const storage::Record& record, const ledger::Refusal& refusal,
                             Decision decision, bool was_posted);
  Result<std::string> settle(storage::Connection& connection, const storage::Record& record, Decision decision);
  Status ask_for_unseen(storage::Connection& connection, const std::vector<std::string>& references);
  Status force_fetch(storage::Connection& connection, const std::vector<std::string>& documents);
  Status wake(storage::Connection& connection, std::string_view key);
  Result<std::string> awaited_account(storage::Connection& connection, const std::string& key);

  Dependencies dependencies_;
  bool wants_fetch_ = false;
};

/// Rule entities in the order in which their records are applied: customers before the invoices that name them.
[[nodiscard]] const std::vector<std::string>& apply_order();

}  // namespace berth::runs
