#pragma once
// What the parts of the loader share: findings of the table of checks, and small readings of YAML nodes.
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "host/config/findings.hpp"
#include "host/config/yaml.hpp"

namespace berth::mapping {

using config::Node;
using config::Place;

/// Adds findings of the table of checks. The same finding of the same place comes once, because `like` reads the rules
/// of another entity again.
class Report {
 public:
  explicit Report(config::Findings& findings) : findings_(findings) {}
  /// `hint`: in place of the table's. `id` must be in the table.
  void add(const Place& place, std::string_view id, std::string message, std::string hint = "");

 private:
  config::Findings& findings_;
  std::set<std::tuple<std::size_t, std::size_t, std::string>> seen_;
};

/// Reports every key of the map that is not in `known`, with the nearest one. A node that is no map is reported and
/// gives false.
bool check_map(Report& report, const Node& node, std::string_view what, const std::vector<std::string>& known);
/// The member's value, or nullptr with mapping.key_missing.
const Node* need(Report& report, const Node& node, std::string_view what, std::string_view key);
/// The text of a scalar that is not empty; anything else is reported and gives "".
std::string text_of(Report& report, const Node& node, std::string_view what);
/// true or false; anything else is reported and gives false.
bool boolean_of(Report& report, const Node& node, std::string_view what);
/// A text, number or boolean; anything else is reported and gives nothing.
std::optional<json::Value> literal_of(Report& report, const Node& node, std::string_view what);
bool is_one_of(std::string_view text, const std::vector<std::string>& choices);

}  // namespace berth::mapping
