#include "host/mapping/like.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::mapping {
namespace {

constexpr int kLikeDepthMax = 8;

Node empty_map(const Node& at) {
  Node map;
  map.kind = Node::Kind::kMap;
  map.place = at.place;
  return map;
}

config::Member* find_member(Node& map, std::string_view key) {
  const auto found = std::find_if(map.members.begin(), map.members.end(), [&](const config::Member& member) { return member.key == key; });
  return found == map.members.end() ? nullptr : &*found;
}

void lay_over(Node& base, const Node& own);

/// One member over another of the same name: rows are merged, everything else is replaced.
void lay_over(config::Member& base, const config::Member& own) {
  config::Member* base_rows = find_member(base.value, "fields");
  const bool is_overlay = base_rows != nullptr && own.value.find("each") == nullptr && own.value.find("fields") != nullptr;
  if (!is_overlay) {
    base = own;
    return;
  }
  for (const config::Member& part : own.value.members) {
    if (part.key == "fields") {
      lay_over(find_member(base.value, "fields")->value, part.value);
    } else if (config::Member* same = find_member(base.value, part.key)) {
      *same = part;
    } else {
      base.value.members.push_back(part);
    }
  }
}

void lay_over(Node& base, const Node& own) {
  for (const config::Member& member : own.members) {
    if (config::Member* same = find_member(base, member.key)) {
      lay_over(*same, member);
    } else {
      base.members.push_back(member);
    }
  }
}

void remove(Report& report, Node& fields, const Node& name) {
  std::string_view path = name.scalar;
  Node* map = &fields;
  while (map != nullptr) {
    const std::size_t dot = path.find('.');
    config::Member* member = find_member(*map, path.substr(0, dot));
    if (member == nullptr) break;
    if (dot == std::string_view::npos) {
      std::erase_if(map->members, [&](const config::Member& one) { return one.key == path; });
      return;
    }
    config::Member* rows = find_member(member->value, "fields");
    map = rows == nullptr ? nullptr : &rows->value;
    path.remove_prefix(dot + 1);
  }
  report.add(name.place, "mapping.without_unknown", fmt::format("there is no field `{}` to leave out", name.scalar),
             config::did_you_mean(name.scalar, fields.keys()));
}

Merged merge(Report& report, const Node& entities, const Node& entity, int depth) {
  Merged merged{empty_map(entity), empty_map(entity)};
  if (const Node* like = entity.find("like")) {
    const Node* other = like->is_scalar() ? entities.find(like->scalar) : nullptr;
    if (other == nullptr || other == &entity || depth >= kLikeDepthMax) {
      report.add(like->place, "mapping.like_unknown", other == nullptr ? fmt::format("`like` names no entity of this file: {}", like->describe())
                                                                       : fmt::format("`like: {}` leads back to itself", like->scalar),
                 other == nullptr && like->is_scalar() ? config::did_you_mean(like->scalar, entities.keys()) : "");
    } else {
      merged = merge(report, entities, *other, depth + 1);
    }
  }
  if (const Node* without = entity.find("without")) {
    if (!without->is_list()) {
      report.add(without->place, "mapping.node_kind", fmt::format("`without` must be a list of names, not {}", without->describe()));
    }
    for (const Node& name : without->items) remove(report, merged.fields, name);
  }
  for (const std::string_view key : {"let", "fields"}) {
    const Node* own = entity.find(key);
    if (own != nullptr && !own->is_map()) report.add(own->place, "mapping.node_kind", fmt::format("`{}` must be a map, not {}", key, own->describe()));
  }
  if (const Node* let = entity.find("let")) lay_over(merged.let, *let);
  if (const Node* fields = entity.find("fields"); fields != nullptr && fields->is_map()) {
    if (merged.fields.members.empty()) {
      merged.fields = *fields;
    } else {
      lay_over(merged.fields, *fields);
    }
  }
  return merged;
}

}  // namespace

Merged merge_like(Report& report, const Node& entities, const Node& entity) { return merge(report, entities, entity, 0); }

}  // namespace berth::mapping
