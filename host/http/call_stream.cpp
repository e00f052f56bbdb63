#include "host/http/call_stream.hpp"

#include <algorithm>
#include <utility>

#include "host/http/api_client.hpp"

namespace berth::http {

CallStream::CallStream(CallRunner& runner, Crew& crew, int threads_max, std::stop_token host_stop, std::chrono::milliseconds grace)
    : runner_(runner), crew_(crew), threads_max_(threads_max), grace_(grace), host_stop_(host_stop), on_stop_(std::move(host_stop), [this] {
        stop_.request_stop();
      }) {}

CallStream::~CallStream() {
  // Also when a callback threw: no thread may be left waiting.
  stop_.request_stop();
  abort_.request_stop();
  std::unique_lock lock(mutex_);
  is_ending_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return at_work_ == 0; });
}

void CallStream::add(std::span<const ApiCall> calls) {
  std::list<Call> added;
  for (const ApiCall& call : calls) added.push_back({call});
  int more = 0;
  {
    const std::scoped_lock lock(mutex_);
    waiting_.splice(waiting_.end(), added);
    added_ += calls.size();
    more = std::clamp(static_cast<int>(std::min(waiting_.size(), kFinishedMax)) - idle_, 0, threads_max_ - at_work_);
    at_work_ += more;
  }
  changed_.notify_all();
  for (int i = 0; i < more; ++i) {
    try {
      crew_.start([this] { work(); });
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      at_work_ -= more - i;
      if (at_work_ > 0) return;  // fewer threads do it, too
      throw;
    }
  }
}

bool CallStream::may_begin() const {
  return !waiting_.empty() && begun_ - worked_on_ < kFinishedMax && held_bytes_ < kFinishedBytesMax;
}

/// Nothing here takes memory but the call itself, which tells when there is none: nobody would catch it.
void CallStream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return is_ending_ || may_begin(); });
    --idle_;
    if (is_ending_) break;
    std::list<Call> mine;
    mine.splice(mine.end(), waiting_, waiting_.begin());
    Call& call = mine.front();
    call.index = begun_++;
    lock.unlock();
    call.outcome.emplace(runner_.run(call.call, stop_.get_token(), abort_.get_token()));
    lock.lock();
    held_bytes_ += call.bytes();
    finished_.splice(finished_.end(), mine);
    changed_.notify_all();
  }
  --at_work_;
  changed_.notify_all();  // with the lock: the stream may be gone without it
}

std::vector<CallStream::Finished> CallStream::take(std::size_t most) {
  std::vector<Finished> taken;
  std::unique_lock lock(mutex_);
  worked_on_ = taken_;
  held_bytes_ -= std::exchange(taken_bytes_, 0);
  changed_.notify_all();
  if (added_ == taken_) return taken;
  const auto has_one = [this] { return !finished_.empty(); };
  if (!changed_.wait(lock, host_stop_, has_one)) {
    // Paid calls on their way get some time to arrive. Real time: it bounds real sockets.
    if (!grace_ends_) grace_ends_ = std::chrono::steady_clock::now() + grace_;
    if (!changed_.wait_until(lock, *grace_ends_, has_one)) {
      abort_.request_stop();
      changed_.wait(lock, has_one);
    }
  }
  while (!finished_.empty() && taken.size() < most) {
    Call& call = finished_.front();
    if (!taken.empty() && taken_bytes_ + call.bytes() > kTakenBytesMax) break;
    taken_bytes_ += call.bytes();
    taken.push_back({call.index, std::move(*call.outcome)});
    finished_.pop_front();
  }
  taken_ += taken.size();
  return taken;
}

std::size_t CallStream::under_way() const {
  const std::scoped_lock lock(mutex_);
  return added_ - taken_;
}

}  // namespace berth::http
