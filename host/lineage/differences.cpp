#include "host/lineage/differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace berth::lineage {

namespace {

constexpr int kDepthMax = 16;

class Comparison {
 public:
  void compare(const std::string& path, const json::Value* before, const json::Value* after, int depth) {
    if (before != nullptr && after != nullptr) {
      if (*before == *after) return;
      if (depth < kDepthMax && before->is_object() && after->is_object()) return objects(path, *before, *after, depth);
      if (depth < kDepthMax && before->is_array() && after->is_array()) return lists(path, *before, *after, depth);
    }
    found.push_back({path, value_of(before), value_of(after)});
  }
  std::vector<Difference> found;

 private:
  static std::optional<json::Value> value_of(const json::Value* value) { return value == nullptr ? std::nullopt : std::optional(*value); }

  void objects(const std::string& path, const json::Value& before, const json::Value& after, int depth) {
    const auto inside = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
    for (const json::Member& member : after.members()) compare(inside(member.first), before.find(member.first), &member.second, depth + 1);
    for (const json::Member& member : before.members()) {
      if (after.find(member.first) == nullptr) compare(inside(member.first), &member.second, nullptr, depth + 1);
    }
  }

  using ById = std::map<std::string_view, const json::Value*>;
  /// Nothing where one of the elements has no such id, or two have the same.
  static std::optional<ById> by_id(const json::Value& list, std::string_view key) {
    ById elements;
    for (const json::Value& element : list.items()) {
      const std::string_view id = element.text_of(key);
      if (id.empty() || !elements.emplace(id, &element).second) return std::nullopt;
    }
    return elements;
  }

  void lists(const std::string& path, const json::Value& before, const json::Value& after, int depth) {
    const json::Value& any = after.items().empty() ? before : after;
    for (const json::Member& member : any.items().empty() ? json::Object{} : any.items().front().members()) {
      if (member.first != "id" && !member.first.ends_with("_id")) continue;
      const auto were = by_id(before, member.first);
      const auto are = by_id(after, member.first);
      if (!were || !are) continue;
      for (const json::Value& element : after.items()) {
        const std::string_view id = element.text_of(member.first);
        const auto was = were->find(id);
        compare(fmt::format("{}[{}]", path, id), was == were->end() ? nullptr : was->second, &element, depth + 1);
      }
      for (const auto& [id, element] : *were) {
        if (!are->contains(id)) compare(fmt::format("{}[{}]", path, id), element, nullptr, depth + 1);
      }
      return;
    }
    const std::size_t most = std::max(before.items().size(), after.items().size());
    for (std::size_t i = 0; i < most; ++i) {
      compare(fmt::format("{}[{}]", path, i), i < before.items().size() ? &before.items()[i] : nullptr,
              i < after.items().size() ? &after.items()[i] : nullptr, depth + 1);
    }
  }
};

}  // namespace

std::vector<Difference> differences(const json::Value& before, const json::Value& after) {
  Comparison comparison;
  comparison.compare({}, &before, &after, 0);
  return std::move(comparison.found);
}

}  // namespace berth::lineage
