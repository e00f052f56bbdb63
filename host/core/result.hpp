#pragma once
// Result<T>: what can go wrong in normal operation is a value.
//
//   Result<Token> refresh(const Connection& c) {
//     const auto secret = BERTH_TRY(vault.open(c.refresh_token));     // returns the error to our caller
//     if (secret.empty()) return Error{Code::kUnauthenticated, "oauth.no_refresh_token", "..."};
//     return Token{...};
//   }
//
// `code` answers who must act, `reason` is the stable id that tests, documents and the console use, `message` is one
// sentence for an operator with the name of the thing and the value found, never a secret.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "host/core/assert.hpp"

namespace berth {

enum class Code {
  kCancelled,        // nobody: the work was asked to stop
  kInvalidConfig,    // an operator must edit configuration
  kUnauthenticated,  // an operator must reconnect
  kQuotaExhausted,   // time: a budget or quota is spent
  kUnavailable,      // time: transient, the scheduler comes back
  kBadResponse,      // the remote answered with something that cannot be read
  kInternal,         // a bug, here or in a plugin
  kUnsupported,      // not known or not offered
  kInvalidArgument,  // the caller's input is wrong
  kNotFound,         // the named thing does not exist
  kConflict,         // the state of the thing does not allow it now
  kForbidden,        // the caller may not
  kEnvironment,      // the machine: file, disk, database, lock
};

/// "invalid_config": the name of a code as logs, JSON and the REST API print it.
[[nodiscard]] std::string_view to_string(Code code);

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string reason;
  std::string message;
  long long retry_after_ms = -1;  // from now; -1: no advice

  /// Puts "while reading phase invoices: " before the message; code and reason stay.
  [[nodiscard]] Error with_context(std::string_view context) && {
    message.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }
};

/// A result without a value.
struct Unit {
  friend bool operator==(const Unit&, const Unit&) = default;
};

template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<std::remove_cv_t<T>, Error>);

 public:
  using value_type = T;
  Result(T value) : data_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : data_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, T> && !std::is_same_v<std::remove_cvref_t<U>, Error>)
  Result(U&& value) : data_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return data_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] T& value() & {
    BERTH_ASSERT(ok(), "value() of a failed result");
    return std::get<0>(data_);
  }
  [[nodiscard]] const T& value() const& {
    BERTH_ASSERT(ok(), "value() of a failed result");
    return std::get<0>(data_);
  }
  [[nodiscard]] T&& value() && {
    BERTH_ASSERT(ok(), "value() of a failed result");
    return std::get<0>(std::move(data_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] T value_or(T other) const& { return ok() ? std::get<0>(data_) : std::move(other); }
  [[nodiscard]] const Error& error() const& {
    BERTH_ASSERT(!ok(), "error() of a good result");
    return std::get<1>(data_);
  }
  [[nodiscard]] Error&& error() && {
    BERTH_ASSERT(!ok(), "error() of a good result");
    return std::get<1>(std::move(data_));
  }

 private:
  std::variant<T, Error> data_;
};

using Status = Result<Unit>;
/// The good Status.
[[nodiscard]] inline Status success() { return Unit{}; }

/// Errors of the host's own making, short to write.
[[nodiscard]] inline Error make_error(Code code, std::string reason, std::string message) {
  return Error{code, std::move(reason), std::move(message), -1};
}

}  // namespace berth

// The names below are made unique by a counter, so that one BERTH_TRY may stand inside another.
#define BERTH_JOIN_(a, b) a##b
#define BERTH_JOIN(a, b) BERTH_JOIN_(a, b)
#define BERTH_TRY_(name, ...)                            \
  __extension__({                                        \
    auto name = (__VA_ARGS__);                           \
    if (!name.ok()) return std::move(name).error();      \
    std::move(name).value();                             \
  })
#define BERTH_TRY_CONTEXT_(name, context, ...)                                 \
  __extension__({                                                              \
    auto name = (__VA_ARGS__);                                                 \
    if (!name.ok()) return std::move(name).error().with_context(context);      \
    std::move(name).value();                                                   \
  })
#define BERTH_CHECK_(name, ...)                          \
  do {                                                   \
    auto name = (__VA_ARGS__);                           \
    if (!name.ok()) return std::move(name).error();      \
  } while (false)

// The value of a Result, or return of its error from the enclosing function. A statement expression (GCC and Clang).
#define BERTH_TRY(...) BERTH_TRY_(BERTH_JOIN(berth_try_, __COUNTER__), __VA_ARGS__)
// The same with words put before the message: BERTH_TRY_CONTEXT("while reading phase " + id, parse(x)).
#define BERTH_TRY_CONTEXT(context, ...) BERTH_TRY_CONTEXT_(BERTH_JOIN(berth_try_, __COUNTER__), context, __VA_ARGS__)
// For a Status whose value nobody wants: BERTH_CHECK(store.save(x));
#define BERTH_CHECK(...) BERTH_CHECK_(BERTH_JOIN(berth_check_, __COUNTER__), __VA_ARGS__)
