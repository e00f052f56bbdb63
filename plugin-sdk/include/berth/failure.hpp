#pragma once
// How C++ code of a connector says that it cannot go on: a status that tells who must act, a stable reason and one
// sentence. It stays inside the plugin: the guard in connector.hpp turns it into the C form at the boundary.
#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "berth/abi/abi.h"

namespace berth {

class Failure : public std::exception {
 public:
  /// `reason` is dotted and lower case, "zoho_books.list.shape"; `message` is one sentence without secrets.
  Failure(std::int32_t status, std::string reason, std::string message, std::int64_t retry_after_ms = -1)
      : status_(status), reason_(std::move(reason)), message_(std::move(message)), retry_after_ms_(retry_after_ms) {}
  /// What a host call has answered; passed on unchanged.
  Failure(std::int32_t status, const berth_error& error)
      : Failure(status, text_of(error.reason), text_of(error.message), error.retry_after_ms) {}

  [[nodiscard]] std::int32_t status() const { return status_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] std::int64_t retry_after_ms() const { return retry_after_ms_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  template <std::size_t kSize>
  static std::string text_of(const char (&buffer)[kSize]) {
    return std::string(buffer, static_cast<std::size_t>(std::find(buffer, buffer + kSize, '\0') - buffer));
  }

  std::int32_t status_;
  std::string reason_;
  std::string message_;
  std::int64_t retry_after_ms_;
};

namespace detail {

/// Copies as much as fits, never half of a UTF-8 sequence, and ends it with a NUL.
template <std::size_t kSize>
void copy_text(char (&buffer)[kSize], std::string_view text) noexcept {
  std::size_t length = std::min(text.size(), kSize - 1);
  if (length < text.size()) {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0u) == 0x80u) --length;
  }
  text.copy(buffer, length);
  buffer[length] = '\0';
}

inline void fill(berth_error* error, std::string_view reason, std::string_view message,
                 std::int64_t retry_after_ms = -1) noexcept {
  if (error == nullptr) return;
  error->retry_after_ms = retry_after_ms;
  copy_text(error->reason, reason);
  copy_text(error->message, message);
}

}  // namespace detail
}  // namespace berth
