// Loads a rules file: reads the YAML, compiles every entity, then checks what concerns several of them.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "host/core/hash.hpp"
#include "host/core/text.hpp"
#include "host/mapping/entity_compiler.hpp"
#include "host/mapping/mapping.hpp"

namespace berth::mapping {
namespace {

constexpr std::size_t kRevisionDigits = 12;

bool is_plugin_id(std::string_view id) { return is_reason_id(fmt::format("{}.x", id)) && id.find('.') == std::string_view::npos; }

class Loader {
 public:
  explicit Loader(config::Findings& findings) : report_(findings) {}

  std::shared_ptr<const Rules::Data> load(const Node& root, std::string_view text) {
    auto data = std::make_shared<Rules::Data>();
    data->revision = revision_of(text);
    data->file = root.place.source ? root.place.source->file : std::string();
    if (!check_map(report_, root, "a rules file", {"revision", "plugin", "settings", "derived", "entities"})) return data;
    if (const Node* revision = need(report_, root, "a rules file", "revision")) {
      if (!revision->is_scalar() || revision->scalar != "1") {
        report_.add(revision->place, "mapping.revision", fmt::format("this program reads revision 1, not {}", revision->describe()));
      }
    }
    if (const Node* plugin = need(report_, root, "a rules file", "plugin")) {
      data->plugin = text_of(report_, *plugin, "`plugin`");
      if (!data->plugin.empty() && !is_plugin_id(data->plugin)) {
        report_.add(plugin->place, "mapping.plugin_id", fmt::format("`{}` is not the id of a plugin", data->plugin));
      }
    }
    file_.plugin = data->plugin;
    if (const Node* settings = root.find("settings")) load_settings(*settings, data->settings);
    file_.settings = data->settings;
    if (const Node* derived = root.find("derived")) load_derived(*derived, data->derived);
    if (const Node* entities = need(report_, root, "a rules file", "entities")) load_entities(*entities, data->entities);
    check_settings_used(root);
    check_labels();
    data->reads = reads_of(data->entities);
    data->points = std::move(file_.points);
    return data;
  }

 private:
  void load_settings(const Node& node, std::vector<Rules::Setting>& out) {
    if (!node.is_map()) {
      report_.add(node.place, "mapping.node_kind", fmt::format("`settings` must be a map, not {}", node.describe()));
      return;
    }
    static const std::vector<std::string> kKinds{"text", "boolean", "integer", "decimal"};
    for (const config::Member& member : node.members) {
      Rules::Setting& setting = out.emplace_back();
      setting.name = member.key;
      const std::string what = fmt::format("the setting `{}`", member.key);
      if (!check_map(report_, member.value, what, {"kind", "default", "help"})) continue;
      if (const Node* kind = need(report_, member.value, what, "kind")) {
        const std::string name = text_of(report_, *kind, "`kind`");
        if (is_one_of(name, kKinds)) {
          setting.kind = *type_named(name);
        } else {
          report_.add(kind->place, "mapping.type_unknown", fmt::format("a setting cannot be of the kind `{}`", name), "text, boolean, integer and decimal are kinds");
        }
      }
      if (const Node* help = member.value.find("help")) setting.help = text_of(report_, *help, "`help`");
      if (const Node* otherwise = member.value.find("default")) {
        setting.otherwise = literal_of(report_, *otherwise, "`default`");
        if (!setting.otherwise) continue;
        const StaticType given{type_of_literal(*setting.otherwise), "", false};
        const bool is_exact = given.type == setting.kind || (given.type == FieldType::kInteger && setting.kind == FieldType::kDecimal);
        if (!is_exact) {
          report_.add(otherwise->place, "mapping.type", fmt::format("the default of `{}` is {}, not {}", member.key, describe(given), describe({setting.kind, "", false})));
        }
      }
    }
  }

  void load_derived(const Node& node, std::vector<Rules::Derived>& out) {
    if (!node.is_map()) {
      report_.add(node.place, "mapping.node_kind", fmt::format("`derived` must be a map, not {}", node.describe()));
      return;
    }
    for (const config::Member& member : node.members) {
      const std::string what = fmt::format("`{}`", member.key);
      if (!check_map(report_, member.value, what, {"kind", "in"})) continue;
      Rules::Derived& derived = out.emplace_back();
      derived.name = member.key;
      if (const Node* kind = need(report_, member.value, what, "kind")) {
        derived.kind = text_of(report_, *kind, "`kind`");
        if (derived.kind != "classification_line" && derived.kind != "item") {
          report_.add(kind->place, "mapping.ensure_kind", fmt::format("a {} cannot be made from a name", derived.kind));
        }
      }
      if (const Node* scope = need(report_, member.value, what, "in")) derived.scope = text_of(report_, *scope, "`in`");
    }
  }

  void load_entities(const Node& node, std::vector<Entity>& out) {
    if (!node.is_map() || node.members.empty()) {
      report_.add(node.place, "mapping.node_kind", fmt::format("`entities` must be a map with at least one entity, not {}", node.describe()));
      return;
    }
    file_.entities = node.keys();
    std::vector<EntityScope> scopes(node.members.size());
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      compile_entity(report_, file_, node, node.members[i], out.emplace_back(), scopes[i]);
    }
    check_offers(node, out, scopes);
    check_park_cycles(scopes);
  }

  void check_offers(const Node& node, const std::vector<Entity>& entities, const std::vector<EntityScope>& scopes) {
    const auto is_offered = [&](std::string_view to, std::string_view name) {
      return std::any_of(entities.begin(), entities.end(), [&](const Entity& entity) {
        return std::any_of(entity.offers.begin(), entity.offers.end(), [&](const OfferRule& offer) {
          return offer.to == to && std::any_of(offer.values.begin(), offer.values.end(), [&](const auto& value) { return value.first == name; });
        });
      });
    };
    for (const EntityScope& scope : scopes) {
      for (const auto& [name, place] : scope.offered) {
        if (!is_offered(scope.name, name)) report_.add(place, "mapping.offered_unknown", fmt::format("no entity offers `{}` to `{}`", name, scope.name));
      }
    }
    for (const config::Member& member : node.members) {
      const Node* offers = member.value.find("offers");
      if (offers == nullptr) continue;
      for (const Node& offer : offers->items) {
        const Node* to = offer.find("to");
        if (to == nullptr || is_one_of(to->scalar, file_.entities)) continue;
        report_.add(to->place, "mapping.offer", fmt::format("`{}` is not an entity of this file", to->scalar), config::did_you_mean(to->scalar, file_.entities));
      }
    }
  }

  /// An entity waits for others by `park`; a circle of different entities can never post. An entity that waits for rows
  /// of its own kind is fine.
  void check_park_cycles(const std::vector<EntityScope>& scopes) {
    const auto scope_of = [&](std::string_view name) {
      return std::find_if(scopes.begin(), scopes.end(), [&](const EntityScope& scope) { return scope.name == name; });
    };
    std::set<std::string> done;
    std::vector<std::string> way;
    const std::function<void(const EntityScope&)> visit = [&](const EntityScope& scope) {
      way.push_back(scope.name);
      for (const auto& [kind, place] : scope.parks) {
        if (kind == scope.name || done.count(kind) > 0) continue;
        const auto start = std::find(way.begin(), way.end(), kind);
        if (start != way.end()) {
          std::vector<std::string> circle(start, way.end());
          circle.push_back(kind);
          report_.add(place, "mapping.park_cycle", fmt::format("these wait for each other: {}", join(circle, " → ")));
        } else if (const auto next = scope_of(kind); next != scopes.end()) {
          visit(*next);
        }
      }
      way.pop_back();
      done.insert(scope.name);
    };
    for (const EntityScope& scope : scopes) {
      if (done.count(scope.name) == 0) visit(scope);
    }
  }

  void check_settings_used(const Node& root) {
    const Node* settings = root.find("settings");
    if (settings == nullptr) return;
    for (const config::Member& member : settings->members) {
      if (file_.settings_used.count(member.key) == 0) {
        report_.add(member.key_place, "mapping.setting_unused", fmt::format("no rule reads the setting `{}`", member.key));
      }
    }
  }

  void check_labels() {
    std::map<std::string, std::string> by_lower;
    for (const auto& [label, place] : file_.labels) {
      const auto [other, is_new] = by_lower.emplace(lower_ascii(label), label);
      if (is_new || other->second == label) continue;
      report_.add(place, "mapping.label_case", fmt::format("the labels \"{}\" and \"{}\" differ only in case", other->second, label));
    }
  }

  Report report_;
  FileScope file_;
};

}  // namespace

std::string revision_of(std::string_view text) { return blake2b_hex(text).substr(0, kRevisionDigits); }

Result<Rules> load_text(std::string_view text, std::string_view file, config::Findings& findings) {
  const std::size_t before = findings.errors();
  const auto root = config::parse_yaml(std::string(text), std::string(file), findings);
  std::shared_ptr<const Rules::Data> data;
  if (root) data = Loader(findings).load(*root, text);
  const std::size_t errors = findings.errors() - before;
  if (!root || errors > 0) {
    return make_error(Code::kInvalidConfig, "mapping.invalid", fmt::format("{} has {} error{}", file, errors, errors == 1 ? "" : "s"));
  }
  return Rules(std::move(data));
}

Result<Rules> load_file(const std::string& path, config::Findings& findings) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.is_open() || in.bad()) {
    findings.error(config::Place{}, "config.file_unreadable", fmt::format("{} cannot be read", path), "check the path and its permissions");
    return make_error(Code::kEnvironment, "config.file_unreadable", fmt::format("{} cannot be read", path));
  }
  return load_text(text, path, findings);
}

std::string Rules::file() const { return data_->file; }
const Points& Rules::points() const { return data_->points; }
std::string Rules::revision() const { return data_->revision; }
std::string Rules::plugin() const { return data_->plugin; }
const std::vector<Rules::Setting>& Rules::settings() const { return data_->settings; }
std::vector<Rules::Derived> Rules::derived() const { return data_->derived; }

std::vector<std::string> Rules::entities() const {
  std::vector<std::string> names;
  for (const Entity& entity : data_->entities) names.push_back(entity.name);
  return names;
}

std::string Rules::remote_entity(std::string_view entity) const {
  const Entity* found = data_->find(entity);
  return found == nullptr ? std::string() : found->from;
}

std::vector<std::string> Rules::entities_of(std::string_view remote_entity) const {
  std::vector<std::string> names;
  for (const Entity& entity : data_->entities) {
    if (entity.from == remote_entity) names.push_back(entity.name);
  }
  return names;
}

bool Rules::needs_detail(std::string_view entity) const {
  const Entity* found = data_->find(entity);
  return found != nullptr && found->needs_detail;
}

const Entity* Rules::Data::find(std::string_view entity) const {
  const auto found = std::find_if(entities.begin(), entities.end(), [&](const Entity& one) { return one.name == entity; });
  return found == entities.end() ? nullptr : &*found;
}

}  // namespace berth::mapping
