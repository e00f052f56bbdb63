#include "host/http/crew.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <set>

using berth::http::Crew;

TEST_CASE("each task has a thread of its own, and threads are used again") {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  Crew crew;
  for (int round = 0; round < 50; ++round) {
    std::latch all(4);   // opens only when four run at once
    std::latch done(4);
    for (int i = 0; i < 4; ++i) {
      crew.start([&] {
        {
          const std::scoped_lock lock(mutex);
          threads.insert(std::this_thread::get_id());
        }
        all.arrive_and_wait();
        done.count_down();
      });
    }
    done.wait();
  }
  CHECK(threads.size() >= 4);
  CHECK(threads.size() < 50);   // not 200
}

TEST_CASE("the end of a crew waits for its tasks") {
  std::atomic<int> ran = 0;
  {
    Crew crew;
    for (int i = 0; i < 8; ++i) crew.start([&] { ++ran; });
  }
  CHECK(ran == 8);
}
