#pragma once
// One integration, ready to run: what configuration, plugin and rules say, put together once by the composition root.
// Immutable while runs use it; shared between threads.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "berth/phases.hpp"
#include "host/config/config.hpp"
#include "host/core/result.hpp"
#include "host/mapping/mapping.hpp"
#include "host/plugins/manifest.hpp"

namespace berth::runs {

/// How often a phase runs that the schedule does not name.
inline constexpr std::chrono::milliseconds kDefaultInterval{3'600'000};

/// What the host itself needs to know of a phase; the plugin reads the whole declaration.
struct Phase {
  std::string id;
  std::string entity;
  bool is_optional = false;                  // off unless the integration names it in its schedule
  bool enabled = true;
  std::int64_t page_size = 200;
  bool is_counted = false;                   // its list says how many rows it has, and rows enter it at its front only
  bool has_window = false;                   // its list can be asked for documents of some days
  bool has_floor = false;                    // the first pass ends at the floor of the integration
  bool has_detail = true;
  bool detail_once_per_record = false;       // a record that has any detail gets no other
  struct File {
    std::string name;
    std::string unless_field;                // no file where the detail's field has one of these values
    std::vector<std::string> unless_values;
    std::string cost;                        // class of its budget
  };
  std::vector<File> files;                   // attachments, best effort
  std::optional<phases::Reduced> reducible;  // how it is pulled with `pull: reduced`; nothing: as ever
  bool is_reduced = false;                   // and it is, because the integration says so
  /// Which list rows stand for their documents; nullptr: none does.
  [[nodiscard]] const phases::Reduced* reduced() const { return is_reduced && reducible ? &*reducible : nullptr; }
  std::string detail_unless_offered;         // no detail while another document offers that value
  std::vector<std::string> volatile_keys;    // globs of top-level keys that are no part of the content hash
  json::Value budget;                        // {"invoices.detail":"40%"}
  bool is_swept = false;                     // `archiving` compares its ids; only what has a detail can be asked about
  std::int64_t brake_rows = 20;
  std::int64_t brake_percent = 1;
};

struct Setup {
  std::string id;                            // of the integration
  const config::Integration* declared = nullptr;
  const config::Company* company = nullptr;  // the integration's own
  std::vector<const config::Company*> companies;
  const plugins::Manifest* manifest = nullptr;
  std::string pin_sha256;
  json::Value phases_json;                   // the phases file as JSON
  std::vector<Phase> phases;                 // in their order
  std::map<std::string, bool> entity_version_is_time;
  std::optional<mapping::Rules> rules;
  std::string rules_text;
  std::map<std::string, json::Value> settings;

  /// Where the rules are: the integration's own file, else the plugin's.
  [[nodiscard]] std::optional<std::filesystem::path> mapping_file() const;
  /// This integration with the rules of that text. Errors: mapping.invalid with findings, mapping.other_plugin.
  [[nodiscard]] Result<Setup> with_rules(std::string_view text, std::string_view file, config::Findings& findings) const;
  /// The same with the rules that are in a file now. Errors besides: runs.file_unreadable, mapping.no_rules where `file` is
  /// empty and the integration names none.
  [[nodiscard]] Result<Setup> with_rules_of(const std::filesystem::path& file, config::Findings& findings) const;
  [[nodiscard]] const Phase* find_phase(std::string_view phase) const;
  /// The phase that brings records of that remote entity.
  [[nodiscard]] const Phase* phase_of_entity(std::string_view entity) const;
  [[nodiscard]] const config::Company* find_company(std::string_view company_id) const;
  /// "customer" → "contact": the remote entity whose records become rows of that kind; "" if the rules make none.
  [[nodiscard]] std::string remote_entity_of(std::string_view kind) const;
  [[nodiscard]] mapping::Context mapping_context() const;
};

/// The phases of a phases file (as JSON) with its defaults. `enabled_optional` are the optional ones that are switched on.
/// Errors: runs.phases_invalid with the JSON path; runs.pull_not_reducible where reduced is asked for and no phase says how.
Result<std::vector<Phase>> phases_of(const json::Value& phases_json, const std::vector<std::string>& enabled_optional,
                                     config::PullExtent extent = config::PullExtent::kFull);

/// Text that equals for two answers exactly when they say the same: canonical JSON without volatile keys, hashed.
std::string content_hash(const json::Value& document, const Phase* phase);

/// A record's body as a tree; the boundary of plugins has checked it. Errors: runs.body_not_json.
Result<json::Value> document_of(std::string_view body);

}  // namespace berth::runs
