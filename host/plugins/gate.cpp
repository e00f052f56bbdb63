#include "host/plugins/gate.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "berth/abi/abi.h"
#include "berth/json.hpp"
#include "host/core/text.hpp"

namespace berth::plugins {

namespace {

constexpr std::size_t kRequestLineMax = 200;

std::string request_line(const HttpRequest& request) { return shortened(request.method + " " + request.path, kRequestLineMax); }

std::string readable(std::string_view text, std::size_t limit) {
  if (!is_valid_utf8(text)) return fmt::format("({} bytes that are not UTF-8)", text.size());
  return shortened(text, limit);
}

}  // namespace

void Gate::begin_call(std::stop_token stop) {
  stop_ = std::move(stop);
  deadline_.reset();
  phase_.clear();
  last_request_.clear();
  refused_.reset();
  last_failure_.reset();
  under_way_.clear();
  added_ = 0;
  records_ = record_bytes_ = wanted_ = files_ = file_bytes_ = 0;
  log_lines_ = 0;
}

void Gate::begin_phase(const PhaseRun& run, std::stop_token stop) {
  begin_call(std::move(stop));
  deadline_ = run.deadline;
  phase_ = run.phase;
}

Status Gate::end_call(Status answer) {
  phase_.clear();
  deadline_.reset();
  if (answer.ok()) {
    if (refused_) return *refused_;
    return answer;
  }
  // The C boundary has fewer codes than the host; an error that went through the plugin unchanged gets its own back.
  Error error = answer.error();
  if (last_failure_ && last_failure_->reason == error.reason) {
    error.code = last_failure_->code;
    if (error.retry_after_ms < 0) error.retry_after_ms = last_failure_->retry_after_ms;
  }
  return error;
}

void Gate::refuse_posted(Error error) {
  if (!refused_) refused_ = std::move(error);
}

Status Gate::posted_so_far() const {
  if (refused_) return *refused_;
  return success();
}

Status Gate::needs_phase() const {
  if (!phase_.empty()) return success();
  return plugin_bug("sdk.no_phase", "records and cursors belong to run_phase; the plugin used them outside of it");
}

Status Gate::remember(Status answer) {
  if (!answer.ok()) last_failure_ = answer.error();
  return answer;
}

void Gate::log(int level, std::string_view message, std::string_view fields_json) {
  const std::size_t line = ++log_lines_;
  if (line > limits::kLogLines) return;
  if (line == limits::kLogLines) {
    services_.log(BERTH_WARN, fmt::format("the plugin wrote {} log lines in one call; further ones are dropped", line),
                  {});
    return;
  }
  const int known_level = std::clamp(level, int{BERTH_DEBUG}, int{BERTH_ERROR});
  // A line that is too long is cut and not an error: a log line must never end a run.
  const std::string text = readable(message, limits::kLogBytes);
  std::string fields(fields_json);
  const bool too_long = fields.size() + text.size() > limits::kLogBytes + 64;
  if (!fields.empty()) {
    const bool is_object = !too_long && [&] {
      const auto parsed = json::parse(fields);
      return parsed.ok() && parsed.value.is_object();
    }();
    if (!is_object) fields = R"({"dropped":"fields that are too long or not a JSON object"})";
  }
  services_.log(known_level, text, fields);
}

Status Gate::send_batch(std::span<const HttpRequest> requests, const std::function<bool(HttpReply&&)>& on_reply) {
  BERTH_CHECK(posted_so_far());
  BERTH_CHECK(check_batch(requests));
  if (requests.empty()) return success();
  const auto note = [&](const HttpRequest& request) { last_request_ = request_line(request); };
  note(requests.front());
  std::vector<bool> answered(requests.size(), false);
  return remember(services_.send_batch(requests, [&](HttpReply&& reply) {
    BERTH_ASSERT(reply.index < requests.size() && !answered[reply.index],
                 "each request of a batch has exactly one reply");
    answered[reply.index] = true;
    note(requests[reply.index]);
    if (reply.error) last_failure_ = *reply.error;
    return on_reply(std::move(reply));
  }));
}

Status Gate::add_calls(std::span<const HttpRequest> requests) {
  BERTH_CHECK(posted_so_far());
  BERTH_CHECK(needs_phase());
  BERTH_CHECK(check_batch(requests));
  BERTH_CHECK(check_batch_count(under_way_.size() + requests.size()));
  if (requests.empty()) return success();
  BERTH_CHECK(remember(services_.add_calls(requests)));
  for (const HttpRequest& request : requests) under_way_.emplace(added_++, request_line(request));
  last_request_ = under_way_.rbegin()->second;
  return success();
}

Status Gate::take_replies(const std::function<void(HttpReply&&)>& on_reply) {
  BERTH_CHECK(posted_so_far());
  BERTH_CHECK(needs_phase());
  return remember(services_.take_replies([&](HttpReply&& reply) {
    auto asked = under_way_.extract(reply.index);
    BERTH_ASSERT(!asked.empty(), "each request of a stream has exactly one reply");
    last_request_ = std::move(asked.mapped());
    if (reply.error) last_failure_ = *reply.error;
    on_reply(std::move(reply));
  }));
}

void Gate::stop_calls() {
  if (needs_phase().ok()) services_.stop_calls();
}

Status Gate::emit(EmittedRecord&& record) {
  if (refused_) return success();
  if (Status status = try_emit(std::move(record)); !status.ok()) refuse_posted(std::move(status).error());
  return success();
}

Status Gate::try_emit(EmittedRecord&& record) {
  BERTH_CHECK(needs_phase());
  BERTH_CHECK(check_record(record, descriptor_));
  if (records_ + 1 > limits::kRecordsBetweenCheckpoints ||
      record_bytes_ + record.json.size() > limits::kBytesBetweenCheckpoints) {
    return plugin_bug("sdk.checkpoint_overdue",
                      fmt::format("phase {} emitted {} records of {} bytes and then another one without a checkpoint; "
                                  "at most {} records or {} bytes "
                                  "may lie between two",
                                  phase_, records_, record_bytes_, limits::kRecordsBetweenCheckpoints,
                                  limits::kBytesBetweenCheckpoints));
  }
  ++records_;
  record_bytes_ += record.json.size();
  return remember(services_.emit(std::move(record)));
}

Status Gate::checkpoint(std::string_view cursor_json, bool pass_complete) {
  BERTH_CHECK(posted_so_far());
  BERTH_CHECK(needs_phase());
  BERTH_CHECK(check_cursor(cursor_json));
  BERTH_CHECK(remember(services_.checkpoint(cursor_json, pass_complete)));
  records_ = record_bytes_ = wanted_ = files_ = file_bytes_ = 0;
  return success();
}

Result<std::vector<KnownAs>> Gate::known(std::span<const Ref> refs) {
  BERTH_CHECK(posted_so_far());
  BERTH_CHECK(needs_phase());
  BERTH_CHECK(check_known_size(refs.size()));
  for (const auto& ref : refs) BERTH_CHECK(check_ref(ref, descriptor_));
  if (refs.empty()) return std::vector<KnownAs>{};
  auto answers = services_.known(refs);
  if (!answers.ok())
    last_failure_ = answers.error();
  else
    BERTH_ASSERT(answers.value().size() == refs.size(), "`known` answers every ref");
  return answers;
}

Status Gate::need_detail(const Ref& ref, std::int32_t priority) {
  if (refused_) return success();
  if (Status status = try_need_detail(ref, priority); !status.ok()) refuse_posted(std::move(status).error());
  return success();
}

Status Gate::try_need_detail(const Ref& ref, std::int32_t priority) {
  BERTH_CHECK(needs_phase());
  BERTH_CHECK(check_ref(ref, descriptor_));
  if (++wanted_ > limits::kWantedBetweenCheckpoints) {
    return plugin_bug("sdk.checkpoint_overdue",
                      fmt::format("phase {} asked for more than {} details without a checkpoint", phase_,
                                  limits::kWantedBetweenCheckpoints));
  }
  return remember(services_.need_detail(ref, std::clamp(priority, 0, limits::kPriorityMax)));
}

Result<std::vector<Wanted>> Gate::next_details(std::uint32_t n) {
  BERTH_CHECK(posted_so_far());
  BERTH_CHECK(needs_phase());
  if (n == 0) return std::vector<Wanted>{};
  auto wanted = services_.next_details(std::min(n, std::uint32_t{limits::kNextDetails}));
  if (!wanted.ok()) last_failure_ = wanted.error();
  return wanted;
}

Status Gate::attach(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) {
  if (refused_) return success();
  Status status = [&]() -> Status {
    BERTH_CHECK(needs_phase());
    BERTH_CHECK(check_attachment(ref, name, media_type, bytes, descriptor_));
    file_bytes_ += bytes.size();
    if (++files_ > limits::kFilesBetweenCheckpoints || file_bytes_ > limits::kFileBytesBetweenCheckpoints) {
      return plugin_bug("sdk.checkpoint_overdue",
                        fmt::format("phase {} attached more than {} files or {} bytes without a checkpoint", phase_,
                                    limits::kFilesBetweenCheckpoints, limits::kFileBytesBetweenCheckpoints));
    }
    return remember(services_.attach(ref, name, media_type, bytes));
  }();
  if (!status.ok()) refuse_posted(std::move(status).error());
  return success();
}

bool Gate::should_stop() {
  if (stop_.stop_requested() || services_.should_stop()) return true;
  return deadline_ && services_.now() >= *deadline_;
}

void Gate::progress(std::int64_t done, std::int64_t total_or_minus_1) {
  services_.progress(std::max<std::int64_t>(done, 0), std::max<std::int64_t>(total_or_minus_1, -1));
}

}  // namespace berth::plugins
