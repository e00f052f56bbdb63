#include "host/runs/capture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "host/core/text.hpp"
#include "host/http/readable.hpp"
#include "host/runs/quota_board.hpp"
#include "host/storage/attachments.hpp"
#include "host/storage/integrations.hpp"
#include "host/storage/offers.hpp"
#include "host/storage/records.hpp"
#include "host/storage/waiting.hpp"

namespace berth::runs {

namespace {

constexpr std::uint32_t kKindFile = 3;   // BERTH_CALL_FILE
constexpr std::int64_t kMissingFilePriority = -1;
/// In a failed record's facts: the version whose detail could not be had. Lists show it again; only another is asked for.
constexpr std::string_view kGaveUp = "gave_up";
constexpr std::size_t kHeldFileBytesMax = 1U << 20U;
constexpr std::size_t kNoteBytesMax = 200;
constexpr std::size_t kNoticedMax = 10'000;   // records whose last note is kept until the end of the phase
constexpr std::size_t kCompareMax = 100'000;   // suspects looked at after one pass; more than any brake lets through

http::CallKind kind_of(std::uint32_t kind) {
  return kind <= kKindFile + 1 ? static_cast<http::CallKind>(kind) : http::CallKind::kOther;
}

std::string key_of(std::string_view entity, std::string_view remote_id) {
  return fmt::format("{}/{}", entity, remote_id);
}

}  // namespace

CaptureSession::CaptureSession(Dependencies dependencies, const Phase& phase, storage::PhaseCursor cursor, PhaseReport& report,
                               Instant deadline, std::stop_token stop)
    : dependencies_(std::move(dependencies)),
      phase_(phase),
      cursor_(std::move(cursor)),
      report_(report),
      deadline_(deadline),
      stop_(std::move(stop)) {}

void CaptureSession::log(int level, std::string_view message, std::string_view fields_json) {
  const auto shown = static_cast<telemetry::Level>(std::clamp(level, 0, 3));
  dependencies_.log.write(shown, message,
                          std::initializer_list<telemetry::Field>{{"phase", phase_.id}, {"plugin_fields", fields_json}});
  if (shown >= telemetry::Level::kWarning) note(message, fields_json);
}

// The report tells what the connector noticed, too: who reads it does not read the log.
void CaptureSession::note(std::string_view message, std::string_view fields_json) {
  const json::Parsed fields = json::parse(fields_json);
  const std::string_view reason = fields.value.text_of("reason");
  if (!fields.ok() || !is_reason_id(reason)) return;
  auto found = std::find_if(report_.notes.begin(), report_.notes.end(), [&](const PhaseNote& one) { return one.reason == reason; });
  if (found == report_.notes.end()) {
    if (report_.notes.size() >= kPhaseNotesMax) return;
    found = report_.notes.insert(report_.notes.end(), PhaseNote{.reason = std::string(reason), .message = {}, .about = {}, .times = 0});
  }
  found->message = http::one_line(message, kNoteBytesMax);
  found->about.clear();
  for (const char* field : {"id", "file", "what"}) {
    const std::string_view value = fields.value.text_of(field);
    if (!value.empty()) found->about += (found->about.empty() ? "" : ": ") + http::one_line(value, kNoteBytesMax);
  }
  ++found->times;
  const std::string_view id = fields.value.text_of("id");
  if (!id.empty() && noticed_.size() < kNoticedMax) noticed_[std::string(id)] = *found;
}

Status send_for_plugin(http::ApiClient& api, std::span<const plugins::HttpRequest> requests, std::stop_token stop,
                       const std::function<bool(plugins::HttpReply&&)>& on_reply) {
  std::vector<http::ApiCall> calls;
  calls.reserve(requests.size());
  for (const plugins::HttpRequest& request : requests) {
    calls.push_back({.method = request.method,
                     .path = request.path,
                     .query = request.query,
                     .headers = request.headers,
                     .body = request.body,
                     .cost = request.cost,
                     .kind = kind_of(request.kind)});
  }
  return api.send_batch(calls, std::move(stop), [&](http::ApiReply&& reply) {
    plugins::HttpReply out;
    out.index = static_cast<std::uint32_t>(reply.index);
    if (!reply.result.ok()) {
      out.error = std::move(reply.result).error();
      return on_reply(std::move(out));
    }
    http::ApiAnswer answer = std::move(reply.result).value();
    out.status = answer.status;
    out.verdict = static_cast<std::uint32_t>(answer.verdict);
    out.remote_code = std::move(answer.remote_code);
    out.headers = std::move(answer.headers);
    out.body = std::move(answer.body);
    return on_reply(std::move(out));
  });
}

Status CaptureSession::send_batch(std::span<const plugins::HttpRequest> requests,
                                  const std::function<bool(plugins::HttpReply&&)>& on_reply) {
  // The end of the slice starts no new call, like a stop request; answers on their way are still delivered.
  std::stop_source slice;
  const std::stop_callback forward(stop_, [&] { slice.request_stop(); });
  if (should_stop()) slice.request_stop();
  return send_for_plugin(dependencies_.api, requests, slice.get_token(),
                         [&](plugins::HttpReply&& reply) {
                           if (!on_reply(std::move(reply))) return false;
                           if (const Status kept_lease = dependencies_.keeper.beat(); !kept_lease.ok()) {
                             if (!storage_failure_) storage_failure_ = kept_lease.error();
                             return false;
                           }
                           return now() < deadline_;
                         });
}

Status CaptureSession::emit(plugins::EmittedRecord&& record) {
  if (!record.deleted && record.part.empty()) {
    auto& known_as = emitted_known_[key_of(record.ref.entity, record.ref.remote_id)];
    if (!record.list_only) ++report_.fetched;
    if (!record.list_only || known_as.second != plugins::KnownAs::kDetail) {
      known_as = {record.ref.version, record.list_only ? plugins::KnownAs::kRow : plugins::KnownAs::kDetail};
    }
  }
  if (!record.part.empty()) ++report_.parts;
  emitted_.push_back(std::move(record));
  return success();
}

std::optional<Instant> CaptureSession::version_time(std::string_view entity, std::string_view version) const {
  const auto found = dependencies_.setup.entity_version_is_time.find(std::string(entity));
  if (found == dependencies_.setup.entity_version_is_time.end() || !found->second || version.empty()) return std::nullopt;
  const auto parsed = parse_instant(version);
  return parsed.ok() ? std::optional(*parsed) : std::nullopt;
}

Error CaptureSession::kept(Error error) {
  if (!storage_failure_) storage_failure_ = error;
  return error;
}

Result<std::vector<plugins::KnownAs>> CaptureSession::known(std::span<const plugins::Ref> refs) {
  std::vector<plugins::KnownAs> answers(refs.size(), plugins::KnownAs::kNone);
  std::map<std::string_view, std::vector<std::size_t>> by_entity;
  for (std::size_t i = 0; i < refs.size(); ++i) by_entity[refs[i].entity].push_back(i);
  const Status read = dependencies_.database.read([&](storage::Connection& connection) -> Status {
    for (const auto& [entity, places] : by_entity) {
      std::vector<storage::KnownQuery> queries;
      queries.reserve(places.size());
      for (const std::size_t place : places) {
        queries.push_back({refs[place].remote_id, refs[place].version, version_time(entity, refs[place].version)});
      }
      const auto stored = BERTH_TRY(storage::records::known(connection, dependencies_.setup.id, entity, queries));
      for (std::size_t i = 0; i < places.size(); ++i) answers[places[i]] = static_cast<plugins::KnownAs>(stored[i]);
    }
    return success();
  });
  if (!read.ok()) return kept(read.error());
  for (std::size_t i = 0; i < refs.size(); ++i) {
    const auto found = emitted_known_.find(key_of(refs[i].entity, refs[i].remote_id));
    if (found != emitted_known_.end() && found->second.first == refs[i].version) {
      answers[i] = std::max(answers[i], found->second.second);
    }
    seen_.push_back(refs[i].remote_id);
    ++report_.listed;
    if (answers[i] != plugins::KnownAs::kNone) ++report_.unchanged;
  }
  return answers;
}

Status CaptureSession::need_detail(const plugins::Ref& ref, std::int32_t priority) {
  needs_.push_back({ref, std::clamp(priority, 0, 500)});
  return success();
}

Result<std::vector<plugins::Wanted>> CaptureSession::next_details(std::uint32_t n) {
  std::vector<plugins::Wanted> wanted;
  const Status read = dependencies_.database.read([&](storage::Connection& connection) -> Status {
    const std::vector<std::string> entities{phase_.entity};
    const auto entries = BERTH_TRY(storage::detail_queue::take(connection, dependencies_.setup.id, entities, n, handed_out_));
    for (const storage::QueuedDetail& entry : entries) {
      if (entry.cause == "confirm_deletion") confirming_.insert(entry.remote_id);
      open_entries_[{entry.remote_id, entry.want}] = entry;
      wanted.push_back({{entry.entity, entry.remote_id, entry.version}, entry.want});
    }
    // At the end of the queue come the suspects that this very run_phase found: what was handed out once is not taken
    // again, but a deletion is believed only after a second answer.
    while (wanted.size() < n && !to_confirm_.empty()) {
      const auto entry = BERTH_TRY(storage::detail_queue::find(connection, dependencies_.setup.id, phase_.entity,
                                                               to_confirm_.back(), storage::kWantDetail));
      to_confirm_.pop_back();
      if (!entry || entry->cause != "confirm_deletion") continue;
      confirming_.insert(entry->remote_id);
      open_entries_[{entry->remote_id, entry->want}] = *entry;
      wanted.push_back({{entry->entity, entry->remote_id, entry->version}, entry->want});
    }
    return success();
  });
  if (!read.ok()) return kept(read.error());
  return wanted;
}

// Files are small as a rule and are stored with the checkpoint that names them: a commit of its own for each would be most
// of what it costs. Large ones do not wait in memory.
Status CaptureSession::attach(const plugins::Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) {
  links_.push_back({ref, std::string(name), std::string(media_type), {}, std::string(bytes)});
  held_bytes_ += bytes.size();
  if (held_bytes_ > kHeldFileBytesMax) {
    const Status stored = dependencies_.database.write([&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, dependencies_.lease, now()));
      return store_files(connection);
    });
    if (!stored.ok()) return kept(stored.error());
  }
  ++report_.files;
  return success();
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

bool CaptureSession::should_stop() { return stop_.stop_requested() || is_halted_ || now() >= deadline_; }

void CaptureSession::progress(std::int64_t done, std::int64_t total_or_minus_1) {
  if (dependencies_.on_progress) dependencies_.on_progress(phase_.id, done, total_or_minus_1);
}

Status CaptureSession::checkpoint(std::string_view cursor_json, bool pass_complete) {
  const Status committed = dependencies_.database.write(
      [&](storage::Connection& connection) { return commit(connection, cursor_json, pass_complete); });
  if (!committed.ok()) return kept(committed.error());
  last_cursor_ = cursor_json;
  emitted_.clear();
  emitted_known_.clear();
  needs_.clear();
  links_.clear();
  seen_.clear();
  if (pass_complete) pass_completed_ = true;
  if (dependencies_.on_progress) dependencies_.on_progress(phase_.id, report_.listed + report_.fetched, -1);
  return success();
}

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
  if (cursor_.pass > 0) BERTH_CHECK(storage::records::touch_seen(connection, dependencies_.setup.id, phase_.entity, only_seen(), cursor_.pass));
  for (const Need& need : needs_) BERTH_CHECK(commit_need(connection, need));
  if (cursor_.mode != "ids" && cursor_.mode != "since") {
    if (pass_complete) {
      BERTH_CHECK(storage::cursors::complete_pass(connection, cursor_, cursor_json, now()));
      if (cursor_.mode == "full" || cursor_.mode == "sweep") BERTH_CHECK(compare_pass(connection));
    } else {
      BERTH_CHECK(storage::cursors::save(connection, cursor_, cursor_json));
    }
  }
  BERTH_CHECK(see_pause(connection));
  return tell_quota(connection, dependencies_.quota_key, dependencies_.gate, now());
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
                                 .pass = record.list_only ? cursor_.pass : 0};
  if (!record.part.empty()) {
    BERTH_TRY(storage::records::capture_part(connection, capture, record.part));
    return success();
  }
  if (record.list_only) {
    BERTH_TRY(storage::records::capture_row(connection, capture));
    return success();
  }
  BERTH_TRY(storage::records::capture_detail(connection, capture));
  BERTH_CHECK(wake_whoever_forced(connection, record.ref));
  BERTH_CHECK(finish_entry(connection, record.ref, storage::kWantDetail));
  BERTH_CHECK(commit_wanted_files(connection, record, document));
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
    BERTH_TRY(storage::waiting::wake(connection, setup.id, fmt::format("{}/{}", entity, ref.remote_id), now()));
  }
  return success();
}

Status CaptureSession::finish_entry(storage::Connection& connection, const plugins::Ref& ref, std::uint32_t want) {
  BERTH_TRY(storage::detail_queue::done(connection, dependencies_.setup.id, ref.entity, ref.remote_id, want));
  open_entries_.erase({ref.remote_id, want});
  return success();
}

// A document whose file did not come with it gets a place at the end of the queue, so that later runs try again.
Status CaptureSession::commit_wanted_files(storage::Connection& connection, const plugins::EmittedRecord& record,
                                           const json::Value& document) {
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
    BERTH_TRY(storage::detail_queue::put(connection, entry));
  }
  return success();
}

Status CaptureSession::settle_queue() {
  BERTH_CHECK(settle(false));
  return success();
}

Result<bool> CaptureSession::put_off_failed() { return settle(true); }

Result<bool> CaptureSession::settle(bool is_remote_failing) {
  if (open_entries_.empty()) return false;
  const http::CallReport calls = dependencies_.api.report();
  bool is_any_counted = false;
  const Status settled = dependencies_.database.write([&](storage::Connection& connection) -> Status {
    BERTH_CHECK(hold(connection, dependencies_.lease, now()));
    for (const auto& [key, entry] : open_entries_) {
      json::Value remote_error = json::Value::object();
      const auto last = std::find_if(calls.errors.rbegin(), calls.errors.rend(), [&](const http::RemoteError& error) {
        return error.request.find("/" + entry.remote_id) != std::string::npos;
      });
      if (last != calls.errors.rend()) {
        remote_error = json::Value::object(
            {{"status", last->status}, {"code", last->code}, {"message", last->message}, {"reason", last->reason}});
      }
      // Handed out and not asked for any more, because others had failed: that is no attempt.
      const bool was_asked = last != calls.errors.rend() || noticed_.contains(entry.remote_id);
      if (!was_asked && (is_remote_failing || entry.want == storage::kWantAttachments)) continue;
      is_any_counted = true;
      // A file never ends a run: that the remote fails at all of them shows only here.
      const bool is_file_failing = entry.want == storage::kWantAttachments && last != calls.errors.rend() && (last->status == 0 || last->status >= 500);
      const auto count = is_remote_failing || is_file_failing ? storage::detail_queue::put_off : storage::detail_queue::fail;
      const auto effect = BERTH_TRY(count(connection, entry.integration, entry.entity, entry.remote_id, entry.want, json::dump(remote_error)));
      if (effect == storage::detail_queue::FailEffect::kKept || entry.want == storage::kWantAttachments) continue;
      const auto record = BERTH_TRY(storage::records::find(connection, entry.integration, entry.entity, entry.remote_id));
      if (!record || record->remote_state == "deleted") continue;
      storage::RecordOutcome outcome;
      outcome.state = "failed";
      outcome.reason = std::string(remote_error.text_of("reason"));
      std::string said(remote_error.text_of("message"));
      const auto noticed = noticed_.find(entry.remote_id);
      // An answer that the remote calls good and the connector cannot use.
      if (outcome.reason.empty() && noticed != noticed_.end()) {
        outcome.reason = noticed->second.reason;
        said = noticed->second.message + " " + noticed->second.about;
      }
      if (outcome.reason.empty()) outcome.reason = "berth.detail_unavailable";
      outcome.message = fmt::format("the document could not be fetched in {} runs; the last answer: {}",
                                    is_remote_failing ? storage::detail_queue::kPutOffMax : storage::detail_queue::kAttemptsMax, said);
      outcome.detail_json = json::dump(json::Value::object({{"remote_error", remote_error}, {std::string(kGaveUp), entry.version}}));
      BERTH_CHECK(storage::records::set_state(connection, record->id, outcome, now()));
    }
    return success();
  });
  open_entries_.clear();
  if (!settled.ok()) return settled.error();
  return is_any_counted;
}

// A first "it does not exist" makes the record suspect and asks once more at the end of the queue; the second one, in the
// same run, is believed.
Status CaptureSession::commit_deleted(storage::Connection& connection, const plugins::EmittedRecord& record) {
  const std::string& integration = dependencies_.setup.id;
  BERTH_CHECK(finish_entry(connection, record.ref, storage::kWantDetail));
  const auto stored = BERTH_TRY(storage::records::find(connection, integration, record.ref.entity, record.ref.remote_id));
  if (!stored) return success();     // a reference that leads nowhere
  if (confirming_.contains(record.ref.remote_id)) {
    BERTH_TRY(storage::records::mark_deleted(connection, integration, record.ref.entity, record.ref.remote_id, now()));
    return success();
  }
  BERTH_CHECK(storage::records::mark_suspect(connection, integration, record.ref.entity, record.ref.remote_id));
  storage::QueuedDetail entry;
  entry.integration = integration;
  entry.entity = record.ref.entity;
  entry.remote_id = record.ref.remote_id;
  entry.priority = storage::detail_queue::kConfirmDeletion;
  entry.forced = true;
  entry.cause = "confirm_deletion";
  BERTH_TRY(storage::detail_queue::put(connection, entry));
  if (handed_out_.contains(entry)) to_confirm_.push_back(entry.remote_id);
  return success();
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
  storage::QueuedDetail entry;
  entry.integration = setup.id;
  entry.entity = need.ref.entity;
  entry.remote_id = need.ref.remote_id;
  entry.priority = need.priority;
  // Without a version the queue drops whatever has any detail: once per record.
  if (phase == nullptr || !phase->detail_once_per_record) {
    entry.version = need.ref.version;
    entry.version_time = version_time(need.ref.entity, need.ref.version);
  }
  BERTH_TRY(storage::detail_queue::put(connection, entry));
  return success();
}

// After a whole pass: what it did not see is suspect and is asked for once more; nothing is deleted on absence alone.
Status CaptureSession::compare_pass(storage::Connection& connection) {
  const std::string& integration = dependencies_.setup.id;
  const auto missing =
      BERTH_TRY(storage::records::missing_since_pass(connection, integration, phase_.entity, cursor_.pass, kCompareMax));
  const auto count = BERTH_TRY(storage::records::alive_count(connection, integration, phase_.entity));
  const std::int64_t let_through = std::max(phase_.brake_rows, count.alive * phase_.brake_percent / 100);
  if (static_cast<std::int64_t>(missing.size()) > let_through) {
    brake_pulled_ = true;
    report_.reason = "berth.deletion_brake";
    report_.message = fmt::format("{} of {} records of {} are missing from the list, more than {}; nothing was archived", missing.size(),
                                  count.alive, phase_.entity, let_through);
    return success();
  }
  for (const storage::MissingRecord& record : missing) {
    BERTH_CHECK(commit_deleted(connection, {.ref = {phase_.entity, record.remote_id, {}}, .part = {}, .json = {}, .deleted = true}));
  }
  return success();
}

}  // namespace berth::runs
