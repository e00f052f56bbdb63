#include "host/plugins/host_link.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "host/plugins/boundary.hpp"

namespace berth::plugins {

namespace {

constexpr int kExitHostGone = 0;
constexpr int kExitProtocol = 3;

/// Reads exactly so many bytes. The end of the pipe is the end of this process, at once.
void read_exactly(int descriptor, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = read(descriptor, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(kExitHostGone);
    to += got;
    size -= static_cast<std::size_t>(got);
  }
}

/// Calls that start something: a stop meant the one before.
bool starts_work(Name name) {
  return name == Name::kCreate || name == Name::kCheck || name == Name::kRunPhase || name == Name::kOrganizations;
}

}  // namespace

HostLink::HostLink(PipeEnds ends) : to_host_(ends.to_host), last_write_(std::chrono::steady_clock::now()) {
  reader_ = std::thread([this, from_host = ends.from_host] { read_all(from_host); });
}

void HostLink::read_all(int from_host) {
  for (;;) {
    char header[kFrameLengthBytes];
    read_exactly(from_host, header, sizeof header);
    const std::size_t length = frame_length({header, sizeof header});
    if (length == 0) _exit(kExitProtocol);
    std::string content(length, '\0');
    read_exactly(from_host, content.data(), length);
    auto frame = parse_frame(content);
    if (!frame.ok()) _exit(kExitProtocol);
    take(std::move(frame).value());
  }
}

void HostLink::take(Frame frame) {
  if (frame.kind == FrameKind::kCall && frame.name == Name::kStop) {
    stop_ = true;
    return;
  }
  if (frame.kind == FrameKind::kCall && starts_work(frame.name)) stop_ = false;
  {
    const std::lock_guard lock(in_mutex_);
    if (frame.kind == FrameKind::kCall)
      calls_.push_back(std::move(frame));
    else
      returns_.insert_or_assign(frame.id, std::move(frame));
  }
  arrived_.notify_all();
}

void HostLink::send(std::string_view frame, bool at_once) {
  const std::lock_guard lock(out_mutex_);
  out_.append(frame);
  if (at_once || out_.size() >= kGatherBytes || std::chrono::steady_clock::now() - last_write_ >= kGatherAge)
    write_out();
}

void HostLink::write_out() {
  std::size_t done = 0;
  while (done < out_.size()) {
    const ssize_t put = write(to_host_, out_.data() + done, out_.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) _exit(kExitHostGone);
    done += static_cast<std::size_t>(put);
  }
  out_.clear();
  last_write_ = std::chrono::steady_clock::now();
}

void HostLink::post(Name name, std::string_view arguments, bool at_once) {
  send(call_frame(0, name, arguments), at_once);
}

Result<std::string> HostLink::call(Name name, std::string_view arguments,
                                   const std::function<void(const Frame&)>& on_call) {
  const std::uint32_t id = ++last_id_;
  send(call_frame(id, name, arguments), true);
  std::unique_lock lock(in_mutex_);
  for (;;) {
    arrived_.wait(lock, [&] { return returns_.contains(id) || (on_call && !calls_.empty()); });
    if (on_call && !calls_.empty()) {
      // What the host called before it returned comes first.
      const Frame frame = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      on_call(frame);
      lock.lock();
      continue;
    }
    const Frame frame = std::move(returns_.extract(id).mapped());
    return results_of(frame);
  }
}

void HostLink::give_back(std::uint32_t id, const Result<std::string>& results) {
  send(return_frame(id, results), true);
}

Frame HostLink::next_call() {
  std::unique_lock lock(in_mutex_);
  arrived_.wait(lock, [&] { return !calls_.empty(); });
  Frame frame = std::move(calls_.front());
  calls_.pop_front();
  return frame;
}

void RemoteServices::log(int level, std::string_view message, std::string_view fields_json) {
  link_.post(Name::kLog, Encoder().i32(level).text(message).text(fields_json).bytes(), true);
}

Status RemoteServices::post_checked(const Status& check, Name name, const std::function<void(Encoder&)>& fill) {
  Encoder arguments;
  if (check.ok()) fill(arguments);
  if (check.ok() && arguments.bytes().size() < kFrameBytesMax - 64)
    link_.post(name, arguments.bytes());
  else
    link_.post(Name::kRefused,
               Encoder()
                   .error(check.ok() ? plugin_bug("sdk.text_invalid", "a posted call is longer than a frame may be")
                                     : check.error())
                   .bytes());
  return success();
}

Status RemoteServices::emit(EmittedRecord&& record) {
  return post_checked(check_record_size(record.json), Name::kEmit, [&](Encoder& arguments) {
    arguments.ref(record.ref).text(record.part).text(record.json).boolean(record.deleted).boolean(record.list_only);
  });
}

Status RemoteServices::need_detail(const Ref& ref, std::int32_t priority) {
  return post_checked(success(), Name::kNeedDetail, [&](Encoder& arguments) { arguments.ref(ref).i32(priority); });
}

Status RemoteServices::attach(const Ref& ref, std::string_view name, std::string_view media_type,
                              std::string_view bytes) {
  return post_checked(check_attachment_size(bytes), Name::kAttach,
                      [&](Encoder& arguments) { arguments.ref(ref).text(name).text(media_type).text(bytes); });
}

Status RemoteServices::send_batch(std::span<const HttpRequest> requests,
                                  const std::function<bool(HttpReply&&)>& on_reply) {
  BERTH_CHECK(check_batch_size(requests));
  Encoder arguments;
  arguments.u32(static_cast<std::uint32_t>(requests.size()));
  for (const auto& request : requests) arguments.request(request);
  BERTH_CHECK(link_.call(Name::kSendBatch, arguments.bytes(), [&](const Frame& frame) {
    Decoder decoder(frame.payload);
    reply_time_ = Instant{decoder.i64()};
    HttpReply reply = decoder.reply();
    if (frame.name != Name::kReply || !decoder.finished()) _exit(kExitProtocol);
    const bool go_on = on_reply(std::move(reply));
    reply_time_.reset();
    link_.give_back(frame.id, Encoder().boolean(go_on).bytes());
  }));
  return success();
}

Status RemoteServices::add_calls(std::span<const HttpRequest> requests) {
  BERTH_CHECK(check_batch_size(requests));
  Encoder arguments;
  arguments.u32(static_cast<std::uint32_t>(requests.size()));
  for (const auto& request : requests) arguments.request(request);
  BERTH_CHECK(link_.call(Name::kAddCalls, arguments.bytes()));
  return success();
}

Status RemoteServices::take_replies(const std::function<void(HttpReply&&)>& on_reply) {
  const std::string results = BERTH_TRY(link_.call(Name::kTakeReplies, {}));
  Decoder decoder(results);
  reply_time_ = Instant{decoder.i64()};
  for (std::uint32_t left = decoder.count(1); left > 0 && decoder.ok(); --left) on_reply(decoder.reply());
  reply_time_.reset();
  if (!decoder.finished()) return protocol_error("replies that cannot be read");
  return success();
}

Status RemoteServices::checkpoint(std::string_view cursor_json, bool pass_complete) {
  BERTH_CHECK(check_cursor_size(cursor_json));
  BERTH_CHECK(link_.call(Name::kCheckpoint, Encoder().text(cursor_json).boolean(pass_complete).bytes()));
  return success();
}

Result<std::vector<KnownAs>> RemoteServices::known(std::span<const Ref> refs) {
  BERTH_CHECK(check_known_size(refs.size()));
  Encoder arguments;
  arguments.u32(static_cast<std::uint32_t>(refs.size()));
  for (const auto& ref : refs) arguments.ref(ref);
  if (arguments.bytes().size() > kFrameBytesMax - 64)
    return plugin_bug("sdk.text_invalid", "refs are longer than a frame may be");
  const std::string results = BERTH_TRY(link_.call(Name::kKnown, arguments.bytes()));
  if (results.size() != refs.size()) return protocol_error("another number of answers than questions");
  std::vector<KnownAs> answers;
  for (const char answer : results) answers.push_back(static_cast<KnownAs>(answer));
  return answers;
}

Result<std::vector<Wanted>> RemoteServices::next_details(std::uint32_t n) {
  const std::string results = BERTH_TRY(link_.call(Name::kNextDetails, Encoder().u32(n).bytes()));
  Decoder decoder(results);
  std::vector<Wanted> wanted;
  for (std::uint32_t left = decoder.count(16); left > 0; --left) {
    Ref ref = decoder.ref();
    wanted.push_back({std::move(ref), decoder.u32()});
  }
  if (!decoder.finished()) return protocol_error("a list of details that cannot be read");
  return wanted;
}

Instant RemoteServices::now() {
  if (std::this_thread::get_id() == run_thread_ && reply_time_) return *reply_time_;
  const auto results = link_.call(Name::kNow, {});
  if (!results.ok()) return {};
  Decoder decoder(results.value());
  return {decoder.i64()};
}

void RemoteServices::progress(std::int64_t done, std::int64_t total_or_minus_1) {
  link_.post(Name::kProgress, Encoder().i64(done).i64(total_or_minus_1).bytes());
}

}  // namespace berth::plugins
