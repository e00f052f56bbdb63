// What a plugin in a worker asks of the host while one of its functions runs: each frame is read, carried out by the gate, and
// answered. Replies of a batch go to the plugin in a window, those of a stream as many as there are.
#include <fmt/format.h>

#include "host/plugins/worker_instance.hpp"

namespace berth::plugins {

namespace {

constexpr std::size_t kRepliesAtOnceBytes = 1u << 20u;  // of a stream, in one frame; a larger one goes alone

/// What the plugin's callback said to one reply.
bool says_go_on(const Frame& frame) {
  const auto results = results_of(frame);
  if (!results.ok()) return false;
  return Decoder(results.value()).boolean();
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

}  // namespace

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

}  // namespace berth::plugins
