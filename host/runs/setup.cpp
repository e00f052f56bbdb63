#include "host/runs/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "host/core/hash.hpp"
#include "host/core/text.hpp"

namespace berth::runs {

std::optional<std::filesystem::path> Setup::mapping_file() const { return declared->mapping_file ? declared->mapping_file : manifest->mapping; }

Result<Setup> Setup::with_rules(std::string_view text, std::string_view file, config::Findings& findings) const {
  Setup other = *this;
  other.rules = BERTH_TRY(mapping::load_text(text, file, findings));
  other.rules_text = text;
  if (other.rules->plugin() != manifest->id) {
    return make_error(Code::kInvalidConfig, "mapping.other_plugin",
                      fmt::format("{} has rules for the plugin {}, and {} is of {}", file, other.rules->plugin(), id, manifest->id));
  }
  return other;
}

Result<Setup> Setup::with_rules_of(const std::filesystem::path& file, config::Findings& findings) const {
  const auto own = mapping_file();
  if (file.empty() && !own) return make_error(Code::kInvalidConfig, "mapping.no_rules", fmt::format("{} has no mapping rules; name a file under `mapping:`", id));
  const std::string name = (file.empty() ? *own : file).string();
  std::ifstream in(name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.is_open() || in.bad()) return make_error(Code::kNotFound, "runs.file_unreadable", fmt::format("{} cannot be read", name));
  return with_rules(text, name, findings);
}

const Phase* Setup::find_phase(std::string_view phase) const {
  const auto found = std::find_if(phases.begin(), phases.end(), [&](const Phase& p) { return p.id == phase; });
  return found == phases.end() ? nullptr : &*found;
}

const Phase* Setup::phase_of_entity(std::string_view entity) const {
  const auto found = std::find_if(phases.begin(), phases.end(), [&](const Phase& p) { return p.entity == entity; });
  return found == phases.end() ? nullptr : &*found;
}

const config::Company* Setup::find_company(std::string_view company_id) const {
  for (const config::Company* candidate : companies) {
    if (candidate->id == company_id) return candidate;
  }
  return nullptr;
}

std::string Setup::remote_entity_of(std::string_view kind) const {
  if (!rules) return {};
  for (const std::string& entity : rules->entities()) {
    if (entity == kind) return rules->remote_entity(entity);
  }
  return {};
}

mapping::Context Setup::mapping_context() const {
  mapping::Context context;
  context.integration = id;
  context.company = company->id;
  context.base_currency = std::string(company->base_currency.code());
  context.settings = settings;
  return context;
}

namespace {

std::vector<std::string> texts(const json::Value* list) {
  std::vector<std::string> result;
  if (list == nullptr) return result;
  for (const json::Value& item : list->items()) result.emplace_back(item.text());
  return result;
}

/// A value of the phase, else of the defaults, else nullptr.
const json::Value* setting_of(const json::Value& phase, const json::Value* defaults, std::string_view path) {
  if (const json::Value* own = phase.at_path(path)) return own;
  return defaults == nullptr ? nullptr : defaults->at_path(path);
}

}  // namespace

Result<std::vector<Phase>> phases_of(const json::Value& phases_json, const std::vector<std::string>& enabled_optional, config::PullExtent extent) {
  std::vector<Phase> result;
  const json::Value* list = phases_json.find("phases");
  if (list == nullptr || !list->is_array() || list->items().empty()) {
    return make_error(Code::kInvalidConfig, "runs.phases_invalid", "/phases: a list of phases is missing");
  }
  const json::Value* defaults = phases_json.find("defaults");
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    const json::Value& declared = list->items()[i];
    Phase phase;
    phase.id = declared.text_of("id");
    phase.entity = declared.text_of("entity");
    if (phase.id.empty() || phase.entity.empty()) {
      return make_error(Code::kInvalidConfig, "runs.phases_invalid", fmt::format("/phases/{}: `id` and `entity` must be set", i));
    }
    if (const json::Value* optional = declared.find("optional")) phase.is_optional = optional->boolean();
    phase.enabled = !phase.is_optional ||
                    std::find(enabled_optional.begin(), enabled_optional.end(), phase.id) != enabled_optional.end();
    if (const json::Value* size = setting_of(declared, defaults, "page.size")) phase.page_size = size->integer().value_or(200);
    if (const json::Value* total = setting_of(declared, defaults, "page.total")) phase.is_counted = !total->text().empty();
    phase.has_window = declared.find("window") != nullptr;
    if (const json::Value* until = setting_of(declared, defaults, "until")) phase.has_floor = until->is_object();
    const json::Value* detail = declared.find("detail");
    phase.has_detail = detail != nullptr && detail->is_object();
    if (phase.has_detail) {
      if (const json::Value* once = detail->find("once_per_record")) phase.detail_once_per_record = once->boolean();
      if (const json::Value* offered = detail->at_path("unless.offered")) phase.detail_unless_offered = offered->text();
    }
    phase.reducible = phases::reduced_of(declared);
    phase.is_reduced = phase.reducible && extent == config::PullExtent::kReduced;
    phase.volatile_keys = texts(declared.find("volatile"));
    if (const json::Value* files = declared.find("attachments")) {
      for (const json::Value& file : files->items()) {
        Phase::File read{std::string(file.text_of("name")), {}, {}, std::string(file.text_of("cost"))};
        if (const json::Value* unless = file.find("unless")) {
          read.unless_field = unless->text_of("field");
          read.unless_values = texts(unless->find("in"));
        }
        phase.files.push_back(std::move(read));
      }
    }
    if (const json::Value* budget = declared.find("budget")) phase.budget = *budget;
    phase.is_swept = phase.has_detail && setting_of(declared, defaults, "sweep") != nullptr;
    if (const json::Value* rows = setting_of(declared, defaults, "sweep.brake.rows")) phase.brake_rows = rows->integer().value_or(20);
    if (const json::Value* percent = setting_of(declared, defaults, "sweep.brake.percent")) {
      phase.brake_percent = percent->integer().value_or(1);
    }
    result.push_back(std::move(phase));
  }
  const bool is_any_reduced = std::any_of(result.begin(), result.end(), [](const Phase& phase) { return phase.is_reduced; });
  if (extent == config::PullExtent::kReduced && !is_any_reduced) {
    return make_error(Code::kInvalidConfig, "runs.pull_not_reducible",
                      fmt::format("`pull: reduced` is not possible with {}: no phase of it says how", phases_json.text_of("plugin")));
  }
  return result;
}

Result<json::Value> document_of(std::string_view body) {
  json::Parsed parsed = json::parse(body, {.was_checked = true});
  if (!parsed.ok()) {
    return make_error(Code::kBadResponse, "runs.body_not_json", "a record is not JSON: " + parsed.error.message);
  }
  return std::move(parsed.value);
}

std::string content_hash(const json::Value& document, const Phase* phase) {
  std::vector<std::string_view> without;
  if (phase != nullptr) {
    for (const json::Member& member : document.members()) {
      const bool is_volatile = std::any_of(phase->volatile_keys.begin(), phase->volatile_keys.end(),
                                           [&](const std::string& glob) { return matches_glob(glob, member.first); });
      if (is_volatile) without.push_back(member.first);
    }
  }
  return blake2b_hex(json::canonical(document, without));
}

}  // namespace berth::runs
