#include "host/http/call_runner.hpp"

#include <algorithm>
#include <exception>
#include <new>

#include "host/core/one_line.hpp"
#include "host/core/text.hpp"
#include "host/http/api_request.hpp"

namespace berth::http {
namespace {

Error stopped() {
  return make_error(Code::kCancelled, "berth.cancelled", "The run was asked to stop.");
}

Instant next_minute(Instant now) {
  constexpr std::int64_t kMinuteMs = 60'000;
  return {(now.unix_ms / kMinuteMs + 1) * kMinuteMs};
}

/// "GET /invoices/46 was answered with HTTP 429, code 44: You have exceeded ..."
std::string describe(const ApiCall& call, const Decision& decision) {
  constexpr std::size_t kMessageBytesMax = 200;
  std::string text = call.method + " " + shortened(call.path, 100);
  if (decision.status == 0) {
    std::string why = shortened(decision.remote_message, kMessageBytesMax);
    if (why.ends_with('.') && !why.ends_with("...")) why.pop_back();
    return text + " had no whole answer: " + why;
  }
  text += " was answered with HTTP " + std::to_string(decision.status);
  if (!decision.remote_code.empty()) text += ", code " + decision.remote_code;
  if (!decision.remote_message.empty()) text += ": " + shortened(decision.remote_message, kMessageBytesMax);
  if (text.ends_with('.') && !text.ends_with("..")) text.pop_back();   // the sentence goes on, or is ended, by the caller
  return text;
}

}  // namespace

/// The state of one call between its attempts.
class CallRunner::Attempts {
 public:
  Attempts(CallRunner& runner, const ApiCall& call, const std::stop_token& stop, const std::stop_token& abort)
      : runner_(runner), call_(call), stop_(stop), abort_(abort) {}

  Result<ApiAnswer> run() {
    auto request = BERTH_TRY(make_request(call_, runner_.options_));
    BERTH_CHECK(services().budgets.take(call_.cost));
    const Place place{*this};
    for (;;) {
      auto answered = attempt(request);
      if (!answered) return std::move(answered).error();
      if (answered->has_value()) return std::move(**answered);
    }
  }
  /// What an exception makes of the call: the record or page that it was for fails, the others go on.
  [[nodiscard]] Error thrown(const std::exception_ptr& exception) const {
    const std::string what = call_.method + " " + shortened(call_.path, 100);
    try {
      std::rethrow_exception(exception);
    } catch (const std::bad_alloc&) {
      return make_error(Code::kUnavailable, "http.out_of_memory", "This host had no memory for the answer to " + what + ".");
    } catch (const std::exception& error) {
      return make_error(Code::kInternal, "http.internal", what + " ended with an exception: " + one_line(error.what(), 200) + ".");
    } catch (...) {
      return make_error(Code::kInternal, "http.internal", what + " ended with an exception.");
    }
  }
  [[nodiscard]] bool was_sent() const { return sent_ > 0; }

 private:
  using Answered = std::optional<ApiAnswer>;  // nothing: again
  /// A place in the budgets. Stopped, refused or thrown out before it was sent: another call may have it.
  struct Place {
    const Attempts& call;
    explicit Place(const Attempts& of) : call(of) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (call.sent_ == 0) call.services().budgets.give_back(call.call_.cost);
    }
  };
  [[nodiscard]] const ApiServices& services() const { return runner_.services_; }

  Result<Answered> attempt(Request& request) {
    if (auto ended = runner_.ended()) return std::move(*ended);
    if (stop_.stop_requested()) return stopped();
    // Before the permit, since a refresh takes its time; a token that a person must renew ends the run.
    auto token = services().tokens.token(stop_);
    if (!token) return token_failed(std::move(token).error());
    auto permit = services().gate.acquire(stop_);
    if (!permit)
      return permit.error().reason == "berth.quota" ? runner_.end_run(std::move(permit).error())
                                                    : std::move(permit).error();
    // Others may have ended the run while this call waited.
    if (auto ended = runner_.ended()) return std::move(*ended);

    request.authorization = token->header_value;
    if (sent_ > 0) services().budgets.take_repeat(call_.cost);
    runner_.count_request(call_, request, sent_ > 0);
    ++sent_;
    auto response = services().transport.send(request, abort_);
    permit->finish(response ? &response->headers : nullptr);

    const auto decision = response
                              ? runner_.rules_.judge(call_.kind, expects_json(call_), *response, services().clock.now())
                              : runner_.rules_.judge(response.error());
    if (!decision.is_error()) return answer(std::move(*response), decision, Verdict::kNone);
    if (!response && response.error().code == Code::kCancelled) return stopped();
    runner_.count_error(request, decision);
    switch (decision.action) {
      case Action::kNone: {
        auto error = std::move(response).error();
        error.message = describe(call_, decision) + ".";
        return error;
      }
      case Action::kRefreshOnce:
        return refresh(decision, token->generation);
      case Action::kWait:
        return wait(decision);
      case Action::kRetry:
        return retry(decision);
      case Action::kStopRun:
        return stop_run(decision);
      case Action::kFailConnection:
        return fail_connection(decision);
      case Action::kSuspectDeleted:
        return answer(std::move(*response), decision, Verdict::kGone);
      case Action::kFailRecord:
        return answer(std::move(*response), decision, Verdict::kRefused);
    }
    return make_error(Code::kInternal, "http.internal", "An action of the error rules is not handled.");
  }

  static Answered answer(Response&& response, const Decision& decision, Verdict verdict) {
    ApiAnswer found;
    found.status = response.status;
    found.verdict = verdict;
    found.remote_code = decision.remote_code;
    found.headers = std::move(response.headers);
    found.body = std::move(response.body);
    return found;
  }

  /// Without a token no call of this run can be sent, and asking again for each of them would run into the remote's limit
  /// of token requests.
  Error token_failed(Error error) {
    if (error.code == Code::kCancelled) return error;
    return runner_.end_run(std::move(error));
  }

  Result<Answered> refresh(const Decision& decision, std::uint64_t generation) {
    if (refreshed_) return fail_connection(decision);
    refreshed_ = true;
    runner_.count_refresh();
    auto renewed = services().tokens.refresh(generation, stop_);
    if (!renewed) return token_failed(std::move(renewed).error());
    return Answered{};
  }

  [[nodiscard]] bool may_repeat(const Decision& decision) const {
    return (call_.method == "GET" || call_.method == "HEAD") && repeats_ < decision.times;
  }

  [[nodiscard]] Error unavailable(const Decision& decision) const {
    std::string text = describe(call_, decision) + " (tried " + std::to_string(repeats_ + 1) +
                       (repeats_ == 0 ? " time)." : " times).");
    if (!decision.status_page.empty()) text += " Outages are announced at " + decision.status_page + ".";
    auto error = make_error(Code::kUnavailable, decision.reason, std::move(text));
    if (decision.retry_after) error.retry_after_ms = std::min(*decision.retry_after, kRetryAfterMax).count();
    return error;
  }

  /// The remote named a time that no run waits for. Nobody of the organisation asks again before it.
  Error too_long(const Decision& decision, Instant until) {
    services().gate.block_until(std::min(until, services().clock.now() + kRetryAfterMax), decision.reason, describe(call_, decision));
    return unavailable(decision);
  }

  /// Everybody waits, since the remote blocked the whole organisation.
  Result<Answered> wait(const Decision& decision) {
    const auto now = services().clock.now();
    auto until = next_minute(now);
    if (decision.until != Until::kNextMinute) until = now + decision.backoff.wait(repeats_ + 1, services().random);
    if (decision.retry_after) until = std::max(until, now + *decision.retry_after);
    if (until - now > kRetryAfterWaitMax) return too_long(decision, until);
    services().gate.pause_until(until);
    if (decision.fewer_at_once) services().gate.fewer_at_once();
    if (!may_repeat(decision)) return unavailable(decision);
    ++repeats_;
    runner_.count_wait(until - now);
    return Answered{};  // the gate makes it wait
  }

  Result<Answered> retry(const Decision& decision) {
    if (decision.fewer_at_once) services().gate.fewer_at_once();
    const auto now = services().clock.now();
    if (decision.status == 429 && decision.retry_after) {
      if (*decision.retry_after > kRetryAfterWaitMax) return too_long(decision, now + *decision.retry_after);
      services().gate.pause_until(now + *decision.retry_after);
    }
    if (!may_repeat(decision)) return unavailable(decision);
    ++repeats_;
    auto wait = decision.backoff.wait(repeats_, services().random);
    if (decision.retry_after) wait = std::max(wait, *decision.retry_after);
    if (wait > kRetryAfterWaitMax) return unavailable(decision);
    runner_.count_wait(wait);
    if (!services().clock.sleep_for(wait, stop_)) return stopped();
    return Answered{};
  }

  Result<Answered> stop_run(const Decision& decision) {
    const auto now = services().clock.now();
    const bool is_day = decision.until == Until::kReset;
    auto until = is_day ? services().gate.resets_at() : next_minute(now);
    if (decision.retry_after) until = std::max(until, now + *decision.retry_after);
    until = std::min(until, now + (is_day ? kDayMax : kRetryAfterMax));
    auto what = describe(call_, decision);
    if (is_day) what += "; only a larger plan raises this limit";
    services().gate.block_until(until, decision.reason, what);
    auto error = make_error(Code::kQuotaExhausted, "berth.quota",
                            what + " (" + decision.reason + "); no request before " + to_string(until) + ".");
    error.retry_after_ms = (until - now).count();
    return runner_.end_run(std::move(error));
  }

  Error fail_connection(const Decision& decision) {
    return runner_.end_run(make_error(Code::kUnauthenticated, decision.reason, describe(call_, decision) + "."));
  }

  CallRunner& runner_;
  const ApiCall& call_;
  const std::stop_token& stop_;
  const std::stop_token& abort_;
  int sent_ = 0;
  int repeats_ = 0;
  bool refreshed_ = false;
};

CallRunner::Outcome CallRunner::run(const ApiCall& call, const std::stop_token& stop, const std::stop_token& abort) noexcept {
  Attempts attempts(*this, call, stop, abort);
  try {
    auto result = attempts.run();
    return {std::move(result), attempts.was_sent()};
  } catch (...) {
    try {
      return {attempts.thrown(std::current_exception()), attempts.was_sent()};
    } catch (...) {
      return {Error{Code::kUnavailable, "http.internal", {}}, attempts.was_sent()};   // not even memory for words
    }
  }
}

CallReport CallRunner::report() const {
  const std::scoped_lock lock(mutex_);
  return report_;
}

std::optional<Error> CallRunner::ended() const {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

Error CallRunner::end_run(Error error) {
  const std::scoped_lock lock(mutex_);
  if (!ended_) ended_ = error;
  return error;
}

void CallRunner::count_request(const ApiCall& call, const Request& request, bool is_repeat) {
  const std::scoped_lock lock(mutex_);
  const auto kind = std::min(static_cast<std::size_t>(call.kind), kCallKinds - 1);
  ++report_.calls[kind];
  if (is_repeat) ++report_.retries;
  report_.last_request = request.method + " " + request.url;
}

void CallRunner::count_refresh() {
  const std::scoped_lock lock(mutex_);
  ++report_.refreshes;
}

void CallRunner::count_wait(std::chrono::milliseconds wait) {
  const std::scoped_lock lock(mutex_);
  ++report_.waits;
  report_.waited += wait;
}

void CallRunner::count_error(const Request& request, const Decision& decision) {
  const auto now = services_.clock.now();
  {
    const std::scoped_lock lock(mutex_);
    ++report_.errors_total;
    if (report_.errors.size() >= kReportedErrorsMax) report_.errors.erase(report_.errors.begin());
    report_.errors.push_back({now, request.method + " " + request.url, decision.status, decision.remote_code,
                              decision.remote_message, decision.rule, decision.reason,
                              std::string(to_string(decision.action))});
  }
  options_.log.warning("remote error", {{"request", request.method + " " + request.url},
                                        {"status", decision.status},
                                        {"code", decision.remote_code},
                                        {"remote_message", decision.remote_message},
                                        {"rule", decision.rule},
                                        {"reason", decision.reason},
                                        {"action", to_string(decision.action)}});
}

}  // namespace berth::http
