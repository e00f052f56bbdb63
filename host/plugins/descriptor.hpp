#pragma once
// The descriptor of a plugin: the one machine-readable description of a connector, JSON in the library's static
// storage.
//
//   {"id":"zoho_books","name":"Zoho Books","version":"0.1.0",
//    "phases":[{"id":"invoices","entity":"invoice","after":["contacts"],"optional":false}],
//    "entities":[{"id":"invoice","version":"time"}],
//    "cost_classes":[{"id":"invoices.detail","default":"40%"}],
//    "configuration":{...}, "oauth":{...}, "webhook":{...}}
//
// Only id, version, phases and entities must be there. Plain data, any thread.
// Errors: plugin.descriptor_invalid, plugin.descriptor_mismatch.
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/core/result.hpp"

namespace berth::plugins {

struct Manifest;

/// How versions of an entity's records compare: times and counters have an order, opaque ones are only equal or not.
enum class VersionKind { kTime, kCounter, kOpaque };

struct DescribedPhase {
  std::string id;
  std::string entity;
  std::vector<std::string> after;  // phases that are pulled before it
  bool optional = false;           // runs only where the configuration turns it on
};

struct DescribedEntity {
  std::string id;
  VersionKind version = VersionKind::kOpaque;
};

/// A budget that requests draw on, "invoices.detail", with its default: "40%" of what is left of the day, or a number.
struct CostClass {
  std::string id;
  std::string default_budget;
};

struct Descriptor {
  static constexpr std::size_t kBytesMax = 1u << 20u;
  std::string id;
  std::string name;
  std::string version;
  std::vector<DescribedPhase> phases;  // in their order; `after` names only phases of this list and has no cycle
  std::vector<DescribedEntity> entities;
  std::vector<CostClass> cost_classes;
  json::Value configuration;  // null where the plugin gives none; so the next two
  json::Value oauth;
  json::Value webhook;
  json::Value json;  // all of it

  /// nullptr where there is none.
  [[nodiscard]] const DescribedPhase* phase(std::string_view phase_id) const;
  [[nodiscard]] const DescribedEntity* entity(std::string_view entity_id) const;
};

[[nodiscard]] Result<Descriptor> parse_descriptor(std::string_view text, std::string_view plugin);

/// Id, version and phases of the manifest are those of the descriptor.
[[nodiscard]] Status check_matches(const Manifest& manifest, const Descriptor& descriptor);

}  // namespace berth::plugins
