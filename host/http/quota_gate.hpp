#pragma once
// The gate through which every call to one remote organisation goes, whichever integration makes it.
//
//   QuotaGate gate(limits, {.reserve_percent = 10, .zone = "America/New_York"}, clock);
//   Permit permit = BERTH_TRY(gate.acquire(stop));          // waits for the minute and for a free place
//   Result<Response> response = transport.send(...);
//   permit.finish(response ? &response->headers : nullptr);  // what the answer says about the quota is learnt here
//
// Never more than `per_minute` calls in any 60 seconds: a call counts from its permit until 60 s after it finished, so
// the bound also holds at the remote's end, whatever the network delays. Calls at once are bounded; when the remote
// says that it is too many they are halved, and grow again by one a minute. The day's calls are counted, and what the
// answers' headers say about the day replaces the count, because other programs of the customer draw on it too. A share
// of the day (the reserve) is left to them.
//
// Any thread. Waits by Clock and ends them on a stop request. Owned by whoever makes the API clients; permits must not
// outlive it.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/http/limits.hpp"
#include "host/http/transport.hpp"

namespace berth::http {

struct QuotaOptions {
  int reserve_percent = 10;  // of the day's limit, 0 to 99
  std::string zone = "UTC";  // of the organisation: where its day turns, until a header says when
};

/// What survives a restart. Times are 0 where there is none.
struct QuotaState {
  std::int64_t day_limit = 0;  // 0: not known
  std::int64_t day_used = 0;
  Instant day_resets_at;
  bool learned = false;        // limit and use came from the remote's headers
  Instant paused_until;        // calls wait
  Instant blocked_until;       // calls are refused
  std::string blocked_reason;  // of the rule: "zoho_books.rate_limit.daily"
  std::string blocked_message;
  int concurrent = 0;           // now allowed at once; 0: as the limits say
  std::vector<Instant> recent;  // ends of the last minute's calls
  [[nodiscard]] json::Value to_json() const;
  /// Anything that is missing or has the wrong type is as in a new state.
  static QuotaState from_json(const json::Value& value);
};

struct QuotaSnapshot {
  int per_minute = 0;
  int used_in_minute = 0;
  int concurrent_limit = 0;  // now, after reductions
  int in_flight = 0;
  std::optional<std::int64_t> day_limit;
  std::int64_t day_used = 0;
  std::optional<std::int64_t> day_left;  // after the reserve, not below 0
  std::int64_t day_reserve = 0;
  bool learned = false;
  Instant day_resets_at;
  std::optional<Instant> paused_until;
  std::optional<Instant> blocked_until;
  std::string blocked_reason;
};

class QuotaGate;

/// The right to one call. Ends with finish(), or when it is destroyed.
class Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { finish(nullptr); }
  /// `headers` of the answer, nullptr where there was none. Only the first call counts.
  void finish(const Headers* headers);

 private:
  friend class QuotaGate;
  Permit(QuotaGate* gate, std::uint64_t number) : gate_(gate), number_(number) {}
  QuotaGate* gate_ = nullptr;
  std::uint64_t number_ = 0;
};

class QuotaGate {
 public:
  QuotaGate(Limits limits, QuotaOptions options, Clock& clock);
  QuotaGate(const QuotaGate&) = delete;
  QuotaGate& operator=(const QuotaGate&) = delete;

  /// Waits until one more call is allowed. Errors: berth.quota (kQuotaExhausted, with retry_after_ms) when the day's
  /// calls but the reserve are spent or the organisation is blocked; berth.cancelled.
  Result<Permit> acquire(std::stop_token stop);

  /// Nobody sends until then; calls wait. A shorter pause does not cut a longer one.
  void pause_until(Instant until);
  /// Nobody sends until then; calls are refused with berth.quota, and `reason` and `message` say why.
  void block_until(Instant until, std::string reason, std::string message);
  /// The remote said "too many at once".
  void fewer_at_once();
  /// When the day turns, as far as is known: by header, else the next midnight of the organisation's zone.
  [[nodiscard]] Instant resets_at() const;
  /// What is left of the day after the reserve; nothing where no limit is known.
  [[nodiscard]] std::optional<std::int64_t> day_left() const;

  [[nodiscard]] QuotaSnapshot snapshot() const;
  [[nodiscard]] QuotaState state() const;
  /// Takes over what was kept before a restart; before the first acquire().
  void restore(const QuotaState& state);
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  friend class Permit;
  void finish(std::uint64_t number, const Headers* headers);
  void learn(std::uint64_t number, const Headers& headers, Instant now);
  void turn_day(Instant now);
  void forget_old(Instant now);
  [[nodiscard]] Instant next_reset(Instant now) const;
  [[nodiscard]] std::int64_t reserve() const;
  [[nodiscard]] std::optional<std::int64_t> left() const;
  [[nodiscard]] std::optional<Error> refusal(Instant now) const;

  const Limits limits_;
  const QuotaOptions options_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable_any freed_;
  std::deque<Instant> ended_;  // ends of calls of the last minute, oldest first
  int in_flight_ = 0;
  int concurrent_ = 1;
  Instant concurrency_changed_;
  std::uint64_t next_number_ = 1;
  std::uint64_t learned_number_ = 0;  // the newest call whose answer was learnt from
  std::int64_t day_limit_ = 0;
  std::int64_t day_used_ = 0;
  Instant day_resets_at_;
  bool learned_ = false;
  Instant paused_until_;
  Instant blocked_until_;
  std::string blocked_reason_;
  std::string blocked_message_;
};

}  // namespace berth::http
