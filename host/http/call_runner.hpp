#pragma once
// One call from its first attempt to its answer: token, gate, attempt, judgement, waits. Internal to the API client;
// any number of threads run calls at once.
#include <mutex>
#include <optional>
#include <stop_token>

#include "host/core/result.hpp"
#include "host/http/api_client.hpp"
#include "host/http/call_report.hpp"
#include "host/http/error_rules.hpp"

namespace berth::http {

class CallRunner {
 public:
  CallRunner(ApiServices services, ErrorRules rules, ApiOptions options)
      : services_(services), rules_(std::move(rules)), options_(std::move(options)) {}

  struct Outcome {
    Result<ApiAnswer> result;
    bool was_sent = false;
  };
  /// `stop`: begin nothing more. `abort`: end also what is on its way. What is thrown becomes an error of this call:
  /// http.out_of_memory, http.internal.
  Outcome run(const ApiCall& call, const std::stop_token& stop, const std::stop_token& abort) noexcept;
  [[nodiscard]] CallReport report() const;

 private:
  class Attempts;
  /// What ended the run for every further call: fail_connection or a spent quota.
  [[nodiscard]] std::optional<Error> ended() const;
  Error end_run(Error error);
  void count_request(const ApiCall& call, const Request& request, bool is_repeat);
  void count_refresh();
  void count_wait(std::chrono::milliseconds wait);
  void count_error(const Request& request, const Decision& decision);

  const ApiServices services_;
  const ErrorRules rules_;
  const ApiOptions options_;
  mutable std::mutex mutex_;  // guards report_ and ended_
  CallReport report_;
  std::optional<Error> ended_;
};

}  // namespace berth::http
