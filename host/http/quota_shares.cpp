// What the gates of several processes agree on at their board.
#include <algorithm>
#include <utility>

#include "host/http/quota_gate.hpp"

namespace berth::http {
namespace {

constexpr std::chrono::milliseconds kMinute{60'000};
/// A share of the minute grows by tenths of the limit, so that a process that dies holds little more than it used; the
/// day's calls are claimed by hundredths, so that little is out of others' reach.
constexpr int kPlaceSteps = 10;
constexpr int kDayBlocks = 100;

/// No time of the row is further ahead than it can be: the clock of whoever wrote it may have been wrong.
void mind_clock(QuotaState& state, Instant now) {
  state.day_resets_at = std::min(state.day_resets_at, now + kDayMax);
  state.learned_at = std::min(state.learned_at, now);
  state.lifted_at = std::min(state.lifted_at, now);
  state.lifted_until = std::min(state.lifted_until, now + kDayMax);
  state.paused_until = std::min(state.paused_until, now + kPauseMax);
  state.blocked_until = std::min(state.blocked_until, now + kDayMax);
  state.concurrent_changed = std::min(state.concurrent_changed, now);
  for (QuotaShare& share : state.shares) share.until = std::min(share.until, now + kShareHold);
}

}  // namespace

Status QuotaGate::look() {
  if (board_ == nullptr) return success();
  return exchange(false);
}

Status QuotaGate::rest() {
  if (board_ == nullptr) return success();
  return exchange(true);
}

Status QuotaGate::add(int calls) {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.now();
    turn_day(now);
    ended_.insert(ended_.end(), static_cast<std::size_t>(calls), now);
    made_ += calls;
  }
  return rest();
}

void QuotaGate::tell(QuotaState& state) {
  const std::scoped_lock lock(mutex_);
  merge(state, clock_.now(), false);
}

/// Others should hear at once that nobody may send. If the board fails they find out themselves, and this process at its
/// next checkpoint.
void QuotaGate::announce() {
  if (board_ != nullptr) static_cast<void>(exchange(false).ok());
}

Status QuotaGate::exchange(bool rests) {
  const std::scoped_lock one(exchange_mutex_);
  Grant grant;
  BERTH_CHECK(board_->exchange([&](QuotaState& state) {
    const std::scoped_lock lock(mutex_);
    grant = agree(state, clock_.now(), rests);
    // What is given back is not used any more before the others read it; what is new, only after it is written.
    places_ = std::min(places_, grant.places);
    at_once_ = std::min(at_once_, grant.at_once);
    claimed_ = std::min(claimed_, grant.claimed);
    is_resting_ = is_resting_ || grant.is_resting;
  }));
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.now();
    places_ = grant.places;
    at_once_ = grant.at_once;
    claimed_ = grant.claimed;
    is_resting_ = grant.is_resting;
    usable_until_ = grant.until - (kShareHold - kShareUsable);
    // Nothing more is to be had for now, or what is too much is given back when it is not used any more.
    const bool is_short = (limits_.per_minute > 0 && used_places() >= places_ && places_ < limits_.per_minute) ||
                          (in_flight_ >= at_once_ && at_once_ < concurrent_);
    next_look_ = is_short || others_ > 0 ? now + kLookAgain : now;
  }
  freed_.notify_all();
  return success();
}

/// Returns this process's share; nullptr where all that there is room for are at work, or nothing is left to tell.
QuotaShare* QuotaGate::merge(QuotaState& state, Instant now, bool rests) {
  const bool is_first = !has_met_board_;
  mind_clock(now);
  turn_day(now);
  forget_old(now);
  http::mind_clock(state, now);
  merge_lift(state, now);
  merge_day(state, now);
  // This process had a gate before this one, which was not kept (runs/registry.hpp): its calls of the day are ours.
  if (const QuotaShare* earlier = is_first ? state.find(options_.owner) : nullptr) made_ += earlier->made;
  merge_waits(state, now);
  merge_shares(state, now);
  state.per_minute = limits_.per_minute;
  state.at_once = limits_.concurrent;
  state.day_reserve = day_limit_ > 0 ? reserve() : 0;
  QuotaShare* mine = state.find(options_.owner);
  if (mine == nullptr) {
    // Whoever forgot this share has counted what it claimed.
    if (std::exchange(is_listed_, false)) made_ = 0;
    if (rests && in_flight_ == 0 && made_ == 0) return nullptr;
    is_listed_ = state.shares.size() < kSharesMax || state.make_room();
    if (!is_listed_) {
      state.forgotten += made_;
      made_ = 0;
      return nullptr;
    }
    state.shares.push_back({.owner = options_.owner, .until = now + kShareHold});
    mine = &state.shares.back();
  }
  is_listed_ = true;
  mine->made = made_;
  mine->claimed = std::max(mine->claimed, made_);
  return mine;
}

void QuotaGate::merge_lift(QuotaState& state, Instant now) {
  const bool is_news = state.lifted_at > lifted_at_ && has_met_board_;
  has_met_board_ = true;
  lifted_at_ = state.lifted_at;
  if (!is_news) return;
  forget_day(now);
  day_number_ = 0;  // what is under way is news, too
  learned_at_ = paused_until_ = blocked_until_ = {};
  day_limit_ = limits_.per_day;
  concurrent_ = limits_.concurrent;
  concurrency_changed_ = {};
}

void QuotaGate::merge_day(QuotaState& state, Instant now) {
  if (state.day_resets_at.unix_ms != 0 && now >= state.day_resets_at) {
    state.foreign = 0;
    state.forgotten = 0;
    state.untold = 0;
    state.lifted = 0;
    state.day_resets_at = {};
    for (QuotaShare& share : state.shares) share.made = share.claimed = 0;
  }
  if (state.lifted_until <= now) state.lifted = 0;
  lifted_ = state.lifted;
  if (state.day_resets_at.unix_ms == 0) state.day_resets_at = day_resets_at_;
  if (state.learned_at > learned_at_) {
    learned_at_ = state.learned_at;
    if (state.day_limit > 0) day_limit_ = state.day_limit;
    foreign_ = state.foreign;
    untold_ = state.untold;
    counted_ = -1;
    day_resets_at_ = state.day_resets_at;
    is_reset_told_ = !limits_.header_reset_seconds.empty();
  } else if (learned_at_.unix_ms != 0) {
    state.learned_at = learned_at_;
    state.day_limit = day_limit_;
    state.foreign = foreign_;
    state.untold = untold_;
    state.day_resets_at = day_resets_at_;
  }
}

void QuotaGate::merge_waits(QuotaState& state, Instant now) {
  state.paused_until = paused_until_ = std::max(paused_until_, state.paused_until);
  if (state.blocked_until > blocked_until_) {
    blocked_until_ = state.blocked_until;
    blocked_reason_ = state.blocked_reason;
    blocked_message_ = state.blocked_message;
  } else {
    state.blocked_until = blocked_until_;
    state.blocked_reason = blocked_until_ > now ? blocked_reason_ : std::string();
    state.blocked_message = blocked_until_ > now ? blocked_message_ : std::string();
  }
  if (state.concurrent > 0 && state.concurrent_changed > concurrency_changed_) {
    concurrent_ = std::min(state.concurrent, limits_.concurrent);
    concurrency_changed_ = state.concurrent_changed;
  } else {
    state.concurrent = concurrent_;
    state.concurrent_changed = concurrency_changed_;
  }
}

void QuotaGate::merge_shares(QuotaState& state, Instant now) {
  others_ = 0;
  rank_ = 0;
  is_other_waiting_ = false;
  others_made_ = 0;
  others_claimed_ = 0;
  std::erase_if(state.shares, [&](QuotaShare& share) {
    if (share.owner == options_.owner) return false;
    if (!share.is_resting && options_.is_dead_owner && options_.is_dead_owner(share.owner)) {
      // Its last calls may be as young as this moment.
      share.is_resting = true;
      share.at_once = 0;
      share.until = std::min(share.until, now + kMinute);
    }
    if (share.until <= now) {
      state.forgotten += share.claimed;
      return true;
    }
    if (!share.is_resting) {
      ++others_;
      if (share.owner < options_.owner) ++rank_;
      is_other_waiting_ = is_other_waiting_ || share.is_waiting;
    }
    others_made_ += share.made;
    others_claimed_ += share.claimed;
    return false;
  });
  forgotten_ = state.forgotten;
}

QuotaGate::Grant QuotaGate::agree(QuotaState& state, Instant now, bool rests) {
  QuotaShare* const listed = merge(state, now, rests);
  // Nothing is to be had, and what is not there is not asked for again and again.
  if (listed == nullptr) return {0, 0, 1, rests, now + kShareHold};
  QuotaShare& mine = *listed;
  int others_places = 0;
  int others_at_once = 0;
  for (const QuotaShare& share : state.shares) {
    if (share.owner == options_.owner) continue;
    others_places += share.places;
    // The last minute of a share is only for calls that have ended: nobody makes one then.
    if (share.until - kMinute > now) others_at_once += share.at_once;
  }
  const int used = used_places();
  mine.is_resting = rests && in_flight_ == 0;
  if (rests) {
    mine.places = used;
    mine.at_once = in_flight_;
    mine.claimed = made_;
  } else {
    const int step = std::max(1, limits_.per_minute / kPlaceSteps);
    int wanted = std::min(fair_places(now), (used / step + 1) * step);
    if (others_ == 0) wanted = std::max(wanted, places_);  // nobody asks for it
    mine.places = std::max(used, std::min(wanted, limits_.per_minute - others_places));
    mine.at_once = std::max(in_flight_, std::min(fair_at_once(now), concurrent_ - others_at_once));
    const auto rest = left();
    mine.claimed = rest ? made_ + std::min(*rest, std::max<std::int64_t>(1, (day_limit_ - reserve()) / kDayBlocks)) : made_;
  }
  mine.is_waiting = !rests && (mine.at_once == 0 || (limits_.per_minute > 0 && mine.places == 0));
  mine.until = now + kShareHold;
  if (mine.is_resting) mine.until = (ended_.empty() ? now : ended_.back()) + kMinute + std::chrono::milliseconds(1);
  return {mine.places, mine.at_once, mine.claimed, mine.is_resting, now + kShareHold};
}

}  // namespace berth::http
