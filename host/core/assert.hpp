#pragma once
// BERTH_ASSERT(condition, "what must hold"): broken invariants are bugs. On in every build; the process stops. Never
// asserted: what a user, a file or a remote system can cause.
namespace berth {
[[noreturn]] void assert_failed(const char* condition, const char* what, const char* file, int line) noexcept;
}
#define BERTH_ASSERT(condition, what)                                                   \
  do {                                                                                  \
    if (!(condition)) ::berth::assert_failed(#condition, what, __FILE__, __LINE__);     \
  } while (false)
