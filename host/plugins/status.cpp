#include "host/plugins/status.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include "host/core/one_line.hpp"
#include "host/core/text.hpp"

namespace berth::plugins {

namespace {

template <std::size_t kSize>
std::string_view text_of(const char (&buffer)[kSize]) {
  return {buffer, static_cast<std::size_t>(std::find(buffer, buffer + kSize, '\0') - buffer)};
}

template <std::size_t kSize>
void copy_text(std::string_view text, char (&buffer)[kSize]) {
  const std::string cut = shortened(text, kSize - 1);
  std::memcpy(buffer, cut.data(), cut.size());
  std::memset(buffer + cut.size(), 0, kSize - cut.size());
}

}  // namespace

std::int32_t status_of(Code code) {
  switch (code) {
    case Code::kCancelled:
      return BERTH_CANCELLED;
    case Code::kInvalidConfig:
      return BERTH_INVALID_CONFIG;
    case Code::kUnauthenticated:
      return BERTH_UNAUTHENTICATED;
    case Code::kQuotaExhausted:
      return BERTH_QUOTA_EXHAUSTED;
    case Code::kUnavailable:
    case Code::kConflict:
    case Code::kEnvironment:
      return BERTH_UNAVAILABLE;  // passes; the scheduler comes back
    case Code::kBadResponse:
      return BERTH_BAD_RESPONSE;
    case Code::kUnsupported:
    case Code::kForbidden:
      return BERTH_UNSUPPORTED;  // the operation is not offered here
    case Code::kInternal:
    case Code::kInvalidArgument:  // the plugin passed what it must not
    case Code::kNotFound:
      return BERTH_INTERNAL;
  }
  return BERTH_INTERNAL;
}

Code code_of(std::int32_t status) {
  switch (status) {
    case BERTH_CANCELLED:
      return Code::kCancelled;
    case BERTH_INVALID_CONFIG:
      return Code::kInvalidConfig;
    case BERTH_UNAUTHENTICATED:
      return Code::kUnauthenticated;
    case BERTH_QUOTA_EXHAUSTED:
      return Code::kQuotaExhausted;
    case BERTH_UNAVAILABLE:
      return Code::kUnavailable;
    case BERTH_BAD_RESPONSE:
      return Code::kBadResponse;
    case BERTH_UNSUPPORTED:
      return Code::kUnsupported;
    default:
      return Code::kInternal;
  }
}

void write_error(const Error& error, berth_error* out) {
  if (out == nullptr) return;
  out->retry_after_ms = error.retry_after_ms;
  copy_text(error.reason, out->reason);
  copy_text(error.message, out->message);
}

Error read_error(std::int32_t status, const berth_error& raw, std::string_view plugin) {
  Error error;
  error.code = code_of(status);
  error.retry_after_ms = raw.retry_after_ms;
  error.reason = text_of(raw.reason);
  const std::string_view message = text_of(raw.message);
  if (status < BERTH_OK || status > BERTH_UNSUPPORTED) error.reason = "plugin.unknown_status";
  if (message.empty() || !is_valid_utf8(message)) {
    error.message =
        "plugin " + std::string(plugin) + " returned status " + std::to_string(status) + " without a readable message";
  } else {
    error.message = std::string(message);
  }
  return tamed(std::move(error));
}

Error tamed(Error error) {
  constexpr std::size_t kReasonBytesMax = 128;
  constexpr std::size_t kMessageBytesMax = 4'096;
  if (error.reason.size() > kReasonBytesMax || !is_reason_id(error.reason)) error.reason = "plugin.unnamed_error";
  error.message = one_line(error.message, kMessageBytesMax);
  if (error.message.empty()) error.message = "an error without a message";
  error.retry_after_ms = std::clamp<long long>(error.retry_after_ms, -1, kRetryAfterMax.count());
  return error;
}

berth_error empty_error() {
  berth_error error{};
  error.retry_after_ms = -1;
  return error;
}

Error current_exception_error(std::string_view where) {
  const auto error = [&](std::string reason, std::string_view what) {
    return make_error(Code::kInternal, std::move(reason), std::string(where) + ": " + std::string(what));
  };
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return error("sdk.out_of_memory", "out of memory");
  } catch (const std::exception& e) {
    return error("sdk.exception", is_valid_utf8(e.what()) ? e.what() : "an exception with unreadable text");
  } catch (...) {
    return error("sdk.unknown_exception", "something that is not a std::exception was thrown");
  }
}

}  // namespace berth::plugins
