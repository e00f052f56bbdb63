// What a checkpoint writes: records, deletions, files, places in the detail queue, and the cursor, all or nothing.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "host/runs/capture.hpp"
#include "host/runs/deletions.hpp"
#include "host/runs/engine_running.hpp"
#include "host/runs/extent.hpp"
#include "host/runs/forecast.hpp"
#include "host/runs/quota_board.hpp"
#include "host/storage/attachments.hpp"
#include "host/storage/backfills.hpp"
#include "host/storage/brakes.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/offers.hpp"
#include "host/storage/records.hpp"
#include "host/storage/reduced.hpp"
#include "host/storage/waiting.hpp"

namespace berth::runs {

namespace {

constexpr std::int64_t kMissingFilePriority = -1;
constexpr std::size_t kCompareMax = 100'000;   // suspects looked at after one pass; more than any brake lets through
constexpr std::int64_t kShownAgain = 300;      // priority of documents that are archived and that a comparison shows: with what changed

}  // namespace

Status CaptureSession::commit(storage::Connection& connection, std::string_view cursor_json, bool pass_complete) {
  BERTH_CHECK(hold(connection, dependencies_.lease, now()));
  for (const plugins::EmittedRecord& record : emitted_) {
    if (record.deleted) {
      BERTH_CHECK(commit_deleted(connection, record));
    } else {
      BERTH_CHECK(commit_record(connection, record));
    }
  }
  BERTH_CHECK(store_files(connection));
  for (const Link& link : links_) {
    const auto record = BERTH_TRY(storage::records::find(connection, dependencies_.setup.id, link.ref.entity, link.ref.remote_id));
    if (!record) continue;
    BERTH_CHECK(storage::attachments::link(connection, {.record = record->id,
                                                        .name = link.name,
                                                        .media_type = link.media_type,
                                                        .hash = link.hash,
                                                        .version = link.ref.version,
                                                        .size = 0}));
    BERTH_CHECK(finish_entry(connection, link.ref, storage::kWantAttachments));
  }
  const std::vector<std::string> seen = only_seen();
  const bool has_rows = !seen.empty() || std::any_of(emitted_.begin(), emitted_.end(), [](const plugins::EmittedRecord& record) { return record.list_only; });
  if (cursor_.pass > 0) BERTH_CHECK(storage::records::touch_seen(connection, dependencies_.setup.id, phase_.entity, seen, cursor_.pass));
  for (const Need& need : needs_) BERTH_CHECK(commit_need(connection, need));
  if (!dependencies_.queue) BERTH_CHECK(advance_history(connection, pass_complete));   // a list of the history
  if (cursor_.mode != "ids" && cursor_.mode != "since" && cursor_.mode != kCount && cursor_.mode != kConfirming) {
    if (pass_complete) {
      BERTH_CHECK(storage::cursors::complete_pass(connection, cursor_, cursor_json, now()));
      if (cursor_.mode == "full" || cursor_.mode == "sweep") BERTH_CHECK(compare_pass(connection));
    } else {
      BERTH_CHECK(storage::cursors::save(connection, cursor_, cursor_json, has_rows));
    }
  }
  BERTH_CHECK(see_pause(connection));
  BERTH_CHECK(foretell(connection));
  if (dependencies_.quota_key.empty()) return success();
  return tell_quota(connection, dependencies_.quota_key, dependencies_.gate, now());
}

Status CaptureSession::store_files(storage::Connection& connection) {
  for (Link& link : links_) {
    if (!link.hash.empty()) continue;
    link.hash = BERTH_TRY(storage::attachments::store(connection, link.bytes));
    std::string().swap(link.bytes);
  }
  held_bytes_ = 0;
  return success();
}

// A row that was captured says itself in which pass it was seen.
std::vector<std::string> CaptureSession::only_seen() {
  std::unordered_set<std::string_view> captured;
  for (const plugins::EmittedRecord& record : emitted_) {
    if (record.list_only && record.part.empty() && !record.deleted && record.ref.entity == phase_.entity) captured.insert(record.ref.remote_id);
  }
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  std::vector<std::string> rest;
  for (const std::string& id : seen_) {
    if (!captured.contains(id)) rest.push_back(id);
  }
  return rest;
}

// A person who pauses does not want to wait for the end of a run, which may take hours: the next checkpoint is soon.
Status CaptureSession::see_pause(storage::Connection& connection) {
  const auto row = BERTH_TRY(storage::integrations::find(connection, dependencies_.setup.id));
  if (!row || row->desired == "enabled") return success();
  const bool is_paused = row->desired == "paused";
  halted_ = make_error(Code::kCancelled, is_paused ? "runs.paused" : "runs.disabled",
                       fmt::format("{0} was {1} while it ran; what was fetched is kept, and `berth {2} {0}` lets it go on",
                                   row->id, row->desired, is_paused ? "resume" : "enable"));
  is_halted_ = true;
  return success();
}

Status CaptureSession::commit_record(storage::Connection& connection, const plugins::EmittedRecord& record) {
  json::Value document = BERTH_TRY(document_of(record.json));
  const std::string hash = content_hash(document, &phase_);
  const storage::Capture capture{.integration = dependencies_.setup.id,
                                 .entity = record.ref.entity,
                                 .remote_id = record.ref.remote_id,
                                 .version = record.ref.version,
                                 .content_hash = hash,
                                 .body = record.json,
                                 .fetched = now(),
                                 .pass = record.list_only ? cursor_.pass : 0,
                                 .version_time = version_time(record.ref.entity, record.ref.version),
                                 .as_of = remote_began_,
                                 .asked = began_};
  if (!record.part.empty()) {
    BERTH_CHECK(storage::records::capture_part(connection, capture, record.part));
    return success();
  }
  if (record.list_only) {
    BERTH_CHECK(storage::records::capture_row(connection, capture));
    return success();
  }
  const storage::Captured captured = BERTH_TRY(storage::records::capture_detail(connection, capture));
  BERTH_TRY(storage::reduced::remove(connection, captured.record));
  if (cursor_.mode == "ids") committed_ids_.insert(record.ref.remote_id);
  BERTH_CHECK(wake_whoever_forced(connection, record.ref));
  const auto entry = open_entries_.find({record.ref.remote_id, storage::kWantDetail});
  const std::string cause = entry == open_entries_.end() ? "list" : entry->second.cause == storage::kBackfillCause ? std::string(storage::kBackfillCause) : "list";
  BERTH_CHECK(finish_entry(connection, record.ref, storage::kWantDetail));
  BERTH_CHECK(commit_wanted_files(connection, record, document, cause));
  return commit_offers(connection, record, std::move(document));
}

// Current data was asked for because two documents disagree. Also where it says what it said before, whoever asked must be
// decided again: now it is confirmed.
Status CaptureSession::wake_whoever_forced(storage::Connection& connection, const plugins::Ref& ref) {
  const Setup& setup = dependencies_.setup;
  if (!setup.rules) return success();
  const auto entry = BERTH_TRY(storage::detail_queue::find(connection, setup.id, ref.entity, ref.remote_id, storage::kWantDetail));
  if (!entry || entry->cause != "forced") return success();
  for (const std::string& entity : setup.rules->entities_of(ref.entity)) {
    BERTH_CHECK(storage::waiting::wake(connection, setup.id, fmt::format("{}/{}", entity, ref.remote_id), now(), storage::waiting::Sleepers::kNotSkipped));
  }
  return success();
}

Status CaptureSession::finish_entry(storage::Connection& connection, const plugins::Ref& ref, std::uint32_t want) {
  BERTH_CHECK(storage::detail_queue::done(connection, dependencies_.setup.id, ref.entity, ref.remote_id, want));
  open_entries_.erase({ref.remote_id, want});
  return success();
}

// A document whose file did not come with it gets a place at the end of the queue, so that later runs try again.
Status CaptureSession::commit_wanted_files(storage::Connection& connection, const plugins::EmittedRecord& record,
                                           const json::Value& document, const std::string& cause) {
  if (phase_.files.empty() || cursor_.mode == "ids") return success();
  for (const Phase::File& file : phase_.files) {
    const std::string_view value = document.text_of(file.unless_field);
    const bool is_excluded = std::find(file.unless_values.begin(), file.unless_values.end(), value) != file.unless_values.end();
    const bool came_along = std::any_of(links_.begin(), links_.end(), [&](const Link& link) {
      return link.ref.remote_id == record.ref.remote_id && link.name == file.name;
    });
    if (is_excluded || came_along) continue;
    storage::QueuedDetail entry;
    entry.integration = dependencies_.setup.id;
    entry.entity = record.ref.entity;
    entry.remote_id = record.ref.remote_id;
    entry.want = storage::kWantAttachments;
    entry.version = record.ref.version;
    entry.priority = kMissingFilePriority;
    entry.forced = true;
    entry.cause = cause;
    BERTH_CHECK(storage::detail_queue::put(connection, entry));
  }
  return success();
}

/// The history goes on: rows of a window are counted, a window that was listed whole is followed by the next one, in the
/// transaction that commits its last page.
Status CaptureSession::advance_history(storage::Connection& connection, bool pass_complete) {
  const auto known = BERTH_TRY(storage::backfills::find_list(connection, dependencies_.setup.id, phase_.id));
  storage::BackfillList list = known.value_or(storage::BackfillList{.integration = dependencies_.setup.id, .phase = phase_.id});
  if (cursor_.mode == kCount) {
    list.expected = list_total_;
    return storage::backfills::save(connection, list);
  }
  if (dependencies_.window && list.to.unix_ms == 0) {
    list.from = dependencies_.window->from;
    list.to = dependencies_.window->to;
  }
  // The remote does not mind its windows: it is read whole, from its beginning.
  if (!dependencies_.window && list.to.unix_ms != 0) {
    list.from = list.to = Instant{};
    list.listed = list.in_window = 0;
  }
  const auto backfill = BERTH_TRY(storage::backfills::find(connection, dependencies_.setup.id));
  if (backfill && backfill->began.unix_ms == 0) BERTH_CHECK(storage::backfills::set_began(connection, dependencies_.setup.id, now()));
  const auto rows = static_cast<std::int64_t>(seen_.size());
  list.listed += rows;
  list.in_window += rows;
  if (pass_complete) {
    const auto row = BERTH_TRY(storage::integrations::find(connection, dependencies_.setup.id));
    const auto next = list.to.unix_ms == 0 || !row ? std::nullopt : next_window({list.from, list.to}, list.in_window, phase_.page_size, row->backfill_floor);
    list.in_window = 0;
    if (next) {
      list.from = next->from;
      list.to = next->to;
    } else {
      list.done = now();
    }
  }
  return storage::backfills::save(connection, list);
}

/// What the run still needs, for those who look at it meanwhile.
Status CaptureSession::foretell(storage::Connection& connection) {
  constexpr std::chrono::milliseconds kAgain{60'000};
  if (dependencies_.foretold.unix_ms > 0 && now() - dependencies_.foretold < kAgain) return success();
  BERTH_CHECK(tell_forecast(connection, dependencies_.setup,
                            {.quota = dependencies_.gate.snapshot(),
                             .under_way = ListUnderWay{phase_.id, report_.listed, list_total_},
                             .used_today = calls_today(),
                             .now = now()}));
  dependencies_.foretold = now();
  return success();
}

// A first "it does not exist" makes the record suspect and asks once more behind everything else (Engine::confirm_gone()); the second
// one is believed.
Status CaptureSession::commit_deleted(storage::Connection& connection, const plugins::EmittedRecord& record) {
  const std::string& integration = dependencies_.setup.id;
  if (cursor_.mode == "ids") committed_ids_.insert(record.ref.remote_id);
  const auto stored = BERTH_TRY(storage::records::find(connection, integration, record.ref.entity, record.ref.remote_id));
  BERTH_CHECK(finish_entry(connection, record.ref, storage::kWantDetail));
  if (!stored) return success();     // a reference that leads nowhere
  if (stored->remote_state == "deleted") return success();   // a list that shows what the remote does not have
  if (confirming_.contains(record.ref.remote_id)) {
    if (BERTH_TRY(storage::records::mark_deleted(connection, integration, record.ref.entity, record.ref.remote_id, now()))) ++report_.gone;
    return success();
  }
  BERTH_CHECK(storage::records::mark_suspect(connection, integration, record.ref.entity, record.ref.remote_id));
  return storage::detail_queue::put_confirming(connection, integration, record.ref.entity, record.ref.remote_id);
}

// Values that this document offers to rows of other entities (a contact's country) are stored at capture, so that the
// contact's own detail need not be fetched in the same run.
Status CaptureSession::commit_offers(storage::Connection& connection, const plugins::EmittedRecord& record, json::Value detail) {
  const Setup& setup = dependencies_.setup;
  if (!setup.rules) return success();
  mapping::Record document;
  document.remote_id = record.ref.remote_id;
  document.version = record.ref.version;
  document.detail = std::move(detail);
  for (const std::string& entity : setup.rules->entities_of(record.ref.entity)) {
    for (const mapping::Outcome::Offer& offer : mapping::offers_of(*setup.rules, entity, document)) {
      const std::string target = setup.remote_entity_of(offer.entity);
      if (target.empty()) continue;
      const bool changed = BERTH_TRY(
          storage::offers::put(connection, setup.id, target, offer.remote_id, offer.name, offer.value, now()));
      if (!changed) continue;
      // A row that is here already takes the value up.
      const auto offered_to = BERTH_TRY(storage::records::find(connection, setup.id, target, offer.remote_id));
      if (offered_to && offered_to->state == "posted" && !offered_to->has_detail()) {
        BERTH_CHECK(storage::records::set_pending(connection, offered_to->id, now()));
      }
    }
  }
  return success();
}

Status CaptureSession::commit_need(storage::Connection& connection, const Need& need) {
  const Setup& setup = dependencies_.setup;
  const Phase* phase = setup.phase_of_entity(need.ref.entity);
  if (phase != nullptr && !phase->detail_unless_offered.empty()) {
    const auto offered = BERTH_TRY(
        storage::offers::find(connection, setup.id, need.ref.entity, need.ref.remote_id, phase->detail_unless_offered));
    if (offered) return success();
  }
  const auto record = BERTH_TRY(storage::records::find(connection, setup.id, need.ref.entity, need.ref.remote_id));
  if (record && record->state == "failed") {
    const json::Parsed facts = json::parse(record->detail_json);
    if (facts.ok() && facts.value.find(kGaveUp) != nullptr && facts.value.text_of(kGaveUp) == need.ref.version) return success();
  }
  if (phase != nullptr && record && BERTH_TRY(take_row_for_document(connection, *phase, *record))) return want_files_of_row(connection, *phase, *record);
  storage::QueuedDetail entry;
  entry.integration = setup.id;
  entry.entity = need.ref.entity;
  entry.remote_id = need.ref.remote_id;
  entry.priority = need.priority;
  if (cursor_.mode == kWindow) entry.cause = storage::kBackfillCause;
  // Without a version the queue drops whatever has any detail: once per record.
  if (phase == nullptr || !phase->detail_once_per_record) {
    entry.version = need.ref.version;
    entry.version_time = version_time(need.ref.entity, need.ref.version);
  }
  BERTH_CHECK(storage::detail_queue::put(connection, entry));
  return success();
}

/// Files come with details. Of a document whose row is enough they are fetched only if the operator has given them calls.
Status CaptureSession::want_files_of_row(storage::Connection& connection, const Phase& phase, const storage::Record& record) {
  if (!wants_files_of_rows(dependencies_.setup, phase)) return success();
  const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection, record.id));
  if (!bodies.row) return success();
  plugins::EmittedRecord row;
  row.ref = {record.entity, record.remote_id, record.row_version};
  return commit_wanted_files(connection, row, BERTH_TRY(document_of(bodies.row->body)), cursor_.mode == kWindow ? std::string(storage::kBackfillCause) : "list");
}

// A comparison takes no row. What it shows and is archived here is fetched, whatever version it has: lists of changes do not show it.
Status CaptureSession::ask_for_shown_again(storage::Connection& connection) {
  for (const std::string& id : BERTH_TRY(storage::records::shown_again(connection, dependencies_.setup.id, phase_.entity, cursor_.pass, kCompareMax))) {
    storage::QueuedDetail entry;
    entry.integration = dependencies_.setup.id;
    entry.entity = phase_.entity;
    entry.remote_id = id;
    entry.priority = kShownAgain;
    entry.forced = true;
    BERTH_CHECK(storage::detail_queue::put(connection, entry));
  }
  return success();
}

// After a whole pass: what it did not see is suspect and is asked for once more; nothing is deleted on absence alone.
Status CaptureSession::compare_pass(storage::Connection& connection) {
  const std::string& integration = dependencies_.setup.id;
  // What has no detail cannot be asked about, and absence alone is no proof.
  if (!phase_.has_detail) return success();
  if (cursor_.mode == "sweep") BERTH_CHECK(ask_for_shown_again(connection));
  const auto missing =
      BERTH_TRY(storage::records::missing_since_pass(connection, integration, phase_.entity, cursor_.pass, kCompareMax));
  // What a person has archived is no news; it is asked for all the same, so that nobody takes that back who cannot.
  const std::int64_t news = std::count_if(missing.begin(), missing.end(), [](const storage::MissingRecord& record) { return !record.is_archived_by_hand; });
  report_.sweep.missing += static_cast<std::int64_t>(missing.size());
  // Together with those that have answered that they do not exist.
  const Suspects suspects = BERTH_TRY(suspects_of(connection, integration, phase_, news));
  if (news > 0 && suspects.are_too_many()) {
    BERTH_CHECK(storage::brakes::put(connection, {.integration = integration,
                                                  .phase = phase_.id,
                                                  .entity = phase_.entity,
                                                  .pass = cursor_.pass,
                                                  .missing = suspects.count,
                                                  .alive = suspects.of,
                                                  .since = now()}));
    brake_pulled_ = true;
    report_.reason = "berth.deletion_brake";
    report_.message = fmt::format("{} of {} records of {} are missing from the list, more than {}; nothing was archived", suspects.count, suspects.of,
                                  phase_.entity, suspects.let_through);
    return success();
  }
  if (!suspects.are_too_many()) BERTH_CHECK(storage::brakes::release(connection, integration, phase_.id));   // an earlier one, which missed more
  for (const storage::MissingRecord& record : missing) {
    BERTH_CHECK(commit_deleted(connection, {.ref = {phase_.entity, record.remote_id, {}}, .part = {}, .json = {}, .deleted = true}));
  }
  return success();
}

}  // namespace berth::runs
