#pragma once
// Threads that stay for a while. A batch of small calls needs a few threads for a few milliseconds, and the next batch comes
// at once: starting them anew costs about as much as the calls.
//
// Any thread may call start(). Each task gets a thread of its own, however many there are: the caller bounds them. A thread
// that had nothing to do for two seconds ends.
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace berth::http {

class Crew {
 public:
  Crew() = default;
  /// Waits for the tasks that were started.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Runs `task` on a thread, at once. It must not throw. Throws, without having taken the task, where the system gives no
  /// thread.
  void start(std::function<void()> task);

 private:
  struct Member {
    std::thread thread;
    bool has_left = false;
  };
  void work(Member& member);
  void join_left();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::list<Member> members_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;
  bool is_ending_ = false;
};

}  // namespace berth::http
