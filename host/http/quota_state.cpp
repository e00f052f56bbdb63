#include <algorithm>

#include "host/http/quota_gate.hpp"

namespace berth::http {
namespace {

std::int64_t number_of(const json::Value& value, std::string_view key) {
  const auto* found = value.find(key);
  return found == nullptr ? 0 : std::max<std::int64_t>(found->integer().value_or(0), 0);
}

}  // namespace

json::Value QuotaState::to_json() const {
  auto value = json::Value::object();
  value.set("day_limit", day_limit);
  value.set("day_used", day_used);
  value.set("day_resets_at_ms", day_resets_at.unix_ms);
  value.set("learned", learned);
  value.set("paused_until_ms", paused_until.unix_ms);
  value.set("blocked_until_ms", blocked_until.unix_ms);
  value.set("blocked_reason", blocked_reason);
  value.set("blocked_message", blocked_message);
  value.set("concurrent", concurrent);
  auto ends = json::Value::array();
  for (const auto end : recent) ends.push_back(end.unix_ms);
  value.set("recent_ms", std::move(ends));
  return value;
}

QuotaState QuotaState::from_json(const json::Value& value) {
  QuotaState state;
  state.day_limit = number_of(value, "day_limit");
  state.day_used = number_of(value, "day_used");
  state.day_resets_at = {number_of(value, "day_resets_at_ms")};
  const auto* learned = value.find("learned");
  state.learned = learned != nullptr && learned->boolean();
  state.paused_until = {number_of(value, "paused_until_ms")};
  state.blocked_until = {number_of(value, "blocked_until_ms")};
  state.blocked_reason = value.text_of("blocked_reason");
  state.blocked_message = value.text_of("blocked_message");
  state.concurrent = static_cast<int>(std::min<std::int64_t>(number_of(value, "concurrent"), kConcurrentMax));
  if (const auto* recent = value.find("recent_ms")) {
    for (const auto& end : recent->items()) state.recent.push_back({end.integer().value_or(0)});
  }
  return state;
}

}  // namespace berth::http
