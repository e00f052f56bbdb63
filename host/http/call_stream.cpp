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
  int more = 0;
  {
    const std::scoped_lock lock(mutex_);
    waiting_.insert(waiting_.end(), calls.begin(), calls.end());
    added_ += calls.size();
    more = std::clamp(static_cast<int>(std::min(waiting_.size(), kFinishedMax)) - idle_, 0, threads_max_ - at_work_);
    at_work_ += more;
  }
  changed_.notify_all();
  for (int i = 0; i < more; ++i) crew_.start([this] { work(); });
}

bool CallStream::may_begin() const { return !waiting_.empty() && begun_ - worked_on_ < kFinishedMax; }

void CallStream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return is_ending_ || may_begin(); });
    --idle_;
    if (is_ending_) break;
    const ApiCall call = std::move(waiting_.front());
    waiting_.pop_front();
    const auto index = begun_++;
    lock.unlock();
    auto outcome = runner_.run(call, stop_.get_token(), abort_.get_token());
    lock.lock();
    finished_.push_back({index, std::move(outcome)});
    changed_.notify_all();
  }
  --at_work_;
  changed_.notify_all();  // with the lock: the stream may be gone without it
}

std::vector<CallStream::Finished> CallStream::take(std::size_t most) {
  std::vector<Finished> taken;
  std::unique_lock lock(mutex_);
  worked_on_ = taken_;
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
    taken.push_back(std::move(finished_.front()));
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
