#include "calls.hpp"

#include <utility>

namespace berth::pulling {

std::size_t Calls::add(Request request) {
  ++under_way_;
  waiting_.push_back(std::move(request));
  return first_waiting_ + waiting_.size() - 1;
}

void Calls::begin() {
  if (!session_.host().has_stream() || waiting_.empty()) return;
  session_.host().add(waiting_);
  first_waiting_ += waiting_.size();
  waiting_.clear();
}

void Calls::take(const std::function<bool(std::size_t number, const Reply& reply)>& judge,
                 const std::function<void(std::size_t number, Reply&& reply)>& consume) {
  if (!session_.host().has_stream()) return take_batch(judge, consume);
  begin();
  std::vector<Reply> replies;
  session_.host().take([&](Reply reply) {
    const bool goes_on = judge(reply.index, reply);
    replies.push_back(std::move(reply));
    return goes_on;
  });
  under_way_ -= replies.size();
  for (Reply& reply : replies) {
    const std::size_t number = reply.index;
    consume(number, std::move(reply));
  }
}

void Calls::take_batch(const std::function<bool(std::size_t number, const Reply& reply)>& judge,
                       const std::function<void(std::size_t number, Reply&& reply)>& consume) {
  const std::vector<Request> batch = std::exchange(waiting_, {});
  const std::size_t first = std::exchange(first_waiting_, first_waiting_ + batch.size());
  std::vector<Reply> replies(batch.size());
  std::vector<bool> is_here(batch.size(), false);
  std::optional<Failure> failed(Failure(BERTH_CANCELLED, "sdk.stopped", "Nothing more was to be begun."));
  if (!is_stopped_) {
    try {
      session_.host().send_batch(batch, [&](Reply reply) {
        const std::size_t place = reply.index;
        is_stopped_ = !judge(first + place, reply) || is_stopped_;
        replies.at(place) = std::move(reply);
        is_here[place] = true;
        return !is_stopped_;
      });
    } catch (const Failure& failure) {
      failed = failure;  // each reply says for itself; this is for those that have none
    }
  }
  under_way_ -= batch.size();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!is_here[i]) {
      replies[i].failure = failed;
      (void)judge(first + i, replies[i]);
    }
    consume(first + i, std::move(replies[i]));
  }
}

}  // namespace berth::pulling
