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
// of the day (the reserve) is left to them. The day is called spent when no answer is under way that could say otherwise.
//
// With a board the gates of several processes keep these limits together (quota_board.hpp): each calls within its share
// of the minute, and claims calls of the day in blocks. A process that is alone soon holds everything and asks about
// once a minute. The price: a share is given back only when its calls are 60 s old, so a process that comes second waits
// for up to about two minutes, and up to a block of the day's calls of each other process is out of reach. Where less is
// allowed than there are processes, they take turns.
//
// The wall clock may jump. Nothing here is waited for longer than the constants below say, whatever it shows.
//
// Any thread. Waits by Clock and ends them on a stop request. Owned by whoever makes the API clients; permits must not
// outlive it. No member may be called from within the board's transaction but tell().
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "host/core/result.hpp"
#include "host/core/time.hpp"
#include "host/http/limits.hpp"
#include "host/http/quota_board.hpp"
#include "host/http/transport.hpp"

namespace berth::http {

/// Nobody is made to wait, or refused, for longer than these from now on.
inline constexpr std::chrono::milliseconds kPauseMax{10 * 60'000};
inline constexpr std::chrono::milliseconds kDayMax{25 * 3'600'000};  // the day on which summer time ends
/// A share may be used for so long without asking again, and is counted by others for so long after that: a call that
/// began at the last moment, its own time limit, and the minute in which it counts.
inline constexpr std::chrono::milliseconds kShareUsable{60'000};
inline constexpr std::chrono::milliseconds kShareHold{3 * 60'000};
/// How often a process asks again for a share that others hold.
inline constexpr std::chrono::milliseconds kLookAgain{2'000};
/// Where no header says when the day turns, it is called turned so long after the midnight of the remote's clock, which
/// is known to the second at best.
inline constexpr std::chrono::milliseconds kTurnMargin{60'000};

struct QuotaOptions {
  int reserve_percent = 10;  // of the day's limit, 0 to 99
  std::string zone = "UTC";  // of the organisation: where its day turns, where no header says when
  std::string owner = {};    // names this process at the board
  std::function<bool(std::string_view owner)> is_dead_owner = {};  // as the engine's
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
  std::int64_t used_by_others = 0;       // of the day, by programs that are none of ours
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
  /// `board` outlives the gate; nullptr: nobody else draws on this quota.
  QuotaGate(Limits limits, QuotaOptions options, Clock& clock, QuotaBoard* board = nullptr);
  QuotaGate(const QuotaGate&) = delete;
  QuotaGate& operator=(const QuotaGate&) = delete;

  /// Waits until one more call is allowed. Errors: berth.quota (kQuotaExhausted, with retry_after_ms) when the day's
  /// calls but the reserve are spent or the organisation is blocked; berth.cancelled; the board's.
  Result<Permit> acquire(std::stop_token stop);

  /// Nobody sends until then; calls wait. A shorter pause does not cut a longer one.
  void pause_until(Instant until);
  /// Nobody sends until then; calls are refused with berth.quota, and `reason` and `message` say why.
  void block_until(Instant until, std::string reason, std::string message);
  /// The remote said "too many at once".
  void fewer_at_once();
  /// When the day turns, as far as is known: by header, else after the next midnight of the organisation's zone.
  [[nodiscard]] Instant resets_at() const;
  /// What is left of the day after the reserve; nothing where no limit is known.
  [[nodiscard]] std::optional<std::int64_t> day_left() const;
  [[nodiscard]] QuotaSnapshot snapshot() const;
  [[nodiscard]] const Limits& limits() const { return limits_; }

  /// Counts calls that were made without a permit of this gate, because it was not known yet whose quota they draw on.
  Status add(int calls);
  /// Reads what others told and takes a share. Before a run looks at day_left(). Errors: the board's.
  Status look();
  /// Gives back what is not used, at the end of a run; calls that follow ask again. Errors: the board's.
  Status rest();
  /// For a transaction that is open already (a checkpoint): the numbers of this process into the state, what others told
  /// out of it. Takes no share.
  void tell(QuotaState& state);

 private:
  friend class Permit;
  struct Grant {
    int places = 0;
    int at_once = 0;
    std::int64_t claimed = 0;
    bool is_resting = false;
    Instant until;
  };
  void finish(std::uint64_t number, const Headers* headers);
  void learn(std::uint64_t number, const Headers& headers, Instant now);
  void learn_count(std::uint64_t number, std::int64_t counted);
  void learn_turn(const Headers& headers, Instant now);
  void turn_day(Instant now);
  void forget_day(Instant now);
  void wait_for_answer(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  void mind_clock(Instant now);
  void forget_old(Instant now);
  [[nodiscard]] Instant next_reset(Instant now) const;
  [[nodiscard]] std::int64_t reserve() const;
  [[nodiscard]] std::int64_t day_used() const;
  [[nodiscard]] std::optional<std::int64_t> left() const;
  [[nodiscard]] std::optional<Error> refusal(Instant now) const;
  [[nodiscard]] int used_places() const;
  [[nodiscard]] int fair(int of, std::chrono::milliseconds turn, Instant now) const;
  [[nodiscard]] int fair_places(Instant now) const;
  [[nodiscard]] int fair_at_once(Instant now) const;
  [[nodiscard]] bool must_ask(Instant now) const;
  [[nodiscard]] std::optional<Instant> next_place(Instant now) const;

  // With the board (quota_shares.cpp).
  Status exchange(bool rests);
  void announce();
  QuotaShare* merge(QuotaState& state, Instant now, bool rests);
  void merge_lift(QuotaState& state, Instant now);
  void merge_day(QuotaState& state, Instant now);
  void merge_waits(QuotaState& state, Instant now);
  void merge_shares(QuotaState& state, Instant now);
  Grant agree(QuotaState& state, Instant now, bool rests);

  const Limits limits_;
  const QuotaOptions options_;
  Clock& clock_;
  QuotaBoard* const board_;
  std::mutex exchange_mutex_;  // one exchange at a time; before the board's lock, which is before mutex_
  mutable std::mutex mutex_;   // guards everything below
  std::condition_variable_any freed_;
  std::deque<Instant> ended_;  // ends of calls of the last minute, oldest first
  int in_flight_ = 0;
  int concurrent_ = 1;
  Instant concurrency_changed_;
  std::uint64_t next_number_ = 1;
  std::uint64_t learned_number_ = 0;  // the newest call whose answer was learnt from
  std::uint64_t day_number_ = 0;      // the first call of this day
  std::int64_t counted_ = -1;         // the most calls of this day that an answer has told of; -1: none has
  std::uint64_t counted_number_ = 0;  // the first call after that answer
  std::int64_t day_limit_ = 0;
  std::int64_t made_ = 0;       // calls of the day, by this process
  std::int64_t made_in_margin_ = 0;  // of those, since the remote's midnight
  std::int64_t foreign_ = 0;    // by programs that are none of ours, but for:
  std::int64_t lifted_ = 0;     // ours, from before a person lifted everything
  std::int64_t untold_ = 0;     // perhaps ours: claimed by other processes, and not told, when foreign_ was computed
  Instant day_resets_at_;
  bool is_reset_told_ = false;        // by a header
  std::chrono::milliseconds remote_ahead_{0};  // its clock before ours
  Instant learned_at_;
  Instant lifted_at_;
  Instant paused_until_;
  Instant blocked_until_;
  std::string blocked_reason_;
  std::string blocked_message_;

  // This process's share, and what others told last.
  bool has_met_board_ = false;
  bool is_listed_ = false;
  bool is_resting_ = true;
  int places_ = 0;
  int at_once_ = 0;
  std::int64_t claimed_ = 0;
  Instant usable_until_;
  Instant next_look_;
  int others_ = 0;  // that make calls
  int rank_ = 0;    // among all that make calls
  bool is_other_waiting_ = false;  // one of them has no place for any call
  std::int64_t others_made_ = 0;
  std::int64_t others_claimed_ = 0;
  std::int64_t forgotten_ = 0;
};

}  // namespace berth::http
