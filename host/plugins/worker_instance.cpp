#include "host/plugins/worker_instance.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "berth/abi/abi.h"
#include "host/core/text.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/open_request.hpp"
#include "host/plugins/worker_memory.hpp"

namespace berth::plugins {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{50};  // how late a deadline of a virtual clock may be seen
constexpr int kExitNoExecutable = 72;           // what Poco's forked child exits with when it cannot execute
constexpr std::size_t kTailInMessage = 400;
constexpr int kFramesAtOnce = 1'000;
constexpr std::size_t kRepliesAtOnceBytes = 1u << 20u;  // of a stream, in one frame; a larger one goes alone

/// What the plugin's callback said to one reply.
bool says_go_on(const Frame& frame) {
  const auto results = results_of(frame);
  if (!results.ok()) return false;
  return Decoder(results.value()).boolean();
}

/// A process that dies in this way with that much in use died of it: std::bad_alloc that nobody caught ends in abort(), and
/// who does not look at malloc's answer writes through a null pointer.
bool is_out_of_memory(const MemoryNote& memory, int signal) {
  return memory.in_use >= memory.limit / 10 * 9 || (memory.was_refused && signal == SIGABRT);
}

/// What may come while the plugin waits for the replies of a batch: what the boundary lets a callback do, and other threads.
bool may_come_in_batch(Name name) {
  switch (name) {
    case Name::kLog:
    case Name::kEmit:
    case Name::kNeedDetail:
    case Name::kAttach:
    case Name::kNow:
    case Name::kProgress:
    case Name::kRefused:
      return true;
    default:
      return false;
  }
}

std::vector<HttpRequest> requests_of(Decoder& arguments) {
  std::vector<HttpRequest> requests;
  for (std::uint32_t left = arguments.count(32); left > 0; --left) requests.push_back(arguments.request());
  return requests;
}

std::string last_bytes(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.erase(0, text.size() - limit);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0u) == 0x80u) text.erase(0, 1);
  return text;
}

}  // namespace

WorkerInstance::WorkerInstance(std::unique_ptr<WorkerEnd> process, std::string plugin_id, Services& services,
                               const WorkerOptions& options)
    : plugin_id_(std::move(plugin_id)),
      options_(options),
      gate_(services),
      process_(std::move(process)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  process_->on_stderr_line([this](std::string_view line) { stderr_line(line); });
}

WorkerInstance::~WorkerInstance() {
  if (broken_) return;
  // The connector's own end, with the pipe open: its end would end the worker in the middle of destroy(). What does not go
  // by itself is ended.
  const bool has_left = process_->send(call_frame(0, Name::kClose), options_.close_grace).ok() && process_->exited_within(options_.close_grace);
  const ProcessEnd end = has_left ? process_->finish(options_.term_grace, options_.term_grace) : process_->kill(options_.term_grace);
  if (end.signal != 0)
    gate_.log(BERTH_WARN, fmt::format("the plugin's destroy did not end well: signal {} ({})", end.signal, strsignal(end.signal)), {});
  else if (end.exit_code != 0)
    gate_.log(BERTH_WARN, fmt::format("the plugin's destroy did not end well: exit code {}", end.exit_code), {});
}

Status WorkerInstance::load(const OpenRequest& request, std::stop_token stop) {
  const LoadRequest wanted = BERTH_TRY(load_request(request));
  limits_ = request.manifest->limits;
  gate_.begin_call(stop);
  Encoder arguments;
  arguments.text(wanted.id).text(wanted.version).text(wanted.library.string()).text(wanted.pin_sha256);
  arguments.i64(static_cast<std::int64_t>(limits_.memory_bytes)).i64(limits_.cpu.count());
  const std::string results = BERTH_TRY(call(Name::kOpen, arguments.bytes(), std::move(stop)));
  Decoder decoder(results);
  const std::string descriptor_json = decoder.text();
  lock_ = decoder.text();
  if (!decoder.finished()) return end_worker(Ended::kProtocol);
  gate_.set_descriptor(BERTH_TRY(matching_descriptor(*request.manifest, descriptor_json)));
  return success();
}

Status WorkerInstance::create(const OpenRequest& request, std::stop_token stop) {
  gate_.begin_call(stop);
  const auto created = call(Name::kCreate, Encoder().text(request.config_json).bytes(), std::move(stop));
  return gate_.end_call(created.ok() ? success() : Status(created.error()));
}

Status WorkerInstance::check(std::stop_token stop) {
  gate_.begin_call(stop);
  const auto checked = call(Name::kCheck, {}, std::move(stop));
  return gate_.end_call(checked.ok() ? success() : Status(checked.error()));
}

Status WorkerInstance::run_phase(const PhaseRun& run, std::stop_token stop) {
  gate_.begin_phase(run, stop);
  Encoder arguments;
  arguments.text(run.phase).text(run.plan_json).text(run.cursor_json).i64(run.deadline.unix_ms);
  const auto ran = call(Name::kRunPhase, arguments.bytes(), std::move(stop));
  return gate_.end_call(ran.ok() ? success() : Status(ran.error()));
}

Result<std::vector<Organization>> WorkerInstance::organizations(std::stop_token stop) {
  gate_.begin_call(stop);
  const auto listed = call(Name::kOrganizations, {}, std::move(stop));
  BERTH_CHECK(gate_.end_call(listed.ok() ? success() : Status(listed.error())));
  Decoder decoder(listed.value());
  std::vector<Organization> found;
  for (std::uint32_t left = decoder.count(12); left > 0; --left) {
    Organization one;
    one.remote_id = decoder.text();
    one.name = decoder.text();
    one.json = decoder.text();
    BERTH_CHECK(check_organization(one));
    found.push_back(std::move(one));
  }
  if (!decoder.finished() || found.size() > limits::kOrganizations) return end_worker(Ended::kProtocol);
  return found;
}

/// One call of the plugin, from the frame out to the frame back.
Result<std::string> WorkerInstance::call(Name name, std::string_view arguments, std::stop_token stop) {
  if (broken_)
    return make_error(Code::kInternal, "plugin.crashed",
                      fmt::format("the worker of plugin {} has ended: {}", plugin_id_, broken_->message));
  if (arguments.size() > kFrameBytesMax - 64) return protocol_error("arguments that are longer than a frame may be");
  std::uint64_t earlier = 0;
  while (read(wake_.get(), &earlier, sizeof earlier) > 0) {
  }
  last_sign_ = next_look_ = Clock::now();
  stop_sent_.reset();
  stopped_by_deadline_ = false;
  stderr_lines_ = 0;
  stderr_bytes_before_ = process_->stderr_bytes();
  posted_ = 0;
  taken_.clear();
  in_batch_ = false;
  const std::stop_callback wake_up(stop, [this] {
    const std::uint64_t one = 1;
    // A full counter is readable already.
    if (write(wake_.get(), &one, sizeof one) < 0) return;
  });
  const std::uint32_t id = ++last_id_;
  awaited_ = {id};
  returns_.clear();
  BERTH_CHECK(send(call_frame(id, name, arguments)));
  BERTH_CHECK(pump([&] { return returns_.contains(id); }));
  if (stderr_lines_ > kStderrLinesMax) {
    gate_.log(BERTH_WARN,
              fmt::format("the plugin wrote {} more lines to standard error", stderr_lines_ - kStderrLinesMax), {});
  }
  return results_of(returns_.extract(id).mapped());
}

Status WorkerInstance::pump(const std::function<bool()>& done) {
  while (!done()) {
    BERTH_CHECK(watch());
    bool took = false;
    BERTH_CHECK(take(kTick, took));
  }
  return success();
}

Status WorkerInstance::pump_what_is_there() {
  // So many at most: a plugin that never falls silent must not keep the deadline from being looked at.
  bool took = true;
  for (int frames = 0; took && frames < kFramesAtOnce; ++frames) BERTH_CHECK(take(std::chrono::milliseconds(0), took));
  return success();
}

/// Waits for one frame and handles it.
Status WorkerInstance::take(std::chrono::milliseconds timeout, bool& took) {
  if (broken_) return *broken_;
  took = false;
  // Once the stop is passed on there is nothing to be woken for.
  const int wake = stop_sent_ ? -1 : wake_.get();
  Frame frame;
  switch (process_->wait(timeout, wake, frame)) {
    case WorkerEnd::Event::kFrame:
      took = true;
      return handle(std::move(frame));
    case WorkerEnd::Event::kNothing:
      next_look_ = Clock::now();
      return success();
    case WorkerEnd::Event::kEnded:
      return end_worker(Ended::kByItself);
    case WorkerEnd::Event::kBroken:
      return end_worker(Ended::kProtocol);
  }
  return success();
}

/// Stop, deadline and silence: asked first, then ended.
Status WorkerInstance::watch() {
  const auto now = Clock::now();
  if (!stop_sent_ && now >= next_look_) {
    next_look_ = now + kTick / 2;
    if (gate_.should_stop()) {
      const auto deadline = gate_.deadline();
      stopped_by_deadline_ = deadline && gate_.now() >= *deadline;
      stop_sent_ = now;
      BERTH_CHECK(send(call_frame(0, Name::kStop)));
    }
  }
  if (stop_sent_ && now - *stop_sent_ >= options_.stop_grace)
    return end_worker(stopped_by_deadline_ ? Ended::kDeadline : Ended::kStopIgnored);
  if (now - last_sign_ >= options_.stall_after) return end_worker(Ended::kSilent);
  if (process_->stderr_bytes() - stderr_bytes_before_ > limits::kStderrBytes) return end_worker(Ended::kFlood);
  return success();
}

Status WorkerInstance::handle(Frame&& frame) {
  last_sign_ = Clock::now();
  if (frame.kind == FrameKind::kReturn) {
    // Only what is waited for is kept: a worker must not fill the host's memory with answers that nobody asked for.
    if (awaited_.erase(frame.id) == 0) return end_worker(Ended::kProtocol);
    returns_.insert_or_assign(frame.id, std::move(frame));
    return success();
  }
  const Status served = serve(frame);
  host_has_worked();
  return served;
}

/// While the host works the plugin waits, and neither silence nor the grace of a stop is its own.
void WorkerInstance::host_has_worked() {
  const auto now = Clock::now();
  if (stop_sent_) *stop_sent_ += now - last_sign_;
  last_sign_ = now;
}

Status WorkerInstance::serve(const Frame& frame) {
  if (in_batch_ && !may_come_in_batch(frame.name)) return end_worker(Ended::kProtocol);
  posted_ = frame.id == 0 ? posted_ + 1 : 0;
  if (posted_ > limits::kPostedInARow) return end_worker(Ended::kFlood);
  Decoder arguments(frame.payload);
  auto results = answer(frame.name, arguments);
  if (broken_) return *broken_;
  if (!arguments.finished()) return end_worker(Ended::kProtocol);
  if (frame.id == 0) return success();
  if (results.ok() && results.value().size() > kFrameBytesMax - 64)
    results = protocol_error("an answer that is longer than a frame may be");
  return send(return_frame(frame.id, results));
}

/// Carries out a call of the plugin. What cannot be read is not carried out; the caller sees it at the decoder.
Result<std::string> WorkerInstance::answer(Name name, Decoder& arguments) {
  const auto done = [](Status status) -> Result<std::string> {
    BERTH_CHECK(std::move(status));
    return std::string();
  };
  switch (name) {
    case Name::kLog: {
      const int level = arguments.i32();
      const auto message = arguments.view();
      const auto fields = arguments.view();
      if (arguments.finished()) gate_.log(level, message, fields);
      return std::string();
    }
    case Name::kSendBatch:
      return send_batch(arguments);
    case Name::kAddCalls: {
      const auto requests = requests_of(arguments);
      return done(arguments.finished() ? gate_.add_calls(requests) : success());
    }
    case Name::kTakeReplies:
      return take_replies(arguments);
    case Name::kStopCalls:
      if (arguments.finished()) gate_.stop_calls();
      return std::string();
    case Name::kEmit: {
      EmittedRecord record;
      record.ref = arguments.ref();
      record.part = arguments.text();
      record.json = arguments.text();
      record.deleted = arguments.boolean();
      record.list_only = arguments.boolean();
      return done(arguments.finished() ? gate_.emit(std::move(record)) : success());
    }
    case Name::kCheckpoint: {
      const auto cursor = arguments.view();
      const bool pass_complete = arguments.boolean();
      return done(arguments.finished() ? gate_.checkpoint(cursor, pass_complete) : success());
    }
    case Name::kKnown: {
      std::vector<Ref> refs;
      for (std::uint32_t left = arguments.count(12); left > 0; --left) refs.push_back(arguments.ref());
      if (!arguments.finished()) return std::string();
      std::string results;
      for (const KnownAs known : BERTH_TRY(gate_.known(refs))) results.push_back(static_cast<char>(known));
      return results;
    }
    case Name::kNeedDetail: {
      const Ref ref = arguments.ref();
      const std::int32_t priority = arguments.i32();
      return done(arguments.finished() ? gate_.need_detail(ref, priority) : success());
    }
    case Name::kNextDetails: {
      const std::uint32_t n = arguments.u32();
      if (!arguments.finished()) return std::string();
      const auto wanted = BERTH_TRY(gate_.next_details(n));
      Encoder results;
      results.u32(static_cast<std::uint32_t>(wanted.size()));
      for (const auto& one : wanted) results.ref(one.ref).u32(one.want);
      return results.bytes();
    }
    case Name::kAttach: {
      const Ref ref = arguments.ref();
      const auto file = arguments.view();
      const auto media_type = arguments.view();
      const auto bytes = arguments.view();
      return done(arguments.finished() ? gate_.attach(ref, file, media_type, bytes) : success());
    }
    case Name::kNow:
      return Encoder().i64(gate_.now().unix_ms).bytes();
    case Name::kProgress: {
      const std::int64_t progress_done = arguments.i64();
      const std::int64_t total = arguments.i64();
      if (arguments.finished()) gate_.progress(progress_done, total);
      return std::string();
    }
    case Name::kRefused: {
      Error error = arguments.error();
      if (arguments.finished()) gate_.refuse_posted(std::move(error));
      return std::string();
    }
    default:
      return end_worker(Ended::kProtocol);
  }
}

/// Replies go to the plugin as they come; up to a window of them is there at once, so that the next request does not
/// wait for the plugin to have read the last answer.
Result<std::string> WorkerInstance::send_batch(Decoder& arguments) {
  const auto requests = requests_of(arguments);
  if (!arguments.finished()) return std::string();

  in_batch_ = true;
  const auto over = [](bool* flag) { *flag = false; };
  const std::unique_ptr<bool, decltype(over)> until_the_end(&in_batch_, over);
  std::map<std::uint32_t, std::size_t> open;  // id of the call and its bytes
  std::size_t open_bytes = 0;
  bool go_on = true;
  Status worker = success();
  const auto collect = [&] {
    std::erase_if(open, [&](const auto& entry) {
      const auto it = returns_.find(entry.first);
      if (it == returns_.end()) return false;
      if (!says_go_on(it->second)) go_on = false;
      open_bytes -= entry.second;
      returns_.erase(it);
      return true;
    });
  };
  const auto deliver = [&](const HttpReply& reply) -> Status {
    host_has_worked();
    const std::uint32_t id = ++last_id_;
    std::string frame = call_frame(id, Name::kReply, Encoder().i64(gate_.now().unix_ms).reply(reply).bytes());
    if (frame.size() > kFrameBytesMax) {
      HttpReply refused;
      refused.index = reply.index;
      refused.error =
          make_error(Code::kBadResponse, "http.body_too_large", "an answer is longer than may be handed to a plugin");
      frame = call_frame(id, Name::kReply, Encoder().i64(gate_.now().unix_ms).reply(refused).bytes());
    }
    open.emplace(id, frame.size());
    awaited_.insert(id);
    open_bytes += frame.size();
    BERTH_CHECK(send(frame));
    BERTH_CHECK(pump_what_is_there());
    return pump([&] {
      collect();
      return open.size() < kReplyWindow && open_bytes < kReplyWindowBytes;
    });
  };
  Status sent = gate_.send_batch(requests, [&](HttpReply&& reply) {
    if (worker.ok()) worker = deliver(reply);
    return worker.ok() && go_on;
  });
  BERTH_CHECK(std::move(worker));
  if (open.empty()) host_has_worked();  // it waited for nothing but the end of the batch
  BERTH_CHECK(pump([&] {
    collect();
    return open.empty();
  }));
  BERTH_CHECK(std::move(sent));
  return std::string();
}

/// As many replies of the stream as are there, so that not each of them costs a call. What does not fit waits here.
Result<std::string> WorkerInstance::take_replies(Decoder& arguments) {
  if (!arguments.finished()) return std::string();
  if (taken_.empty()) {
    BERTH_CHECK(gate_.take_replies([&](HttpReply&& reply) {
      std::string bytes = Encoder().reply(reply).bytes();
      if (bytes.size() > kFrameBytesMax - 64) {
        HttpReply refused;
        refused.index = reply.index;
        refused.error = make_error(Code::kBadResponse, "http.body_too_large", "an answer is longer than may be handed to a plugin");
        bytes = Encoder().reply(refused).bytes();
      }
      taken_.push_back(std::move(bytes));
    }));
  }
  std::string replies;
  std::uint32_t count = 0;
  while (!taken_.empty() && (count == 0 || replies.size() + taken_.front().size() <= kRepliesAtOnceBytes)) {
    replies += taken_.front();
    taken_.pop_front();
    ++count;
  }
  return Encoder().i64(gate_.now().unix_ms).u32(count).bytes() + replies;
}

Status WorkerInstance::send(std::string_view frame) {
  if (broken_) return *broken_;
  if (process_->send(frame, options_.stall_after).ok()) return success();
  return end_worker(Ended::kSilent);
}

/// Ends the process if it has not ended, and keeps what is known of its end.
Error WorkerInstance::end_worker(Ended how) {
  if (broken_) return *broken_;
  // A process whose pipe has ended is about to go by itself, and how it goes is what is wanted.
  const ProcessEnd end = how == Ended::kByItself ? process_->finish(options_.term_grace, options_.term_grace)
                                                 : process_->kill(options_.term_grace);
  crash_ = Crash{.signal = end.signal,
                 .exit_code = end.exit_code,
                 .phase = gate_.phase(),
                 .last_request = gate_.last_request(),
                 .stderr_tail = process_->stderr_tail(),
                 .cpu_ms = end.cpu_ms};
  if (const auto memory = find_memory_note(crash_->stderr_tail); memory && !end.was_signalled) {
    crash_->memory = memory->in_use;
    crash_->memory_limit = memory->limit;
  }
  broken_ = describe_end(how, end);
  return *broken_;
}

Error WorkerInstance::describe_end(Ended how, const ProcessEnd& end) {
  const Crash& crash = *crash_;
  if (how == Ended::kByItself && end.signal == 0 && end.exit_code == kExitNoExecutable) {
    return make_error(Code::kEnvironment, "plugin.worker_failed",
                      fmt::format("the worker program {} cannot be executed", options_.executable));
  }
  const auto ms = [](std::chrono::milliseconds duration) { return fmt::format("{} ms", duration.count()); };
  std::string reason = "plugin.crashed";
  std::string what;
  switch (how) {
    case Ended::kByItself: {
      what = end.signal != 0 ? fmt::format("was ended by signal {} ({})", end.signal, strsignal(end.signal))
                             : fmt::format("exited with {}", end.exit_code);
      const auto memory = find_memory_note(crash.stderr_tail);
      const bool cpu_is_used = end.cpu_ms >= std::chrono::milliseconds(limits_.cpu).count();
      if (end.was_signalled) {
        what = "closed its pipe to the host and was ended";
      } else if (end.signal == SIGXCPU || (end.signal == SIGKILL && cpu_is_used)) {
        reason = "plugin.cpu_limit";
        what = fmt::format("used {} s of processor time and was ended, its limit (limits.cpu of plugin.yaml)", limits_.cpu.count());
      } else if (memory && end.signal != 0 && is_out_of_memory(*memory, end.signal)) {
        reason = "plugin.out_of_memory";
        what += fmt::format(" with {} of memory in use (limits.memory of plugin.yaml)", in_mebibytes(memory->in_use, memory->limit));
      } else if (end.signal == SIGKILL) {
        what += ", which the host did not send: the system when memory is short, or a person";
      }
      break;
    }
    case Ended::kStopIgnored:
      reason = "plugin.hang";
      what = fmt::format("did not stop within {} and was ended", ms(options_.stop_grace));
      break;
    case Ended::kDeadline:
      reason = "plugin.deadline";
      what = fmt::format("did not stop within {} after the end of its slice and was ended", ms(options_.stop_grace));
      break;
    case Ended::kSilent:
      reason = "plugin.hang";
      what = fmt::format("was silent for {} and was ended", ms(options_.stall_after));
      break;
    case Ended::kFlood:
      reason = "plugin.flood";
      what = describe_flood();
      break;
    case Ended::kProtocol:
      reason = "plugin.protocol";
      what = "sent something that cannot be read and was ended";
      break;
  }
  std::string message = fmt::format("the worker of plugin {} {}", plugin_id_, what);
  if (!crash.phase.empty()) message += fmt::format(" in phase {}", crash.phase);
  if (!crash.last_request.empty()) message += fmt::format(", last request {}", crash.last_request);
  const std::string tail = last_bytes(std::string(trim(crash.stderr_tail)), kTailInMessage);
  if (!tail.empty()) message += fmt::format("; standard error ends with: {}", tail);
  return make_error(Code::kInternal, std::move(reason), std::move(message));
}

std::string WorkerInstance::describe_flood() const {
  if (posted_ <= limits::kPostedInARow) return fmt::format("wrote more than {} bytes to standard error in one call and was ended", limits::kStderrBytes);
  std::string what = fmt::format("sent {} records, log lines or the like without once asking for an answer and was ended", limits::kPostedInARow);
  if (const std::string refused = gate_.refused_reason(); !refused.empty()) what += fmt::format(" (they had been refused: {})", refused);
  return what;
}

void WorkerInstance::stderr_line(std::string_view line) {
  if (++stderr_lines_ > kStderrLinesMax) return;
  gate_.log(BERTH_WARN, line, R"({"stream":"stderr"})");
}

}  // namespace berth::plugins
