// The shared state of a quota as JSON.
#include <algorithm>

#include "host/http/limits.hpp"
#include "host/http/quota_board.hpp"

namespace berth::http {
namespace {

/// No process is called so.
constexpr std::string_view kSeveral = "(several)";

std::int64_t any_number(const json::Value& value, std::string_view key) {
  const auto* found = value.find(key);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

std::int64_t number(const json::Value& value, std::string_view key) { return std::max<std::int64_t>(any_number(value, key), 0); }

int small_number(const json::Value& value, std::string_view key, std::int64_t most) {
  return static_cast<int>(std::min(number(value, key), most));
}

constexpr std::chrono::milliseconds kDayAtMost{24 * 3'600'000};

bool is_true(const json::Value& value, std::string_view key) {
  const auto* found = value.find(key);
  return found != nullptr && found->boolean();
}

}  // namespace

QuotaShare* QuotaState::find(std::string_view owner) {
  const auto found = std::find_if(shares.begin(), shares.end(), [&](const QuotaShare& share) { return share.owner == owner; });
  return found == shares.end() ? nullptr : &*found;
}

std::int64_t QuotaState::day_made() const {
  std::int64_t sum = foreign + forgotten;
  for (const QuotaShare& share : shares) sum += share.made;
  return std::max<std::int64_t>(sum, 0);
}

std::int64_t QuotaState::by_others() const { return std::max<std::int64_t>(foreign - lifted - untold, 0); }

void QuotaState::lift(Instant now) {
  lifted_at = std::max(now, lifted_at + std::chrono::milliseconds(1));
  if (lifted_until <= now) lifted = 0;
  lifted += forgotten;
  for (const QuotaShare& share : shares) lifted += std::max(share.made, share.claimed);
  lifted_until = day_resets_at > now ? day_resets_at : std::max(lifted_until, now + kDayAtMost);
  untold = 0;
  day_limit = foreign = forgotten = 0;
  day_resets_at = learned_at = paused_until = blocked_until = concurrent_changed = Instant{};
  blocked_reason.clear();
  blocked_message.clear();
  concurrent = 0;
  for (QuotaShare& share : shares) share.made = share.claimed = 0;
}

void QuotaState::shift(std::chrono::milliseconds by) {
  const auto move = [&](Instant& moment) {
    if (moment.unix_ms != 0) moment = moment + by;
  };
  for (Instant* moment : {&day_resets_at, &learned_at, &lifted_at, &lifted_until, &paused_until, &blocked_until, &concurrent_changed}) move(*moment);
  for (QuotaShare& share : shares) move(share.until);
}

void QuotaState::fold(const QuotaShare& share) {
  QuotaShare* several = find(kSeveral);
  if (several == nullptr) {
    shares.push_back({.owner = std::string(kSeveral), .is_resting = true, .until = share.until});
    several = &shares.back();
  }
  several->places = static_cast<int>(std::min<std::int64_t>(several->places + share.places, kPerMinuteMax));
  several->at_once = std::min(several->at_once + share.at_once, kConcurrentMax);
  several->made += share.made;
  several->claimed += share.claimed;
  several->until = std::max(several->until, share.until);
}

bool QuotaState::make_room() {
  // Two become one, unless there is one already that takes up another.
  for (int taken = find(kSeveral) == nullptr ? 2 : 1; taken > 0; --taken) {
    const auto rests = [](const QuotaShare& share) { return share.is_resting && share.owner != kSeveral; };
    const auto found = std::find_if(shares.begin(), shares.end(), rests);
    if (found == shares.end()) break;
    const QuotaShare share = std::move(*found);
    shares.erase(found);
    fold(share);
  }
  return shares.size() < kSharesMax;
}

json::Value QuotaState::to_json() const {
  auto value = json::Value::object({{"day_limit", day_limit},
                                    {"foreign", foreign},
                                    {"forgotten", forgotten},
                                    {"lifted", lifted},
                                    {"untold", untold},
                                    {"lifted_until_ms", lifted_until.unix_ms},
                                    {"day_resets_at_ms", day_resets_at.unix_ms},
                                    {"learned_at_ms", learned_at.unix_ms},
                                    {"lifted_at_ms", lifted_at.unix_ms},
                                    {"paused_until_ms", paused_until.unix_ms},
                                    {"blocked_until_ms", blocked_until.unix_ms},
                                    {"blocked_reason", blocked_reason},
                                    {"blocked_message", blocked_message},
                                    {"concurrent", concurrent},
                                    {"concurrent_changed_ms", concurrent_changed.unix_ms},
                                    {"per_minute", per_minute},
                                    {"at_once", at_once},
                                    {"day_reserve", day_reserve}});
  auto list = json::Value::array();
  for (const QuotaShare& share : shares) {
    list.push_back(json::Value::object({{"owner", share.owner},
                                        {"places", share.places},
                                        {"at_once", share.at_once},
                                        {"made", share.made},
                                        {"claimed", share.claimed},
                                        {"resting", share.is_resting},
                                        {"waiting", share.is_waiting},
                                        {"until_ms", share.until.unix_ms}}));
  }
  value.set("shares", std::move(list));
  return value;
}

QuotaState QuotaState::from_json(const json::Value& value) {
  QuotaState state;
  state.day_limit = number(value, "day_limit");
  state.foreign = any_number(value, "foreign");
  state.forgotten = number(value, "forgotten");
  state.lifted = number(value, "lifted");
  state.untold = number(value, "untold");
  state.lifted_until = {number(value, "lifted_until_ms")};
  state.day_resets_at = {number(value, "day_resets_at_ms")};
  state.learned_at = {number(value, "learned_at_ms")};
  state.lifted_at = {number(value, "lifted_at_ms")};
  state.paused_until = {number(value, "paused_until_ms")};
  state.blocked_until = {number(value, "blocked_until_ms")};
  state.blocked_reason = value.text_of("blocked_reason");
  state.blocked_message = value.text_of("blocked_message");
  state.concurrent = small_number(value, "concurrent", kConcurrentMax);
  state.concurrent_changed = {number(value, "concurrent_changed_ms")};
  state.per_minute = small_number(value, "per_minute", kPerMinuteMax);
  state.at_once = small_number(value, "at_once", kConcurrentMax);
  state.day_reserve = number(value, "day_reserve");
  if (const auto* list = value.find("shares")) {
    for (const auto& one : list->items()) {
      QuotaShare share;
      share.owner = one.text_of("owner");
      share.places = small_number(one, "places", kPerMinuteMax);
      share.at_once = small_number(one, "at_once", kConcurrentMax);
      share.made = number(one, "made");
      share.claimed = std::max(number(one, "claimed"), share.made);
      share.is_resting = is_true(one, "resting");
      share.is_waiting = is_true(one, "waiting");
      share.until = {number(one, "until_ms")};
      if (share.owner.empty()) continue;
      // None is dropped: what it holds would be given away a second time.
      if (share.owner != kSeveral && state.shares.size() < kSharesMax) state.shares.push_back(std::move(share));
      else state.fold(share);
    }
  }
  return state;
}

}  // namespace berth::http
