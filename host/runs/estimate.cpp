#include "host/runs/estimate.hpp"

#include <algorithm>
#include <set>

#include "host/http/budget.hpp"
#include "host/runs/extent.hpp"
#include "host/storage/cursors.hpp"
#include "host/storage/detail_queue.hpp"
#include "host/storage/reduced.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

namespace {

/// What the phase's declaration says, or the defaults of the file; nothing where neither does.
const json::Value* declared(const Setup& setup, const json::Value& phase, std::string_view key) {
  if (const json::Value* own = phase.find(key)) return own;
  const json::Value* defaults = setup.phases_json.find("defaults");
  return defaults == nullptr ? nullptr : defaults->find(key);
}

const json::Value* declaration_of(const Setup& setup, const Phase& phase) {
  const json::Value* phases = setup.phases_json.find("phases");
  if (phases == nullptr) return nullptr;
  for (const json::Value& each : phases->items()) {
    if (each.text_of("id") == phase.id) return &each;
  }
  return nullptr;
}

/// How far behind the newest known change a list is read again.
std::chrono::milliseconds overlap_of(const Setup& setup, const json::Value* declaration) {
  const json::Value* text = declaration == nullptr ? nullptr : declared(setup, *declaration, "overlap");
  if (text == nullptr) return {};
  const auto overlap = parse_duration(text->text());
  return overlap.ok() ? *overlap : std::chrono::milliseconds{};
}

struct Stored {
  std::int64_t alive = 0, with_detail = 0;
  struct Version {
    Instant changed;
    bool is_fresh = false;   // its detail may have changed once more under the same version: it is fetched once more
  };
  std::vector<Version> versions;   // of those that say when they changed
};

Result<Stored> stored_of(storage::Connection& connection, const Setup& setup, const Phase& phase) {
  Stored stored;
  BERTH_CHECK(connection.each("SELECT row_version, CASE WHEN detail_fetched_ms > 0 AND detail_settled = 0 THEN 1 ELSE 0 END, detail_fetched_ms FROM record WHERE integration = ? AND entity = ? AND remote_state <> 'deleted' AND row_fetched_ms > 0", {setup.id, phase.entity},
                              [&](const storage::Row& row) {
                                ++stored.alive;
                                if (row.integer(2) > 0) ++stored.with_detail;
                                if (const auto version = parse_instant(row.text(0)); version.ok()) stored.versions.push_back({*version, row.integer(1) != 0});
                                return true;
                              }));
  return stored;
}

std::int64_t since(const Stored& stored, Instant from) {
  return std::count_if(stored.versions.begin(), stored.versions.end(), [&](const Stored::Version& one) { return one.changed >= from; });
}

std::int64_t fresh_since(const Stored& stored, Instant from) {
  return std::count_if(stored.versions.begin(), stored.versions.end(), [&](const Stored::Version& one) { return one.changed >= from && one.is_fresh; });
}

/// The ceiling that a number sets for calls of a cost; a share is a turn and sets none.
std::optional<std::int64_t> ceiling(const Setup& setup, const Phase& phase, const std::string& cost) {
  if (const auto own = setup.declared->budgets.find(cost); own != setup.declared->budgets.end()) {
    return own->second.is_share ? std::nullopt : std::optional(own->second.value);
  }
  const json::Value* budget = phase.budget.is_object() ? phase.budget.find(cost) : nullptr;
  if (budget == nullptr || budget->is_string()) return std::nullopt;
  return budget->integer();
}

CallCounts capped(const Setup& setup, const Phase& phase, CallCounts calls) {
  std::set<std::string> files;
  for (const Phase::File& file : phase.files) {
    files.insert(file.cost);
    if (const auto most = ceiling(setup, phase, file.cost)) calls.file = std::min(calls.file, *most);
  }
  if (!phase.budget.is_object()) return calls;
  for (const auto& [cost, budget] : phase.budget.members()) {
    if (files.contains(cost)) continue;
    if (const auto most = ceiling(setup, phase, cost)) calls.detail = std::min(calls.detail, *most);
  }
  return calls;
}

}  // namespace

std::int64_t Estimate::at_least() const {
  std::int64_t sum = 0;
  for (const PhaseEstimate& phase : phases) sum += phase.at_least.total();
  return sum;
}

std::int64_t Estimate::at_most() const {
  std::int64_t sum = 0;
  for (const PhaseEstimate& phase : phases) sum += phase.at_most.total();
  return sum;
}

std::optional<std::int64_t> Estimate::if_all_changed() const {
  std::int64_t sum = 0;
  for (const PhaseEstimate& phase : phases) {
    if (!phase.if_all_changed) return std::nullopt;
    sum += phase.if_all_changed->total();
  }
  return sum;
}

Result<Estimate> estimate_sync(storage::Connection& connection, const Setup& setup, const RunRequest& request) {
  BERTH_CHECK(check_request(setup, request));
  Estimate estimate;
  estimate.mode = !request.since.empty() ? "since" : request.full ? "full" : "changes";
  if (const auto run = setup.declared->budgets.find(std::string(http::kRunBudget)); run != setup.declared->budgets.end() && !run->second.is_share) estimate.run_cap = run->second.value;
  const std::vector<storage::QueueCount> queue = BERTH_TRY(storage::detail_queue::counts(connection, setup.id));
  for (const Phase& phase : setup.phases) {
    const bool is_wanted = request.phases.empty() || std::find(request.phases.begin(), request.phases.end(), phase.id) != request.phases.end();
    if (!phase.enabled || !is_wanted) continue;
    const json::Value* declaration = declaration_of(setup, phase);
    PhaseEstimate one;
    one.phase = phase.id;
    one.entity = phase.entity;
    one.page_size = std::max<std::int64_t>(1, phase.page_size);
    one.has_detail = phase.has_detail;
    one.is_reduced = phase.is_reduced;
    one.files = static_cast<std::int64_t>(phase.files.size());
    if (const json::Value* parts = declaration == nullptr ? nullptr : declaration->find("parts")) one.parts = static_cast<std::int64_t>(parts->size());
    one.is_first = BERTH_TRY(storage::cursors::passes_complete(connection, setup.id, phase.id)) == 0;
    for (const storage::QueueCount& waiting : queue) {
      if (waiting.entity == phase.entity) (waiting.want == storage::kWantAttachments ? one.queued_files : one.queued) += waiting.count;
    }
    const Stored stored = BERTH_TRY(stored_of(connection, setup, phase));
    one.stored = stored.alive;
    if (phase.reducible && !phase.is_reduced) one.queued += BERTH_TRY(storage::reduced::count_not_asked_for(connection, setup.id, phase.entity));
    CallCounts& least = one.at_least;
    least.list = 1;
    std::int64_t again = 0;   // details that are known and fetched all the same
    if (request.full) {
      least.list = whole_pages(stored.alive, one.page_size);
      again = fresh_since(stored, {});
    } else if (!request.since.empty()) {
      const Instant from{BERTH_TRY(parse_date(request.since)).day_number() * 86'400'000};
      least.list = whole_pages(since(stored, from), one.page_size);
      again = fresh_since(stored, from);
    } else if (!one.is_first && !stored.versions.empty()) {
      const auto newest = std::max_element(stored.versions.begin(), stored.versions.end(), [](const auto& a, const auto& b) { return a.changed < b.changed; });
      const Instant from = newest->changed - overlap_of(setup, declaration);
      least.list = whole_pages(since(stored, from), one.page_size);
      again = fresh_since(stored, from);
    }
    if (phase.has_detail && !phase.detail_once_per_record) one.queued += again;
    // Another document may offer what its detail is wanted for, and then it is not fetched.
    least.detail = phase.detail_unless_offered.empty() ? one.queued : 0;
    least.file = one.queued_files;
    one.at_most = capped(setup, phase, {.list = least.list, .detail = one.queued * (1 + one.parts), .file = one.queued_files + one.queued * one.files});
    least = capped(setup, phase, least);
    if (!one.is_first) {
      CallCounts all;
      all.list = overlapping_pages(stored.alive, one.page_size);
      const bool is_fetched_again = phase.has_detail && !phase.detail_once_per_record;
      const std::int64_t whole = phase.is_reduced ? stored.with_detail : stored.alive;   // of the others the row stays enough
      all.detail = std::max(one.queued, is_fetched_again ? whole : 0) * (1 + one.parts);
      all.file = std::max(one.queued_files, (wants_files_of_rows(setup, phase) ? stored.alive : whole) * one.files);
      all = capped(setup, phase, all);
      all.list = std::max(all.list, least.list);
      one.if_all_changed = all;
    }
    estimate.phases.push_back(std::move(one));
  }
  return estimate;
}

}  // namespace berth::runs
