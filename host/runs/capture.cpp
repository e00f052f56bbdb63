// What a plugin calls while it runs a phase. What a checkpoint writes stands in capture_commit.cpp, what becomes of
// documents that did not come in capture_queue.cpp.
#include "host/runs/capture.hpp"
#include "host/runs/plugin_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "host/core/text.hpp"
#include "host/http/error_rules.hpp"
#include "host/http/readable.hpp"
#include "host/runs/forecast.hpp"
#include "host/storage/records.hpp"

namespace berth::runs {

namespace {

constexpr std::uint32_t kKindFile = 3;   // BERTH_CALL_FILE
constexpr std::size_t kHeldFileBytesMax = 1U << 20U;
constexpr std::size_t kNoteBytesMax = 200;
constexpr std::size_t kNoticedMax = 10'000;   // records whose last note is kept until the end of the phase

http::CallKind kind_of(std::uint32_t kind) {
  return kind <= kKindFile + 1 ? static_cast<http::CallKind>(kind) : http::CallKind::kOther;
}

std::string key_of(std::string_view entity, std::string_view remote_id) {
  return fmt::format("{}/{}", entity, remote_id);
}

/// A budget of 0 calls is how an operator says that there shall be no files: they wait in the queue for another budget, and
/// the run is not unfinished for their sake.
bool are_files_wanted(const config::Integration& declared, const Phase& phase) {
  return std::any_of(phase.files.begin(), phase.files.end(), [&](const Phase::File& file) {
    const auto budget = declared.budgets.find(file.cost);
    return budget == declared.budgets.end() || budget->second.is_share || budget->second.value > 0;
  });
}

}  // namespace

CaptureSession::CaptureSession(Dependencies dependencies, const Phase& phase, storage::PhaseCursor cursor, PhaseReport& report,
                               Instant deadline, std::stop_token stop)
    : dependencies_(std::move(dependencies)),
      phase_(phase),
      cursor_(std::move(cursor)),
      report_(report),
      deadline_(deadline),
      stop_(std::move(stop)),
      are_files_wanted_(are_files_wanted(*dependencies_.setup.declared, phase)),
      began_(dependencies_.clock.now()),
      handed_out_(dependencies_.refused) {}

void CaptureSession::log(int level, std::string_view message, std::string_view fields_json) {
  const auto shown = static_cast<telemetry::Level>(std::clamp(level, 0, 3));
  dependencies_.log.with({{"phase", phase_.id}}).write(shown, message, plugin_fields(fields_json));
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

namespace {

/// `list_cost`: the class of calls of a list that have none of their own.
std::vector<http::ApiCall> calls_of(std::span<const plugins::HttpRequest> requests, std::string_view list_cost = {}) {
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
    if (calls.back().kind == http::CallKind::kList && calls.back().cost.empty()) calls.back().cost = list_cost;
  }
  return calls;
}

plugins::HttpReply reply_of(http::ApiReply&& reply) {
  plugins::HttpReply out;
  out.index = static_cast<std::uint32_t>(reply.index);
  if (!reply.result.ok()) {
    out.error = std::move(reply.result).error();
    return out;
  }
  http::ApiAnswer answer = std::move(reply.result).value();
  out.status = answer.status;
  out.verdict = static_cast<std::uint32_t>(answer.verdict);
  out.remote_code = std::move(answer.remote_code);
  out.headers = std::move(answer.headers);
  out.body = std::move(answer.body);
  return out;
}

}  // namespace

Status send_for_plugin(http::ApiClient& api, std::span<const plugins::HttpRequest> requests, std::stop_token stop,
                       const std::function<bool(plugins::HttpReply&&)>& on_reply, std::string_view list_cost) {
  return api.send_batch(calls_of(requests, list_cost), std::move(stop), [&](http::ApiReply&& reply) { return on_reply(reply_of(std::move(reply))); });
}

Status CaptureSession::send_batch(std::span<const plugins::HttpRequest> requests,
                                  const std::function<bool(plugins::HttpReply&&)>& on_reply) {
  // The end of the slice starts no new call, like a stop request; answers on their way are still delivered.
  std::stop_source slice;
  const std::stop_callback forward(stop_, [&] { slice.request_stop(); });
  if (should_stop()) slice.request_stop();
  return send_for_plugin(dependencies_.api, requests, slice.get_token(),
                         [&](plugins::HttpReply&& reply) {
                           learn_time(reply);
                           calls_today();
                           return on_reply(std::move(reply)) && keeps_lease() && now() < deadline_;
                         },
                         list_cost());
}

// Which answer brought what is emitted, the plugin alone knows; no document of this session was read before its first call. How long
// that is ago is what both clocks allow at most: the wall clock may have been set back since.
void CaptureSession::learn_time(const plugins::HttpReply& reply) {
  if (remote_began_.unix_ms != 0 || reply.error || reply.status >= 400) return;
  const auto date = http::find_header(reply.headers, "date");
  const auto told = date ? http::parse_http_date(*date) : std::nullopt;
  if (!told) return;
  const auto steady = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_steady_);
  remote_began_ = *told - std::max(now() - began_, steady);
}

bool CaptureSession::keeps_lease() {
  const Status kept_lease = dependencies_.keeper.beat();
  if (!kept_lease.ok() && !storage_failure_) storage_failure_ = kept_lease.error();
  return kept_lease.ok();
}

Status CaptureSession::add_calls(std::span<const plugins::HttpRequest> requests) {
  if (!stream_) stream_ = dependencies_.api.open_stream(stop_);
  if (should_stop()) stream_->stop();
  return stream_->add(calls_of(requests, list_cost()));
}

void CaptureSession::stop_calls() {
  if (stream_) stream_->stop();
}

Status CaptureSession::take_replies(const std::function<void(plugins::HttpReply&&)>& on_reply) {
  constexpr std::size_t kRepliesMax = 16;
  if (!stream_) return success();
  if (should_stop()) stream_->stop();
  for (http::ApiReply& taken : stream_->take(kRepliesMax)) {
    plugins::HttpReply reply = reply_of(std::move(taken));
    learn_time(reply);
    on_reply(std::move(reply));
  }
  calls_today();
  if (!keeps_lease()) stream_->stop();
  return success();
}

/// Looked at often, so that it is seen when the day turns.
std::int64_t CaptureSession::calls_today() {
  return dependencies_.day.see(now(), dependencies_.gate.snapshot().day_resets_at, calls_made(dependencies_.api.report()));
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
    if (!dependencies_.queue) return success();
    storage::detail_queue::Filter filter = *dependencies_.queue;
    filter.wants = storage::kWantDetail | (are_files_wanted_ ? storage::kWantAttachments : 0U);
    const auto entries = BERTH_TRY(storage::detail_queue::take(connection, dependencies_.setup.id, entities, n, handed_out_, filter));
    for (const storage::QueuedDetail& entry : entries) {
      if (storage::detail_queue::is_confirming(entry)) confirming_.insert(entry.remote_id);
      open_entries_[{entry.remote_id, entry.want}] = entry;
      wanted.push_back({{entry.entity, entry.remote_id, entry.version}, entry.want});
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
    const Status stored = dependencies_.database.write("capture.files", [&](storage::Connection& connection) -> Status {
      BERTH_CHECK(hold(connection, dependencies_.lease, now()));
      return store_files(connection);
    });
    if (!stored.ok()) return kept(stored.error());
  }
  ++report_.files;
  return success();
}

bool CaptureSession::should_stop() { return stop_.stop_requested() || is_halted_ || now() >= deadline_; }

void CaptureSession::progress(std::int64_t done, std::int64_t total_or_minus_1) {
  if (total_or_minus_1 >= 0) list_total_ = total_or_minus_1;
  if (dependencies_.on_progress) dependencies_.on_progress(phase_.id, done, total_or_minus_1);
}

Status CaptureSession::checkpoint(std::string_view cursor_json, bool pass_complete) {
  const Status committed = dependencies_.database.write("capture.checkpoint",
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

}  // namespace berth::runs
