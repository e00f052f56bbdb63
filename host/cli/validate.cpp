#include "host/cli/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/cli/commands.hpp"
#include "host/core/text.hpp"
#include "host/http/budget.hpp"
#include "host/http/url.hpp"
#include "host/mapping/mapping.hpp"
#include "host/plugins/manifest.hpp"
#include "host/plugins/phase_file.hpp"
#include "host/runs/timing.hpp"

namespace berth::cli {

namespace {

namespace fs = std::filesystem;
using config::Findings;
using config::Node;

/// Schedules besides the phases: what a complete pass archives, and deposits of the books.
constexpr std::string_view kSchedulesOfTheHost[] = {"archiving", "deposits"};
constexpr std::size_t kNameShown = 60;

/// What a phase file says that names in berth.yaml may refer to.
struct PhaseNames {
  std::vector<std::string> phases;
  std::vector<std::string> cost_classes;
  bool is_reducible = false;   // a phase says how it is pulled without details
};

PhaseNames names_of(const phases::File& file) {
  PhaseNames names;
  std::set<std::string> costs;
  for (const phases::Phase& phase : file.phases) {
    names.phases.push_back(phase.id);
    names.is_reducible = names.is_reducible || phase.reduced.has_value();
    if (phase.detail) costs.insert(phase.detail->cost);
    for (const phases::Part& part : phase.parts) costs.insert(part.cost);
    for (const phases::Attachment& attachment : phase.attachments) costs.insert(attachment.cost);
    for (const phases::Budget& budget : phase.budget) costs.insert(budget.cost);
  }
  costs.erase("");
  names.cost_classes.assign(costs.begin(), costs.end());
  return names;
}

class Validator {
 public:
  Validator(const config::Config& config, fs::path shown_folder, const std::vector<fs::path>& first, Findings& findings)
      : config_(config), shown_folder_(std::move(shown_folder)), findings_(findings),
        discovered_(plugins::discover(app::plugin_folders(config, first))) {
    for (const plugins::Discovered& each : discovered_) {
      if (each.manifest) ids_.push_back(each.manifest->id);
    }
  }

  void check(const Node& root) {
    public_url(root);
    const Node* integrations = root.find("integrations");
    if (integrations == nullptr) return;
    for (const Node& each : integrations->items) integration(each);
  }

 private:
  void public_url(const Node& root) {
    const Node* server = root.find("server");
    const Node* node = server == nullptr ? nullptr : server->find("public_url");
    const auto url = http::Url::parse(config_.server.public_url);
    if (node == nullptr || !url || url->is_https() || url->is_loopback()) return;
    findings_.warning(node->place, "config.public_http", "`public_url` is http, so codes and tokens come to this host unprotected",
                      "put a proxy with TLS before it and write https");
  }

  void integration(const Node& node) {
    const Node* id = node.find("id");
    const config::Integration* declared = id == nullptr ? nullptr : config_.find_integration(id->scalar);
    if (declared == nullptr) return;
    if (const Node* mapping = node.find("mapping"); mapping != nullptr && declared->mapping_file && is_new(*declared->mapping_file)) {
      // What it finds is in the findings; the rules themselves are not needed here.
      static_cast<void>(mapping::load_file(shown(mapping->scalar), findings_));
    }
    const plugins::Manifest* manifest = plugin(node);
    const auto names = phases_of(node, *declared, manifest);
    if (!names) return;
    if (const Node* pull = node.find("pull"); pull != nullptr && declared->pull == config::PullExtent::kReduced && !names->is_reducible) {
      findings_.error(pull->place, "runs.pull_not_reducible", fmt::format("no phase of {} says how it is pulled without details", declared->plugin), "write `pull: full`");
    }
    std::vector<std::string> schedules = names->phases;
    schedules.insert(schedules.end(), std::begin(kSchedulesOfTheHost), std::end(kSchedulesOfTheHost));
    schedules.emplace_back("zone");
    if (const Node* deposits = node.find("schedule") == nullptr ? nullptr : node.find("schedule")->find("deposits"); deposits != nullptr && declared->mode == config::Mode::kPullOnly) {
      findings_.warning(deposits->place, "config.deposits_pull_only", "`deposits` does nothing with `mode: pull_only`: nothing is sent", "leave it out, or set `mode: two_way`");
    }
    keys(node.find("schedule"), schedules, "config.phase_unknown", fmt::format("a phase of {}", declared->plugin));
    std::vector<std::string> budgets = names->cost_classes;
    budgets.emplace_back(http::kRunBudget);
    budgets.emplace_back(runs::kArchiving);
    keys(node.find("budgets"), budgets, "config.cost_class_unknown", fmt::format("a cost class of {}", declared->plugin));
  }

  const plugins::Manifest* plugin(const Node& node) {
    const Node* name = node.find("plugin");
    if (name == nullptr) return nullptr;
    std::string refused;
    bool has_any = false;
    for (const plugins::Discovered& each : discovered_) {
      if (each.manifest && each.manifest->id == name->scalar) return &*each.manifest;
      has_any = has_any || each.manifest || each.file.filename() == "plugin.yaml";
      if (each.refusal && refused.empty()) refused = each.refusal->message;
    }
    const std::string id = shortened(name->scalar, kNameShown);
    if (!has_any) {
      findings_.warning(name->place, "config.plugin_unknown", fmt::format("no plugins were found, so nothing was checked against `{}`", id),
                        "name their folder in `plugins: {paths: [...]}`");
      return nullptr;
    }
    std::string hint = config::did_you_mean(name->scalar, ids_);
    if (hint.empty()) hint = refused.empty() ? fmt::format("there are: {}", join(ids_, ", ")) : fmt::format("one is refused: {}", refused);
    findings_.error(name->place, "config.plugin_unknown", fmt::format("there is no plugin `{}`", id), hint);
    return nullptr;
  }

  /// Of the integration's own phase file, else of the plugin's; nothing where there is none, or none that can be read.
  std::optional<PhaseNames> phases_of(const Node& node, const config::Integration& declared, const plugins::Manifest* manifest) {
    const Node* own = node.find("phases");
    const bool is_own = own != nullptr && declared.phases_file.has_value();
    if (!is_own && (manifest == nullptr || !manifest->phases)) return std::nullopt;
    const fs::path path = is_own ? *declared.phases_file : *manifest->phases;
    Findings found;
    const auto file = config::load_yaml(path, found, {}, is_own ? shown(own->scalar) : path.string());
    if (file) plugins::check_phase_file(*file, found);
    if (is_own && is_new(path)) {
      for (const config::Finding& each : found.all()) findings_.add(each);
    }
    // Half a list of phases would refuse names that are right.
    if (!file || found.has_errors()) return std::nullopt;
    return names_of(phases::parse(config::to_json(*file)).file);
  }

  void keys(const Node* map, const std::vector<std::string>& known, std::string_view id, const std::string& what) {
    if (map == nullptr) return;
    for (const config::Member& member : map->members) {
      if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
      std::string hint = config::did_you_mean(member.key, known);
      if (hint.empty()) hint = known.empty() ? "there are none" : fmt::format("there are: {}", join(known, ", "));
      findings_.error(member.key_place, std::string(id), fmt::format("`{}` is not {}", shortened(member.key, kNameShown), what), hint);
    }
  }

  /// As findings name a file beside berth.yaml.
  [[nodiscard]] std::string shown(const fs::path& path) const { return (shown_folder_ / path).lexically_normal().string(); }
  /// Files that several integrations name are reported once.
  bool is_new(const fs::path& file) { return reported_.insert(file).second; }

  const config::Config& config_;
  fs::path shown_folder_;
  Findings& findings_;
  std::vector<plugins::Discovered> discovered_;
  std::vector<std::string> ids_;
  std::set<fs::path> reported_;
};

}  // namespace

Result<config::Config> validate_config(const fs::path& file, const std::vector<fs::path>& first, Findings& findings) {
  config::Config config = BERTH_TRY(config::load(file, findings));
  // The tree again, for the places; what is wrong with it was found above.
  Findings known;
  const Node root = BERTH_TRY(config::load_yaml(file, known));
  Validator(config, file.parent_path(), first, findings).check(root);
  return config;
}

int config_validate(const Global& global) {
  config::Findings findings;
  std::vector<fs::path> first;
  for (const std::string& folder : global.plugin_dirs) first.emplace_back(folder);
  const auto loaded = validate_config(global.config, first, findings);
  const bool is_valid = loaded.ok() && !findings.has_errors();
  if (global.json) {
    print_json(json::Value::object({{"valid", is_valid}, {"findings", findings.to_json()}}));
  } else if (!findings.empty()) {
    print(findings.print());
  } else if (loaded.ok()) {
    print_line(fmt::format("{}: fine; {}, {}", global.config, counted(loaded->companies.size(), "company", "companies"),
                           counted(loaded->integrations.size(), "integration", "integrations")));
  }
  if (!loaded.ok() && findings.empty()) return fail(global, loaded.error());
  return is_valid ? kFine : kFindings;
}

}  // namespace berth::cli
