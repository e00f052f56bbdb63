#include "host/http/quota_gate.hpp"

#include <algorithm>
#include <charconv>

namespace berth::http {
namespace {

constexpr std::chrono::milliseconds kMinute{60'000};
/// Several calls of one burst are told "too many at once" together; that is one reduction.
constexpr std::chrono::milliseconds kReductionPause{2'000};
constexpr std::chrono::milliseconds kRecoveryStep{60'000};
constexpr std::int64_t kResetSecondsMax = 2 * 86'400;

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

QuotaGate::QuotaGate(Limits limits, QuotaOptions options, Clock& clock)
    : limits_(std::move(limits)),
      options_(std::move(options)),
      clock_(clock),
      concurrent_(limits_.concurrent),
      day_limit_(limits_.per_day) {}

Result<Permit> QuotaGate::acquire(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop.stop_requested()) return cancelled();
    const auto now = clock_.now();
    turn_day(now);
    forget_old(now);
    if (auto refused = refusal(now)) return std::move(*refused);

    std::optional<Instant> wait_until;
    const bool minute_is_full =
        limits_.per_minute > 0 && in_flight_ + static_cast<int>(ended_.size()) >= limits_.per_minute;
    if (paused_until_ > now) {
      wait_until = paused_until_;
    } else if (minute_is_full && !ended_.empty()) {
      // One millisecond more: no window of 60 s, its edges included, has one call too many.
      wait_until = ended_.front() + kMinute + std::chrono::milliseconds(1);
    } else if (!minute_is_full && in_flight_ < concurrent_) {
      ++in_flight_;
      ++day_used_;
      return Permit(this, next_number_++);
    }
    if (wait_until) {
      lock.unlock();
      clock_.sleep_until(*wait_until, stop);
      lock.lock();
    } else {
      // A call in flight has its own deadline, so this ends.
      const int before = in_flight_;
      freed_.wait(lock, stop, [&] { return in_flight_ < before || blocked_until_ > clock_.now(); });
    }
  }
}

void QuotaGate::finish(std::uint64_t number, const Headers* headers) {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.now();
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
// what the remote says replaces our count. Answers overtake each other: only the newest call's counts, and what is
// still in flight may not be in it.
void QuotaGate::learn(std::uint64_t number, const Headers& headers, Instant now) {
  if (number < learned_number_) return;
  const auto limit = header_number(headers, limits_.header_limit);
  const auto remaining = header_number(headers, limits_.header_remaining);
  const auto reset = header_number(headers, limits_.header_reset_seconds);
  if (limit && *limit > 0) {
    learned_number_ = number;
    day_limit_ = *limit;
    learned_ = true;
  }
  if (remaining && day_limit_ > 0) {
    learned_number_ = number;
    learned_ = true;
    day_used_ = std::max<std::int64_t>(day_limit_ - *remaining, 0) + in_flight_;
  }
  if (reset && *reset > 0 && *reset <= kResetSecondsMax) day_resets_at_ = now + std::chrono::seconds(*reset);
}

void QuotaGate::turn_day(Instant now) {
  if (day_resets_at_.unix_ms != 0 && now < day_resets_at_) return;
  if (day_resets_at_.unix_ms != 0) day_used_ = in_flight_;
  day_resets_at_ = next_reset(now);
}

Instant QuotaGate::next_reset(Instant now) const {
  return next_midnight(now, options_.zone).value_or(now + std::chrono::hours(24));
}

void QuotaGate::forget_old(Instant now) {
  while (!ended_.empty() && ended_.front() + kMinute < now) ended_.pop_front();
  // Without a limit nothing asks for them.
  if (limits_.per_minute == 0) ended_.clear();
}

std::int64_t QuotaGate::reserve() const {
  return (day_limit_ * options_.reserve_percent + 99) / 100;
}

std::optional<std::int64_t> QuotaGate::left() const {
  if (day_limit_ == 0) return std::nullopt;
  return std::max<std::int64_t>(day_limit_ - reserve() - day_used_, 0);
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
                   "The day's quota is spent: " + std::to_string(day_used_) + " of " + std::to_string(day_limit_) +
                       " calls, and " + std::to_string(reserve()) + " are left to other programs; it begins anew at " +
                       to_string(day_resets_at_) + ", and only a larger plan raises it.");
    error.retry_after_ms = (day_resets_at_ - now).count();
    return error;
  }
  return std::nullopt;
}

void QuotaGate::pause_until(Instant until) {
  const std::scoped_lock lock(mutex_);
  paused_until_ = std::max(paused_until_, until);
}

void QuotaGate::block_until(Instant until, std::string reason, std::string message) {
  {
    const std::scoped_lock lock(mutex_);
    if (until < blocked_until_) return;
    blocked_until_ = until;
    blocked_reason_ = std::move(reason);
    blocked_message_ = std::move(message);
  }
  freed_.notify_all();
}

void QuotaGate::fewer_at_once() {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  if (concurrency_changed_.unix_ms != 0 && concurrent_ < limits_.concurrent &&
      now - concurrency_changed_ < kReductionPause) {
    return;
  }
  concurrent_ = std::max(1, concurrent_ / 2);
  concurrency_changed_ = now;
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
  snapshot.day_used = day_used_;
  snapshot.day_left = left();
  snapshot.learned = learned_;
  snapshot.day_resets_at = day_resets_at_;
  if (paused_until_ > now) snapshot.paused_until = paused_until_;
  if (blocked_until_ > now) {
    snapshot.blocked_until = blocked_until_;
    snapshot.blocked_reason = blocked_reason_;
  }
  return snapshot;
}

QuotaState QuotaGate::state() const {
  const std::scoped_lock lock(mutex_);
  QuotaState state;
  state.day_limit = day_limit_;
  state.day_used = day_used_;
  state.day_resets_at = day_resets_at_;
  state.learned = learned_;
  state.paused_until = paused_until_;
  state.blocked_until = blocked_until_;
  state.blocked_reason = blocked_reason_;
  state.blocked_message = blocked_message_;
  state.concurrent = concurrent_;
  state.recent.assign(ended_.begin(), ended_.end());
  // Whoever goes on from here must count what is in flight, too.
  state.recent.insert(state.recent.end(), static_cast<std::size_t>(in_flight_), clock_.now());
  return state;
}

void QuotaGate::restore(const QuotaState& state) {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  if (state.day_limit > 0 && state.learned) {
    day_limit_ = state.day_limit;
    learned_ = true;
  }
  day_used_ = state.day_used;
  day_resets_at_ = state.day_resets_at;
  paused_until_ = state.paused_until;
  blocked_until_ = state.blocked_until;
  blocked_reason_ = state.blocked_reason;
  blocked_message_ = state.blocked_message;
  if (state.concurrent >= 1) concurrent_ = std::min(state.concurrent, limits_.concurrent);
  concurrency_changed_ = now;
  ended_.clear();
  for (const auto end : state.recent) ended_.push_back(std::min(end, now));
  std::sort(ended_.begin(), ended_.end());
  forget_old(now);
}

}  // namespace berth::http
