#include "host/http/api_client.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "host/http/call_runner.hpp"
#include "host/http/crew.hpp"
#include "host/http/url.hpp"

namespace berth::http {
namespace {

/// Which of two errors of a batch its caller must hear about.
int rank(const Error& error) {
  if (error.code == Code::kCancelled) return 5;
  if (error.code == Code::kUnauthenticated) return 4;
  if (error.reason == "berth.quota" || error.reason == "berth.run_cap") return 3;
  if (error.reason == "berth.budget") return 2;
  return 1;
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

/// One send_batch(): some threads run calls, the caller's thread replies.
class Batch {
 public:
  Batch(CallRunner& runner, Crew& crew, std::span<const ApiCall> calls, std::stop_token stop, std::chrono::milliseconds stop_grace)
      : runner_(runner), crew_(crew), calls_(calls), stop_grace_(stop_grace), host_stop_(stop), on_stop_(std::move(stop), [this] {
          stop_.request_stop();
        }) {}
  ~Batch() {
    // Also when a callback threw: no thread may be left waiting.
    stop_.request_stop();
    std::unique_lock lock(mutex_);
    next_ = calls_.size();
    changed_.notify_all();
    changed_.wait(lock, [this] { return at_work_ == 0; });
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  Status run(int threads, const OnReply& on_reply) {
    at_work_ = threads;
    for (int i = 0; i < threads; ++i) crew_.start([this] { work(); });
    Worst worst;
    for (std::size_t replies = 0; replies < calls_.size(); ++replies) {
      auto finished = next_finished();
      worst.see(finished.outcome);
      if (!on_reply(ApiReply{finished.index, std::move(finished.outcome.result)})) stop_.request_stop();
      {
        const std::scoped_lock lock(mutex_);
        ++replied_;
      }
      changed_.notify_all();
    }
    return std::move(worst).status();
  }

 private:
  struct Finished {
    std::size_t index;
    CallRunner::Outcome outcome;
  };

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return next_ >= calls_.size() || next_ - replied_ < kFinishedMax; });
      if (next_ >= calls_.size()) break;
      const auto index = next_++;
      lock.unlock();
      auto outcome = runner_.run(calls_[index], stop_.get_token(), abort_.get_token());
      lock.lock();
      finished_.push_back({index, std::move(outcome)});
      changed_.notify_all();
    }
    --at_work_;
    changed_.notify_all();  // with the lock: the batch may be gone without it
  }

  Finished next_finished() {
    std::unique_lock lock(mutex_);
    const auto has_one = [this] { return !finished_.empty(); };
    if (!changed_.wait(lock, host_stop_, has_one)) {
      // Paid calls on their way get some time to arrive. Real time: it bounds real sockets.
      if (!grace_ends_) grace_ends_ = std::chrono::steady_clock::now() + stop_grace_;
      if (!changed_.wait_until(lock, *grace_ends_, has_one)) {
        abort_.request_stop();
        changed_.wait(lock, has_one);
      }
    }
    auto finished = std::move(finished_.front());
    finished_.pop_front();
    return finished;
  }

  CallRunner& runner_;
  Crew& crew_;
  const std::span<const ApiCall> calls_;
  const std::chrono::milliseconds stop_grace_;
  const std::stop_token host_stop_;  // the host's own, after which answers have a limited time
  std::stop_source stop_;            // begin nothing more: the host's, or the callback's
  std::stop_source abort_;           // end also what is on its way
  std::mutex mutex_;                 // guards what follows
  std::condition_variable_any changed_;
  std::size_t next_ = 0;  // calls begun
  std::size_t replied_ = 0;
  int at_work_ = 0;  // threads that use this object
  std::deque<Finished> finished_;
  std::optional<std::chrono::steady_clock::time_point> grace_ends_;
  std::stop_callback<std::function<void()>> on_stop_;
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
    const int threads = std::min({gate_.limits().concurrent, kConcurrentMax, static_cast<int>(calls.size())});
    return Batch(runner_, crew_, calls, std::move(stop), stop_grace_).run(threads, on_reply);
  }
  [[nodiscard]] CallReport report() const { return runner_.report(); }

 private:
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

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Status ApiClient::send_batch(std::span<const ApiCall> calls, std::stop_token stop, const OnReply& on_reply) {
  return impl_->send_batch(calls, std::move(stop), on_reply);
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
