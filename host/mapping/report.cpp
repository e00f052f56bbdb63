#include "host/mapping/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/core/assert.hpp"
#include "host/mapping/checks.hpp"

namespace berth::mapping {

void Report::add(const Place& place, std::string_view id, std::string message, std::string hint) {
  const Check* check = find_check(id);
  BERTH_ASSERT(check != nullptr, "a finding of the loader is in the table of checks");
  if (!seen_.emplace(place.line, place.column, fmt::format("{} {}", id, message)).second) return;
  if (hint.empty()) hint = check->hint;
  if (check->is_error) {
    findings_.error(place, std::string(id), std::move(message), std::move(hint));
  } else {
    findings_.warning(place, std::string(id), std::move(message), std::move(hint));
  }
}

bool check_map(Report& report, const Node& node, std::string_view what, const std::vector<std::string>& known) {
  if (!node.is_map()) {
    report.add(node.place, "mapping.node_kind", fmt::format("{} must be a map, not {}", what, node.describe()));
    return false;
  }
  for (const config::Member& member : node.members) {
    if (is_one_of(member.key, known)) continue;
    report.add(member.key_place, "mapping.key_unknown", fmt::format("`{}` is not a key of {}", member.key, what), config::did_you_mean(member.key, known));
  }
  return true;
}

const Node* need(Report& report, const Node& node, std::string_view what, std::string_view key) {
  const Node* value = node.find(key);
  if (value == nullptr) report.add(node.place, "mapping.key_missing", fmt::format("{} needs `{}:`", what, key), fmt::format("add `{}:`", key));
  return value;
}

std::string text_of(Report& report, const Node& node, std::string_view what) {
  if (node.is_scalar() && !node.scalar.empty()) return node.scalar;
  report.add(node.place, "mapping.node_kind", fmt::format("{} must be a text, not {}", what, node.is_scalar() ? "an empty one" : node.describe()));
  return {};
}

bool boolean_of(Report& report, const Node& node, std::string_view what) {
  if (node.is_scalar() && !node.is_quoted && (node.scalar == "true" || node.scalar == "false")) return node.scalar == "true";
  report.add(node.place, "mapping.node_kind", fmt::format("{} must be true or false, not {}", what, node.describe()));
  return false;
}

std::optional<json::Value> literal_of(Report& report, const Node& node, std::string_view what) {
  if (node.is_scalar()) return config::to_json(node);
  report.add(node.place, "mapping.node_kind", fmt::format("{} must be a text, a number, true or false, not {}", what, node.describe()));
  return std::nullopt;
}

bool is_one_of(std::string_view text, const std::vector<std::string>& choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

}  // namespace berth::mapping
