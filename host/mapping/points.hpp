#pragma once
// The places of a rules file at which an evaluation goes one way or another: a value that is there, a default, an entry of a
// table, a row that is not known. The loader numbers them; evaluations can note which of them they came to, and
// `berth mapping test --coverage` says which ones no case comes to.
//
// Points are part of immutable rules; a Coverage belongs to one thread.
#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "host/config/findings.hpp"

namespace berth::mapping {

/// A number of a point; 0: none.
using PointId = std::size_t;

struct Point {
  config::Place place;
  std::string missing;   // what no case does where none comes here: "no case has the status \"sent\""
};

class Points {
 public:
  /// The same place and the same words are one point, also where several entities share a rule by `like`.
  PointId add(const config::Place& place, std::string missing);
  [[nodiscard]] std::size_t size() const { return points_.size(); }
  [[nodiscard]] const Point& at(PointId point) const { return points_[point - 1]; }

 private:
  std::vector<Point> points_;
  std::map<std::tuple<std::size_t, std::size_t, std::string>, PointId> known_;
};

class Coverage {
 public:
  explicit Coverage(const Points& points) : points_(points), reached_(points.size() + 1, false) {}
  void reach(PointId point) { reached_[point] = true; }
  [[nodiscard]] std::size_t total() const { return points_.size(); }
  [[nodiscard]] std::size_t reached() const;
  /// A warning, mapping.not_covered, for each point that nothing came to.
  void report(config::Findings& findings) const;

 private:
  const Points& points_;
  std::vector<bool> reached_;
};

}  // namespace berth::mapping
