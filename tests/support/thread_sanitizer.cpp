// What the ThreadSanitizer of GCC 12 does not know of the C library; part of every test program of the preset
// tsan, and of berth there.
//
// std::timed_mutex::try_lock_for() calls pthread_mutex_clocklock(), which that libtsan does not watch. So it sees the
// writer's lock of the SQLite engine being released and never being taken, and reports "unlock of an unlocked mutex". This
// one waits by pthread_mutex_timedlock(), which it does watch: the lock is seen, and what it guards is judged by it. The
// price, in this build alone: the wall clock bounds the wait.
#include <pthread.h>

#include <ctime>

namespace {

constexpr long kNanosecondsOfSecond = 1'000'000'000;

timespec on_wall_clock(clockid_t clock, const timespec& deadline) {
  timespec there{}, here{};
  clock_gettime(clock, &there);
  clock_gettime(CLOCK_REALTIME, &here);
  timespec result{here.tv_sec + deadline.tv_sec - there.tv_sec, here.tv_nsec + deadline.tv_nsec - there.tv_nsec};
  while (result.tv_nsec < 0) result.tv_nsec += kNanosecondsOfSecond, --result.tv_sec;
  while (result.tv_nsec >= kNanosecondsOfSecond) result.tv_nsec -= kNanosecondsOfSecond, ++result.tv_sec;
  return result;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                                                                              const timespec* deadline) noexcept {
  const timespec until = on_wall_clock(clock, *deadline);
  return pthread_mutex_timedlock(mutex, &until);
}
