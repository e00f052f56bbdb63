#include "host/runs/extent.hpp"

#include <algorithm>

#include "host/storage/detail_queue.hpp"
#include "host/storage/offers.hpp"
#include "host/storage/reduced.hpp"

namespace berth::runs {

namespace {

/// In one transaction; more than a slice of a run can fetch where a hundred calls a minute are allowed.
constexpr std::size_t kAskedAtOnce = 5'000;
/// Behind all that lists show as changed, with the history's.
constexpr std::int64_t kPriority = 0;

Result<bool> is_row_enough(storage::Connection& connection, const Phase& phase, const storage::Record& record) {
  if (phase.reduced() == nullptr || !record.has_row() || record.has_detail()) return false;
  const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection, record.id));
  if (!bodies.row) return false;
  return phases::suffices(*phase.reduced(), BERTH_TRY(document_of(bodies.row->body)));
}

Status ask_for_whole(storage::Connection& connection, const Setup& setup, const Phase& phase) {
  for (const storage::Record& record : BERTH_TRY(storage::reduced::not_asked_for(connection, setup.id, phase.entity, kAskedAtOnce))) {
    if (!phase.detail_unless_offered.empty() &&
        BERTH_TRY(storage::offers::find(connection, setup.id, record.entity, record.remote_id, phase.detail_unless_offered))) {
      BERTH_TRY(storage::reduced::remove(connection, record.id));   // so much would be known of it with `pull: full`, too
      continue;
    }
    storage::QueuedDetail entry;
    entry.integration = setup.id;
    entry.entity = record.entity;
    entry.remote_id = record.remote_id;
    entry.priority = kPriority;
    if (!phase.detail_once_per_record) entry.version = record.row_version;
    BERTH_CHECK(storage::detail_queue::put(connection, entry));
  }
  return success();
}

Status ask_no_more(storage::Connection& connection, const Setup& setup, const Phase& phase, Instant now) {
  for (const std::string& remote_id : BERTH_TRY(storage::detail_queue::listed(connection, setup.id, phase.entity))) {
    const auto record = BERTH_TRY(storage::records::find(connection, setup.id, phase.entity, remote_id));
    if (!record || !BERTH_TRY(take_row_for_document(connection, phase, *record))) continue;
    BERTH_TRY(storage::detail_queue::done(connection, setup.id, phase.entity, remote_id, storage::kWantDetail));
    BERTH_CHECK(storage::records::set_pending(connection, record->id, now));
  }
  return success();
}

}  // namespace

Result<bool> take_row_for_document(storage::Connection& connection, const Phase& phase, const storage::Record& record) {
  if (phase.reduced() == nullptr) return false;
  if (BERTH_TRY(is_row_enough(connection, phase, record))) {
    BERTH_CHECK(storage::reduced::put(connection, record));
    return true;
  }
  BERTH_TRY(storage::reduced::remove(connection, record.id));
  return false;
}

bool wants_files_of_rows(const Setup& setup, const Phase& phase) {
  return std::any_of(phase.files.begin(), phase.files.end(), [&](const Phase::File& file) {
    const auto budget = setup.declared->budgets.find(file.cost);
    return budget != setup.declared->budgets.end() && (budget->second.is_share || budget->second.value > 0);
  });
}

Status follow_extent(storage::Connection& connection, const Setup& setup, const Phase& phase, Instant now) {
  return phase.reduced() == nullptr ? ask_for_whole(connection, setup, phase) : ask_no_more(connection, setup, phase, now);
}

}  // namespace berth::runs
