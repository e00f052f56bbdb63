// The host's side of a worker that sends what it likes: a whole session of a WorkerInstance over a pipe that is a
// script. What reaches the run engine keeps the rules of the boundary, a call ends with an answer or with an error that
// may be shown, and afterwards nothing of the worker is believed. Input: a line each for a frame, arguments with "|"
// between and percent escapes in them:
//
//   emit thing|T1|v1||%7B%7D     log 2|text|{}     batch GET|/a     checkpoint {}|1     known thing|T1     next 5
//   need thing|T1|5              attach thing|T1|a.pdf|application/pdf|bytes            now      progress 1|2
//   refused sdk.x|text           return 3|results  error 3|sdk.x|text                   mute      bytes %00%01
//
// "mute" ends the script's own answers to replies; a "return" may come instead.
#include <charconv>
#include <deque>
#include <set>

#include "berth/abi/abi.h"
#include "berth/json.hpp"
#include "fuzz/fuzz.hpp"
#include "host/core/text.hpp"
#include "host/plugins/boundary.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/worker_instance.hpp"

namespace berth::fuzz {
namespace {

using namespace plugins;

constexpr const char* kDescriptor =
    R"({"id":"probe","name":"Probe","version":"1.0.0","phases":[{"id":"acts","entity":"thing","after":[],"optional":false}],)"
    R"("entities":[{"id":"thing","version":"opaque"}]})";
const Instant kNow{1'780'012'800'000};
constexpr std::uint32_t kFirstCallId = 1'000;  // of the worker's own calls

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The frames of a script, line by line.
class Script {
 public:
  explicit Script(std::string_view text) : in_(text) {}
  [[nodiscard]] bool ended() const { return in_.empty(); }
  [[nodiscard]] bool is_mute() const { return is_mute_; }

  /// The bytes of the next line; may be none.
  std::string next() {
    const std::string_view line = in_.line();
    const std::size_t blank = line.find(' ');
    const std::string_view word = line.substr(0, blank);
    args_.clear();
    if (blank != std::string_view::npos) {
      for (const auto& part : split(line.substr(blank + 1), '|')) args_.push_back(percent_decode(part));
    }
    return bytes_of(word);
  }

 private:
  std::string arg(std::size_t i) const { return i < args_.size() ? args_[i] : std::string(); }
  Encoder ref() const { return Encoder().text(arg(0)).text(arg(1)).text(arg(2)); }
  static std::string posted(Name name, const Encoder& arguments) { return call_frame(0, name, arguments.bytes()); }
  std::string asked(Name name, const Encoder& arguments) { return call_frame(++last_call_, name, arguments.bytes()); }

  std::string bytes_of(std::string_view word) {
    if (word == "log")
      return posted(Name::kLog, Encoder().i32(static_cast<std::int32_t>(number(arg(0)))).text(arg(1)).text(arg(2)));
    if (word == "emit")
      return posted(Name::kEmit, ref().text(arg(3)).text(arg(4)).boolean(!arg(5).empty()).boolean(!arg(6).empty()));
    if (word == "need") return posted(Name::kNeedDetail, ref().i32(static_cast<std::int32_t>(number(arg(3)))));
    if (word == "attach")
      return posted(Name::kAttach, Encoder().text(arg(0)).text(arg(1)).text("").text(arg(2)).text(arg(3)).text(arg(4)));
    if (word == "progress") return posted(Name::kProgress, Encoder().i64(number(arg(0))).i64(number(arg(1))));
    if (word == "refused")
      return posted(Name::kRefused, Encoder().error({Code::kInternal, arg(0), arg(1), number(arg(2))}));
    if (word == "now") return asked(Name::kNow, {});
    if (word == "next") return asked(Name::kNextDetails, Encoder().u32(static_cast<std::uint32_t>(number(arg(0)))));
    if (word == "checkpoint") return asked(Name::kCheckpoint, Encoder().text(arg(0)).boolean(!arg(1).empty()));
    if (word == "known") {
      Encoder refs;
      refs.u32(static_cast<std::uint32_t>(args_.size() / 2));
      for (std::size_t i = 0; i + 1 < args_.size(); i += 2) refs.text(arg(i)).text(arg(i + 1)).text("");
      return asked(Name::kKnown, refs);
    }
    if (word == "batch" || word == "add") {
      Encoder requests;
      requests.u32(static_cast<std::uint32_t>(args_.size() / 2));
      for (std::size_t i = 0; i + 1 < args_.size(); i += 2) {
        HttpRequest request;
        request.method = arg(i);
        request.path = arg(i + 1);
        requests.request(request);
      }
      return asked(word == "add" ? Name::kAddCalls : Name::kSendBatch, requests);
    }
    if (word == "take") return asked(Name::kTakeReplies, {});
    if (word == "halt") return posted(Name::kStopCalls, {});
    if (word == "return") return return_frame(static_cast<std::uint32_t>(number(arg(0))), arg(1));
    if (word == "error")
      return return_frame(static_cast<std::uint32_t>(number(arg(0))),
                          Error{Code::kInternal, arg(1), arg(2), number(arg(3))});
    if (word == "call")
      return call_frame(static_cast<std::uint32_t>(number(arg(0))), static_cast<Name>(number(arg(1))), arg(2));
    if (word == "mute") is_mute_ = true;
    if (word == "bytes") return arg(0);
    return {};
  }

  Input in_;
  std::vector<std::string> args_;
  std::uint32_t last_call_ = kFirstCallId;
  bool is_mute_ = false;
};

/// A worker that loads and creates as it should, and then follows its script.
class ScriptedWorker final : public WorkerEnd {
 public:
  explicit ScriptedWorker(std::string_view script) : script_(script) {
    in_ = return_frame(1, Encoder().text(kDescriptor).text("on").bytes()) + return_frame(2, std::string());
  }
  void on_stderr_line(std::function<void(std::string_view)>) override {}
  Event wait(std::chrono::milliseconds, int, Frame& frame) override {
    while (!is_over_) {
      const std::size_t length = in_.size() < kFrameLengthBytes ? 0 : frame_length(in_.substr(0, kFrameLengthBytes));
      if (in_.size() >= kFrameLengthBytes && length == 0) return Event::kBroken;
      if (length > 0 && in_.size() >= kFrameLengthBytes + length) {
        auto parsed = parse_frame(std::string_view(in_).substr(kFrameLengthBytes, length));
        in_.erase(0, kFrameLengthBytes + length);
        if (!parsed.ok()) return Event::kBroken;
        frame = std::move(parsed).value();
        if (frame.kind == FrameKind::kCall) asked_.insert(frame.id);
        return Event::kFrame;
      }
      if (script_.ended()) break;
      in_ += script_.next();
    }
    return Event::kEnded;
  }
  Status send(std::string_view bytes, std::chrono::milliseconds) override {
    FUZZ_CHECK(!is_over_, "the host sends to a worker that it has ended");
    FUZZ_CHECK(frame_length(bytes.substr(0, kFrameLengthBytes)) == bytes.size() - kFrameLengthBytes,
               "a frame of the host");
    const auto frame = parse_frame(bytes.substr(kFrameLengthBytes));
    FUZZ_CHECK(frame.ok(), "a frame of the host");
    if (frame->kind == FrameKind::kReturn) {
      FUZZ_CHECK(frame->id != 0 && asked_.contains(frame->id), "an answer that nobody asked for");
    } else if (frame->name == Name::kReply && !script_.is_mute()) {
      in_ += return_frame(frame->id, std::string(1, '\1'));
    }
    return success();
  }
  [[nodiscard]] bool exited_within(std::chrono::milliseconds) const override { return true; }
  ProcessEnd finish(std::chrono::milliseconds, std::chrono::milliseconds) override {
    is_over_ = true;
    return {};
  }
  [[nodiscard]] std::string stderr_tail() const override { return "last words"; }
  [[nodiscard]] std::size_t stderr_bytes() const override { return 10; }

 private:
  Script script_;
  std::string in_;
  std::set<std::uint32_t> asked_;  // ids of the worker's calls
  bool is_over_ = false;
};

/// A run engine that believes what it gets, and checks that it may.
class Engine final : public Services {
 public:
  void log(int level, std::string_view message, std::string_view fields_json) override {
    FUZZ_CHECK(level >= BERTH_DEBUG && level <= BERTH_ERROR, std::to_string(level));
    FUZZ_CHECK(is_valid_utf8(message) && message.size() <= limits::kLogBytes + 8, "a log line");
    if (!fields_json.empty()) FUZZ_CHECK(json::parse(fields_json).value.is_object(), std::string(fields_json));
  }
  Status send_batch(std::span<const HttpRequest> requests, const std::function<bool(HttpReply&&)>& on_reply) override {
    FUZZ_CHECK(!in_batch_, "a batch inside a batch");
    check(requests);
    in_batch_ = true;
    bool go_on = true;
    for (std::uint32_t i = 0; i < requests.size() && go_on; ++i) go_on = on_reply(answer(requests[i].path.size(), i));
    in_batch_ = false;
    return success();
  }
  Status add_calls(std::span<const HttpRequest> requests) override {
    check(requests);
    for (const HttpRequest& request : requests) under_way_.push_back(request.path.size());
    FUZZ_CHECK(under_way_.size() - taken_ <= limits::kBatchRequests, std::to_string(under_way_.size()));
    return success();
  }
  Status take_replies(const std::function<void(HttpReply&&)>& on_reply) override {
    for (int i = 0; i < 3 && taken_ < under_way_.size(); ++i) {
      const std::size_t next = taken_++;
      on_reply(answer(under_way_[next], static_cast<std::uint32_t>(next)));
    }
    return success();
  }
  Status emit(EmittedRecord&& record) override {
    check(record.ref);
    ++uncommitted_;
    FUZZ_CHECK(uncommitted_ <= limits::kRecordsBetweenCheckpoints, std::to_string(uncommitted_));
    FUZZ_CHECK(record.deleted == record.json.empty(), record.json);
    if (!record.deleted) FUZZ_CHECK(json::parse(record.json).ok(), record.json);
    return success();
  }
  Status checkpoint(std::string_view cursor_json, bool) override {
    FUZZ_CHECK(cursor_json.size() <= limits::kCursorBytes, "a cursor");
    FUZZ_CHECK(cursor_json.empty() || json::parse(cursor_json).ok(), std::string(cursor_json));
    uncommitted_ = 0;
    return success();
  }
  Result<std::vector<KnownAs>> known(std::span<const Ref> refs) override {
    for (const auto& ref : refs) check(ref);
    return std::vector<KnownAs>(refs.size(), KnownAs::kRow);
  }
  Status need_detail(const Ref& ref, std::int32_t priority) override {
    check(ref);
    FUZZ_CHECK(priority >= 0 && priority <= limits::kPriorityMax, std::to_string(priority));
    return success();
  }
  Result<std::vector<Wanted>> next_details(std::uint32_t n) override {
    FUZZ_CHECK(n > 0 && n <= limits::kNextDetails, std::to_string(n));
    return std::vector<Wanted>(std::min(n, 3u), Wanted{{"thing", "T1", ""}, 1});
  }
  Status attach(const Ref& ref, std::string_view name, std::string_view media_type, std::string_view bytes) override {
    check(ref);
    FUZZ_CHECK(!name.empty() && is_valid_utf8(name) && is_valid_utf8(media_type), std::string(name));
    FUZZ_CHECK(bytes.size() <= limits::kAttachmentBytes, std::to_string(bytes.size()));
    return success();
  }
  bool should_stop() override { return false; }
  Instant now() override { return kNow; }
  void progress(std::int64_t done, std::int64_t total) override {
    FUZZ_CHECK(done >= 0 && total >= -1, std::to_string(done));
  }

 private:
  static void check(std::span<const HttpRequest> requests) {
    FUZZ_CHECK(!requests.empty() && requests.size() <= limits::kBatchRequests, std::to_string(requests.size()));
    for (const HttpRequest& request : requests) FUZZ_CHECK(is_valid_utf8(request.path) && !request.method.empty(), "a request");
  }
  static HttpReply answer(std::size_t path_bytes, std::uint32_t index) {
    HttpReply reply;
    reply.index = index;
    reply.status = 200;
    reply.body = R"({"code":0})";
    if (path_bytes % 3 == 2) reply.error = make_error(Code::kUnavailable, "http.timeout", "no answer");
    return reply;
  }
  static void check(const Ref& ref) {
    FUZZ_CHECK(ref.entity == "thing" && !ref.remote_id.empty(), ref.entity);
    FUZZ_CHECK(is_valid_utf8(ref.remote_id) && is_valid_utf8(ref.version), ref.remote_id);
    FUZZ_CHECK(ref.remote_id.find('\0') == std::string::npos, "an id with a NUL");
  }
  std::size_t uncommitted_ = 0;
  std::vector<std::size_t> under_way_;  // lengths of the paths that were ever added
  std::size_t taken_ = 0;
  bool in_batch_ = false;
};

/// Reasons of a worker that is gone; anything else is a plugin's own and the worker goes on.
bool is_end(const Error& error) {
  for (const std::string_view reason :
       {"plugin.crashed", "plugin.protocol", "plugin.flood", "plugin.hang", "plugin.deadline", "plugin.worker_failed",
        "plugin.out_of_memory", "plugin.cpu_limit"}) {
    if (error.reason == reason) return true;
  }
  return false;
}

void check_answer(const Error& error, const PluginInstance& plugin) {
  FUZZ_CHECK(is_reason_id(error.reason), error.reason);
  FUZZ_CHECK(is_valid_utf8(error.message) && !error.message.empty() && error.message.size() <= 8'192, error.message);
  FUZZ_CHECK(error.retry_after_ms >= -1 && error.retry_after_ms <= 366LL * 86'400'000,
             std::to_string(error.retry_after_ms));
  if (plugin.crash() != nullptr) FUZZ_CHECK(is_end(error), error.reason);
}

}  // namespace

void fuzz_worker_session(std::string_view input) {
  // The host's side is quick and the script never waits; the limits are for a clock that runs while a debugger looks.
  const WorkerOptions options{.stall_after = std::chrono::hours(1)};
  Manifest manifest;
  manifest.id = "probe";
  manifest.version = "1.0.0";
  manifest.abi_major = BERTH_ABI_MAJOR;
  manifest.abi_minor = BERTH_ABI_MINOR;
  OpenRequest request;
  request.manifest = &manifest;
  request.config_json = "{}";
  Engine engine;
  WorkerInstance plugin(std::make_unique<ScriptedWorker>(input), "probe", engine, options);
  FUZZ_CHECK(plugin.load(request, {}).ok() && plugin.create(request, {}).ok(), "a good worker is opened");

  const auto ran = plugin.run_phase({"acts", "{}", "", kNow + std::chrono::hours(1)}, {});
  if (!ran.ok()) check_answer(ran.error(), plugin);
  const bool was_gone = plugin.crash() != nullptr;
  const auto listed = plugin.organizations({});
  if (listed.ok()) {
    FUZZ_CHECK(!was_gone && listed->size() <= limits::kOrganizations, "organisations of a worker that is gone");
    for (const auto& one : *listed) FUZZ_CHECK(check_organization(one).ok(), one.remote_id);
  } else {
    check_answer(listed.error(), plugin);
  }
  // The script ends, so the worker is gone sooner or later; then every call says so.
  for (int i = 0; i < 3; ++i) {
    const auto checked = plugin.check({});
    if (!checked.ok()) check_answer(checked.error(), plugin);
    if (was_gone) FUZZ_CHECK(!checked.ok() && checked.error().reason == "plugin.crashed", checked.error().reason);
  }
}

}  // namespace berth::fuzz
