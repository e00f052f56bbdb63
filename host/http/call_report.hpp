#pragma once
// What the calls of one run were: numbers by kind, and the last errors of the remote, whole. Plain data.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "host/core/time.hpp"
#include "host/http/error_rules.hpp"

namespace berth::http {

inline constexpr std::size_t kReportedErrorsMax = 100;

/// One error as the remote gave it.
struct RemoteError {
  Instant at = {};
  std::string request = {};  // "GET https://www.zohoapis.com/books/v3/invoices/46?organization_id=1"
  int status = 0;            // 0: no answer
  std::string code = {};     // remote code as text
  std::string message = {};  // remote message, or the transport's
  std::string rule = {};     // "errors.rules[3]", "default"
  std::string reason = {};   // "zoho_books.rate_limit.minute"
  std::string action = {};   // "retry"
};

struct CallReport {
  std::array<std::int64_t, kCallKinds> calls{};  // requests that were sent, repeats included, by CallKind
  std::int64_t retries = 0;                      // of those, repeats
  std::int64_t refreshes = 0;                    // tokens renewed because of a refusal
  std::int64_t waits = 0;                        // times a rule or the remote made us wait
  std::chrono::milliseconds waited{0};
  std::int64_t errors_total = 0;
  std::vector<RemoteError> errors = {};  // the last kReportedErrorsMax, oldest first
  std::string last_request = {};         // of the last request that was sent
  [[nodiscard]] std::int64_t total() const {
    std::int64_t sum = 0;
    for (const auto count : calls) sum += count;
    return sum;
  }
};

}  // namespace berth::http
