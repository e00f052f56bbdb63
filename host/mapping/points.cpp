#include "host/mapping/points.hpp"

#include <algorithm>

namespace berth::mapping {

PointId Points::add(const config::Place& place, std::string missing) {
  const auto [known, is_new] = known_.try_emplace({place.line, place.column, missing}, points_.size() + 1);
  if (is_new) points_.push_back({place, std::move(missing)});
  return known->second;
}

std::size_t Coverage::reached() const { return static_cast<std::size_t>(std::count(reached_.begin() + 1, reached_.end(), true)); }

void Coverage::report(config::Findings& findings) const {
  for (PointId point = 1; point <= points_.size(); ++point) {
    if (reached_[point]) continue;
    findings.warning(points_.at(point).place, "mapping.not_covered", points_.at(point).missing, "add a case, or remove what nobody needs");
  }
}

}  // namespace berth::mapping
