#include "host/plugins/descriptor.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "host/core/text.hpp"
#include "host/plugins/manifest.hpp"

namespace berth::plugins {

namespace {

constexpr std::size_t kNamedThingsMax = 1'000;  // phases, entities, cost classes

Error invalid(std::string_view plugin, std::string_view message) {
  return make_error(Code::kInternal, "plugin.descriptor_invalid",
                    fmt::format("the descriptor of plugin {} {}", plugin, message));
}

Error mismatch(std::string_view plugin, std::string_view message) {
  return make_error(Code::kInvalidConfig, "plugin.descriptor_mismatch",
                    fmt::format("plugin.yaml of {} and its library do not belong together: {}", plugin, message));
}

/// A list of objects with an `id` each, ids unique.
Result<std::vector<const json::Value*>> named_list(const json::Value& root, std::string_view key, bool required,
                                                   std::string_view plugin) {
  const json::Value* list = root.find(key);
  if (list == nullptr && !required) return std::vector<const json::Value*>{};
  if (list == nullptr || !list->is_array()) return invalid(plugin, fmt::format("needs a list \"{}\"", key));
  if (list->size() > kNamedThingsMax)
    return invalid(plugin, fmt::format("has more than {} entries in \"{}\"", kNamedThingsMax, key));
  std::vector<const json::Value*> entries;
  std::set<std::string_view> ids;
  for (const auto& entry : list->items()) {
    const std::string_view id = entry.text_of("id");
    if (!entry.is_object() || id.empty())
      return invalid(plugin, fmt::format("has an entry without \"id\" in \"{}\"", key));
    if (!ids.insert(id).second) return invalid(plugin, fmt::format("names \"{}\" twice in \"{}\"", id, key));
    entries.push_back(&entry);
  }
  return entries;
}

Result<VersionKind> version_kind(std::string_view text, std::string_view entity, std::string_view plugin) {
  if (text == "time") return VersionKind::kTime;
  if (text == "counter") return VersionKind::kCounter;
  if (text == "opaque") return VersionKind::kOpaque;
  return invalid(plugin, fmt::format("gives entity \"{}\" the version kind \"{}\"; known are time, counter and opaque",
                                     entity, shortened(text, 40)));
}

/// Every `after` names a phase, and no phase waits for itself.
Status check_order(const Descriptor& descriptor) {
  for (const auto& phase : descriptor.phases) {
    for (const auto& before : phase.after) {
      if (descriptor.phase(before) == nullptr)
        return invalid(descriptor.id,
                       fmt::format("puts phase \"{}\" after the unknown phase \"{}\"", phase.id, before));
    }
  }
  std::set<std::string_view> done;
  for (std::size_t round = 0; round < descriptor.phases.size(); ++round) {
    for (const auto& phase : descriptor.phases) {
      if (std::all_of(phase.after.begin(), phase.after.end(), [&](const std::string& id) { return done.contains(id); }))
        done.insert(phase.id);
    }
  }
  if (done.size() == descriptor.phases.size()) return success();
  const auto stuck = std::find_if(descriptor.phases.begin(), descriptor.phases.end(),
                                  [&](const auto& p) { return !done.contains(p.id); });
  return invalid(descriptor.id, fmt::format("has phases that wait for each other; one of them is \"{}\"", stuck->id));
}

json::Value part(const json::Value& root, std::string_view key) {
  const json::Value* value = root.find(key);
  return value == nullptr ? json::Value() : *value;
}

}  // namespace

const DescribedPhase* Descriptor::phase(std::string_view phase_id) const {
  const auto it = std::find_if(phases.begin(), phases.end(), [&](const auto& p) { return p.id == phase_id; });
  return it == phases.end() ? nullptr : &*it;
}

const DescribedEntity* Descriptor::entity(std::string_view entity_id) const {
  const auto it = std::find_if(entities.begin(), entities.end(), [&](const auto& e) { return e.id == entity_id; });
  return it == entities.end() ? nullptr : &*it;
}

Result<Descriptor> parse_descriptor(std::string_view text, std::string_view plugin) {
  if (text.size() > Descriptor::kBytesMax)
    return invalid(plugin, fmt::format("has {} bytes, at most {} are read", text.size(), Descriptor::kBytesMax));
  auto parsed = json::parse(text);
  if (!parsed.ok()) return invalid(plugin, "is not JSON: " + parsed.error.message);
  const json::Value& root = parsed.value;
  if (!root.is_object()) return invalid(plugin, "is not a JSON object");
  Descriptor descriptor;
  descriptor.id = root.text_of("id");
  descriptor.version = root.text_of("version");
  if (descriptor.id.empty() || descriptor.version.empty()) return invalid(plugin, "needs \"id\" and \"version\"");
  descriptor.name = root.find("name") != nullptr ? std::string(root.text_of("name")) : descriptor.id;
  for (const auto* entity : BERTH_TRY(named_list(root, "entities", true, plugin))) {
    const std::string_view id = entity->text_of("id");
    descriptor.entities.push_back({std::string(id), BERTH_TRY(version_kind(entity->text_of("version"), id, plugin))});
  }
  for (const auto* entry : BERTH_TRY(named_list(root, "phases", true, plugin))) {
    DescribedPhase phase{std::string(entry->text_of("id")), std::string(entry->text_of("entity")), {}, false};
    if (descriptor.entity(phase.entity) == nullptr) {
      return invalid(
          plugin, fmt::format("gives phase \"{}\" the entity \"{}\", which it does not list", phase.id, phase.entity));
    }
    if (const auto* after = entry->find("after")) {
      for (const auto& id : after->items()) phase.after.emplace_back(id.text());
    }
    if (const auto* optional = entry->find("optional")) phase.optional = optional->boolean();
    descriptor.phases.push_back(std::move(phase));
  }
  for (const auto* cost : BERTH_TRY(named_list(root, "cost_classes", false, plugin))) {
    descriptor.cost_classes.push_back({std::string(cost->text_of("id")), std::string(cost->text_of("default"))});
  }
  descriptor.configuration = part(root, "configuration");
  descriptor.oauth = part(root, "oauth");
  descriptor.webhook = part(root, "webhook");
  BERTH_CHECK(check_order(descriptor));
  descriptor.json = std::move(parsed.value);
  return descriptor;
}

Status check_matches(const Manifest& manifest, const Descriptor& descriptor) {
  const auto differs = [&](std::string_view what, std::string_view theirs, std::string_view ours) {
    return mismatch(manifest.id, fmt::format("the descriptor has {} \"{}\", the manifest \"{}\"", what, theirs, ours));
  };
  if (descriptor.id != manifest.id) return differs("id", descriptor.id, manifest.id);
  if (descriptor.version != manifest.version) return differs("version", descriptor.version, manifest.version);
  if (!manifest.phase_ids) return success();
  for (const auto& id : *manifest.phase_ids) {
    if (descriptor.phase(id) == nullptr)
      return mismatch(manifest.id, fmt::format("the phase file has \"{}\", the descriptor has not", id));
  }
  for (const auto& phase : descriptor.phases) {
    if (std::find(manifest.phase_ids->begin(), manifest.phase_ids->end(), phase.id) == manifest.phase_ids->end()) {
      return mismatch(manifest.id, fmt::format("the descriptor has phase \"{}\", the phase file has not", phase.id));
    }
  }
  return success();
}

}  // namespace berth::plugins
