#include "berth/testing/fake_host.hpp"

#include <algorithm>

#include "berth/abi/ext/stream.h"

namespace berth::testing {
namespace {

constexpr std::size_t kMaxRecords = 1000;
constexpr std::size_t kMaxBytes = std::size_t{8} << 20u;
constexpr std::size_t kMaxRefs = 1000;
constexpr std::size_t kMaxCursor = std::size_t{64} << 10u;
constexpr std::size_t kMaxBatch = 256;

std::int32_t refuse(berth_error* error, std::string_view reason, std::string_view message) {
  detail::fill(error, reason, message);
  return BERTH_INTERNAL;
}

Ref ref_of(const berth_ref& ref) {
  return {std::string(from_c(ref.entity)), std::string(from_c(ref.remote_id)), std::string(from_c(ref.version))};
}

Request request_of(const berth_http_request& from) {
  Request out;
  out.method = from_c(from.method);
  out.path = from_c(from.path);
  for (std::size_t i = 0; i < from.query_count; ++i)
    out.query.emplace_back(from_c(from.query[i].name), from_c(from.query[i].value));
  for (std::size_t i = 0; i < from.header_count; ++i)
    out.headers.emplace_back(from_c(from.headers[i].name), from_c(from.headers[i].value));
  out.body = from_c(from.body);
  out.cost = from_c(from.cost);
  out.kind = static_cast<CallKind>(from.kind);
  return out;
}

bool is_good_path(std::string_view path) {
  return path.starts_with('/') && path.find("//") == std::string_view::npos &&
         path.find("/../") == std::string_view::npos && path.find("/./") == std::string_view::npos &&
         !path.ends_with("/..") && !path.ends_with("/.") && path.find_first_of("?#\\\r\n%") == std::string_view::npos;
}

}  // namespace

Answer Answer::json(std::string body, std::int32_t http_status) {
  Answer out;
  out.response.status = http_status;
  out.response.body = std::move(body);
  return out;
}

Answer Answer::gone() {
  Answer out = json(R"({"code":1002,"message":"Resource does not exist."})", 404);
  out.response.verdict = Verdict::kGone;
  out.response.remote_code = "1002";
  return out;
}

Answer Answer::refused(std::string code, std::int32_t http_status) {
  Answer out = json(R"({"code":)" + code + R"(,"message":"refused"})", http_status);
  out.response.verdict = Verdict::kRefused;
  out.response.remote_code = std::move(code);
  return out;
}

Answer Answer::failure(std::int32_t status, std::string reason, std::int64_t retry_after_ms) {
  Answer out;
  out.status = status;
  out.reason = std::move(reason);
  out.retry_after_ms = retry_after_ms;
  return out;
}

/// The C functions; each leads to the FakeHost in `ctx`.
struct FakeTables {
  static FakeHost& self(const berth_host* host) { return *static_cast<FakeHost*>(host->ctx); }

  static void write(const berth_host* host, std::int32_t level, berth_str message, berth_str fields) {
    self(host).logs.push_back(
        {static_cast<Level>(level), std::string(from_c(message)), json::parse(from_c(fields)).value});
  }

  static std::int32_t send(const berth_host* host, const berth_http_request* request, void* ctx,
                           berth_http_reply_fn reply, berth_error* error) {
    FakeHost& fake = self(host);
    if (fake.in_reply_) return refuse(error, "fake_host.call_in_reply", "send was called inside a reply.");
    bool goes_on = true;
    const Outcome outcome = fake.deliver(request_of(*request), 0, ctx, reply, goes_on);
    if (outcome.status != BERTH_OK) detail::fill(error, outcome.reason, outcome.message, outcome.retry_after_ms);
    return outcome.status;
  }

  static std::int32_t send_batch(const berth_host* host, const berth_http_request* requests, std::size_t count,
                                 void* ctx, berth_http_reply_fn reply, berth_error* error) {
    FakeHost& fake = self(host);
    if (fake.in_reply_) return refuse(error, "fake_host.call_in_reply", "send_batch was called inside a reply.");
    if (count > kMaxBatch) return refuse(error, "fake_host.batch_too_large", "A batch has more than 256 requests.");
    bool goes_on = true;
    std::int32_t result = BERTH_OK;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = fake.reverse_replies ? count - 1 - i : i;
      if (!goes_on) {
        if (result == BERTH_OK) {
          result = BERTH_CANCELLED;
          detail::fill(error, "berth.batch_stopped", "A reply said stop.");
        }
        fake.deliver_unsent(static_cast<std::uint32_t>(index), ctx, reply);
        continue;
      }
      const Outcome outcome =
          fake.deliver(request_of(requests[index]), static_cast<std::uint32_t>(index), ctx, reply, goes_on);
      if (outcome.status == BERTH_CANCELLED || outcome.status == BERTH_QUOTA_EXHAUSTED) {
        result = outcome.status;
        detail::fill(error, outcome.reason, outcome.message, outcome.retry_after_ms);
      }
    }
    return result;
  }

  static std::int32_t add(const berth_host* host, const berth_http_request* requests, std::size_t count, berth_error* error) {
    FakeHost& fake = self(host);
    if (fake.in_reply_) return refuse(error, "fake_host.call_in_reply", "add was called inside a reply.");
    if (fake.under_way_.size() + count > kMaxBatch)
      return refuse(error, "fake_host.batch_too_large", "More than 256 requests are under way.");
    for (std::size_t i = 0; i < count; ++i) fake.under_way_.push_back({request_of(requests[i]), fake.added_++});
    return BERTH_OK;
  }

  static std::int32_t take(const berth_host* host, void* ctx, berth_http_reply_fn reply, berth_error* error) {
    FakeHost& fake = self(host);
    if (fake.in_reply_) return refuse(error, "fake_host.call_in_reply", "take was called inside a reply.");
    if (fake.under_way_.empty()) return BERTH_OK;
    const auto next = fake.reverse_replies ? fake.under_way_.end() - 1 : fake.under_way_.begin();
    const FakeHost::Added one = std::move(*next);
    fake.under_way_.erase(next);
    if (fake.is_stream_stopped_) {
      fake.deliver_unsent(one.index, ctx, reply);
      return BERTH_OK;
    }
    bool goes_on = true;
    (void)fake.deliver(one.request, one.index, ctx, reply, goes_on);
    if (!goes_on) fake.is_stream_stopped_ = true;
    return BERTH_OK;
  }

  static std::int32_t emit(const berth_host* host, const berth_record* record, berth_error* error) {
    return self(host).emit(*record, error);
  }

  static std::int32_t checkpoint(const berth_host* host, berth_str cursor, std::uint32_t flags, berth_error* error) {
    if (self(host).in_reply_) return refuse(error, "fake_host.call_in_reply", "checkpoint was called inside a reply.");
    return self(host).checkpoint(from_c(cursor), (flags & BERTH_CHECKPOINT_PASS_COMPLETE) != 0, error);
  }

  static std::int32_t known(const berth_host* host, const berth_ref* refs, std::size_t count, std::uint8_t* answers,
                            berth_error* error) {
    FakeHost& fake = self(host);
    if (fake.in_reply_) return refuse(error, "fake_host.call_in_reply", "known was called inside a reply.");
    if (count > kMaxRefs)
      return refuse(error, "fake_host.too_many_refs", "known was asked about more than 1,000 refs.");
    for (std::size_t i = 0; i < count; ++i) {
      const Ref ref = ref_of(refs[i]);
      answers[i] = static_cast<std::uint8_t>(fake.known(ref));
      fake.pending_seen_.insert(ref.remote_id);
    }
    return BERTH_OK;
  }

  static std::int32_t need_detail(const berth_host* host, const berth_ref* ref, std::int32_t priority,
                                  berth_error* error) {
    if (priority < 0 || priority > 500) return refuse(error, "fake_host.priority", "A plugin's priority is 0 to 500.");
    self(host).need_detail(ref_of(*ref), priority);
    return BERTH_OK;
  }

  static std::int32_t next_details(const berth_host* host, std::uint32_t n, void* ctx,
                                   void (*sink)(void*, const berth_wanted*), berth_error* error) {
    if (self(host).in_reply_)
      return refuse(error, "fake_host.call_in_reply", "next_details was called inside a reply.");
    for (const Wanted& wanted : self(host).next_details(n)) {
      berth_wanted c{};
      c.ref = {to_c(wanted.ref.entity), to_c(wanted.ref.remote_id), to_c(wanted.ref.version)};
      if (wanted.detail) c.want |= BERTH_WANT_DETAIL;
      if (wanted.attachments) c.want |= BERTH_WANT_ATTACHMENTS;
      sink(ctx, &c);
    }
    return BERTH_OK;
  }

  static std::int32_t attach(const berth_host* host, const berth_ref* ref, berth_str name, berth_str, berth_str bytes,
                             berth_error*) {
    return self(host).attach(ref_of(*ref), from_c(name), from_c(bytes));
  }

  static std::int32_t should_stop(const berth_host* host) {
    const FakeHost& fake = self(host);
    return fake.stop_after_requests >= 0 && fake.requests.size() >= static_cast<std::size_t>(fake.stop_after_requests)
               ? 1
               : 0;
  }
  static std::int64_t now(const berth_host* host) { return self(host).now_ms; }
  static void progress(const berth_host*, std::int64_t, std::int64_t) {}

  static const void* extension(const berth_host* host, berth_str id) {
    static constexpr berth_host_log kLog{&write};
    static constexpr berth_host_http kHttp{&send, &send_batch};
    static constexpr berth_host_records kRecords{&emit, &checkpoint, &known, &need_detail, &next_details, &attach};
    static constexpr berth_host_control kControl{&should_stop, &now, &progress};
    if (from_c(id) == BERTH_HOST_LOG) return &kLog;
    if (from_c(id) == BERTH_HOST_HTTP) return &kHttp;
    static constexpr berth_host_stream kStream{&add, &take};
    if (from_c(id) == BERTH_HOST_STREAM) return self(host).has_stream ? &kStream : nullptr;
    if (from_c(id) == BERTH_HOST_RECORDS) return &kRecords;
    if (from_c(id) == BERTH_HOST_CONTROL) return &kControl;
    return nullptr;
  }
};

struct FakeHost::Tables {
  berth_identity identity{sizeof(berth_identity), BERTH_ABI_MAJOR, BERTH_ABI_MINOR, 0,
                          to_c("fake_host"),      to_c("1.0.0")};
  berth_host host{};
};

FakeHost::FakeHost() : tables_(std::make_unique<Tables>()) {
  tables_->host = {&tables_->identity, this, &FakeTables::extension};
}

FakeHost::~FakeHost() = default;

const berth_host* FakeHost::c_host() const {
  return &tables_->host;
}

std::size_t FakeHost::count(CallKind kind) const {
  return static_cast<std::size_t>(
      std::count_if(requests.begin(), requests.end(), [&](const Request& one) { return one.kind == kind; }));
}

std::size_t FakeHost::logged(std::string_view reason) const {
  return static_cast<std::size_t>(std::count_if(
      logs.begin(), logs.end(), [&](const LogLine& line) { return line.fields.text_of("reason") == reason; }));
}

const Stored* FakeHost::find(std::string_view entity, std::string_view id) const {
  const auto found = records.find({std::string(entity), std::string(id)});
  return found == records.end() ? nullptr : &found->second;
}

void FakeHost::want(Ref ref, bool detail, bool attachments, std::int32_t priority) {
  const Key key{ref.entity, ref.remote_id};
  queue_[key] = {std::move(ref), detail, attachments, priority, ++order_, false};
}

void FakeHost::forget_calls() {
  requests.clear();
  logs.clear();
  checkpoints = 0;
  passes_completed = 0;
}

Outcome FakeHost::run(const std::function<void(const Run&)>& body, std::string_view phase, std::string_view mode,
                      const json::Value& plan, std::int64_t deadline_ms) {
  begin_run();
  running_ = {std::string(phase), std::string(mode)};
  json::Value whole = plan;
  whole.set("mode", mode);
  const std::string plan_json = json::dump(whole);
  const std::string cursor = cursors[running_];
  berth_error error{-1, {}, {}};
  const std::int32_t status = detail::guarded(&error, [&] { body({phase, plan_json, cursor, deadline_ms}); });
  drop_uncommitted();
  return {status, status == BERTH_OK ? "" : error.reason, status == BERTH_OK ? "" : error.message,
          error.retry_after_ms};
}

void FakeHost::begin_run() {
  drop_uncommitted();
  under_way_.clear();
  added_ = 0;
  is_stream_stopped_ = false;
  dead_ = false;
  for (auto& [key, entry] : queue_) entry.handed_out = false;
}

void FakeHost::drop_uncommitted() {
  pending_.clear();
  pending_queue_.clear();
  settled_detail_.clear();
  settled_files_.clear();
  pending_seen_.clear();
  pending_records_ = 0;
  pending_bytes_ = 0;
}

Outcome FakeHost::deliver(const Request& request, std::uint32_t index, void* ctx, berth_http_reply_fn reply,
                          bool& goes_on) {
  const Answer given = answer(request);
  Outcome outcome{given.status, given.reason, "The fake host was told to answer so.", given.retry_after_ms};
  berth_error error{-1, {}, {}};
  std::vector<berth_pair> headers;
  for (const auto& [name, value] : given.response.headers) headers.push_back({to_c(name), to_c(value)});
  const berth_http_response response{given.response.status,
                                     static_cast<std::uint32_t>(given.response.verdict),
                                     to_c(given.response.remote_code),
                                     headers.data(),
                                     headers.size(),
                                     to_c(given.response.body)};
  berth_http_reply one{index, given.status, nullptr, &response};
  if (given.status != BERTH_OK) {
    detail::fill(&error, outcome.reason, outcome.message, outcome.retry_after_ms);
    one.error = &error;
    one.response = nullptr;
  }
  in_reply_ = true;
  goes_on = reply(ctx, &one) == 0 && goes_on;
  in_reply_ = false;
  return outcome;
}

void FakeHost::deliver_unsent(std::uint32_t index, void* ctx, berth_http_reply_fn reply) {
  berth_error unsent{-1, {}, {}};
  detail::fill(&unsent, "berth.batch_stopped", "The request was not sent.");
  const berth_http_reply one{index, BERTH_CANCELLED, &unsent, nullptr};
  in_reply_ = true;
  reply(ctx, &one);
  in_reply_ = false;
}

Answer FakeHost::answer(const Request& request) {
  if (!is_good_path(request.path)) return Answer::failure(BERTH_INTERNAL, "fake_host.bad_path");
  if (request.method != "GET") return Answer::failure(BERTH_UNSUPPORTED, "berth.pull_only");
  if (dead_ || FakeTables::should_stop(c_host()) != 0) return Answer::failure(BERTH_CANCELLED, "berth.stopped");
  requests.push_back(request);
  now_ms += ms_per_request;
  return serve ? serve(request) : Answer::json("{}");
}

std::int32_t FakeHost::emit(const berth_record& record, berth_error* error) {
  const Key key{std::string(from_c(record.ref.entity)), std::string(from_c(record.ref.remote_id))};
  if (key.first.empty() || key.second.empty())
    return refuse(error, "fake_host.record_ref", "A record has no entity or no id.");
  const std::string text(from_c(record.json));
  const bool is_deleted = (record.flags & BERTH_RECORD_DELETED) != 0;
  if (is_deleted != text.empty())
    return refuse(error, "fake_host.record_json", "A deleted record has no JSON, every other has.");
  if (!is_deleted && !json::parse(text).ok()) return refuse(error, "fake_host.record_json", "A record is not JSON.");
  pending_records_ += 1;
  pending_bytes_ += text.size();
  if (pending_records_ > kMaxRecords || pending_bytes_ > kMaxBytes) {
    dead_ = true;
    return refuse(error, "sdk.checkpoint_overdue",
                  "There were more than 1,000 records or 8 MiB since the last checkpoint.");
  }
  auto [at, is_new] = pending_.try_emplace(key);
  if (is_new && records.contains(key)) at->second = records[key];
  Stored& stored = at->second;
  const std::string version(from_c(record.ref.version));
  stored.deleted = is_deleted;
  if (is_deleted) {
    settled_detail_.insert(key);
  } else if (const std::string_view part = from_c(record.part); !part.empty()) {
    stored.parts[std::string(part)] = text;
  } else if ((record.flags & BERTH_RECORD_LIST_ONLY) != 0) {
    stored.row = text;
    stored.row_version = version;
  } else {
    stored.detail = text;
    stored.detail_version = version;
    settled_detail_.insert(key);
  }
  pending_seen_.insert(key.second);
  return BERTH_OK;
}

std::int32_t FakeHost::checkpoint(std::string_view cursor, bool complete, berth_error* error) {
  if (cursor.size() > kMaxCursor || !json::parse(cursor).ok())
    return refuse(error, "fake_host.cursor", "The cursor is not JSON or too large.");
  ++checkpoints;
  if (dead_ || checkpoints == cut_at_checkpoint) {
    dead_ = true;
    drop_uncommitted();
    return refuse(error, "fake_host.cut", "The run was cut at this checkpoint.");
  }
  for (auto& [key, stored] : pending_) records[key] = std::move(stored);
  for (Entry& entry : pending_queue_) {
    const Key key{entry.ref.entity, entry.ref.remote_id};
    const auto old = queue_.find(key);
    if (old != queue_.end()) {
      entry.handed_out = old->second.handed_out && old->second.ref.version == entry.ref.version;
      entry.attachments = entry.attachments || old->second.attachments;
      entry.priority = std::max(entry.priority, old->second.priority);
    }
    queue_[key] = entry;
  }
  for (const Key& key : settled_detail_) settle(key);
  std::set<std::string>& so_far = seen_so_far_[running_];
  so_far.insert(pending_seen_.begin(), pending_seen_.end());
  if (complete) {
    ++passes_completed;
    seen = std::exchange(so_far, {});
  }
  cursors[running_] = cursor;
  drop_uncommitted();
  return BERTH_OK;
}

/// A detail is here: its entry leaves the queue, unless files are still wanted.
void FakeHost::settle(const Key& key) {
  const auto entry = queue_.find(key);
  if (entry == queue_.end()) return;
  entry->second.detail = false;
  if (!entry->second.attachments || settled_files_.contains(key) || records[key].deleted) queue_.erase(entry);
}

Known FakeHost::known(const Ref& ref) const {
  const Key key{ref.entity, ref.remote_id};
  const auto waiting = pending_.find(key);
  const auto kept = records.find(key);
  const Stored* stored = waiting != pending_.end() ? &waiting->second : kept != records.end() ? &kept->second : nullptr;
  if (stored == nullptr || stored->deleted) return Known::kNone;
  if (!stored->detail.empty() && stored->detail_version == ref.version) return Known::kDetail;
  return !stored->row.empty() && stored->row_version == ref.version ? Known::kRow : Known::kNone;
}

void FakeHost::need_detail(const Ref& ref, std::int32_t priority) {
  if (known(ref) == Known::kDetail) return;
  const auto kept = records.find({ref.entity, ref.remote_id});
  if (once_per_record.contains(ref.entity) && kept != records.end() && !kept->second.detail.empty()) return;
  pending_queue_.push_back({ref, true, false, priority, ++order_, false});
}

std::vector<Wanted> FakeHost::next_details(std::uint32_t n) {
  std::vector<Entry*> waiting;
  for (auto& [key, entry] : queue_) {
    if (!entry.handed_out) waiting.push_back(&entry);
  }
  std::sort(waiting.begin(), waiting.end(), [](const Entry* a, const Entry* b) {
    return a->priority != b->priority ? a->priority > b->priority : a->order < b->order;
  });
  if (waiting.size() > n) waiting.resize(n);
  std::vector<Wanted> out;
  for (Entry* entry : waiting) {
    entry->handed_out = true;
    out.push_back({entry->ref, entry->detail, entry->attachments});
  }
  return out;
}

std::int32_t FakeHost::attach(const Ref& ref, std::string_view name, std::string_view bytes) {
  const Key key{ref.entity, ref.remote_id};
  auto [at, is_new] = pending_.try_emplace(key);
  if (is_new && records.contains(key)) at->second = records[key];
  at->second.files[std::string(name)] = bytes;
  settled_files_.insert(key);
  settled_detail_.insert(key);
  return BERTH_OK;
}

}  // namespace berth::testing
