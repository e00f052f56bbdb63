#pragma once
// The calls of one run of one integration to its remote API. Retries, limits, budgets, tokens, redirects (never
// followed) and cancellation are decided here and nowhere else.
//
//   ApiClient client({transport, tokens, gate, budgets, clock, random}, rules, base_url, Mode::kPullOnly);
//   Status all_sent = client.send_batch(calls, stop, [&](ApiReply&& reply) { ...; return true; });
//
// send_batch() belongs to one thread at a time (the run's); replies come on that thread. It keeps as many calls in
// flight as the limits allow, on at most kConcurrentMax threads of its own. Nothing it refers to may be destroyed
// before it.
//
// Rules that are not obvious:
//   * Every call of a batch has exactly one reply, in the order in which calls finish; one that was never sent says
//   why.
//   * At most kFinishedMax calls are begun and not yet replied, so at most that many finished ones wait, and none is begun
//   while their bodies have 16 MiB.
//   * A stop request starts no further call; answers on their way have kStopGrace to arrive and are delivered.
//   * A reply callback that returns false starts no further call of this batch either.
//   * wait and retry repeat only GET. refresh_once repeats any method, since the remote refused it before doing
//   anything.
//   * A spent budget stops only calls of its cost class; other calls of the batch go on.
//   * After fail_connection and stop_run nothing is sent any more by this client; every further call has the same
//   error.
//   * Anything but GET in Mode::kPullOnly is refused with berth.pull_only and nothing is sent.
//   * Requests never leave base_url's origin: a path cannot express another one, and redirects are answers like others.
//
// Errors of a reply:
//   berth.cancelled    kCancelled        the host or the callback asked to stop before this call was answered
//   berth.budget       kQuotaExhausted   the call's cost class is spent for this run
//   berth.quota        kQuotaExhausted   the day, or a stop_run rule
//   http.out_of_memory kUnavailable      this host had no memory for the answer
//   berth.pull_only    kUnsupported      not GET in pull_only mode
//   http.path_refused, http.header_refused, http.method_refused, http.too_large    kInternal   the plugin's request is
//   wrong the rule's reason  kUnauthenticated  fail_connection the rule's reason  kUnavailable      repeated as often
//   as the rule says, or not a GET oauth.…            as host/oauth says it http.…             kBadResponse      the
//   answer cannot be read (transport.hpp)
//
// send_batch() returns success only if every call was sent; else the first of these that happened to any call:
// cancelled, connection failed, berth.quota, berth.budget, a refused request.
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "host/core/random.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/http/budget.hpp"
#include "host/http/call_report.hpp"
#include "host/http/error_rules.hpp"
#include "host/http/quota_gate.hpp"
#include "host/http/token_source.hpp"
#include "host/http/transport.hpp"
#include "host/telemetry/log.hpp"

namespace berth::http {

inline constexpr std::size_t kBatchCallsMax = 256;
inline constexpr std::size_t kFinishedMax = 16;
inline constexpr std::chrono::milliseconds kStopGrace{5'000};
/// A Retry-After above this is not waited for inside a run.
inline constexpr std::chrono::milliseconds kRetryAfterWaitMax{5 * 60'000};
/// Nor believed beyond this, whatever it says: a single answer, which a proxy may have made up, keeps nobody away for a
/// day. Only a rule that calls the day spent (stop_run until reset) does.
inline constexpr std::chrono::milliseconds kRetryAfterMax{3'600'000};

enum class Mode { kPullOnly, kTwoWay };
/// The numbers are those of BERTH_VERDICT_*.
enum class Verdict : std::uint32_t { kNone = 0, kGone = 1, kRefused = 2 };

struct ApiCall {
  std::string method = "GET";
  std::string path = {};  // "/invoices/46", below the API base; see check_path
  Headers query = {};     // plain text; encoded here
  Headers headers = {};   // authorisation and framing are added here and cannot be given
  std::string body = {};
  std::string cost = {};  // cost class; empty: only the quota
  CallKind kind = CallKind::kOther;
};

struct ApiAnswer {
  int status = 0;
  Verdict verdict = Verdict::kNone;
  std::string remote_code = {};
  Headers headers = {};  // names in lower case
  std::string body = {};
};

struct ApiReply {
  std::size_t index = 0;  // place of the call in the batch
  Result<ApiAnswer> result;
};

/// On the thread of send_batch. false: start no further call of this batch.
using OnReply = std::function<bool(ApiReply&& reply)>;

/// What a client works with; all of it outlives the client.
struct ApiServices {
  Transport& transport;
  TokenSource& tokens;
  QuotaGate& gate;
  Budgets& budgets;
  Clock& clock;
  Random& random;
};

struct ApiOptions {
  std::string base_url = {};  // "https://www.zohoapis.eu/books/v3"; what TokenSource::api_base() says
  Mode mode = Mode::kPullOnly;
  std::chrono::milliseconds stop_grace = kStopGrace;  // for answers on their way, once the host asked to stop
  bool allow_http_loopback = false;
  telemetry::Log log = {};  // remote errors go there, too
};

/// Calls that are under way while the run does other things. The same rules as for a batch, but for what ends it: every
/// reply says for itself. One thread, the run's; it ends before its client.
class ApiStream {
 public:
  ~ApiStream();
  ApiStream(const ApiStream&) = delete;
  ApiStream& operator=(const ApiStream&) = delete;
  /// Begins them as the limits allow. Errors: http.batch_too_large with more than kBatchCallsMax under way.
  Status add(std::span<const ApiCall> calls);
  /// Waits for a reply and returns those that are there, at most so many and about a MiB; none: nothing is under way. `index` is the place
  /// among all calls that were ever added.
  std::vector<ApiReply> take(std::size_t most);
  /// Begins nothing more; what was not begun is replied with berth.cancelled.
  void stop();

 private:
  friend class ApiClient;
  class Impl;
  explicit ApiStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class ApiClient {
 public:
  /// Errors: http.url_refused for a base URL that is not https (or allowed loopback http) or has a query.
  static Result<std::unique_ptr<ApiClient>> create(ApiServices services, ErrorRules rules, ApiOptions options);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  Status send_batch(std::span<const ApiCall> calls, std::stop_token stop, const OnReply& on_reply);
  /// `stop`: as a batch's.
  std::unique_ptr<ApiStream> open_stream(std::stop_token stop);
  /// A batch of one.
  Result<ApiAnswer> send(const ApiCall& call, std::stop_token stop);

  /// Any thread.
  [[nodiscard]] CallReport report() const;

 private:
  class Impl;
  explicit ApiClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A path below the API base: one "/" at the start, no "//", no segment "." or "..", no "?", "#", "\", blank, control
/// or non-ASCII character, none of these as %XX, no broken or double escape. Errors: http.path_refused.
[[nodiscard]] Status check_path(std::string_view path);

}  // namespace berth::http
