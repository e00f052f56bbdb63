// Counting, waiting and learning within one process. What processes agree on is in quota_shares.cpp.
#include "host/http/quota_gate.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "host/http/error_rules.hpp"

namespace berth::http {
namespace {

constexpr std::chrono::milliseconds kMinute{60'000};
/// Several calls of one burst are told "too many at once" together; that is one reduction.
constexpr std::chrono::milliseconds kReductionPause{2'000};
constexpr std::chrono::milliseconds kRecoveryStep{60'000};
/// How long a turn lasts where there are fewer calls than processes. A place of the minute is free a minute after its call.
constexpr std::chrono::milliseconds kTurnAtOnce{20'000};
constexpr std::chrono::milliseconds kTurnOfPlaces{120'000};

std::optional<std::int64_t> header_number(const Headers& headers, const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto text = find_header(headers, name);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || stop != text->data() + text->size() || number < 0) return std::nullopt;
  return number;
}

Error cancelled() {
  return make_error(Code::kCancelled, "berth.cancelled", "The run was asked to stop.");
}

}  // namespace

// ---- Permit
// ----------------------------------------------------------------------------------------------------------

Permit::Permit(Permit&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), number_(std::exchange(other.number_, 0)) {}

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    finish(nullptr);
    gate_ = std::exchange(other.gate_, nullptr);
    number_ = std::exchange(other.number_, 0);
  }
  return *this;
}

void Permit::finish(const Headers* headers) {
  if (auto* gate = std::exchange(gate_, nullptr)) gate->finish(number_, headers);
}

// ---- QuotaGate
// -------------------------------------------------------------------------------------------------------

QuotaGate::QuotaGate(Limits limits, QuotaOptions options, Clock& clock, QuotaBoard* board)
    : limits_(std::move(limits)),
      options_(std::move(options)),
      clock_(clock),
      board_(board),
      concurrent_(limits_.concurrent),
      day_limit_(limits_.per_day) {
  if (board_ != nullptr) return;
  is_resting_ = false;
  places_ = limits_.per_minute;
  at_once_ = limits_.concurrent;
  claimed_ = std::numeric_limits<std::int64_t>::max();
}

Result<Permit> QuotaGate::acquire(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop.stop_requested()) return cancelled();
    const auto now = clock_.now();
    mind_clock(now);
    turn_day(now);
    forget_old(now);
    if (auto refused = refusal(now)) {
      if (in_flight_ == 0 || blocked_until_ > now) return std::move(*refused);
      // What is under way may say that there is more, and when the day turns.
      wait_for_answer(lock, stop);
      continue;
    }
    if (must_ask(now)) {
      lock.unlock();
      BERTH_CHECK(exchange(false));
      lock.lock();
      continue;
    }
    const auto wait_until = paused_until_ > now ? std::optional(paused_until_) : next_place(now);
    if (!wait_until) {
      ++in_flight_;
      ++made_;
      if (!is_reset_told_ && now >= day_resets_at_ - kTurnMargin) ++made_in_margin_;
      return Permit(this, next_number_++);
    }
    if (*wait_until > now) {
      lock.unlock();
      clock_.sleep_until(*wait_until, stop);
      lock.lock();
    } else {
      wait_for_answer(lock, stop);
    }
  }
}

/// A call in flight has its own deadline, so this ends.
void QuotaGate::wait_for_answer(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  const int before = in_flight_;
  freed_.wait(lock, stop, [&] { return in_flight_ < before || in_flight_ == 0 || blocked_until_ > clock_.now(); });
}

/// When to look for a place again: nothing if there is one now, `now` if a call in flight has to end first.
std::optional<Instant> QuotaGate::next_place(Instant now) const {
  const bool others_hold_some = board_ != nullptr && next_look_ > now;
  if (limits_.per_minute > 0 && used_places() >= std::min(places_, fair_places(now))) {
    std::optional<Instant> when;
    // One millisecond more: no window of 60 s, its edges included, has one call too many.
    if (!ended_.empty()) when = ended_.front() + kMinute + std::chrono::milliseconds(1);
    if (others_hold_some && places_ < limits_.per_minute && (!when || next_look_ < *when)) when = next_look_;
    return when.value_or(in_flight_ == 0 ? now + kLookAgain : now);
  }
  if (in_flight_ < std::min({at_once_, concurrent_, fair_at_once(now)})) return std::nullopt;
  if (in_flight_ > 0) return now;
  return others_hold_some ? next_look_ : now + kLookAgain;
}

int QuotaGate::used_places() const { return in_flight_ + static_cast<int>(ended_.size()); }

/// What one of all processes that make calls may have of it. Where it does not reach for one each, and somebody waits,
/// whose turn it is follows from the time, so that all come to the same.
int QuotaGate::fair(int of, std::chrono::milliseconds turn, Instant now) const {
  const int all = others_ + 1;
  if (of < all && !is_other_waiting_) return 1;
  const std::int64_t turns = of < all ? now.unix_ms / turn.count() : 0;
  const int place = static_cast<int>((rank_ + turns) % all);
  return of / all + (place < of % all ? 1 : 0);
}

int QuotaGate::fair_places(Instant now) const { return fair(limits_.per_minute, kTurnOfPlaces, now); }
int QuotaGate::fair_at_once(Instant now) const { return fair(concurrent_, kTurnAtOnce, now); }

bool QuotaGate::must_ask(Instant now) const {
  if (board_ == nullptr) return false;
  if (is_resting_ || now >= usable_until_) return true;
  if (const auto rest = left(); rest && *rest > 0 && made_ >= claimed_) return true;
  // Whose turn is over lets the next one begin at once.
  if (others_ > 0 && at_once_ > std::max(in_flight_, fair_at_once(now))) return true;
  if (now < next_look_) return false;
  const int used = used_places();
  const bool needs_places = limits_.per_minute > 0 && used >= places_ && places_ < limits_.per_minute;
  const bool needs_more_at_once = in_flight_ >= at_once_ && at_once_ < concurrent_;
  const bool holds_too_much = others_ > 0 && limits_.per_minute > 0 && places_ > std::max(used, fair_places(now));
  return needs_places || needs_more_at_once || holds_too_much;
}

void QuotaGate::finish(std::uint64_t number, const Headers* headers) {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.now();
    mind_clock(now);
    --in_flight_;
    ended_.push_back(now);
    if (concurrent_ < limits_.concurrent && now - concurrency_changed_ >= kRecoveryStep) {
      ++concurrent_;
      concurrency_changed_ = now;
    }
    turn_day(now);
    forget_old(now);
    if (headers != nullptr) learn(number, *headers, now);
  }
  freed_.notify_all();
}

// Undocumented by Zoho, observed on every authenticated answer: X-Rate-Limit-Limit and -Remaining count the day's
// calls, X-Rate-Limit-Reset has the seconds until it turns. Other programs of the customer draw on the same day, so
// what the remote says replaces our count. Answers overtake each other.
void QuotaGate::learn(std::uint64_t number, const Headers& headers, Instant now) {
  if (number < day_number_) return;  // of the day before
  const auto limit = header_number(headers, limits_.header_limit);
  const auto remaining = header_number(headers, limits_.header_remaining);
  const std::int64_t of = limit && *limit > 0 ? *limit : day_limit_;
  if (remaining && of > 0) {
    learned_at_ = now;
    learn_count(number, std::max<std::int64_t>(of - *remaining, 0));
  }
  if (number < learned_number_) return;
  learned_number_ = number;
  if (limit && *limit > 0) {
    learned_at_ = now;
    day_limit_ = *limit;
  }
  learn_turn(headers, now);
}

// The remote counts call after call, so the answer that tells of the most was counted last, and has in it all calls whose
// answers tell of fewer. What is still in flight may not be in it.
void QuotaGate::learn_count(std::uint64_t number, std::int64_t counted) {
  // Fewer than before it was sent: the remote began anew.
  const bool has_begun_anew = counted < counted_ && number >= counted_number_;
  if (counted > counted_ || has_begun_anew) {
    counted_ = counted;
    counted_number_ = next_number_;
    foreign_ = counted - (made_ - in_flight_) - others_made_ - forgotten_;
    untold_ = std::max<std::int64_t>(others_claimed_ - others_made_, 0);
  } else {
    --foreign_;  // this call is not one more: it was counted before, or, refused, not at all
  }
}

void QuotaGate::learn_turn(const Headers& headers, Instant now) {
  const auto reset = header_number(headers, limits_.header_reset_seconds);
  if (reset && *reset > 0 && std::chrono::seconds(*reset) <= kDayMax) {
    day_resets_at_ = now + std::chrono::seconds(*reset);
    is_reset_told_ = true;
    return;
  }
  const auto date = find_header(headers, "date");
  const auto theirs = date ? parse_http_date(*date) : std::nullopt;
  if (!theirs || std::chrono::abs(*theirs - now) > kDayMax) return;
  remote_ahead_ = *theirs - now;
  if (is_reset_told_) return;
  const auto turn = next_reset(now);
  // By its clock the day has turned already, and the next turn is tomorrow's.
  day_resets_at_ = turn - day_resets_at_ > kDayMax / 2 ? now : turn;
}

void QuotaGate::turn_day(Instant now) {
  if (day_resets_at_.unix_ms != 0 && now < day_resets_at_) return;
  if (day_resets_at_.unix_ms != 0) {
    forget_day(now);
  } else {
    day_resets_at_ = next_reset(now);
  }
}

void QuotaGate::forget_day(Instant now) {
  // The remote may have turned the day before us.
  made_ = std::max<std::int64_t>(in_flight_, made_in_margin_);
  made_in_margin_ = 0;
  if (board_ != nullptr) claimed_ = made_;
  foreign_ = 0;
  untold_ = 0;
  lifted_ = 0;
  forgotten_ = 0;
  others_made_ = 0;
  others_claimed_ = 0;
  day_number_ = next_number_;
  counted_ = -1;
  is_reset_told_ = false;
  day_resets_at_ = next_reset(now);
}

/// A clock that was set back must not make anybody wait for the time that it showed before.
void QuotaGate::mind_clock(Instant now) {
  if (!ended_.empty() && ended_.back() > now) {
    for (auto& end : ended_) end = std::min(end, now);
  }
  paused_until_ = std::min(paused_until_, now + kPauseMax);
  blocked_until_ = std::min(blocked_until_, now + kDayMax);
  day_resets_at_ = std::min(day_resets_at_, now + kDayMax);
  learned_at_ = std::min(learned_at_, now);
  lifted_at_ = std::min(lifted_at_, now);
  concurrency_changed_ = std::min(concurrency_changed_, now);
  usable_until_ = std::min(usable_until_, now + kShareUsable);
  next_look_ = std::min(next_look_, now + kLookAgain);
}

Instant QuotaGate::next_reset(Instant now) const {
  const auto off = kTurnMargin - remote_ahead_;  // how much later than its midnight it is by our clock
  return next_midnight(now - off, options_.zone).value_or(now - off + std::chrono::hours(24)) + off;
}

void QuotaGate::forget_old(Instant now) {
  while (!ended_.empty() && ended_.front() + kMinute < now) ended_.pop_front();
  // Without a limit nothing asks for them.
  if (limits_.per_minute == 0) ended_.clear();
}

std::int64_t QuotaGate::reserve() const {
  return (day_limit_ * options_.reserve_percent + 99) / 100;
}

std::int64_t QuotaGate::day_used() const { return std::max<std::int64_t>(foreign_ + forgotten_ + others_claimed_ + made_, 0); }

std::optional<std::int64_t> QuotaGate::left() const {
  if (day_limit_ == 0) return std::nullopt;
  return std::max<std::int64_t>(day_limit_ - reserve() - day_used(), 0);
}

std::optional<Error> QuotaGate::refusal(Instant now) const {
  if (blocked_until_ > now) {
    auto error = make_error(
        Code::kQuotaExhausted, "berth.quota",
        blocked_message_ + " (" + blocked_reason_ + "); no request before " + to_string(blocked_until_) + ".");
    error.retry_after_ms = (blocked_until_ - now).count();
    return error;
  }
  if (const auto rest = left(); rest && *rest == 0) {
    auto error =
        make_error(Code::kQuotaExhausted, "berth.quota",
                   "The day's quota is spent: " + std::to_string(day_used()) + " of " + std::to_string(day_limit_) +
                       " calls, and " + std::to_string(reserve()) + " are left to other programs; it begins anew at " +
                       to_string(day_resets_at_) + ", and only a larger plan raises it.");
    error.retry_after_ms = (day_resets_at_ - now).count();
    return error;
  }
  return std::nullopt;
}

void QuotaGate::pause_until(Instant until) {
  {
    const std::scoped_lock lock(mutex_);
    if (until <= paused_until_) return;
    paused_until_ = std::min(until, clock_.now() + kPauseMax);
  }
  announce();
}

void QuotaGate::block_until(Instant until, std::string reason, std::string message) {
  {
    const std::scoped_lock lock(mutex_);
    if (until < blocked_until_) return;
    blocked_until_ = std::min(until, clock_.now() + kDayMax);
    blocked_reason_ = std::move(reason);
    blocked_message_ = std::move(message);
  }
  freed_.notify_all();
  announce();
}

void QuotaGate::fewer_at_once() {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.now();
    if (concurrency_changed_.unix_ms != 0 && concurrent_ < limits_.concurrent && now - concurrency_changed_ < kReductionPause) {
      return;
    }
    concurrent_ = std::max(1, concurrent_ / 2);
    concurrency_changed_ = now;
  }
  announce();
}

Instant QuotaGate::resets_at() const {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  return day_resets_at_ > now ? day_resets_at_ : next_reset(now);
}

std::optional<std::int64_t> QuotaGate::day_left() const {
  const std::scoped_lock lock(mutex_);
  if (day_resets_at_.unix_ms != 0 && clock_.now() >= day_resets_at_ && day_limit_ > 0) return day_limit_ - reserve();
  return left();
}

QuotaSnapshot QuotaGate::snapshot() const {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  QuotaSnapshot snapshot;
  snapshot.per_minute = limits_.per_minute;
  snapshot.used_in_minute = in_flight_;
  for (const auto end : ended_) {
    if (end + kMinute >= now) ++snapshot.used_in_minute;
  }
  snapshot.concurrent_limit = concurrent_;
  snapshot.in_flight = in_flight_;
  if (day_limit_ > 0) {
    snapshot.day_limit = day_limit_;
    snapshot.day_reserve = reserve();
  }
  snapshot.day_used = day_used();
  snapshot.used_by_others = day_resets_at_ > now ? std::max<std::int64_t>(foreign_ - lifted_ - untold_, 0) : 0;
  snapshot.day_left = left();
  snapshot.learned = learned_at_.unix_ms != 0;
  snapshot.day_resets_at = day_resets_at_;
  if (paused_until_ > now) snapshot.paused_until = paused_until_;
  if (blocked_until_ > now) {
    snapshot.blocked_until = blocked_until_;
    snapshot.blocked_reason = blocked_reason_;
  }
  return snapshot;
}

}  // namespace berth::http
