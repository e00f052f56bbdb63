#include "host/plugins/phase_file.hpp"

#include <charconv>
#include <string_view>

#include "host/core/text.hpp"

namespace berth::plugins {

namespace {

const config::Node* step(const config::Node& node, const std::string& name) {
  if (node.is_map()) return node.find(name);
  std::size_t index = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_index = failure == std::errc{} && end == name.data() + name.size();
  return node.is_list() && is_index && index < node.items.size() ? &node.items[index] : nullptr;
}

/// Where a pointer leads, or the last place on the way to it that is there.
config::Place place_of(const config::Node& root, std::string_view pointer) {
  const config::Node* node = &root;
  if (pointer.empty()) return node->place;
  for (const auto& part : split(pointer.substr(1), '/')) {
    const config::Node* next = step(*node, replace_all(replace_all(part, "~1", "/"), "~0", "~"));
    if (next == nullptr) break;
    node = next;
  }
  return node->place;
}

}  // namespace

std::vector<phases::Problem> validate_phase_file(const json::Value& file) {
  return phases::parse(file).problems;
}

void check_phase_file(const config::Node& file, config::Findings& findings) {
  for (const auto& problem : validate_phase_file(config::to_json(file))) {
    findings.error(place_of(file, problem.path), "plugin.phase_file", problem.message);
  }
}

}  // namespace berth::plugins
