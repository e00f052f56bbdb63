#include "host/http/api_client.hpp"

#include <algorithm>
#include <optional>

#include "berth/severity.hpp"
#include "host/http/call_runner.hpp"
#include "host/http/call_stream.hpp"
#include "host/http/crew.hpp"
#include "host/http/url.hpp"

namespace berth::http {
namespace {

/// Which of two errors of a batch its caller must hear about.
int rank(const Error& error) {
  const std::int32_t status = error.code == Code::kCancelled         ? BERTH_CANCELLED
                              : error.code == Code::kUnauthenticated ? BERTH_UNAUTHENTICATED
                                                                     : BERTH_INTERNAL;
  return severity(status, error.reason);
}

/// The worst of a batch, if any. A call that was sent and only failed is its reply's business alone.
class Worst {
 public:
  void see(const CallRunner::Outcome& outcome) {
    if (outcome.result.ok()) return;
    const auto& error = outcome.result.error();
    if (outcome.was_sent && rank(error) == 1) return;
    if (!error_ || rank(error) > rank(*error_)) error_ = error;
  }
  [[nodiscard]] Status status() && {
    if (error_) return std::move(*error_);
    return success();
  }

 private:
  std::optional<Error> error_;
};

}  // namespace

class ApiClient::Impl {
 public:
  Impl(ApiServices services, ErrorRules rules, ApiOptions options)
      : gate_(services.gate),
        stop_grace_(options.stop_grace),
        runner_(services, std::move(rules), std::move(options)) {}

  Status send_batch(std::span<const ApiCall> calls, std::stop_token stop, const OnReply& on_reply) {
    if (calls.size() > kBatchCallsMax) {
      return make_error(Code::kInternal, "http.batch_too_large",
                        "A batch of " + std::to_string(calls.size()) + " calls; the limit is " +
                            std::to_string(kBatchCallsMax) + ".");
    }
    if (calls.empty()) return success();
    CallStream stream(runner_, crew_, threads(), std::move(stop), stop_grace_);
    stream.add(calls);
    Worst worst;
    for (auto finished = stream.take(1); !finished.empty(); finished = stream.take(1)) {
      CallRunner::Outcome& outcome = finished.front().outcome;
      worst.see(outcome);
      if (!on_reply(ApiReply{finished.front().index, std::move(outcome.result)})) stream.stop();
    }
    return std::move(worst).status();
  }
  std::unique_ptr<CallStream> open_stream(std::stop_token stop) {
    return std::make_unique<CallStream>(runner_, crew_, threads(), std::move(stop), stop_grace_);
  }
  [[nodiscard]] CallReport report() const { return runner_.report(); }

 private:
  [[nodiscard]] int threads() const { return std::min(gate_.limits().concurrent, kConcurrentMax); }

  QuotaGate& gate_;
  const std::chrono::milliseconds stop_grace_;
  CallRunner runner_;
  Crew crew_;   // ends before what its tasks use
};

Result<std::unique_ptr<ApiClient>> ApiClient::create(ApiServices services, ErrorRules rules, ApiOptions options) {
  const auto base = BERTH_TRY(Url::parse(options.base_url));
  const bool is_allowed = base.is_https() || (options.allow_http_loopback && base.is_loopback());
  if (!is_allowed || base.target.find('?') != std::string::npos) {
    return make_error(Code::kInvalidConfig, "http.url_refused",
                      "The API base \"" + options.base_url + "\" is refused.");
  }
  options.base_url = base.origin() + base.target;
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  return std::unique_ptr<ApiClient>(
      new ApiClient(std::make_unique<Impl>(services, std::move(rules), std::move(options))));
}

class ApiStream::Impl {
 public:
  explicit Impl(std::unique_ptr<CallStream> calls) : calls_(std::move(calls)) {}
  CallStream& calls() { return *calls_; }

 private:
  std::unique_ptr<CallStream> calls_;
};

ApiStream::ApiStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiStream::~ApiStream() = default;

Status ApiStream::add(std::span<const ApiCall> calls) {
  if (impl_->calls().under_way() + calls.size() > kBatchCallsMax) {
    return make_error(Code::kInternal, "http.batch_too_large",
                      std::to_string(impl_->calls().under_way()) + " calls are under way and " + std::to_string(calls.size()) +
                          " more were added; the limit is " + std::to_string(kBatchCallsMax) + ".");
  }
  impl_->calls().add(calls);
  return success();
}

std::vector<ApiReply> ApiStream::take(std::size_t most) {
  std::vector<ApiReply> replies;
  for (CallStream::Finished& finished : impl_->calls().take(most)) {
    replies.push_back({finished.index, std::move(finished.outcome.result)});
  }
  return replies;
}

void ApiStream::stop() { impl_->calls().stop(); }

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Status ApiClient::send_batch(std::span<const ApiCall> calls, std::stop_token stop, const OnReply& on_reply) {
  return impl_->send_batch(calls, std::move(stop), on_reply);
}

std::unique_ptr<ApiStream> ApiClient::open_stream(std::stop_token stop) {
  return std::unique_ptr<ApiStream>(new ApiStream(std::make_unique<ApiStream::Impl>(impl_->open_stream(std::move(stop)))));
}

Result<ApiAnswer> ApiClient::send(const ApiCall& call, std::stop_token stop) {
  Result<ApiAnswer> result = make_error(Code::kInternal, "http.internal", "A call had no reply.");
  BERTH_CHECK(impl_->send_batch({&call, 1}, std::move(stop), [&](ApiReply&& reply) {
    result = std::move(reply.result);
    return true;
  }));
  return result;
}

CallReport ApiClient::report() const {
  return impl_->report();
}

}  // namespace berth::http
