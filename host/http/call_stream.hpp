#pragma once
// Calls that are under way while their caller does other things: it adds some, works, and takes the replies that are
// there. Internal to the API client; a batch (api_client.cpp) is one to which nothing more is added.
//
// add(), take() and stop() belong to one thread; some of the crew's run the calls, as many as the limits allow at once. A
// call that was added has exactly one reply. At most kFinishedMax are begun and not yet worked on, and none is begun while
// bodies of kFinishedBytesMax wait: what is held is that and one body for each call at once.
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "host/http/call_runner.hpp"
#include "host/http/crew.hpp"

namespace berth::http {

/// Of bodies that are not worked on yet: nothing more is begun.
inline constexpr std::size_t kFinishedBytesMax = std::size_t{16} << 20u;
/// Of bodies that are taken together; a larger one is taken alone.
inline constexpr std::size_t kTakenBytesMax = std::size_t{1} << 20u;

class CallStream {
 public:
  /// `host_stop`: nothing more is begun, and answers on their way have `grace` to arrive.
  CallStream(CallRunner& runner, Crew& crew, int threads_max, std::stop_token host_stop, std::chrono::milliseconds grace);
  /// Ends what is still under way; nobody wants it any more.
  ~CallStream();
  CallStream(const CallStream&) = delete;
  CallStream& operator=(const CallStream&) = delete;

  /// Their numbers go on from those that were added before, from 0.
  void add(std::span<const ApiCall> calls);
  /// Begins nothing more: what waits is replied with berth.cancelled.
  void stop() { stop_.request_stop(); }
  struct Finished {
    std::size_t index = 0;
    CallRunner::Outcome outcome;
  };
  /// Waits for a reply and takes what is there, at most so many and kTakenBytesMax; whoever has taken them asks again when they are worked on.
  /// Empty: nothing is under way.
  std::vector<Finished> take(std::size_t most);
  /// Added and not taken.
  [[nodiscard]] std::size_t under_way() const;

 private:
  struct Call {
    ApiCall call;
    std::size_t index = 0;
    std::optional<CallRunner::Outcome> outcome = {};
    [[nodiscard]] std::size_t bytes() const { return outcome && outcome->result ? outcome->result->body.size() : 0; }
  };
  void work();
  [[nodiscard]] bool may_begin() const;

  CallRunner& runner_;
  Crew& crew_;
  const int threads_max_;
  const std::chrono::milliseconds grace_;
  const std::stop_token host_stop_;  // the host's own, after which answers have a limited time
  std::stop_source stop_;            // begin nothing more: the host's, or the caller's
  std::stop_source abort_;           // end also what is on its way
  mutable std::mutex mutex_;         // guards what follows
  std::condition_variable_any changed_;
  std::list<Call> waiting_;
  std::size_t added_ = 0;
  std::size_t begun_ = 0;
  std::size_t taken_ = 0;
  std::size_t worked_on_ = 0;  // taken by an earlier take()
  std::size_t held_bytes_ = 0;  // of those that are finished and not worked on
  std::size_t taken_bytes_ = 0; // of those, taken by the last take()
  int at_work_ = 0;            // threads that use this object
  int idle_ = 0;               // of those, without a call
  bool is_ending_ = false;
  std::list<Call> finished_;
  std::optional<std::chrono::steady_clock::time_point> grace_ends_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace berth::http
