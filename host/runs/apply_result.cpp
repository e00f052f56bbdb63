#include "host/runs/apply_result.hpp"

#include <algorithm>
#include <array>

#include "host/core/assert.hpp"

namespace berth::runs {

namespace {

/// What a decision can be; the states of a record.
constexpr std::array<std::string_view, 7> kStates = {"pending", "posted", "parked", "skipped", "failed", "ignored", "archived"};
constexpr std::size_t kEntitiesMax = 30;   // with their states in one byte

}  // namespace

void ApplyResult::decided(std::int64_t record, std::string_view entity, std::string_view state) {
  auto known = std::find(entities_.begin(), entities_.end(), entity);
  if (known == entities_.end()) known = entities_.insert(known, std::string(entity));
  const auto place = static_cast<std::size_t>(known - entities_.begin());
  const auto which = static_cast<std::size_t>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
  BERTH_ASSERT(which < kStates.size() && place < kEntitiesMax, "a decision is one of the known states of a known entity");
  last_[record] = static_cast<std::uint8_t>(1 + place * kStates.size() + which);
}

template <class Visit>
void ApplyResult::each(Visit visit) const {
  last_.each([&](std::int64_t record, std::uint8_t code) {
    visit(record, entities_[(code - 1U) / kStates.size()], kStates[(code - 1U) % kStates.size()]);
  });
}

void ApplyResult::add(const ApplyResult& later) {
  later.each([&](std::int64_t record, std::string_view entity, std::string_view state) { decided(record, entity, state); });
}

std::map<std::string, ApplyCounts> ApplyResult::by_entity() const {
  std::map<std::string, ApplyCounts> counts;
  each([&](std::int64_t, const std::string& entity, std::string_view state) {
    ApplyCounts& of_entity = counts[entity];
    if (state == "posted") ++of_entity.posted;
    if (state == "parked") ++of_entity.parked;
    if (state == "skipped") ++of_entity.skipped;
    if (state == "failed") ++of_entity.failed;
    if (state == "ignored") ++of_entity.ignored;
  });
  return counts;
}

bool ApplyResult::has_outcome() const {
  bool has_one = false;
  each([&](std::int64_t, std::string_view, std::string_view state) { has_one = has_one || state != "pending"; });
  return has_one;
}

}  // namespace berth::runs
