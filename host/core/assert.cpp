#include "host/core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace berth {

void assert_failed(const char* condition, const char* what, const char* file, int line) noexcept {
  // stdio only: the process may be out of memory or deep inside a lock, and this line must still come out.
  std::fprintf(stderr, "berth: broken invariant at %s:%d: %s (%s)\n", file, line, what, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace berth
