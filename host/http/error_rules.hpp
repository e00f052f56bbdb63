#pragma once
// What an answer of the remote means, as data: the `errors:` block of phases.yaml (docs/plugin-author/phases.md).
//
//   ErrorRules rules = BERTH_TRY(ErrorRules::parse(*phases.find("errors")));
//   Decision decision = rules.judge(CallKind::kList, true, response);
//
// The first rule that matches wins. A `code` is looked for by JSON pointer in every JSON body, so a code other than
// `ok` under HTTP 200 is an error too. Without a matching rule: 401 is refresh_once; 429, 5xx, time-outs and broken
// bodies are retry; everything else is the plugin's to judge.
//
// Plain data after parse(): any thread.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/random.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/http/transport.hpp"

namespace berth::http {

/// What a call is for: a line of the run report. The numbers are those of BERTH_CALL_*.
enum class CallKind : std::uint32_t { kOther = 0, kList = 1, kDetail = 2, kFile = 3, kWrite = 4 };
inline constexpr std::size_t kCallKinds = 5;
[[nodiscard]] std::string_view to_string(CallKind kind);

enum class Action {
  kNone,            // no rule, or a good answer: it goes to the plugin as it is
  kRefreshOnce,     // a new token, then once more; again the same: fail_connection
  kWait,            // nobody of this organisation sends until then; GET is repeated
  kRetry,           // this call waits; GET is repeated
  kStopRun,         // nobody of this organisation sends until then; the run ends with berth.quota
  kFailConnection,  // a person must reconnect; the run ends
  kSuspectDeleted,  // the record does not exist; only DETAIL calls
  kFailRecord,      // permanent for this record
};
[[nodiscard]] std::string_view to_string(Action action);

struct Backoff {
  std::chrono::milliseconds first{1'000};
  double factor = 2.0;
  std::chrono::milliseconds max{60'000};
  double jitter = 0.2;  // share of the wait that is random, 0 to 1
  /// The wait before repeat number `repeat` (from 1), jitter taken off: between (1-jitter) and 1 of the full wait.
  [[nodiscard]] std::chrono::milliseconds wait(int repeat, Random& random) const;
};

enum class Until { kBackoff, kNextMinute, kReset };

/// What to do, and everything that a person may want to know about why.
struct Decision {
  Action action = Action::kNone;
  std::string reason = {};  // of the rule: "zoho_books.rate_limit.minute"; or http.…, without a rule
  std::string rule = {};    // "errors.rules[2]", "default" or empty for a good answer
  int times = 0;            // repeats at most
  Until until = Until::kBackoff;
  Backoff backoff;
  bool fewer_at_once = false;
  std::optional<std::chrono::milliseconds> retry_after = {};  // what the answer asked for
  int status = 0;                                             // HTTP; 0: there was no answer
  std::string remote_code = {};                               // as text; empty: none found
  std::string remote_message = {};                            // one printable line of at most kRemoteMessageMax bytes
  std::string status_page = {};                               // where the remote tells of outages, if this may be one
  [[nodiscard]] bool is_error() const { return !rule.empty(); }
};
inline constexpr std::size_t kRemoteMessageMax = 1'000;

struct ErrorRule {
  std::vector<int> http = {};           // empty: any status
  std::vector<std::string> codes = {};  // empty: code is not asked about, unless any_code
  bool any_code = false;                // a code other than ok
  bool not_json = false;                // a body that should have been JSON and is not
  bool no_answer = false;               // an exchange that failed and may work when it is repeated
  Action action = Action::kNone;
  std::string reason = {};
  int times = 4;
  Until until = Until::kBackoff;
  Backoff backoff;
  bool fewer_at_once = false;
};

class ErrorRules {
 public:
  /// No rules: the defaults alone.
  ErrorRules() = default;
  /// `block` is the `errors` object, null for none. Errors: http.rules_invalid (kInvalidConfig); the message begins
  /// with the place: "/errors/rules/3/action: unknown action \"retri\"; did you mean \"retry\"?".
  static Result<ErrorRules> parse(const json::Value& block);

  /// Judges an answer. `expects_json`: the caller asked for JSON, not for a file.
  [[nodiscard]] Decision judge(CallKind kind, bool expects_json, const Response& response, Instant now) const;
  /// Judges an exchange without an answer (reasons of transport.hpp).
  [[nodiscard]] Decision judge(const Error& transport_error) const;

  [[nodiscard]] const std::vector<ErrorRule>& rules() const { return rules_; }
  /// The page on which the remote tells of its outages; decisions that may be one carry it.
  void set_status_page(std::string url) { status_page_ = std::move(url); }

 private:
  std::vector<std::string> judged_members_;  // of the answer, in which the two pointers begin; the rest is not kept
  std::string code_pointer_;
  std::string message_pointer_;
  std::string ok_code_;
  std::string status_page_;
  std::vector<ErrorRule> rules_;
};

/// "120" or "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, Retry-After) as a wait from `now`; nothing for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, Instant now);
/// The moment of an HTTP date such as the Date header's; nothing for anything else.
[[nodiscard]] std::optional<Instant> parse_http_date(std::string_view text);

}  // namespace berth::http
