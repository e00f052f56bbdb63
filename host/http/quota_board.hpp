#pragma once
// What processes that draw on the quota of one remote organisation tell each other: one small row of the database.
//
// Each process has a share there. It holds so many places of any minute and so many of the calls at once, and has
// claimed so many calls of the day in advance; the sums never exceed the limits. Within its share a process asks nobody,
// so a call costs no write. Numbers of a process are absolute, so that telling them twice, or a transaction that is
// rolled back, does no harm.
//
// A person may lift what stands there (lift()): pauses and blocks, and what is known of the day. The next answers teach it
// anew. Gates hear of it by `lifted_at`, so that none tells again what was lifted.
//
// Plain data; the board is implemented where the database is.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"
#include "host/core/time.hpp"

namespace berth::http {

struct QuotaShare {
  std::string owner;          // names the process
  int places = 0;             // of any minute
  int at_once = 0;            // calls at the same time
  std::int64_t made = 0;      // calls of this day
  std::int64_t claimed = 0;   // calls of this day with those that it may make without asking, at least `made`
  bool is_resting = false;    // makes no calls now; its places run out
  bool is_waiting = false;    // would make calls and has no place for any
  Instant until;              // forgotten then
};

/// Processes that draw on one quota at the same time. Further ones wait for a place.
inline constexpr std::size_t kSharesMax = 64;

/// What is kept of the quota of one organisation. Times are 0 where there is none.
struct QuotaState {
  std::int64_t day_limit = 0;   // 0: not known, or as the limits say
  std::int64_t foreign = 0;     // calls of the day that none of us made, as far as the answers' headers say; may be negative
  std::int64_t forgotten = 0;   // calls of the day of shares that are gone
  /// Of `foreign`, what is ours all the same: calls that were made before a person lifted everything, which the headers go on
  /// counting, and calls that other processes had claimed and not told when it was computed. One that was killed never tells.
  std::int64_t lifted = 0;
  std::int64_t untold = 0;
  Instant lifted_until;         // the end of the day of `lifted`
  Instant day_resets_at;
  Instant learned_at;           // when limit, foreign and reset were read from headers
  Instant lifted_at;            // when a person last lifted everything
  Instant paused_until;         // calls wait
  Instant blocked_until;        // calls are refused
  std::string blocked_reason;   // of the rule: "zoho_books.rate_limit.daily"
  std::string blocked_message;
  int concurrent = 0;           // now allowed at once; 0: as the limits say
  Instant concurrent_changed;
  int per_minute = 0;           // for people: the limits as the gates know them
  int at_once = 0;
  std::int64_t day_reserve = 0;
  std::vector<QuotaShare> shares;

  [[nodiscard]] QuotaShare* find(std::string_view owner);
  /// Calls of the day, as far as everybody has told.
  [[nodiscard]] std::int64_t day_made() const;
  /// Of these, calls of programs that are none of ours; at the least where processes of ours come and go.
  [[nodiscard]] std::int64_t by_others() const;
  /// No pause, no block, and nothing is known of the day; what was called within the minute stays.
  void lift(Instant now);
  /// Takes this share up into the one that stands for several which nobody can tell apart any more.
  void fold(const QuotaShare& share);
  /// Makes room for one more share by folding two that rest. False where all are at work.
  bool make_room();
  /// All its moments later by that much: as a clock that is so far ahead shows them. 0 stays 0.
  void shift(std::chrono::milliseconds by);
  [[nodiscard]] json::Value to_json() const;
  /// Anything that is missing or has the wrong type is as in a new state.
  static QuotaState from_json(const json::Value& value);
};

/// The row. Any thread.
class QuotaBoard {
 public:
  virtual ~QuotaBoard() = default;
  /// Reads the state, lets it be changed and writes it back, in one transaction. Errors: the storage's; then nothing was
  /// written.
  virtual Status exchange(const std::function<void(QuotaState& state)>& change) = 0;
};

}  // namespace berth::http
